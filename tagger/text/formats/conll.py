"""CoNLL columns: one token per line, and a blank line after each sentence.

This is the format of the shared tasks (CoNLL-2000, 2002, 2003 and their descendants). Columns are
separated by blanks, tabs or a declared delimiter. Only ASCII blanks and tabs count, so a no-break
space or any other unusual character is part of a token. ``-DOCSTART-`` lines and comments are not
sentences; they are kept in ``record.leading`` and written back. A line that starts with ``#`` is a
comment only before the first token of a sentence, and only if it cannot be a token line, which has
as many columns as the others and, if theirs contain span tags, a span tag.
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
"""The beginning of a line that marks the start of a document."""

_BLANK = (" ", "\t")
_BLANKS = re.compile(r"[ \t]+")
# Anything but single blanks between fields, in lines that are joined by blanks.
_ODD = re.compile(r"[\t\r]|  | $|^ ")
# First characters of the lines that may not be token lines.
_NO_TOKEN = " \t#" + DOCUMENT_MARK[0]
_NAMED_DELIMITERS = {"blank": None, "tab": "\t"}


def read(lines: Iterable[tuple[int, str]], path: str, columns: Columns) -> Iterator[Sentence]:
    """Parse numbered lines.

    Args:
        lines: Line numbers, counted from 1, and lines without their ends.
        path: Path of the file, for records and errors.
        columns: Columns of the token and the tag, and the delimiter.

    Yields:
        The sentences, with the tags of the file and without spans. Comments and document marks
        after the last sentence yield an empty sentence.

    Raises:
        DataError: The number of columns differs from that of the first line, a declared column does
            not exist, or a token or tag is empty.
    """
    return _Reader(path, columns).sentences(lines)


class _Reader:
    """The state of a reader: the layout of the columns, which the first token line determines."""

    def __init__(self, path: str, columns: Columns) -> None:
        """Prepare to read a file whose layout is not yet determined."""
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
        """Yield the sentences of numbered lines."""
        block: list[str] = []  # token lines of the current sentence
        leading: list[str] = []  # comments and document marks before it
        number = 0
        for number, line in self._peek_layout(iter(lines)):
            if line and line[0] not in _NO_TOKEN:  # fast path of most lines
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

    def _peek_layout(self, lines: Iterator[tuple[int, str]]) -> Iterator[tuple[int, str]]:
        """Set the layout by the first certain token line, and return all lines again.

        The layout decides whether '#' lines before that line are comments.
        """
        head = []
        for number, line in lines:
            head.append((number, line))
            if line.strip(" \t") and not line.startswith(("#", DOCUMENT_MARK)):
                self._set_layout(number, line)
                break
        return itertools.chain(head, lines)

    def _set_layout(self, number: int, line: str) -> None:
        """Determine delimiter, number of columns and kind of tags by a token line."""
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
                f"{line[:80]!r}; expected two different columns. {self._how_split()}"
            )  # fmt: skip
        self.has_span_tags = self._has_span_tag(fields)

    def _split(self, number: int, line: str) -> list[str]:
        """Split a line into fields."""
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
        """Return whether a '#' line before a sentence cannot be a token line."""
        if self.width == 0 and self.columns.delimiter == "auto":
            self.delimiter = "\t" if "\t" in line else None
        fields = self._split(number, line)
        # All lines of the file start with '#': "# NN O" is a token line, "# a remark" is not.
        if self.width == 0:
            return not self._has_span_tag(fields)
        return len(fields) != self.width or (self.has_span_tags and not self._has_span_tag(fields))

    def _has_span_tag(self, fields: Sequence[str]) -> bool:
        """Return whether the tag column contains the tag of a span or ``O``."""
        width = len(fields)
        column = -1 if self.columns.tag is None else self.columns.tag
        if not -width <= column < width or column % width == self.columns.token % width:
            return False
        tag = fields[column].strip(" ")
        return tag == schemes.OUTSIDE or schemes.split(tag)[0] != ""

    def _sentence(self, block: list[str], first: int, leading: list[str]) -> Sentence:
        """Create the sentence of a block of lines, the first of which has the number `first`."""
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
        """Return the fields of all lines, or [] unless they are separated by single blanks."""
        text = " ".join(block)
        if not self.width or self.delimiter is not None or _ODD.search(text):
            return []
        blanks = set(map(str.count, block, itertools.repeat(" ")))
        return text.split(" ") if blanks == {self.width - 1} else []

    def _fields(self, number: int, line: str) -> list[str]:
        """Split a token line and check its fields."""
        if self.width == 0:
            self._set_layout(number, line)
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
        """Describe the delimiter, for errors."""
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
    """Write sentences as columns, followed by a blank line each.

    Sentences that were read from columns keep their columns, comments and document marks, and the
    tag is appended as the last column; all others are written as token and tag.

    Args:
        sentences: Sentences, consumed lazily; tokens without annotation are tagged ``O``.
        stream: Text stream to write to; it is not closed.
        scheme: Tagging scheme of the spans; plain tags are written unchanged.

    Raises:
        DataError: A token or tag is empty or contains a blank, tab or line break, which columns
            cannot represent.
        SchemeError: The scheme cannot represent the spans.
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
    """Return the tags to write for a sentence."""
    if sentence.spans is not None:
        return schemes.encode(sentence.spans, len(sentence), scheme)
    return sentence.tags if sentence.tags is not None else [schemes.OUTSIDE] * len(sentence)


def _check(value: str, name: str, separator: str, sentence: Sentence) -> None:
    """Raise DataError unless a token or tag would be read back unchanged."""
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

    They do if all token lines have the same number of columns, at least two, and contain evidence
    that distinguishes them from running text: tabs, a document mark, or a span tag at the end of
    every line.

    Args:
        lines: First lines of a file, complete and without their ends.
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
    """Adapt `read` to `Format.read`."""
    columns = options.columns if options.annotated else replace(options.columns, tag=None)
    return read(lines, path, columns)


FORMAT = Format("conll", (".conll",), recognizes, _read, write)
