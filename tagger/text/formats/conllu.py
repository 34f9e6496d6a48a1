"""CoNLL-U and CoNLL-U Plus (universaldependencies.org/format.html): ten or more columns by name.

    # newdoc id = letter-1
    # text = Anna sang.
    1	Anna	Anna	PROPN	_	_	2	nsubj	_	NER=B-PER
    2	sang	sing	VERB	_	_	0	root	_	NER=O|SpaceAfter=No
    3	.	.	PUNCT	_	_	2	punct	_	NER=O

In CoNLL-U Plus the first line, ``# global.columns = ID FORM NE``, names the columns. Words are
tokens; ranges (1-2) and empty nodes (1.1) are kept as lines. Spans are the tags of a column or of a
key of MISC. The text follows from ``SpaceAfter=No``, and exactly from UDPipe's ``SpacesAfter`` and
``SpacesBefore``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tagger.errors import DataError
from tagger.text import notations
from tagger.text.documents import is_document_line
from tagger.text.formats.conllu_writing import ESCAPES, HEADER, refuses, tag_of, write
from tagger.text.formats.format import Format
from tagger.text.formats.whole import AFTER
from tagger.text.options import Columns, ReadOptions
from tagger.text.report import ReadReport, shown
from tagger.text.spans import Record, Sentence
from tagger.text.tokenizers import Offsets

__all__ = ["FORMAT", "read", "recognizes", "write"]

_NAME = "conllu"
_COLUMNS = ("ID", "FORM", "LEMMA", "UPOS", "XPOS", "FEATS", "HEAD", "DEPREL", "DEPS", "MISC")
_COMMENT = re.compile(r"#\s*(\S+)\s*=\s?(.*)")
_ID = re.compile(r"(\d+)(?:([-.])(\d+))?")
# Usual columns and keys of MISC with the tags of spans, in lower case.
_TAG_COLUMNS = ("ner", "ne", "entity", "tag", "bio", "iob", "parseme:ne")
_TAG_KEYS = ("NER", "NE", "Entity", "name")


@dataclass
class _Layout:
    """The columns of a file.

    Attributes:
        names: The names of the columns.
        form: Number of the column of the words.
        misc: Number of the column MISC; None if no column has this name.
        tag: Number of the column of the tags; None if they are in MISC, or there are none.
        key: Key of MISC with the tags; "" if they are in a column, or there are none.
    """

    names: tuple[str, ...]
    form: int
    misc: int | None
    tag: int | None = None
    key: str = ""


def recognizes(lines: Sequence[str]) -> bool:
    """Return whether the first lines name columns, or are ten columns with ids of words.

    Args:
        lines: First lines of a file, without their ends.
    """
    filled = [line for line in lines if line.strip()]
    if filled and HEADER.match(filled[0]):
        return True
    rows = [line.split("\t") for line in filled if not line.startswith("#")]
    ids = [_ID.fullmatch(row[0]) for row in rows if len(row) == len(_COLUMNS)]
    return bool(ids) and all(ids) and 10 * len(ids) >= 9 * len(rows)


def read(
    lines: Iterable[tuple[int, str]], path: str, options: ReadOptions, report: ReadReport
) -> Iterator[Sentence]:
    """Parse numbered lines.

    Args:
        lines: Line numbers, counted from 1, and lines without their ends.
        path: Path of the file, for records and errors.
        options: Column of the tags: its name or number, or a key of MISC.
        report: Receives the layout, notes, and the errors of single lines.

    Yields:
        The sentences with their tags. Each has a record of its own, with its text.

    Raises:
        DataError: The column of the tags does not exist, or cannot be determined.
    """
    reader = _Reader(path, options, report)
    block: list[tuple[int, str]] = []
    for number, line in lines:
        if line.strip():
            block.append((number, line))
        elif block:
            yield from reader.sentence(block)
            block = []
    if block:
        yield from reader.sentence(block)


class _Reader:
    """The state of a reader: the columns of the file, and the document of a sentence."""

    def __init__(self, path: str, options: ReadOptions, report: ReadReport) -> None:
        self.path, self.options, self.report = path, options, report
        self.layout: _Layout | None = None
        self.names: tuple[str, ...] = _COLUMNS
        self.document = ""
        self.documents = 0

    def sentence(self, block: list[tuple[int, str]]) -> Iterator[Sentence]:
        """Yield the sentence of a block of lines; report ill-formed lines."""
        comments = [line for _, line in block if line.startswith("#")]
        rows = [(number, line) for number, line in block if not line.startswith("#")]
        values = {}
        for line in comments:
            if found := HEADER.match(line):
                self.names = tuple(found[1].split())
            elif found := _COMMENT.match(line):
                values[found[1]] = found[2]
            if is_document_line(line):
                self.documents += 1
                self.document = values.get("newdoc") or values.get("id", "") or _newdoc(line)
        if not rows:
            return
        cells = [(number, line.split("\t")) for number, line in rows]
        if self.layout is None:
            self.layout = self._determined(cells)
        layout = self.layout
        faults = [fault for number, row in cells if (fault := self._fault(number, row, layout))]
        for fault in faults:
            self.report.problem(fault)
        if faults:
            return
        words = []
        for index, (number, row) in enumerate(cells):
            if "ID" in layout.names and not row[layout.names.index("ID")].isdecimal():
                note = "ranges and empty nodes of CoNLL-U are not tokens"
                self.report.note(note, number, "\t".join(row))
            else:
                words.append(index)
        yield self._sentence(comments, cells, words, layout, values.get("sent_id", ""))

    def _sentence(
        self,
        comments: list[str],
        cells: list[tuple[int, list[str]]],
        words: list[int],
        layout: _Layout,
        identifier: str,
    ) -> Sentence:
        """Return the sentence of well-formed rows."""
        rows = [row for _, row in cells]
        text, offsets, after = _text(rows, words, layout)
        data: dict[str, Any] = {
            "comments": comments,
            "rows": rows,
            "words": words,
            "names": layout.names,
            "misc": layout.misc,
            "tag": layout.tag,
            "key": layout.key,
            "document": self.document or self.documents,
            AFTER: after,
        }
        first = cells[0][0]
        record = Record(
            self.path,
            first,
            text,
            token_lines=tuple(cells[index][0] - first for index in words),
            leading=tuple(comments),
            data=data,
            format=_NAME,
            id=identifier,
            is_tokenized=True,
        )
        tokens = tuple(rows[index][layout.form] for index in words)
        tags = None
        if layout.tag is not None:
            column = layout.tag
            tags = tuple(tag_of(rows[index][column]) for index in words)
        elif layout.key:
            tags = tuple(_misc_tag(rows[index][layout.misc or 0], layout.key) for index in words)
        return Sentence(tokens, tags=tags, offsets=offsets, record=record)

    def _fault(self, number: int, row: list[str], layout: _Layout) -> DataError | None:
        """Return what is wrong with a row, if anything."""
        line = "\t".join(row)
        if len(row) != len(layout.names):
            message = f"expected {len(layout.names)} columns separated by tabs, found {len(row)}"
            return DataError(self.path, number, f"{message}: {shown(line)}")
        if "ID" in layout.names and not _ID.fullmatch(row[layout.names.index("ID")]):
            message = "expected the id of a word, such as 1, 1-2 or 1.1, in the first column"
            return DataError(self.path, number, f"{message}; found {shown(line)}")
        if not row[layout.form].strip():
            return DataError(self.path, number, f"the word is empty: {shown(line)}")
        return None

    def _determined(self, cells: Sequence[tuple[int, list[str]]]) -> _Layout:
        """Return the layout of the columns, with those that the user declared."""
        number, first = cells[0]
        names = self.names
        if names is _COLUMNS and len(first) != len(names):
            names = tuple(map(str, range(len(first))))
        declared = self.options.columns
        if not self.options.annotated:
            declared = replace(declared, tag=None)
        upper = [name.rpartition(":")[2].upper() for name in names]
        form = self._number(declared.token, 0, upper.index("FORM") if "FORM" in upper else 1, names)
        misc = upper.index("MISC") if "MISC" in upper else None
        layout = _Layout(names, form, misc)
        if declared.tag is not None:
            self._find_tags(layout, declared, number, [row for _, row in cells])
        where = f"tag in {layout.key} of MISC" if layout.key else ""
        where = where if layout.tag is None else f"tag in {names[layout.tag]}"
        kind = "CoNLL-U" if names is _COLUMNS else "CoNLL-U Plus"
        self.report.header = names
        self.report.layout = f"{kind}: token in {names[form]}" + f", {where}" * bool(where)
        return layout

    def _number(
        self, declared: int | str, default: int, usual: int, names: tuple[str, ...], line: int = 1
    ) -> int:
        """Return the number of a column that the user declared, or the usual one."""
        if declared == default:
            return usual
        if isinstance(declared, str):
            if declared not in names:
                message = f"there is no column {shown(declared)}; expected one of"
                raise DataError(self.path, line, f"{message} {', '.join(names)}")
            return names.index(declared)
        if not -len(names) <= declared < len(names):
            message = f"there is no column {declared}; there are {len(names)}, counted from 0"
            raise DataError(self.path, line, message)
        return declared % len(names)

    def _find_tags(
        self, layout: _Layout, columns: Columns, number: int, rows: list[list[str]]
    ) -> None:
        """Find the column or the key of MISC with the tags; raise DataError for neither."""
        names, declared = layout.names, columns.tag
        keys = [key for row in rows for key in _keys(row, layout)]
        if isinstance(declared, str) and declared not in names and layout.misc is not None:
            layout.key = declared
            return
        if declared != -1 and declared is not None:
            layout.tag = self._number(declared, -1, 0, names, number)
            return
        lower = [name.lower() for name in names]
        usual = [n for n, name in enumerate(lower) if name.rpartition(":")[2] in _TAG_COLUMNS]
        cells = (
            {row[layout.misc] for row in rows if len(row) > layout.misc} if layout.misc else set()
        )
        if not usual and cells - {"_"} and all(map(notations.is_span_tag, cells - {"_"})):
            usual = [layout.misc or 0]
        found = [key for key in dict.fromkeys(keys) if key in _TAG_KEYS]
        if usual:
            layout.tag = usual[0]
        elif found:
            layout.key = found[0]
        elif names[-1].upper() == "MISC" or layout.misc is not None:
            listed = ", ".join([*names, *(f"{key} of MISC" for key in dict.fromkeys(keys))])
            raise DataError(
                self.path,
                number,
                f"no column or key of MISC has a usual name of tags ({', '.join(_TAG_KEYS)}); name "
                f"one with --tag-column, such as UPOS: {listed}",
            )
        else:
            layout.tag = len(names) - 1


def _newdoc(line: str) -> str:
    """Return the id in a comment that begins a document."""
    return line.partition("=")[2].strip()


def _keys(row: list[str], layout: _Layout) -> list[str]:
    """Return the keys of the column MISC of a row."""
    if layout.misc is None or len(row) <= layout.misc:
        return []
    return [part.partition("=")[0] for part in row[layout.misc].split("|") if "=" in part]


def _misc_tag(misc: str, key: str) -> str:
    """Return the tag in a cell of MISC."""
    for part in misc.split("|"):
        name, equals, value = part.partition("=")
        if name == key and equals:
            return tag_of(value) if value else "O"
    return "O"


def _text(
    rows: list[list[str]], words: list[int], layout: _Layout
) -> tuple[str, tuple[Offsets, ...], str]:
    """Return the text of a sentence, the offsets of its words, and the blanks after it.

    Each word of a range has the offsets of its surface, as ``de`` and ``le`` have those of ``du``.
    """
    pieces: list[str] = []
    offsets: list[Offsets] = []
    position, after = 0, ""
    for count, row in _surfaces(rows, words, layout):
        cell = row[layout.misc] if layout.misc is not None else ""
        misc = dict(part.partition("=")[::2] for part in cell.split("|"))
        if not offsets:
            pieces.append(_unescaped(misc.get("SpacesBefore", "")))
            position = len(pieces[0])
        surface, after = row[layout.form], _spaces(misc)
        offsets += [(position, position + len(surface))] * count
        pieces += [surface, after]
        position += len(surface) + len(after)
    return "".join(pieces[:-1]), tuple(offsets), after


def _surfaces(
    rows: list[list[str]], words: list[int], layout: _Layout
) -> Iterator[tuple[int, list[str]]]:
    """Yield the row of each surface and the number of its words: a range, or a word of its own."""
    if "ID" not in layout.names:
        yield from ((1, rows[index]) for index in words)
        return
    column = layout.names.index("ID")
    ranges = {
        int(found[1]): (int(found[3]), row)
        for row in rows
        if (found := _ID.fullmatch(row[column])) is not None and found[2] == "-"
    }
    end, count, surface = 0, 0, rows[words[0]] if words else []
    for index in words:
        number = int(rows[index][column])
        if count and number > end:
            yield count, surface
            count = 0
        if not count:
            end, surface = ranges.get(number, (number, rows[index]))
        count += 1
    if count:
        yield count, surface


def _spaces(misc: dict[str, str]) -> str:
    """Return the blanks after a word."""
    if "SpacesAfter" in misc:
        return _unescaped(misc["SpacesAfter"])
    return "" if misc.get("SpaceAfter") == "No" else " "


def _unescaped(value: str) -> str:
    """Return blanks that UDPipe has escaped."""
    return re.sub(r"\\(.)", lambda found: ESCAPES.get(found[1], found[0]), value)


FORMAT = Format(
    _NAME,
    (".conllu", ".conllup"),
    recognizes,
    read,
    write,
    refuses=refuses,
    suffix_means="new files",
    takes_records=True,
    common_keys=frozenset(
        {"comments", "rows", "words", "names", "misc", "tag", "key", "document", AFTER}
    ),
)
