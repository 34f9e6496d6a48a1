"""`tagger predict`."""

from __future__ import annotations

import re
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from tagger.cli import console
from tagger.cli.command import Command
from tagger.cli.decoding_options import decoding_of, decoding_options
from tagger.cli.options import (
    JSON_SUMMARY,
    SPAN_SCHEME,
    WRAPPED,
    FormatChoice,
    precision_option,
    print_json,
    reading_options,
    runs_and_files,
)
from tagger.cli.paths import FILE, FOLDER

if TYPE_CHECKING:
    from tagger.inference.many_files import TaggedFiles

# Notes, and problems of each file, that are shown.
_LISTED = 20


class _Shard(click.ParamType):  # type: ignore[type-arg]  # generic only since click 8.4
    """A part of the files of a job, such as 3/20."""

    name = "shard"

    def convert(
        self,
        value: str | tuple[int, int],
        param: click.Parameter | None,
        context: click.Context | None,
    ) -> tuple[int, int]:
        """Return both numbers, after a check."""
        if isinstance(value, tuple):
            return value
        match = re.fullmatch(r"(\d+)/(\d+)", value, re.ASCII)
        if match is None or not 1 <= int(match[1]) <= int(match[2]):
            self.fail(f"{value!r}: expected K/N with 1 <= K <= N, such as 3/20", param, context)
        return int(match[1]), int(match[2])


