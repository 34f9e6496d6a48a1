"""Reading of pairs of a source and a target: tables with tabs or commas, and JSON Lines.

    abbey<TAB>AE B IY                      {"source": "abbey", "target": "AE B IY"}

A table has a header row if a column is given by its name, or if its first row names the columns
"source" and "target". Blank lines and other columns are not read.
"""

from __future__ import annotations

import csv
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tagger.config.seq2seq import PairsConfig
from tagger.errors import DataError, did_you_mean
from tagger.seq2seq.symbols import feature_symbol, symbols_of
from tagger.text import opening
from tagger.text.delimited import DelimitedRows
from tagger.text.formats.json_documents import items

__all__ = ["Pair", "read", "read_all"]


@dataclass(frozen=True)
class Pair:
    """A source and its target.

    Attributes:
        source: Symbols of the source, features first; none for a blank line.
        target: Symbols of the target; None if it was not read.
        text: The source as in the file.
        path, line: Place in the file, counted from 1.
        data: The object of JSON Lines; None for a row of a table.
    """

    source: tuple[str, ...]
    target: tuple[str, ...] | None
    text: str = ""
    path: str = ""
    line: int = 0
    data: dict[str, Any] | None = field(default=None, compare=False)


def read_all(paths: Iterable[str | Path], config: PairsConfig) -> list[Pair]:
    """Read all pairs of files.

    Args:
        paths: The files.
        config: How they are read.

    Returns:
        The pairs, at least one.

    Raises:
        DataError: A file is ill-formed, or the files contain no pair.
    """
    names = [str(path) for path in paths]
    pairs = [pair for path in names for pair in read(path, config)]
    if not pairs:
        raise DataError(", ".join(names), None, "contains no pairs of a source and a target")
    return pairs


def read(
    path: str | Path,
    config: PairsConfig,
    *,
    with_targets: bool = True,
    on_bytes_read: Callable[[int], None] | None = None,
) -> Iterator[Pair]:
    """Read the pairs of a file, as a stream.

    Args:
        path: The file; ``-`` is standard input.
        config: How it is read.
        with_targets: Whether targets are read. Without, blank lines are empty sources, and a file
            without tabs has a single column, unless it is declared as CSV or its first row names
            the source.
        on_bytes_read: Called after each block with the number of (compressed) bytes read.

    Yields:
        The pairs.

    Raises:
        DataError: The file cannot be read or is ill-formed.
    """
    name = str(path)
    lines: Iterator[tuple[int, str]] = opening.lines(
        path, config.encoding, on_bytes_read=on_bytes_read
    )
    before = list(_until_text(lines))
    first = before[-1][1] if before else ""
    kind = _format_of(first, config, with_targets)
    every = itertools.chain(before, lines)
    if kind == "jsonl":
        yield from _from_json(every, name, config, with_targets)
    else:
        yield from _Table(name, config, with_targets, kind, first).pairs(every)


