"""`tagger predict`."""

from __future__ import annotations

import sys
from typing import Any

import click

from tagger.cli.options import (
    SPAN_SCHEME,
    FormatChoice,
    precision_option,
    reading_options,
    runs_and_files,
)


@click.command(no_args_is_help=True)
@click.argument("paths", nargs=-1, required=True, metavar="RUN... FILE...")
@click.option(
    "--output",
    "-o",
    metavar="DIR",
    help="Folder of the tagged files.  [default: standard output]",
)
@click.option(
    "--format",
    "source_format",
    type=FormatChoice(),
    help="Input format.  [default: from the file name: .txt, .jsonl, else conll]",
)
@click.option(
    "--to",
    "target_format",
    type=FormatChoice(),
    help="Output format.  [default: that of the input]",
)
@click.option(
    "--scheme",
    type=SPAN_SCHEME,
    help="Tagging scheme of CoNLL output.  [default: that of the training corpus]",
)
@click.option(
    "--wrapped", is_flag=True, help="Raw text is wrapped: only a blank line ends a paragraph."
)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=1,
    metavar="N",
    show_default=True,
    help="Number of processes that tag files in parallel. Requires --output.",
)
@precision_option
@reading_options
def command(
    paths: tuple[str, ...],
    output: str | None,
    workers: int,
    precision: str | None,
    encoding: str | None,
    **options: Any,
) -> None:
    """Tag files and folders with the model in RUN; - is standard input.

    Text comes back with its spans in brackets, CoNLL columns with one more column, JSON Lines with
    "spans" and their probabilities. Every output file appears whole or not at all. If one input is
    ill-formed, the others are tagged all the same, and the exit status is 1. Several models are
    averaged.

    \b
    Examples:
      tagger predict runs/mine letters/*.txt --output tagged/
      tagger predict runs/mine letters/ --to jsonl --output tagged/
      tagger predict runs/mine/seed-1 runs/mine/seed-2 letters/*.txt
      echo "Anna Keller lives in Oslo." | tagger predict runs/mine -
    """
    runs, inputs = runs_and_files(paths)
    if workers > 1 and output is None:
        raise click.UsageError(
            "--workers needs --output: standard output is written by one process"
        )
    from tagger.cli.file_progress import FileProgress
    from tagger.inference.many_files import tag_files

    progress = FileProgress(workers)
    try:
        tagged = tag_files(
            runs,
            inputs,
            output,
            precision=precision,
            encoding=encoding or "auto",
            workers=workers,
            observer=progress,
            **options,
        )
    finally:
        progress.clear()
    if output is not None:
        rate = tagged.tokens / max(tagged.seconds, 1e-6)
        click.echo(
            f"Tagged {tagged.files} of {tagged.files + len(tagged.failures)} files, "
            f"{tagged.tokens:,} tokens in {tagged.seconds:.1f} s ({rate:,.0f} tokens/s) into "
            f"{output}",
            err=True,
        )
    for failure in tagged.failures:
        click.echo(f"Error: {failure.message}", err=True)
    sys.exit(1 if tagged.failures else 0)
