"""Rows of tables whose columns a delimiter separates (CSV), with their lines, as a stream."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Iterator

from tagger.errors import DataError

__all__ = ["DELIMITERS", "DelimitedRows"]

DELIMITERS = (",", ";", "\t", "|")
"""Delimiters that are recognized, the most usual ones first."""


class DelimitedRows:
    """The header line and the rows of a table.

    Read the header line first, then set the delimiter, then iterate.

    Args:
        lines: Line numbers, counted from 1, and lines without their ends but with the carriage
            return before them, as cells may contain line ends.
        path: Path of the file, for errors.

    Attributes:
        path: The path.
        delimiter: The delimiter.
    """

    def __init__(self, lines: Iterable[tuple[int, str]], path: str) -> None:
        self.path = path
        self.delimiter = DELIMITERS[0]
        self._lines = iter(lines)
        self._number = 0
        self._first = 1

    def header_line(self) -> tuple[int, str]:
        """Read the first line that is not blank.

        Returns:
            Its number and the line without a carriage return; 0 and "" in a file without one.
        """
        number, line = next(((n, line) for n, line in self._lines if line.strip()), (0, ""))
        self._number = number
        return number, line.removesuffix("\r")

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        """Yield the number of the first line of each row, and its cells; [] for a blank row.

        Raises:
            DataError: A quote does not end.
        """
        reader = csv.reader(self._fed(), delimiter=self.delimiter, strict=True)
        self._first = self._number + 1
        while (row := self._next(reader)) is not None:
            first, self._first = self._first, self._number + 1
            yield first, row if any(row) else []

    def _next(self, reader: Iterator[list[str]]) -> list[str] | None:
        """Return the next row, None after the last one."""
        # The limit is one of the whole process: others must not find it changed.
        limit = csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
        try:
            return next(reader, None)
        except csv.Error as error:
            reason = "a quote does not end" if "end of data" in str(error) else str(error)
            raise DataError(
                self.path,
                self._first,
                f"{reason}; expected quotes around values that contain the delimiter, and "
                "doubled quotes inside them",
            ) from error
        finally:
            csv.field_size_limit(limit)

    def _fed(self) -> Iterator[str]:
        """Yield lines with their ends, and count them."""
        for number, line in self._lines:
            self._number = number
            yield line + "\n"