@click.command(cls=Command, no_args_is_help=True)
@click.argument("paths", type=FILE, nargs=-1, required=True, metavar="RUN... FILE...")
@click.option(
    "--output",
    "-o",
    type=FOLDER,
    metavar="DIR",
    help="Folder of the tagged files.  [default: standard output]",
)
@click.option(
    "--format",
    "source_format",
    type=FormatChoice(),
    help="Input format.  [default: recognized by the content of each file]",
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
@WRAPPED
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=1,
    metavar="N",
    show_default=True,
    help="Number of processes that tag files in parallel. Requires --output.",
)
@click.option(
    "--on-error",
    type=click.Choice(["stop", "skip", "keep"]),
    default="stop",
    show_default=True,
    help="What happens to a record that cannot be read: stop makes its file fail, skip leaves the "
    "record out, keep writes it untagged. Such records are listed, and the exit status is 1.",
)
@click.option(
    "--skip-existing",
    is_flag=True,
    help="Leave out files whose output exists, to go on after an interruption. Requires --output.",
)
@click.option(
    "--shard",
    type=_Shard(),
    metavar="K/N",
    help="Tag every N-th file only, from the K-th one on, for example 3/20 as the third of 20 jobs "
    "on a cluster that have the same files.",
)
@decoding_options
@click.option(
    "--candidates",
    type=click.FloatRange(min=0, max=1, min_open=True),
    metavar="P",
    help='Add all spans with a probability of at least P, which may overlap, as "candidates". '
    "Requires JSON Lines.",
)
@click.option(
    "--best",
    type=click.IntRange(min=1),
    metavar="K",
    help='Add the K most probable tag sequences of each sentence as "best". Requires JSON Lines.',
)
@click.option(
    "--normalize",
    "normalizers",
    type=FOLDER,
    multiple=True,
    metavar="LABEL=RUN",
    help='Add the normal form of the spans of a label as "normalized", predicted by the '
    "sequence-to-sequence model in RUN. May be repeated. Requires JSON Lines.",
)
@precision_option
@reading_options
@JSON_SUMMARY
def command(
    paths: tuple[str, ...],
    output: str | None,
    workers: int,
    precision: str | None,
    encoding: str | None,
    min_scores: tuple[str, ...],
    targets: tuple[str, ...],
    decode: str | None,
    candidates: float | None,
    best: int | None,
    normalizers: tuple[str, ...],
    as_json: bool,
    **options: Any,
) -> None:
    """Tag files and folders with the model in RUN; - is standard input.

    Text comes back with its spans in brackets, in colors on a terminal; CoNLL columns with one more
    column; JSON Lines with "spans" and their probabilities. Every output file appears whole or not
    at all. If one input is ill-formed, the others are tagged all the same, and the exit status is
    1. Several models are averaged.

    \b
    Examples:
      tagger predict runs/mine letters/*.txt --output tagged/
      tagger predict runs/mine letters/ --to jsonl --output tagged/
      tagger predict runs/mine letters/ --to html --output pages/
      tagger predict runs/mine letters/ --min-score 0.8 --output tagged/
      tagger predict runs/mine/seed-1 runs/mine/seed-2 letters/*.txt
      tagger predict runs/mine letters/ --to jsonl --normalize DATE=runs/dates --output tagged/
      echo "Anna Keller lives in Oslo." | tagger predict runs/mine -
    """
    runs, inputs = runs_and_files(paths)
    if workers > 1 and output is None:
        raise click.UsageError(
            "--workers needs --output: standard output is written by one process"
        )
    if as_json and output is None:
        raise click.UsageError("--json needs --output: the tagged text is on standard output")
    if options["skip_existing"] and output is None:
        raise click.UsageError("--skip-existing needs --output: standard output has no files")
    written = options["target_format"] or options["source_format"] or "jsonl"
    if (candidates or best) and written != "jsonl":
        raise click.UsageError("--candidates and --best need JSON Lines: add --to jsonl")
    normalize = _normalizers(normalizers)
    if normalize and written != "jsonl":
        raise click.UsageError("--normalize needs JSON Lines: add --to jsonl")
    decoding = decoding_of(min_scores, targets, decode)
    from tagger.cli.file_progress import FileProgress
    from tagger.inference.many_files import tag_files

    tagged = tag_files(
        runs,
        inputs,
        output,
        precision=precision,
        encoding=encoding or "auto",
        workers=workers,
        observer=FileProgress(output is not None),
        candidates=candidates,
        best=best or 0,
        normalize=normalize,
        highlight=console.highlight_of_spans() if output is None else None,
        **decoding,
        **options,
    )
    if output is not None:
        rate = tagged.tokens / max(tagged.seconds, 1e-6)
        console.note(
            f"Tagged {tagged.files} of {tagged.files + len(tagged.failures)} files, "
            f"{tagged.tokens:,} tokens in {tagged.seconds:.1f} s ({rate:,.0f} tokens/s) into "
            f"{output}"
        )
        if shard := options["shard"]:
            console.note(
                f"Shard {shard[0]} of {shard[1]}: the other shards contain the other files"
            )
        if tagged.skipped:
            console.note(f"Skipped, as their output exists: {tagged.skipped:,}")
    _report(tagged)
    if as_json:
        print_json(asdict(tagged) | {"failures": dict(tagged.failures)})
    sys.exit(1 if tagged.failures or tagged.incomplete else 0)


def _normalizers(assignments: tuple[str, ...]) -> dict[str, str]:
    """Return the folder of the model that normalizes the spans of each label."""
    found: dict[str, str] = {}
    for assignment in assignments:
        label, _, run = assignment.partition("=")
        if not label or not run:
            raise click.UsageError(
                f"--normalize {assignment}: expected LABEL=RUN, for example DATE=runs/dates"
            )
        if label in found:
            raise click.UsageError(f"--normalize: the label {label} has two models")
        found[label] = run
    return found


def _report(tagged: TaggedFiles) -> None:
    """Write to stderr what was changed, skipped or not tagged."""
    for promise in tagged.promises:
        console.note(promise)
    for note in tagged.notes[:_LISTED]:
        console.note(f"note: {note}")
    if len(tagged.notes) > _LISTED:
        console.note(f"note: {len(tagged.notes) - _LISTED:,} more notes of this kind")
    for result in tagged.incomplete:
        for problem in result.problems[:_LISTED]:
            console.warn(problem, "Skipped")
        if result.errors > _LISTED:
            more = f"{result.errors - _LISTED:,} more records of {result.source}"
            console.warn(more, "Skipped")
    for failure in tagged.failures:
        console.warn(failure.message, "Error")
