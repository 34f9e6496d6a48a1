"""What `seeds` and `search` share: how they begin, and their tables."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from tagger.errors import TaggerError
from tagger.files import atomic_write, require_empty

__all__ = ["begin", "markdown", "write_table"]


def begin(run: Path, begun: Path, resume: bool) -> None:
    """See that `run` is free, or with `resume` that it holds `begun`, without which there is
    nothing to resume.

    Raises:
        TaggerError: it is not so.
    """
    if resume and not begun.exists():
        raise TaggerError(
            f"{begun}: does not exist, so there is nothing to resume; leave out --resume"
        )
    if not resume:
        require_empty(run)


def write_table(path: Path, head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """CSV."""
    with atomic_write(path) as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(head)
        writer.writerows(rows)


def markdown(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table of columns that are aligned in the source too: the first to the left, the others to
    the right.

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
