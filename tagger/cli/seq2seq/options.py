"""Options that the commands of `tagger seq2seq` share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import click

from tagger.cli.options import Column, encoding_option

__all__ = ["beam_option", "column_options", "reading_of"]

_COLUMNS = (
    click.option(
        "--format",
        type=click.Choice(["auto", "tsv", "csv", "jsonl"]),
        help="Format of the files.  [default: recognized by the first line]",
    ),
    click.option(
        "--source",
        "source_column",
        type=Column(),
        metavar="COLUMN",
        help="Column of the source: its name in the header row, or its number from 0; in JSON "
        "Lines its key.  [default: 0, or source; of a trained model as in training]",
    ),
    click.option(
        "--target",
        "target_column",
        type=Column(),
        metavar="COLUMN",
        help="Column of the target, likewise.  [default: 1, or target; of a trained model as in "
        "training]",
    ),
    encoding_option,
)


def column_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of reading files of pairs to a command, and return it."""
    for option in reversed(_COLUMNS):
        command = option(command)
    return command


def reading_of(options: Mapping[str, str | int | None]) -> dict[str, str | int | None]:
    """Return the values of `column_options` by the name of their setting."""
    return {name.removesuffix("_column"): value for name, value in options.items()}


def beam_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the option of the width of the search to a command, and return it."""
    return click.option(
        "--beam",
        type=click.IntRange(min=1, max=1000),
        default=5,
        metavar="K",
        show_default=True,
        help="Number of continuations that the search keeps at each timestep; 1 is greedy.",
    )(command)
