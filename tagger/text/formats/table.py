"""Tables with a header row (CSV): a token or a span per row.

    Sentence #,Word,POS,Tag             text,start,end,label
    Sentence: 1,Anna,NNP,B-per          Anna sang.,0,4,PER
    ,sang,VBD,O

In the first layout, a blank row or a new value in the column of sentences ends a sentence; empty
cells of that column repeat the value above, as in the corpus on Kaggle. In the second, consecutive
rows with the same text and id are one text; a row without offsets is a text without spans.
"""

from __future__ import annotations

import csv
import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import IO, Any

from tagger.errors import DataError
from tagger.text.alignment import CharacterSpan, documents_of, sentences_of
from tagger.text.delimited import DelimitedRows
from tagger.text.documents import begins_document
from tagger.text.formats.format import Format
from tagger.text.formats.layouts import INVISIBLE
from tagger.text.formats.table_layout import TableLayout, table_layout
from tagger.text.formats.whole import as_tokens, document_name
from tagger.text.options import Columns, ReadOptions
from tagger.text.report import ReadReport, shown
from tagger.text.spans import Record, Sentence

__all__ = ["FORMAT", "read", "recognizes", "write"]

_NAME = "csv"
TOKEN_HEADER = ["document", "sentence", "token", "tag"]
SPAN_HEADER = ["id", "text", "start", "end", "label", "surface", "score"]


def recognizes(lines: Sequence[str]) -> bool:
    """Return whether the first line is a header row with usual names.

    Args:
        lines: First lines of a file, without their ends.
    """
    first = next((line for line in lines if line.strip()), "")
    return table_layout(first, Columns()) is not None


def read(
    lines: Iterable[tuple[int, str]], path: str, options: ReadOptions, report: ReadReport
) -> Iterator[Sentence]:
    """Parse the numbered lines of a table.

    Args:
        lines: Line numbers, counted from 1, and lines without their ends.
        path: Path of the file, for records and errors.
        options: Columns by name or number, tokenizer, and whether annotations are read.
        report: Receives the layout, notes, and the errors of single rows.

    Yields:
        The sentences: with tags, or with spans of characters.

    Raises:
        DataError: There is no header row with the names of the columns, or a quote does not end.
    """
    rows = _Rows(lines, path)
    table = rows.header(options)
    report.header = tuple(table.header)
    if table.has_spans:
        report.layout = "a table with a span per row"
        yield from _texts(rows, table, options, report)
        return
    report.layout = f"a table with the columns {', '.join(table.header)}"
    yield from _sentences(rows, table, options, report)


class _Rows(DelimitedRows):
    """The rows of a table whose header row names the columns."""

    def __init__(self, lines: Iterable[tuple[int, str]], path: str) -> None:
        super().__init__(lines, path)
        self.table = TableLayout(",", [])

    def header(self, options: ReadOptions) -> TableLayout:
        """Read the header row and return the layout."""
        number, line = self.header_line()
        table = table_layout(line, options.columns)
        if table is None and number == 0:
            return self.table
        if table is None:
            raise DataError(
                self.path,
                number,
                f"expected a header row that names the columns of the token and the tag, found "
                f"{shown(line)}; name them with --token-column and --tag-column",
            )
        self.table, self.delimiter = table, table.delimiter
        if not table.has_spans:
            columns = options.columns
            self._declare(
                table, columns if options.annotated else replace(columns, tag=None), number
            )
        return table

    def _declare(self, table: TableLayout, columns: Columns, number: int) -> None:
        """Use the columns that the user declared in place of those with usual names."""
        for role, declared, default in (("token", columns.token, 0), ("tag", columns.tag, -1)):
            if declared is None:
                table.numbers.pop(role, None)
            elif isinstance(declared, str):
                if table.header.count(declared) != 1:
                    listed = ", ".join(table.header)
                    raise DataError(
                        self.path,
                        number,
                        f"there is no column {shown(declared)} for the {role}; expected one of "
                        f"{listed}",
                    )
                table.numbers[role] = table.header.index(declared)
            elif declared != default or role not in table.numbers:
                if not -len(table.header) <= declared < len(table.header):
                    raise DataError(
                        self.path,
                        number,
                        f"there is no column {declared} for the {role} in {len(table.header)}",
                    )
                table.numbers[role] = declared % len(table.header)
        if table.numbers.get("tag") == table.numbers["token"]:
            raise DataError(
                self.path,
                number,
                f"the token and its tag would both be the column "
                f"{shown(table.header[table.numbers['token']])}; name them with --token-column and "
                "--tag-column",
            )


