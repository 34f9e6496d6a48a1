"""`tagger lm score`."""

from __future__ import annotations

import json

import click

from tagger.cli.options import encoding_option, label_option
from tagger.cli.paths import FILE, FOLDER


@click.command(no_args_is_help=True)
@click.argument("run", type=FOLDER)
@click.argument("files", type=FILE, nargs=-1, required=True, metavar="FILE...")
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print one JSON object per sentence, with every step, and one for the total.",
)
@click.option(
    "--tokenizer",
    metavar="NAME",
    help="Tokenizer of raw text; whitespace if it is tokenized.  [default: as in training]",
)
@click.option(
    "--wrapped", is_flag=True, help="Raw text is wrapped: only a blank line ends a paragraph."
)
@encoding_option
@click.option(
    "--carry",
    is_flag=True,
    help="Read the sentences as one text: each starts from the state after the previous one.",
)
@label_option("Label of the texts, for a conditional model.  [default: the label of each text]")
def command(
    run: str,
    files: tuple[str, ...],
    as_json: bool,
    tokenizer: str | None,
    wrapped: bool,
    encoding: str | None,
    carry: bool,
    label: str | None,
) -> None:
    """Print the log-probability of each sentence of the files; - is standard input.

    One line per sentence: the natural logarithm of its probability, which is the product of all
    steps and of <EOS>; its perplexity; its text. The last line is the total. Perplexities of models
    with different vocabularies cannot be compared; the total states the share of unknown tokens.
    The probabilities of a conditional model are given a label, which is then the third column.

    \b
    Examples:
      tagger lm score runs/news sentences.txt
      tagger lm score runs/genres sentences.txt --label sport
      echo "The apple and pear salad" | tagger lm score runs/news -
    """
    from tagger.language_models import scoring

    total = scoring.CorpusScore()
    for scored in scoring.score_files(
        run,
        files,
        tokenizer=tokenizer,
        wrapped=wrapped,
        encoding=encoding or "auto",
        carry=carry,
        label=label,
    ):
        total.add(scored)
        shown = [] if scored.label is None else [scored.label]
        figures = [f"{scored.log_probability:.4f}", f"{scored.perplexity:.4f}"]
        line = "\t".join([*figures, *shown, scored.text])
        click.echo(json.dumps(scored.as_dict(), ensure_ascii=False) if as_json else line)
    click.echo(json.dumps(total.as_dict()) if as_json else total.sentence())
