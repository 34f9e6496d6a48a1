"""`tagger classify predict`."""

from __future__ import annotations

import sys
from dataclasses import asdict

import click

from tagger.cli import console
from tagger.cli.classify.options import text_column, threshold_option
from tagger.cli.command import Command
from tagger.cli.options import encoding_option, print_json
from tagger.cli.paths import FILE, FOLDER


@click.command(cls=Command, no_args_is_help=True)
@click.argument("run", type=FOLDER)
@click.argument("files", type=FILE, nargs=-1, required=True, metavar="FILE...")
@click.option(
    "--output",
    "-o",
    type=FOLDER,
    metavar="DIR",
    help="Folder of the outputs.  [default: standard output]",
)
@click.option(
    "--format",
    "source_format",
    type=click.Choice(["auto", "jsonl", "csv", "text"]),
    default="auto",
    show_default=True,
    help="Input format: csv is a table with a header row and any delimiter, text has one text per "
    "line; auto recognizes it by the content of each file.",
)
@click.option(
    "--to",
    "target_format",
    type=click.Choice(["jsonl", "tsv"]),
    default="jsonl",
    show_default=True,
    help="Output format: JSON Lines, or a table whose columns tabs separate.",
)
@text_column
@encoding_option
@threshold_option
@click.option("--probabilities", is_flag=True, help="Write the probability of every label.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print the summary as JSON. Requires --output."
)
def command(
    run: str,
    files: tuple[str, ...],
    output: str | None,
    source_format: str,
    target_format: str,
    text_column: str | None,
    encoding: str | None,
    threshold: float | None,
    probabilities: bool,
    as_json: bool,
) -> None:
    """Classify the texts of files and folders with the classifier in RUN; - is standard input.

    Each record of JSON Lines or of a table, or each line of text, is one text. Records come back
    with their label and its probability. Files of any size take little memory, and every output
    file appears whole or not at all. If one input is ill-formed, the others are classified all the
    same, and the exit status is 1.

    \b
    Examples:
      tagger classify predict runs/reviews new.jsonl
      tagger classify predict runs/reviews tickets/ --to tsv --output classified/
      echo "A quiet, lovely film." | tagger classify predict runs/reviews -
    """
    if as_json and output is None:
        raise click.UsageError("--json needs --output: the classified texts are on standard output")
    from tagger.classification.classifier import load
    from tagger.classification.files import classify_files

    shows = output is not None or not sys.stdout.isatty()

    def show(source: str, count: int) -> None:
        if shows and count % 100 == 0:
            console.show_bar(0.0, f"{source}  {count:,} texts")

    with load(run) as model:
        if threshold is not None and not model.bundle.is_multi_label:
            raise click.UsageError(
                "the model predicts exactly one label per text; leave out --threshold"
            )
        done = classify_files(
            model,
            files,
            output,
            source_format=source_format,
            target_format=target_format,
            text_column=text_column,
            encoding=encoding or "auto",
            threshold=threshold,
            probabilities=probabilities,
            on_progress=show,
        )
    if output is not None:
        console.note(
            f"Classified {done.texts:,} texts of {done.files} of {done.files + len(done.failures)} "
            f"files in {done.seconds:.1f} s into {output}"
        )
    for note in done.notes:
        console.note(f"note: {note}")
    for failure in done.failures:
        console.warn(failure.message, "Error")
    if as_json:
        print_json(asdict(done) | {"failures": dict(done.failures)})
    sys.exit(1 if done.failures else 0)