def _sentences(
    rows: _Rows, table: TableLayout, options: ReadOptions, report: ReadReport
) -> Iterator[Sentence]:
    """Yield the sentences of a table with a token per row."""
    block: list[tuple[int, list[str]]] = []
    ids = ("", "")
    width = len(table.header)
    for number, row in rows:
        if not row:
            yield from _sentence(block, table, ids, rows.path)
            block = []
            continue
        if fault := _fault(row, table, width):
            report.problem(DataError(rows.path, number, fault))
            continue
        # An empty cell repeats the value above.
        new = (table.cell(row, "sentence") or ids[0], table.cell(row, "document") or ids[1])
        if new != ids:
            yield from _sentence(block, table, ids, rows.path)
            block, ids = [], new
        block.append((number, row))
    yield from _sentence(block, table, ids, rows.path)


def _fault(row: Sequence[str], table: TableLayout, width: int) -> str:
    """Return what is wrong with a row of a token, or ""."""
    if len(row) != width:
        return f"expected {width} columns, found {len(row)}: {shown(' | '.join(row))}"
    for role, blanks in (("token", " "), ("tag", INVISIBLE)):
        if role in table.numbers and not table.cell(row, role).strip(blanks):
            name = shown(table.header[table.numbers[role]])
            return f"the {role} is empty: {shown(' | '.join(row))}; expected one in column {name}"
    return ""


def _sentence(
    block: list[tuple[int, list[str]]], table: TableLayout, ids: tuple[str, str], path: str
) -> Iterator[Sentence]:
    """Yield the sentence of some rows, if there are any."""
    if not block:
        return
    first = block[0][0]
    tag = table.numbers.get("tag")
    data: dict[str, Any] = {
        "rows": [row for _, row in block],
        "header": table.header,
        "tag": tag,
        "delimiter": table.delimiter,
        "document": ids[1] or path,
    }
    record = Record(
        path,
        first,
        token_lines=tuple(number - first for number, _ in block),
        data=data,
        format=_NAME,
        is_tokenized=True,
    )
    tokens = tuple(table.cell(row, "token") for _, row in block)
    tags = None if tag is None else tuple(row[tag].strip(INVISIBLE) for _, row in block)
    yield Sentence(tokens, tags=tags, record=record)


def _texts(
    rows: _Rows, table: TableLayout, options: ReadOptions, report: ReadReport
) -> Iterator[Sentence]:
    """Yield the sentences of a table with a span per row."""
    width = len(table.header)
    good = []
    for number, row in rows:
        if row and len(row) != width:
            message = f"expected {width} columns, found {len(row)}: {shown(' | '.join(row))}"
            report.problem(DataError(rows.path, number, message))
        elif row:
            good.append((number, row))

    def key(numbered: tuple[int, list[str]]) -> tuple[str, str]:
        return table.cell(numbered[1], "id"), table.cell(numbered[1], "text")

    for (name, text), group in itertools.groupby(good, key):
        numbered = list(group)
        first = numbered[0][0]
        data = {"rows": [row for _, row in numbered], "header": table.header}
        record = Record(rows.path, first, data=data, format=_NAME, id=name)
        spans = []
        for number, row in numbered:
            try:
                spans += _spans(row, table, number)
            except ValueError as error:
                report.problem(DataError(rows.path, number, str(error)))
        yield from sentences_of(text, spans if options.annotated else None, record, options, report)


