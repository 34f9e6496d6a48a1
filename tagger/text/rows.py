"""Records with named values, as a stream: JSON Lines, tables with a header row, and lines of text.

The content decides the format: a file that begins with a brace or bracket is JSON, one whose first
line names the wanted column is a table, and anything else is text with one record per line.
"""

from __future__ import annotations

import csv
import itertools
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tagger.errors import DataError
from tagger.text import opening
from tagger.text.delimited import DELIMITERS, DelimitedRows
from tagger.text.formats.json_documents import items
from tagger.text.formats.json_records import check_surrogates
from tagger.text.formats.layouts import INVISIBLE
from tagger.text.formats.table_layout import plain_name
from tagger.text.report import ReadReport, shown

__all__ = ["FORMATS", "Row", "RowFile", "column_of", "opened"]

FORMATS = ("auto", "jsonl", "csv", "text")
"""The choices of a format; auto recognizes it by the content."""

_TABLES = (".csv", ".tsv", ".tab")


@dataclass(frozen=True)
class Row:
    """One record.

    Attributes:
        path: Path of its file, or name of its dataset.
        line: Number of its first line, or its position in a dataset, counted from 1.
        values: Its values by name.
    """

    path: str
    line: int
    values: dict[str, Any]


@dataclass(frozen=True)
class RowFile:
    """An open file of records.

    Attributes:
        format: One of `FORMATS`, but not auto.
        layout: Description of the layout, such as the columns.
        columns: Names of the columns of a table; empty in other formats.
        rows: The records, as a stream.
    """

    format: str
    layout: str
    columns: tuple[str, ...]
    rows: Iterator[Row]


def column_of(names: Collection[str], declared: str, usual: Sequence[str]) -> str | None:
    """Return the name of the column or key for a role.

    Args:
        names: The names of a record.
        declared: The name that the user declared; empty for a usual one.
        usual: Usual names in lower case, without blanks, hyphens and underscores, the best first.

    Returns:
        One of `names`; None if none fits.
    """
    if declared:
        return declared if declared in names else None
    for name in usual:
        if name in names:
            return name
    plain: dict[str, str] = {}
    for name in names:
        plain.setdefault(plain_name(name), name)
    return next((plain[name] for name in usual if name in plain), None)


@contextmanager
def opened(
    path: str | Path,
    report: ReadReport,
    *,
    encoding: str = opening.AUTO,
    format: str = "auto",
    column: str = "",
    usual: Sequence[str] = ("text",),
    on_bytes_read: Callable[[int], None] | None = None,
) -> Iterator[RowFile]:
    """Open a file of records, possibly compressed.

    Args:
        path: The file; ``-`` is standard input.
        report: Receives the layout and the errors of single records.
        encoding: Its encoding.
        format: One of `FORMATS`.
        column: Name of the column that makes a first line a header row; empty for a usual one.
        usual: Usual names of this column, as for `column_of`.
        on_bytes_read: As for `opening.lines`.

    Yields:
        The file, whose records can be read within the block.

    Raises:
        DataError: The file cannot be read, or is declared as a table and has no header row.
    """
    name, notes = str(path), list[str]()
    with ExitStack() as stack:
        lines = stack.enter_context(
            closing(
                opening.lines(
                    path,
                    encoding,
                    on_bytes_read=on_bytes_read,
                    on_open=lambda found: notes.append(found.note),
                    keeps_returns=True,
                )
            )
        )
        head = list(itertools.islice(_until_filled(lines), 1))
        first = head[0][1] if head else ""
        whole = itertools.chain(head, lines)
        kind, delimiter = format, ""
        if format in ("auto", "csv"):
            delimiter = _delimiter(first, name, column, usual)
        if format == "auto":
            kind = "jsonl" if first.lstrip()[:1] in ("{", "[") else "csv" if delimiter else "text"
        if kind == "csv":
            file = _table(whole, name, delimiter or ",", report)
        elif kind == "jsonl":
            file = RowFile(kind, "JSON Lines", (), _objects(whole, name, report))
        else:
            file = RowFile(kind, "text, one per line", (), _lines(whole, name, report))
        report.format = file.format
        report.layout = "; ".join(part for part in (file.layout, *notes) if part)
        report.header = file.columns
        yield file


def _until_filled(lines: Iterator[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Yield the first line that is not blank."""
    for number, line in lines:
        if line.strip():
            yield number, line


def _delimiter(line: str, path: str, column: str, usual: Sequence[str]) -> str:
    """Return the delimiter of a header row that names the wanted column; "" if it is no header."""
    for delimiter in DELIMITERS:
        try:
            header = next(csv.reader([line], delimiter=delimiter, strict=True), [])
        except csv.Error:
            continue
        is_table = len(header) > 1 or path.lower().endswith(_TABLES)
        if is_table and column_of(header, column, usual) is not None:
            return delimiter
    if path.lower().endswith(_TABLES):  # its header lacks the column, which the reader reports
        return max(DELIMITERS, key=line.count)
    return ""


def _table(
    lines: Iterable[tuple[int, str]], path: str, delimiter: str, report: ReadReport
) -> RowFile:
    """Return the records of a table with a header row."""
    rows = DelimitedRows(lines, path)
    number, line = rows.header_line()
    rows.delimiter = delimiter
    header = next(csv.reader([line], delimiter=delimiter), [])
    names = tuple(name.strip(INVISIBLE) for name in header)
    if repeated := next((name for name in names if names.count(name) > 1), None):
        raise DataError(
            path, number, f"two columns are named {shown(repeated)}; rename one of them"
        )
    kind = {"\t": "tabs"}.get(delimiter, f"{delimiter!r}")
    layout = f"a table with the columns {', '.join(names)}, separated by {kind}"
    return RowFile("csv", layout, names, _rows(rows, names, report))


def _rows(rows: DelimitedRows, names: tuple[str, ...], report: ReadReport) -> Iterator[Row]:
    """Yield the records of the rows of a table; blank rows are skipped."""
    for number, cells in rows:
        if cells and len(cells) != len(names):
            message = f"expected {len(names)} columns, found {len(cells)}: "
            report.problem(DataError(rows.path, number, message + shown(" | ".join(cells))))
        elif cells:
            yield Row(rows.path, number, dict(zip(names, cells, strict=True)))


def _objects(lines: Iterable[tuple[int, str]], path: str, report: ReadReport) -> Iterator[Row]:
    """Yield the records of JSON objects."""
    for item in items(lines, path):
        if item.error:
            message = f"not JSON ({item.error}); expected one object per line"
            report.problem(DataError(path, item.line, message))
        elif not isinstance(item.value, dict):
            message = f"expected an object, found {shown(item.source)}"
            report.problem(DataError(path, item.line, message))
        else:
            try:
                check_surrogates(item)
            except ValueError as error:
                report.problem(DataError(path, item.line, str(error)))
            else:
                yield Row(path, item.line, item.value)


def _lines(lines: Iterable[tuple[int, str]], path: str, report: ReadReport) -> Iterator[Row]:
    """Yield a record per line that is not blank."""
    blank = 0  # number of a blank line, unless it is only what follows the last line end
    for number, line in lines:
        if blank:
            report.note("a blank line contains no text and is skipped", blank)
        text = line.removesuffix("\r")
        blank = 0 if text.strip() else number
        if not blank:
            yield Row(path, number, {"text": text})
