"""`tagger classify evaluate`."""

from __future__ import annotations

import click

from tagger.cli import console
from tagger.cli.classify.options import label_columns, text_column, threshold_option
from tagger.cli.command import Command
from tagger.cli.options import encoding_option, json_option, print_json
from tagger.cli.paths import FILE, FOLDER


@click.command(cls=Command, no_args_is_help=True)
@click.argument("run", type=FOLDER)
@click.argument("files", type=FILE, nargs=-1, required=True, metavar="FILE...")
@text_column
@label_columns
@encoding_option
@threshold_option
@click.option(
    "--report",
    "report_file",
    type=FILE,
    metavar="FILE",
    help="Write a report in Markdown: the scores, and the texts with wrong labels.",
)
@json_option
def command(
    run: str,
    files: tuple[str, ...],
    text_column: str | None,
    label_column: str | None,
    label_separator: str | None,
    encoding: str | None,
    threshold: float | None,
    report_file: str | None,
    as_json: bool,
) -> None:
    """Score the classifier in RUN on files of labeled texts, taken together.

    Accuracy is the percentage of texts whose labels are all right; precision, recall and F1 count
    pairs of a text and a label.

    \b
    Examples:
      tagger classify evaluate runs/reviews test.jsonl
      tagger classify evaluate runs/reviews test.jsonl --report errors.md
    """
    from tagger.classification import report
    from tagger.classification.classifier import load
    from tagger.classification.evaluation import evaluated
    from tagger.files import atomic_write

    with load(run) as model:
        if threshold is not None and not model.bundle.is_multi_label:
            raise click.UsageError(
                "the model predicts exactly one label per text; leave out --threshold"
            )
        found = evaluated(
            model,
            files,
            text_column=text_column,
            label_column=label_column,
            label_separator=label_separator,
            encoding=encoding or "auto",
            threshold=threshold,
            on_corpus=lambda corpus: console.note(corpus.summary()),
        )
    for label, count in sorted(found.scores.unknown.items()):
        console.warn(
            f"the model does not have the label {label}, so {count:,} texts with it count as wrong"
        )
    if report_file:
        with atomic_write(report_file) as stream:
            stream.write(report.markdown(found, run))
        console.note(f"The report is in {report_file}.")
    if as_json:
        print_json(found.scores.as_json())
    else:
        console.result(report.report(found.scores))
