"""CoNLL columns: a token a line, its columns split by blanks, tabs or a declared delimiter; a blank line ends a sentence.

The format of the shared tasks (CoNLL-2000, 2002, 2003 and their descendants). Only ASCII blanks and tabs split columns,
so a no-break space or any other odd character inside a token stays in it. ``-DOCSTART-`` lines and comments are no
sentences; they travel in ``record.leading`` and are written back. A line that starts with ``#`` is a comment only before
a sentence's first token and only if it does not read as a token line: same number of columns, a tag in the tag's column.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import IO

from tagger.errors import DataError
from tagger.text import schemes
from tagger.text.spans import Record, Sentence

__all__ = ["Columns", "read", "write"]

DOCUMENT_MARK = "-DOCSTART-"
_BLANKS = re.compile(r"[ \t]+")
_NAMED_DELIMITERS = {"blank": None, "tab": "\t"}


@dataclass(frozen=True)
class Columns:
    """Which column is what, counted from 0, negative from the last; ``tag`` None reads tokens alone.

    ``delimiter`` is ``auto`` (tabs if the first token line has one, else runs of blanks), ``blank``, ``tab``, or any
    other string that separates columns.
    """

    token: int = 0
    tag: int | None = -1
    delimiter: str = "auto"


def read(lines: Iterable[tuple[int, str]], path: str, columns: Columns) -> Iterator[Sentence]:
    """Sentences of numbered lines, ``tags`` as the file has them. Comments after the last one come as an empty sentence.

    Raises:
        DataError: a line has another number of columns than the first, lacks a declared column, or an empty token.
    """
    return _Reader(path, columns).sentences(lines)


class _Reader:
    """What must be remembered between lines: the delimiter and the number of columns that the first token line set."""

    def __init__(self, path: str, columns: Columns) -> None:
        self.path = path
        self.columns = columns
        self.delimiter = _NAMED_DELIMITERS.get(columns.delimiter, columns.delimiter)
        self.width = 0
        self.pending: list[tuple[int, str]] = []  # '#' lines that wait for the first token line to tell the width

    def sentences(self, lines: Iterable[tuple[int, str]]) -> Iterator[Sentence]:
        block: list[tuple[int, str]] = []
        leading: list[str] = []
        for number, line in lines:
            is_blank = not line.strip(" \t")
            is_mark = line.startswith(DOCUMENT_MARK)
            if is_blank or is_mark:
                if block:
                    yield self._sentence(block, leading)
                    block, leading = [], []
                if is_mark:
                    leading.append(line)
            elif line.startswith("#") and not block and self._is_comment(line, number):
                leading.append(line)
            else:
                block.append((number, line))
        if block or leading:
            yield self._sentence(block, leading)

    def _split(self, line: str) -> list[str]:
        if self.columns.delimiter == "auto" and self.width == 0:
            self.delimiter = "\t" if "\t" in line else None
        return _BLANKS.split(line.strip(" \t")) if self.delimiter is None else line.split(self.delimiter)

    def _is_comment(self, line: str, number: int) -> bool:
        if self.width == 0:  # nothing is known yet: "# NN O" could be a token, "# a remark" could not
            fields = line.split("\t") if "\t" in line else _BLANKS.split(line.strip(" \t"))
            return len(fields) == 1 or not self._looks_like_tokens(fields)
        fields = self._split(line)
        return len(fields) != self.width or not self._looks_like_tokens(fields)

    def _looks_like_tokens(self, fields: Sequence[str]) -> bool:
        if self.columns.tag is None:
            return self.width == len(fields)
        tag = fields[self.columns.tag] if -len(fields) <= self.columns.tag < len(fields) else ""
        return tag == schemes.OUTSIDE or schemes.split(tag)[0] != "" or fields[0] == "#" == tag

    def _sentence(self, block: list[tuple[int, str]], leading: list[str]) -> Sentence:
        rows = [self._fields(number, line) for number, line in block]
        token, tag = self.columns.token, self.columns.tag
        return Sentence(
            tokens=tuple(row[token] for row in rows),
            tags=None if tag is None else tuple(row[tag] for row in rows),
            record=Record(
                self.path,
                block[0][0] if block else 0,
                lines=tuple(line.rstrip(" ") if self.delimiter is None else line for _, line in block),
                leading=tuple(leading),
            ),
        )

    def _fields(self, number: int, line: str) -> list[str]:
        fields = self._split(line)
        if self.width == 0:
            self.width = len(fields)
            for name, column in (("token", self.columns.token), ("tag", self.columns.tag)):
                if column is not None and not -self.width <= column < self.width:
                    raise DataError(
                        self.path, number, f"there is no column {column} for the {name}: found {self.width} columns in {line!r}. "
                        f"{self._how_split()} Columns are counted from 0, negative from the last."
                    )  # fmt: skip
        if len(fields) != self.width:
            raise DataError(
                self.path,
                number,
                f"expected {self.width} columns, found {len(fields)}: {line[:80]!r}. {self._how_split()}",
            )
        if not all(fields[column] for column in (self.columns.token, self.columns.tag) if column is not None):
            raise DataError(self.path, number, f"the token or the tag is empty: {line[:80]!r}. {self._how_split()}")
        return fields

    def _how_split(self) -> str:
        if self.delimiter is None:
            return "Columns are split on blanks; use --delimiter tab for tabs, --format text for raw text."
        shown = "tabs; use --delimiter blank for blanks" if self.delimiter == "\t" else repr(self.delimiter)
        return f"Columns are split on {shown}."


def write(sentences: Iterable[Sentence], stream: IO[str], scheme: str = "IOB2") -> None:
    """Write sentences as columns: those that they were read with and one more for the tag, else token and tag.

    Raises:
        DataError: a token is empty or holds a blank, tab or line break, which columns cannot carry.
    """
    for sentence in sentences:
        tags = _tags(sentence, scheme)
        record = sentence.record
        if record is not None and (record.lines or record.leading):
            separator = "\t" if any("\t" in line for line in record.lines) else " "
            for line in record.leading:
                stream.write(f"{line}{separator}{schemes.OUTSIDE}\n\n" if line.startswith(DOCUMENT_MARK) else f"{line}\n")
            rows = list(record.lines)
        else:
            separator, rows = " ", [_checked(token, sentence) for token in sentence.tokens]
        for row, tag in zip(rows, tags, strict=True):
            stream.write(f"{row}{separator}{tag}\n")
        if rows:
            stream.write("\n")


def _tags(sentence: Sentence, scheme: str) -> Sequence[str]:
    if sentence.spans is not None:
        return schemes.encode(sentence.spans, len(sentence), scheme)
    return sentence.tags if sentence.tags is not None else [schemes.OUTSIDE] * len(sentence)


def _checked(token: str, sentence: Sentence) -> str:
    if not token or any(character in token for character in " \t\r\n"):
        path, line = (sentence.record.path, sentence.record.line) if sentence.record else ("output", None)
        raise DataError(path, line, f"the token {token!r} cannot be a CoNLL column; write JSON Lines instead")
    return token
