"""CoNLL columns: a token a line, its columns split by blanks, tabs or a declared delimiter; a blank
line ends a sentence.

The format of the shared tasks (CoNLL-2000, 2002, 2003 and their descendants). Only ASCII blanks and
tabs split columns, so a no-break space or any other odd character inside a token stays in it.
``-DOCSTART-`` lines and comments are no sentences; they travel in ``record.leading`` and are
written back. A line that starts with ``#`` is a comment only before a sentence's first token and
only if it cannot be a token line: that has as many columns as the others and, where theirs hold the
tags of spans, such a tag.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import IO

from tagger.errors import DataError
from tagger.text import schemes
from tagger.text.formats.format import Columns, Format, ReadOptions
from tagger.text.spans import Record, Sentence

__all__ = ["DOCUMENT_MARK", "FORMAT", "Columns", "read", "recognizes", "write"]

DOCUMENT_MARK = "-DOCSTART-"
_BLANK = (" ", "\t")
_BLANKS = re.compile(r"[ \t]+")
_ODD = re.compile(
    r"[\t\r]|  | $|^ "
)  # what is not one blank between two fields, in lines that a blank joins
_NO_TOKEN = " \t#" + DOCUMENT_MARK[0]  # what a line that is no token's may begin with
_NAMED_DELIMITERS = {"blank": None, "tab": "\t"}


def read(lines: Iterable[tuple[int, str]], path: str, columns: Columns) -> Iterator[Sentence]:
    """Sentences of numbered lines, ``tags`` as the file has them. Comments after the last one come
    as an empty sentence.

    Raises: DataError: a line has another number of columns than the first, lacks a declared column,
        or an empty token.
    """
    return _Reader(path, columns).sentences(lines)


class _Reader:
    """What must be remembered between lines: what the first token line says of all others."""

    def __init__(self, path: str, columns: Columns) -> None:
        if not columns.delimiter:
            raise DataError(
                path,
                None,
                "the delimiter of columns is empty; expected auto, blank, tab or a string",
            )
        self.path = path
        self.columns = columns
        self.delimiter = _NAMED_DELIMITERS.get(columns.delimiter, columns.delimiter)
        self.separator = " "
        self.width = 0
        self.has_span_tags = True

    def sentences(self, lines: Iterable[tuple[int, str]]) -> Iterator[Sentence]:
        block: list[str] = []  # consecutive lines
        leading: list[str] = []
        number = 0
        for number, line in self._begun(iter(lines)):
            if line and line[0] not in _NO_TOKEN:  # most lines, quickly
                block.append(line)
                continue
            is_blank = not line.strip(" \t")
            is_mark = line.startswith(DOCUMENT_MARK)
            if is_blank or is_mark:
                if block:
                    yield self._sentence(block, number - len(block), leading)
                    block, leading = [], []
                if is_mark:
                    leading.append(line)
            elif line.startswith("#") and not block and self._is_comment(number, line):
                leading.append(line)
            else:
                block.append(line)
        if block or leading:
            yield self._sentence(block, number + 1 - len(block), leading)

    def _begun(self, lines: Iterator[tuple[int, str]]) -> Iterator[tuple[int, str]]:
        """The lines again, once the first that is certainly a token line was seen: it decides on
        '#' lines before it.
        """
        head = []
        for number, line in lines:
            head.append((number, line))
            if line.strip(" \t") and not line.startswith(("#", DOCUMENT_MARK)):
                self._begin(number, line)
                break
        return itertools.chain(head, lines)

    def _begin(self, number: int, line: str) -> None:
        if self.columns.delimiter == "auto":
            self.delimiter = "\t" if "\t" in line else None
        self.separator = self.delimiter or ("\t" if "\t" in line else " ")
        fields = self._split(number, line)
        self.width = len(fields)
        token, tag = self.columns.token, self.columns.tag
        for name, column in (("token", token), ("tag", tag)):
            if column is not None and not -self.width <= column < self.width:
                raise DataError(
                    self.path, number, f"there is no column {column} for the {name}: found "
                                       f"{self.width} columns in {line[:80]!r}."
                    f" {self._how_split()} Columns are counted from 0, negative from the last."
                )  # fmt: skip
        if tag is not None and token % self.width == tag % self.width:
            raise DataError(
                self.path, number, "the token and its tag would both be column "
                                   f"{token % self.width} of {self.width} in "
                f"{line[:80]!r}; expected a column each. {self._how_split()}"
            )  # fmt: skip
        self.has_span_tags = self._has_span_tag(fields)

    def _split(self, number: int, line: str) -> list[str]:
        if "\r" in line:
            raise DataError(
                self.path,
                number,
                f"a carriage return inside {line[:80]!r}; lines should end with LF or CR LF",
            )
        return (
            _BLANKS.split(line.strip(" \t"))
            if self.delimiter is None
            else line.split(self.delimiter)
        )

    def _is_comment(self, number: int, line: str) -> bool:
        if self.width == 0 and self.columns.delimiter == "auto":
            self.delimiter = "\t" if "\t" in line else None
        fields = self._split(number, line)
        if (
            self.width == 0
        ):  # the file has '#' lines alone: "# NN O" is a token, "# a remark" is not
            return not self._has_span_tag(fields)
        return len(fields) != self.width or (self.has_span_tags and not self._has_span_tag(fields))

    def _has_span_tag(self, fields: Sequence[str]) -> bool:
        width = len(fields)
        column = -1 if self.columns.tag is None else self.columns.tag
        if not -width <= column < width or column % width == self.columns.token % width:
            return False
        tag = fields[column].strip(" ")
        return tag == schemes.OUTSIDE or schemes.split(tag)[0] != ""

    def _sentence(self, block: list[str], first: int, leading: list[str]) -> Sentence:
        """The sentence of a block of lines, of which the first has the number `first`."""
        fields, lines = self._plainly_split(block), block
        if not fields:
            fields = [
                field
                for number, line in enumerate(block, first)
                for field in self._fields(number, line)
            ]
            lines = block if self.delimiter else [line.rstrip(" \t") for line in block]
        width, tag = self.width or 1, self.columns.tag
        return Sentence(
            tokens=tuple(fields[self.columns.token % width :: width]),
            tags=None
            if tag is None
            else tuple([field.strip(" ") for field in fields[tag % width :: width]]),
            record=Record(
                self.path,
                first if block else 0,
                lines=tuple(lines),
                leading=tuple(leading),
                separator=self.separator,
            ),
        )

    def _plainly_split(self, block: list[str]) -> list[str]:
        """The fields of all lines, line by line, where one blank separates them and nothing needs a
        closer look; else none.
        """
        text = " ".join(block)
        if not self.width or self.delimiter is not None or _ODD.search(text):
            return []
        blanks = set(map(str.count, block, itertools.repeat(" ")))
        return text.split(" ") if blanks == {self.width - 1} else []

    def _fields(self, number: int, line: str) -> list[str]:
        if self.width == 0:
            self._begin(number, line)
        fields = self._split(number, line)
        if len(fields) != self.width:
            raise DataError(
                self.path,
                number,
                f"expected {self.width} columns, found {len(fields)}: {line[:80]!r}. "
                f"{self._how_split()}",
            )
        if not all(
            fields[column].strip(" ")
            for column in (self.columns.token, self.columns.tag)
            if column is not None
        ):
            raise DataError(
                self.path,
                number,
                f"the token or the tag is empty: {line[:80]!r}. {self._how_split()}",
            )
        return fields

    def _how_split(self) -> str:
        if self.delimiter is None:
            return (
                "Columns are split on blanks; use --delimiter tab for tabs, --format text for raw "
                "text."
            )
        shown = (
            "tabs; use --delimiter blank for blanks"
            if self.delimiter == "\t"
            else repr(self.delimiter)
        )
        return f"Columns are split on {shown}."


def write(sentences: Iterable[Sentence], stream: IO[str], scheme: str = "IOB2") -> None:
    """Write sentences as columns: those that they were read with and one more for the tag, else
    token and tag.

    Raises: DataError: a token or tag is empty or holds a blank, tab or line break, which columns
        cannot carry.
    """
    good: set[tuple[str, str]] = set()
    for sentence in sentences:
        tags = _tags(sentence, scheme)
        record = sentence.record
        separator, rows = " ", list(sentence.tokens)
        if record is not None and (record.lines or record.leading):
            separator, rows = record.separator, list(record.lines)
            for line in record.leading:
                stream.write(
                    f"{line}{separator}{schemes.OUTSIDE}\n\n"
                    if line.startswith(DOCUMENT_MARK)
                    else f"{line}\n"
                )
        else:
            for token in sentence.tokens:
                _check(token, "token", separator, sentence)
        for tag in set(tags):
            if (tag, separator) not in good:
                _check(tag, "tag", separator, sentence)
                good.add((tag, separator))
        lines = [f"{row}{separator}{tag}\n" for row, tag in zip(rows, tags, strict=True)]
        stream.write("".join([*lines, "\n"]) if lines else "")


def _tags(sentence: Sentence, scheme: str) -> Sequence[str]:
    if sentence.spans is not None:
        return schemes.encode(sentence.spans, len(sentence), scheme)
    return sentence.tags if sentence.tags is not None else [schemes.OUTSIDE] * len(sentence)


def _check(value: str, name: str, separator: str, sentence: Sentence) -> None:
    """Refuse what would be read back as something else."""
    separators = _BLANK if separator in _BLANK else (separator,)
    is_mark = name == "token" and value.startswith(DOCUMENT_MARK)
    if is_mark or not value.strip(" ") or any(part in value for part in (*separators, "\r", "\n")):
        path, line = (
            (sentence.record.path, sentence.record.line) if sentence.record else ("output", None)
        )
        raise DataError(
            path, line, f"the {name} {value!r} cannot be a CoNLL column; write JSON Lines instead"
        )


def recognizes(lines: Sequence[str]) -> bool:
    """Return whether lines look like CoNLL columns.

    They do if all token lines have the same number of columns, at least two, and something shows
    that this is no accident of running text: tabs, a document mark, or a tag of spans at the end of
    every line.
    """
    filled = [line for line in lines if line.strip(" \t") and not line.startswith("#")]
    rows = [line for line in filled if not line.startswith(DOCUMENT_MARK)]
    if not rows:
        return bool(filled)
    has_tabs = "\t" in rows[0]
    split = [row.split("\t") if has_tabs else _BLANKS.split(row.strip(" ")) for row in rows]
    if {len(fields) for fields in split} != {max(len(split[0]), 2)}:
        return False
    tags = [fields[-1].strip(" ") for fields in split]
    are_tags = all(tag == schemes.OUTSIDE or schemes.split(tag)[0] for tag in tags)
    return has_tabs or are_tags or len(rows) < len(filled)


def _read(lines: Iterable[tuple[int, str]], path: str, options: ReadOptions) -> Iterator[Sentence]:
    columns = options.columns if options.annotated else replace(options.columns, tag=None)
    return read(lines, path, columns)


FORMAT = Format("conll", (".conll",), recognizes, _read, write)
