"""`tagger lm score`."""

from __future__ import annotations

import json

import click


@click.command(no_args_is_help=True)
@click.argument("run")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="A JSON object a sentence, with every step, and one for all of them.",
)
@click.option(
    "--tokenizer",
    metavar="NAME",
    help="Of raw text; by default that of the model's training. whitespace: tokenized.",
)
@click.option(
    "--wrapped", is_flag=True, help="Raw text is wrapped: only a blank line ends a paragraph."
)
@click.option(
    "--carry",
    is_flag=True,
    help="Read the sentences as one text: each goes on where the one before it ended.",
)
def command(
    run: str,
    files: tuple[str, ...],
    as_json: bool,
    tokenizer: str | None,
    wrapped: bool,
    carry: bool,
) -> None:
    """Say how probable the sentences of files are to the model in RUN; - is standard input.

    \b
    tagger lm score runs/news sentences.txt
    echo "The apple and pear salad" | tagger lm score runs/news -

    A line a sentence: the natural logarithm of its probability, the product of all steps and <EOS>;
    its perplexity; its text. The last line is of all of them. Figures of models with different
    vocabularies do not compare: see how much is unknown.
    """
    from tagger.language_models import scoring

    total = scoring.CorpusScore()
    for scored in scoring.score_files(
        run, files, tokenizer=tokenizer, wrapped=wrapped, carry=carry
    ):
        total.add(scored)
        line = f"{scored.log_probability:.4f}\t{scored.perplexity:.4f}\t{scored.text}"
        click.echo(json.dumps(scored.as_dict(), ensure_ascii=False) if as_json else line)
    click.echo(json.dumps(total.as_dict()) if as_json else total.sentence())
