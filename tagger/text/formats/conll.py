"""CoNLL columns: one token per line, and a blank line after each sentence.

This is the format of the shared tasks (CoNLL-2000, 2002, 2003 and their descendants). Columns are
separated by blanks, tabs or a declared delimiter; see `tagger.text.formats.columns`.
``-DOCSTART-`` lines and comments are not sentences; they are kept in ``record.leading`` and written
back. A line that starts with ``#`` is a comment if it cannot be a token line: it has another number
of columns or, before the first token of a sentence, a tag that is unlike those of other lines.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from tagger.errors import DataError
from tagger.text import schemes
from tagger.text.documents import DOCUMENT_MARK, is_document_line
from tagger.text.formats.columns import BLANKS, Layout
from tagger.text.formats.conll_writing import refuses, write
from tagger.text.formats.format import Format
from tagger.text.formats.layouts import BEGIN_2012, INVISIBLE, is_prose
from tagger.text.options import Columns, ReadOptions
from tagger.text.report import ReadReport, shown
from tagger.text.spans import Record, Sentence

__all__ = ["DOCUMENT_MARK", "FORMAT", "Columns", "read", "recognizes", "write"]

# Anything but single blanks between fields, in lines that are joined by blanks.
_ODD = re.compile(rf"[\t\r{INVISIBLE[1:]}]|  | $|^ ")
# First characters of the lines that may not be token lines.
_NO_TOKEN = " \t#" + DOCUMENT_MARK[0]
# Lines by which the layout is determined.
_HEAD = 1000
# Share of lines that must agree for a file to look like columns, and the number from which their
# last column is judged.
_REGULAR = 0.9
_SEVERAL = 4
_ENOUGH = 20
# Number of tokens from which a sentence is suspiciously long.
_LONG = 1000
# HIPE has no blank lines; this flag in the last column ends a sentence.
_END_OF_SENTENCE = "EndOfSentence"


def read(
    lines: Iterable[tuple[int, str]],
    path: str,
    columns: Columns,
    report: ReadReport | None = None,
) -> Iterator[Sentence]:
    """Parse numbered lines.

    Args:
        lines: Line numbers, counted from 1, and lines without their ends.
        path: Path of the file, for records and errors.
        columns: Columns of the token and the tag, and the delimiter.
        report: Receives the layout, notes, and the errors of single lines. Default: a new one,
            whose errors are raised at the end of the file.

    Yields:
        The sentences, with the tags of the file and without spans. Comments and document marks
        after the last sentence yield an empty sentence.

    Raises:
        DataError: A declared column does not exist or the lines are not columns; or, with a report
            of this function, a line has another number of columns or an empty token or tag.
    """
    own = report or ReadReport(path)
    yield from _Reader(path, columns, own).sentences(lines)
    if report is None:
        own.finish()


@dataclass
class _Block:
    """The lines of a sentence that is being read.

    Attributes:
        leading: Comments and document marks before it.
        lines: Its lines.
        start: Number of the first line.
        comments: Indices in `lines` of those that are no tokens.
    """

    leading: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    start: int = 0
    comments: set[int] = field(default_factory=set)


class _Reader:
    """The state of a reader: the layout of the columns, which the first lines determine."""

    def __init__(self, path: str, columns: Columns, report: ReadReport) -> None:
        """Prepare to read a file whose layout is not yet determined."""
        self.path = path
        self.columns = columns
        self.report = report
        self.layout = Layout(path, columns)
        self.header = ""

    def sentences(self, lines: Iterable[tuple[int, str]]) -> Iterator[Sentence]:
        """Yield the sentences of numbered lines."""
        numbered = iter(lines)
        head = list(itertools.islice(numbered, _HEAD))
        header = self.layout.determine(head, self.report)
        has_flags = any(line.endswith("\t" + _END_OF_SENTENCE) for _, line in head)
        if has_flags:
            self.report.note(f"{_END_OF_SENTENCE} in the last column ends a sentence")
        block, number = _Block(), 0
        for number, line in itertools.chain(head, numbered):
            if line and line[0] not in _NO_TOKEN and number != header:  # fast path of most lines
                block.lines.append(line)
                if has_flags and line.endswith(_END_OF_SENTENCE):
                    yield from self._sentence(block, number + 1)
                    block = _Block()
                continue
            is_blank = not line.strip(" \t")
            is_mark = line.startswith(DOCUMENT_MARK)
            if number == header:
                self.header = line
            elif is_blank or is_mark:
                if block.lines:
                    yield from self._sentence(block, number)
                    block = _Block()
                if is_mark:
                    block.leading.append(line)
            elif line.startswith("#") and not block.lines and self.layout.is_comment(line):
                block.leading.append(line)
                self.report.note("lines that start with # are read as comments", number, line)
            else:
                is_comment = line.startswith("#") and self._is_inner_comment(line)
                if is_comment and is_document_line(line):  # without a blank line before it
                    yield from self._sentence(block, number)
                    block = _Block(leading=[line])
                    continue
                if is_comment:
                    block.comments.add(len(block.lines))
                    self.report.note(
                        "lines inside of sentences that start with # are read as comments",
                        number,
                        line,
                    )
                block.lines.append(line)
        if block.lines or block.leading:
            yield from self._sentence(block, number + 1)

    def _is_inner_comment(self, line: str) -> bool:
        """Return whether a '#' line inside of a sentence is a comment, not a token line."""
        if not self.layout.width:
            return False
        fields = self.layout.fields(line)
        return len(fields) != self.layout.width and len(line.strip(" \t#")) > 0

    def _sentence(self, block: _Block, end: int) -> Iterator[Sentence]:
        """Yield the sentence of a block that ends before line `end`; report ill-formed lines."""
        block.start = end - len(block.lines)
        if block.lines and not self.layout.width:  # the first lines of the file were comments
            self.layout.determine(list(enumerate(block.lines, block.start)), self.report)
        if self.layout.is_conllu:
            self._exclude_conllu(block)
        fields = [] if block.comments else self._plainly_split(block.lines)
        is_good = True
        if not fields:
            fields, is_good = self._split(block)
        if not is_good and self.report.on_error != "keep":
            block.lines, block.comments = [], set()
            if self.report.on_error == "stop" or not block.leading:
                return
        width, tag = self.layout.width or 1, self.layout.tag_number
        tokens = tuple(fields[self.layout.token_number % width :: width]) if is_good else ()
        if len(tokens) > _LONG:
            self.report.note(
                f"a sentence of more than {_LONG:,} tokens: is the blank line after each sentence "
                "missing?",
                block.start,
            )
        record = Record(
            self.path,
            block.start if block.lines else 0,
            lines=tuple(
                block.lines
                if self.layout.delimiter
                else [line.rstrip(" \t") for line in block.lines]
            ),
            token_lines=self._token_lines(block),
            leading=tuple(block.leading),
            header=self.header,
            separator=self.layout.separator,
        )
        self.header = ""
        tags = tuple(fields[tag % width :: width]) if tag is not None and is_good else None
        yield Sentence(tokens, tags=() if tag is not None and not is_good else tags, record=record)

    def _exclude_conllu(self, block: _Block) -> None:
        """Mark the lines of CoNLL-U that are no words: ranges (1-2) and empty nodes (1.1)."""
        for index, line in enumerate(block.lines):
            identifier = line.split("\t", 1)[0]
            if "-" in identifier or "." in identifier:
                block.comments.add(index)
                self.report.note(
                    "ranges and empty nodes of CoNLL-U are not tokens", block.start + index, line
                )

    def _token_lines(self, block: _Block) -> tuple[int, ...] | None:
        """Return the indices of the token lines, None if they are all lines."""
        if not block.comments:
            return None
        return tuple(index for index in range(len(block.lines)) if index not in block.comments)

    def _plainly_split(self, lines: list[str]) -> list[str]:
        """Return the fields of all lines, or [] unless they are separated by single blanks."""
        text = " ".join(lines)
        if not self.layout.width or self.layout.delimiter is not None or _ODD.search(text):
            return []
        blanks = set(map(str.count, lines, itertools.repeat(" ")))
        return text.split(" ") if blanks == {self.layout.width - 1} else []

    def _split(self, block: _Block) -> tuple[list[str], bool]:
        """Return the fields of all token lines, and whether all lines are well-formed."""
        all_fields: list[str] = []
        is_good = True
        for index, line in enumerate(block.lines):
            number = block.start + index
            if index in block.comments:
                continue
            fields = self.layout.fields(line)
            if message := self._fault(fields, line):
                self.report.problem(DataError(self.path, number, message))
                is_good = False
                continue
            if (tag := self.layout.tag_number) is not None:
                fields[tag] = self._tag(fields[tag], number)
            all_fields += fields
        return all_fields, is_good

    def _tag(self, value: str, number: int) -> str:
        """Return a tag without the invisible characters around it."""
        tag = value.strip(INVISIBLE)
        if tag != value.strip(" "):
            self.report.note("invisible characters around tags are removed", number, value)
        return tag

    def _fault(self, fields: Sequence[str], line: str) -> str:
        """Return what is wrong with a token line, or ""."""
        if "\r" in line:
            return f"a carriage return inside {shown(line)}; lines should end with LF or CR LF"
        width = self.layout.width
        if len(fields) != width:
            split = f"columns are separated by {self.layout.shown_delimiter}"
            if self.layout.delimiter is None and len(fields) == width - 1 and line[0] in " \t":
                split += f"; if the token is a blank, add --delimiter {shown(line[0])}"
            return f"expected {width} columns, found {len(fields)}: {shown(line)}; {split}"
        token, tag = self.layout.token_number, self.layout.tag_number
        if not fields[token] or (self.layout.delimiter is None and not fields[token].strip(" ")):
            return f"the token is empty: {shown(line)}; expected a token in column {token % width}"
        if tag is not None and not fields[tag].strip(INVISIBLE):
            return f"the tag is empty: {shown(line)}; expected a tag in column {tag % width}"
        if not fields[token].strip(" \t"):
            self.report.note("some tokens are blanks")
        return ""


def recognizes(lines: Sequence[str]) -> bool:
    """Return whether lines look like CoNLL columns.

    They do if they contain a document mark or begin like CoNLL-2012, or if nearly all token lines
    have the same number of columns, at least two, and contain evidence that distinguishes them from
    running text: tabs, span tags, or another small set of values in the last column.

    Args:
        lines: First lines of a file, complete and without their ends.
    """
    filled = [line for line in lines if line.strip(" \t") and not line.startswith("#")]
    rows = [line for line in filled if not line.startswith(DOCUMENT_MARK)]
    if not rows:
        return bool(filled)
    if len(rows) < len(filled) or any(line.startswith(BEGIN_2012) for line in lines):
        return True
    has_tabs = 2 * sum("\t" in row for row in rows) >= len(rows)
    split = [row.split("\t") if has_tabs else BLANKS.split(row.strip(" ")) for row in rows]
    width = Counter(map(len, split)).most_common(1)[0][0]
    fitting = [fields for fields in split if len(fields) == width]
    if width < 2 or not _nearly_all(len(fitting), len(split)):
        return False
    tags = [fields[-1].strip(" ") for fields in fitting]
    # In a damaged file, tags may be in other columns.
    tagged = sum(any(map(_is_tag, fields)) for fields in fitting)
    has_few_tags = (
        len(rows) < len(lines)
        and len(tags) >= _ENOUGH
        and 4 * len(set(tags)) <= len(tags)
        and not is_prose(rows)  # sentences that end alike
    )
    return has_tabs or _nearly_all(tagged, len(tags)) or has_few_tags


def _nearly_all(count: int, total: int) -> bool:
    """Return whether nearly all lines have a property, at least all but one of several."""
    return count >= _REGULAR * total or (count == total - 1 and count >= _SEVERAL)


def _is_tag(value: str) -> bool:
    """Return whether a field is a tag in the standard notation."""
    return value.strip(" ") == schemes.OUTSIDE or schemes.split(value.strip(" "))[0] != ""


def _read(
    lines: Iterable[tuple[int, str]], path: str, options: ReadOptions, report: ReadReport
) -> Iterator[Sentence]:
    """Adapt `read` to `Format.read`."""
    columns = options.columns if options.annotated else replace(options.columns, tag=None)
    return read(lines, path, columns, report)


FORMAT = Format("conll", (".conll",), recognizes, _read, write, refuses=refuses)