def _spans(row: Sequence[str], table: TableLayout, line: int) -> list[CharacterSpan]:
    """Return the span of a row, or [] if it has none; raise ValueError if it is ill-formed."""
    start, end, label = (table.cell(row, role).strip() for role in ("start", "end", "label"))
    if not (start or end or label):
        return []
    score = table.cell(row, "score").strip()
    try:
        return [
            CharacterSpan(
                _integer(start),
                _integer(end),
                label,
                float(score) if score else None,
                table.cell(row, "surface") or None,
                line=line,
            )
        ]
    except ValueError:
        raise ValueError(
            f"expected whole numbers in the columns of start and end, found {shown(start)} and "
            f"{shown(end)}" + (f", and a score, found {shown(score)}" if score else "")
        ) from None


def _integer(value: str) -> int:
    """Return a whole number, which spreadsheets may have written as 4.0."""
    return int(value.removesuffix(".0"))


def write(sentences: Iterable[Sentence], stream: IO[str], scheme: str) -> None:
    """Write a table: with a span per row if the first sentence has raw text, else a token per row.

    Rows that were read from a table keep their columns; the tag replaces the one that was read, or
    is a further column if none was.

    Args:
        sentences: Sentences, consumed lazily.
        stream: Text stream to write to; it is not closed.
        scheme: Tagging scheme of the spans, in rows of tokens.

    Raises:
        SchemeError: The scheme cannot represent the spans.
    """
    following = iter(sentences)
    first = next(following, None)
    if first is None:
        return
    everything = itertools.chain([first], following)
    record = first.record
    if record is not None and record.format == _NAME and "tag" in (record.data or {}):
        _rewrite(everything, stream, scheme)
    elif first.offsets is not None and not (record and record.is_tokenized) and not first.tags:
        _write_spans(everything, stream)
    else:
        _write_tokens(everything, stream, scheme)


def _rewrite(sentences: Iterable[Sentence], stream: IO[str], scheme: str) -> None:
    """Write rows that were read from a table, with other tags."""
    is_first = True
    for sentence in sentences:
        assert sentence.record is not None
        data = sentence.record.data or {}
        writer = csv.writer(stream, delimiter=data["delimiter"], lineterminator="\n")
        tag = data["tag"]
        if is_first:
            name = "tag" if "tag" not in data["header"] else "predicted"
            writer.writerow(data["header"] if tag is not None else [*data["header"], name])
            is_first = False
        for row, value in zip(data["rows"], as_tokens(sentence, scheme), strict=True):
            cells = [*row, value]
            if tag is not None:
                cells[tag] = cells.pop()
            writer.writerow(cells)


def _write_tokens(sentences: Iterable[Sentence], stream: IO[str], scheme: str) -> None:
    """Write a row per token."""
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(TOKEN_HEADER)
    document, number = 0, 0
    previous: Sentence | None = None
    for sentence in sentences:
        if previous is None or begins_document(sentence, previous):
            document, number = document + 1, 0
        previous = sentence
        number += 1
        name = document_name(sentence) or str(document)
        for token, tag in zip(sentence.tokens, as_tokens(sentence, scheme), strict=True):
            writer.writerow([name, number, token, tag])


def _write_spans(sentences: Iterable[Sentence], stream: IO[str]) -> None:
    """Write a row per span."""
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(SPAN_HEADER)
    for number, document in enumerate(documents_of(sentences), 1):
        name = (document.record.id if document.record else "") or str(number)
        for span in document.spans or (None,):
            cells = ["", "", "", "", ""]
            if span is not None:
                surface = document.text[span.start : span.end]
                score = "" if span.score is None else f"{span.score:.6f}"
                cells = [str(span.start), str(span.end), span.label, surface, score]
            writer.writerow([name, document.text, *cells])


FORMAT = Format(
    _NAME,
    (".csv",),
    recognizes,
    read,
    write,
    has_scores=True,
    suffix_means="new files",
    keeps_returns=True,
    takes_records=True,
    common_keys=frozenset({"rows", "header", "tag", "delimiter", "document"}),
)
