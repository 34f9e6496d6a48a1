"""Helpers of `seeds` and `search`: claiming the folder, and writing CSV and Markdown tables."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tagger.errors import TaggerError
from tagger.files import atomic_write, locked, require_empty

__all__ = ["claimed", "markdown", "write_table"]


@contextmanager
def claimed(run: Path, marker: Path, resume: bool) -> Iterator[None]:
    """Return a context in which a folder is locked for a series of trainings.

    The series can be started or resumed in it.

    Args:
        run: Folder of the series, which must be empty or missing unless it is resumed.
        marker: Path in it that exists as soon as the series has started.
        resume: Whether the series is resumed.

    Raises:
        TaggerError: The folder is in use, or there is nothing to resume.
    """
    with locked(run, "training"):
        if resume and not marker.exists():
            raise TaggerError(
                f"{marker}: does not exist, so there is nothing to resume; run without --resume"
            )
        if not resume:
            require_empty(run)
        yield


def write_table(path: Path, head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Write a table as CSV, atomically.

    Args:
        path: File to write or replace.
        head: Names of the columns.
        rows: Cells of each row.

    Raises:
        TaggerError: The file cannot be written.
    """
    with atomic_write(path) as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(head)
        writer.writerows(rows)


def markdown(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a Markdown table whose columns are also aligned in the source.

    The first column is aligned to the left, all others to the right.

    Args:
        head: Names of the columns.
        rows: Cells of each row.

    Returns:
        The table without a newline at its end.

    >>> print(markdown(["seed", "dev score"], [[1, "81.50"], [10, "9.00"]]))
    | seed | dev score |
    | ---- | --------: |
    | 1    |     81.50 |
    | 10   |      9.00 |
    """
    lines = [
        [str(cell).replace("|", "\\|").replace("\n", " ") for cell in row] for row in (head, *rows)
    ]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    lines.insert(1, ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])])
    aligned = (
        [cell.rjust(width) for cell, width in zip(row, widths, strict=True)] for row in lines
    )
    return "\n".join(
        f"| {row[0].strip():<{widths[0]}} | {' | '.join(row[1:])} |" for row in aligned
    )
