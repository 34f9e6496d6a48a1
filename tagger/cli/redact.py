"""`tagger redact`."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from tagger.cli import console
from tagger.cli.command import Command
from tagger.cli.decoding_options import decoding_of
from tagger.cli.options import (
    JSON_SUMMARY,
    WRAPPED,
    precision_option,
    print_json,
    reading_options,
    runs_and_files,
)
from tagger.cli.paths import FILE, FOLDER


@click.command(cls=Command, no_args_is_help=True)
@click.argument("paths", type=FILE, nargs=-1, required=True, metavar="RUN... FILE...")
@click.option(
    "--output",
    "-o",
    type=FOLDER,
    metavar="DIR",
    help="Folder of the redacted files.  [default: standard output]",
)
@click.option(
    "--with",
    "style",
    type=click.Choice(["label", "block", "pseudonym"]),
    default="label",
    show_default=True,
    help="What replaces a span: its label, as [PER]; a block, █████; or a pseudonym, as PER-1, "
    "which stands for the same name everywhere.",
)
@click.option(
    "--same-in",
    "scope",
    type=click.Choice(["document", "run"]),
    default="document",
    show_default=True,
    help="Where a pseudonym stands for the same name: in a document, or in all files of this run.",
)
@click.option("--label", "labels", multiple=True, help="Replace only this label. May be repeated.")
@click.option(
    "--min-score",
    "min_scores",
    multiple=True,
    metavar="[LABEL=]P",
    help="Replace spans with a probability of at least P, of all labels or of one. May be "
    "repeated.  [default: the highest that hid 99 % of all spans on dev]",
)
@click.option(
    "--target",
    metavar="recall=R",
    help="Replace as many spans as hid the share R of all spans on dev, for example recall=0.995.",
)
@click.option(
    "--keep-map",
    is_flag=True,
    help="Write the original lines to NAME.map.json beside each output, from which --restore "
    "restores the text. Keep it secret. Requires --output.",
)
@click.option(
    "--restore",
    "mapping",
    type=FILE,
    metavar="MAP",
    help="Restore the redacted file FILE from its map: tagger redact --restore MAP FILE.",
)
@click.option(
    "--format",
    "source_format",
    type=click.Choice(["text", "conll", "jsonl"]),
    help="Input format.  [default: recognized by the content of each file]",
)
@WRAPPED
@precision_option
@reading_options
@JSON_SUMMARY
def command(
    paths: tuple[str, ...],
    output: str | None,
    labels: tuple[str, ...],
    min_scores: tuple[str, ...],
    target: str | None,
    mapping: str | None,
    encoding: str | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Replace the spans that the model in RUN finds in files and folders; - is standard input.

    Everything outside the spans stays as it is, byte for byte. To miss as few as possible, spans
    are replaced that the model thinks improbable, too: as many as hid 99 % of all spans on dev,
    which is printed. Annotation in JSON Lines is left out. Several models are averaged.

    \b
    Examples:
      tagger redact runs/mine letters/ --output redacted/
      tagger redact runs/mine letters/ --with pseudonym --keep-map --output redacted/
      echo "Anna Keller lives in Oslo." | tagger redact runs/mine - --label PER
    """
    if as_json and (output is None or mapping is not None):
        raise click.UsageError("--json needs --output, and cannot be combined with --restore")
    if mapping is not None:
        _restore(paths, mapping, output)
        return
    if options["keep_map"] and output is None:
        raise click.UsageError("--keep-map needs --output: maps are written beside the outputs")
    if min_scores and target:
        raise click.UsageError("expected --min-score or --target, not both")
    runs, inputs = runs_and_files(paths)
    decoding = decoding_of(min_scores, [target] if target else [], None)
    from tagger.inference.redaction import redact_files

    try:
        redacted = redact_files(
            runs,
            inputs,
            output,
            labels=labels,
            min_score=decoding["min_score"],
            target=target,
            encoding=encoding or "auto",
            **options,
        )
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    for line in (*redacted.promises, *(f"note: {note}" for note in redacted.notes)):
        console.note(line)
    where = f" into {output}" if output else ""
    spans = "1 span" if redacted.spans == 1 else f"{redacted.spans:,} spans"
    files = "1 file" if redacted.files == 1 else f"{redacted.files:,} files"
    console.note(f"Replaced {spans} in {files}{where}.")
    if as_json:
        print_json(asdict(redacted))


def _restore(paths: tuple[str, ...], mapping: str, output: str | None) -> None:
    """Restore a file and write it to standard output or a folder."""
    if len(paths) != 1:
        raise click.UsageError("expected --restore MAP FILE")
    from tagger.errors import DataError
    from tagger.files import atomic_write
    from tagger.inference.redaction import restore

    try:
        content = json.loads(Path(mapping).read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError(mapping, None, f"is not a map of tagger redact ({error})") from error
    original = restore(Path(paths[0]).read_bytes(), content)
    if output is None:
        sys.stdout.buffer.write(original)
        return
    with atomic_write(Path(output) / Path(paths[0]).name, "wb") as stream:
        stream.write(original)
