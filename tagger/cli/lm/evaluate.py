"""`tagger lm evaluate`."""

from __future__ import annotations

import click

from tagger.cli import console
from tagger.cli.options import encoding_option, json_option, print_json
from tagger.cli.paths import FILE, FOLDER


@click.command(no_args_is_help=True)
@click.argument("run", type=FOLDER)
@click.argument("files", type=FILE, nargs=-1, required=True, metavar="FILE...")
@click.option(
    "--tokenizer",
    metavar="NAME",
    help="Tokenizer of raw text; whitespace if it is tokenized.  [default: as in training]",
)
@encoding_option
@json_option
def command(
    run: str, files: tuple[str, ...], tokenizer: str | None, encoding: str | None, as_json: bool
) -> None:
    """Classify labeled texts with the conditional model in RUN, as a check of the model.

    The label of a text is the most probable one by Bayes' rule: the model's probability of the text
    given the label, times the share of the label in train. Printed are accuracy and macro F1,
    beside those of always predicting the most frequent label of train, and the confusion matrix.

    \b
    Example:
      tagger lm evaluate runs/genres test.jsonl
    """
    from tagger.evaluation import bayes

    scores = bayes.evaluate(run, files, tokenizer=tokenizer, encoding=encoding or "auto")
    if as_json:
        print_json(scores.as_json())
    else:
        console.result(bayes.report(scores))