def _until_text(lines: Iterable[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Yield lines up to the first that is not blank."""
    for number, line in lines:
        yield number, line
        if line.strip():
            return


def _format_of(first: str, config: PairsConfig, with_targets: bool) -> str:
    """Return the format of a file by its first line."""
    if config.format != "auto":
        return config.format
    if "\t" in first:
        return "tsv"
    if first.lstrip().startswith("{") or first.strip() == "[" or first.lstrip().startswith("[{"):
        return "jsonl"
    names = [cell.strip() for cell in _cells(first, _delimiter(first))]
    return "csv" if with_targets or (len(names) > 1 and config.source in names) else "tsv"


def _from_json(
    lines: Iterable[tuple[int, str]], path: str, config: PairsConfig, with_targets: bool
) -> Iterator[Pair]:
    """Yield the pairs of JSON objects."""
    source, target = (
        key if isinstance(key, str) else default
        for key, default in ((config.source, "source"), (config.target, "target"))
    )
    for item in items(lines, path):
        data = item.value
        if item.error:
            message = f"not JSON ({item.error}); expected one object per line, or another --format"
            raise DataError(path, item.line, message)
        if not isinstance(data, dict):
            raise DataError(path, item.line, f'expected an object with "{source}", found {data!r}')
        wanted = [source, *config.feature_names, *([target] if with_targets else [])]
        for key in wanted:
            if key not in data:
                hint = did_you_mean(key, data) if data else "the object is empty"
                raise DataError(path, item.line, f'expected the key "{key}"; {hint}')
        values = [data[source], data[target] if with_targets else None]
        features = [(name, data[name]) for name in config.feature_names]
        yield _pair(values, features, config, (path, item.line), data)


def _pair(
    values: Sequence[Any],
    features: Sequence[tuple[str, Any]],
    config: PairsConfig,
    place: tuple[str, int],
    data: dict[str, Any] | None = None,
) -> Pair:
    """Return the pair of a source, a target or None, and features."""
    path, line = place
    value, wanted = values
    try:
        source = symbols_of(value, config.source_level)
    except ValueError as error:
        raise DataError(path, line, f"the source {error}") from error
    try:
        target = None if wanted is None else symbols_of(wanted, config.target_level)
    except ValueError as error:
        raise DataError(path, line, f"the target {error}") from error
    if target is not None and not (source and target):
        side = "target" if source else "source"
        raise DataError(path, line, f"the {side} is empty; correct or remove the pair")
    try:
        marks = tuple(feature_symbol(name, each) for name, each in features) if source else ()
    except ValueError as error:
        raise DataError(path, line, str(error)) from error
    text = value if isinstance(value, str) else " ".join(value)
    return Pair((*marks, *source), target, text, path, line, data)


class _Table:
    """A table of pairs.

    Args:
        path: Path of the file.
        config: How it is read.
        with_targets: Whether targets are read.
        kind: "tsv" or "csv".
        first: The first line that is not blank.
    """

    def __init__(
        self, path: str, config: PairsConfig, with_targets: bool, kind: str, first: str
    ) -> None:
        self.path = path
        self.config = config
        self.with_targets = with_targets
        self.kind = kind
        self.delimiter = "\t" if kind == "tsv" else _delimiter(first)

    def pairs(self, lines: Iterable[tuple[int, str]]) -> Iterator[Pair]:
        """Yield the pairs of numbered lines."""
        columns: list[int] | None = None
        for number, row in self._rows(lines):
            if not any(cell.strip() for cell in row):
                if not self.with_targets:
                    yield Pair((), None, "", self.path, number)
                continue
            if columns is None:
                columns, is_header = self._columns(row, number)
                if is_header:
                    continue
            if len(row) <= max(columns):
                raise DataError(
                    self.path,
                    number,
                    f"expected at least {max(columns) + 1} columns, found {len(row)}",
                )
            source, *others = (row[column] for column in columns)
            target = others.pop(0) if self.with_targets else None
            features = list(zip(self.config.feature_names, others, strict=True))
            yield _pair([source, target], features, self.config, (self.path, number))

    def _rows(self, lines: Iterable[tuple[int, str]]) -> Iterator[tuple[int, list[str]]]:
        """Yield the number of the first line of each row, and its cells."""
        if self.kind == "tsv":
            for number, line in lines:
                yield number, line.split("\t")
            return
        rows = DelimitedRows(lines, self.path)
        rows.delimiter = self.delimiter
        yield from rows

    def _columns(self, row: list[str], number: int) -> tuple[list[int], bool]:
        """Return the columns of source, target and features, and whether `row` is a header."""
        config = self.config
        roles: list[str | int] = [config.source]
        if self.with_targets:
            roles.append(config.target)
        roles += [int(name) if name.isdigit() else name for name in config.feature_names]
        header = [cell.strip().removeprefix("\ufeff") for cell in row]
        if all(isinstance(role, int) for role in roles):
            usual = [name.lower() for name in header]
            names = ["source", "target"] if self.with_targets else ["source"]
            numbers = [int(role) for role in roles]
            found = [usual[n] for n in numbers[: len(names)] if n < len(usual)]
            # A line of a text is no header, even if it is the word "source".
            return numbers, len(row) > 1 and found == names
        columns = []
        for role in roles:
            if isinstance(role, str) and header.count(role) != 1:
                raise DataError(
                    self.path,
                    number,
                    f"expected a header row with the column {role!r}; {did_you_mean(role, header)}",
                )
            columns.append(header.index(role) if isinstance(role, str) else role)
        return columns, True


def _delimiter(line: str) -> str:
    """Return the delimiter of a CSV file by its first line."""
    return max(",;|", key=line.count)


def _cells(line: str, delimiter: str) -> list[str]:
    """Return the cells of a line of a CSV file; the line itself if it is not complete."""
    try:
        return next(csv.reader([line], delimiter=delimiter, strict=True), [])
    except csv.Error:
        return [line]
