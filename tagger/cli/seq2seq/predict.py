"""`tagger seq2seq predict`."""

from __future__ import annotations

import click

from tagger.cli import console
from tagger.cli.command import Command
from tagger.cli.paths import FILE, FOLDER
from tagger.cli.seq2seq.options import beam_option, column_options, reading_of


@click.command(cls=Command, no_args_is_help=True)
@click.argument("run", type=FOLDER)
@click.argument("file", type=FILE)
@click.option(
    "--output",
    "-o",
    type=FILE,
    metavar="FILE",
    help="File of the predictions, which appears whole or not at all.  [default: standard output]",
)
@column_options
@beam_option
@click.option(
    "--count",
    type=click.IntRange(min=1),
    default=1,
    metavar="N",
    show_default=True,
    help="Number of targets per source, the most probable ones; at most K of --beam.",
)
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Write JSON Lines, as is always done for sources in JSON Lines.",
)
def command(
    run: str,
    file: str,
    output: str | None,
    beam: int,
    count: int,
    as_json: bool,
    **columns: str | int | None,
) -> None:
    """Predict the targets of the sources in FILE, which is a stream; - is standard input.

    FILE is a text with a source per line, a table or JSON Lines. A line of the output is a source,
    a target and the natural logarithm of its probability, divided by tabs; with --count there are
    several per source. Objects of JSON Lines come back with "predictions".

    \b
    Examples:
      echo "3 May 1999" | tagger seq2seq predict runs/dates -
      tagger seq2seq predict runs/dates dates.txt --count 3 --output predictions.tsv
    """
    if count > beam:
        raise click.UsageError(f"--count {count} needs a --beam of at least {count}, found {beam}")
    from tagger.seq2seq import files

    sources, at_limit = files.predict_file(
        run, file, output, beam=beam, count=count, as_json=as_json, **reading_of(columns)
    )
    if output is not None:
        console.note(f"Predicted the targets of {sources:,} sources into {output}")
    if at_limit:
        console.warn(
            f"{at_limit:,} predictions reached the maximum length, 2 T + 10 symbols for a source "
            "of T; they may have been cut"
        )
