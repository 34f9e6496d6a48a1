"""PubTator: a title and an abstract per document, with the spans of both.

    4711|t|Naloxone reverses hypertension
    4711|a|In rats, clonidine had no effect.
    4711	0	8	Naloxone	Chemical	D009270

Offsets are half-open and count the characters of title, one blank, and abstract. The identifier in
the last column may be missing. Lines of relations are kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import IO, Any

from tagger.errors import DataError
from tagger.text.alignment import CharacterSpan, sentences_with
from tagger.text.formats.format import Format
from tagger.text.formats.whole import Whole, check_spans, plain_tags, whole_documents
from tagger.text.locating import located
from tagger.text.options import ReadOptions
from tagger.text.report import ReadReport, shown
from tagger.text.spans import Record, Sentence

__all__ = ["FORMAT", "read", "recognizes", "write"]

_NAME = "pubtator"
_TITLE = re.compile(r"([^|\t]+)\|t\|(.*)")
_ABSTRACT = re.compile(r"([^|\t]+)\|a\|(.*)")


def recognizes(lines: Sequence[str]) -> bool:
    """Return whether the first lines are a title and an abstract.

    Args:
        lines: First lines of a file, without their ends.
    """
    filled = [line for line in lines if line.strip()][:2]
    return len(filled) == 2 and bool(_TITLE.match(filled[0]) and _ABSTRACT.match(filled[1]))


def read(
    lines: Iterable[tuple[int, str]], path: str, options: ReadOptions, report: ReadReport
) -> Iterator[Sentence]:
    """Parse numbered lines.

    Args:
        lines: Line numbers, counted from 1, and lines without their ends.
        path: Path of the file, for records and errors.
        options: Tokenizer, and whether spans are read.
        report: Receives notes and the errors of single lines.

    Yields:
        The sentences. Those of a document share a record.
    """
    report.layout = "PubTator"
    block: list[tuple[int, str]] = []
    for number, line in lines:
        if (not line.strip() or _TITLE.match(line)) and block:
            yield from _document(block, path, options, report)
            block = []
        if line.strip():
            block.append((number, line))
    if block:
        yield from _document(block, path, options, report)


def _document(
    block: list[tuple[int, str]], path: str, options: ReadOptions, report: ReadReport
) -> Iterator[Sentence]:
    """Yield the sentences of the lines of one document."""
    first, line = block[0]
    title = _TITLE.match(line)
    abstract = _ABSTRACT.match(block[1][1]) if len(block) > 1 else None
    if title is None:
        message = "expected 'ID|t|TITLE' at the beginning of a document, found"
        report.problem(DataError(path, first, f"{message} {shown(line)}"))
        return
    text = title[2] + (f" {abstract[2]}" if abstract and abstract[2] else "")
    spans, kept, identifiers = [], [], {}
    for number, line in block[2 if abstract else 1 :]:
        cells = line.split("\t")
        if cells[0] != title[1]:
            message = f"expected a line of the document {shown(title[1])}, found {shown(line)}"
            report.problem(DataError(path, number, message))
        elif len(cells) == 4 or not (len(cells) > 1 and cells[1].isdecimal()):
            report.note("lines of relations are kept, but are no spans", number, line)
            kept.append(line)
        elif len(cells) < 5 or not cells[2].isdecimal() or not cells[4].strip():
            message = "expected 'ID<tab>START<tab>END<tab>MENTION<tab>LABEL', found"
            report.problem(DataError(path, number, f"{message} {shown(line)}"))
        else:
            label = cells[4].strip()
            start, end = int(cells[1]), int(cells[2])
            span = CharacterSpan(start, end, label, text=cells[3], line=number)
            spans.append(span)
            identifiers[number] = cells[5:]
    data: dict[str, Any] = {"lines": kept, "title": len(title[2])}
    record = Record(path, first, text, data=data, format=_NAME, id=title[1])
    usable = located(spans, record, options, report if options.annotated else ReadReport())
    data["ids"] = {(one.start, one.end, one.label): identifiers[one.line] for one in usable}
    yield from sentences_with(usable if options.annotated else None, record, options, report)


def write(sentences: Iterable[Sentence], stream: IO[str], scheme: str) -> None:
    """Write documents; the first line of a text is its title, and line breaks become blanks.

    Args:
        sentences: Sentences, consumed lazily, document by document.
        stream: Text stream to write to; it is not closed.
        scheme: Not used.

    Raises:
        DataError: The sentences have plain tags, or a label has a tab or line break.
    """
    for number, document in enumerate(check_spans(whole_documents(sentences), _NAME), 1):
        stream.writelines(f"{line}\n" for line in (*_lines(document, number), ""))


def _lines(document: Whole, number: int) -> Iterator[str]:
    """Yield the lines of a document."""
    record = document.record
    own = record is not None and record.format == _NAME
    data: dict[str, Any] = dict(record.data or {}) if record is not None and own else {}
    name = re.sub(r"[|\s]", "_", document.id) or str(number)
    text = re.sub(r"[\r\n]", " ", document.text)
    break_at = data.get("title", re.search(r"[\r\n]|$", document.text).start())  # type: ignore[union-attr]
    yield f"{name}|t|{text[:break_at]}"
    yield f"{name}|a|{text[break_at + 1 :]}"
    for span in document.spans:
        if re.search(r"[\t\r\n]", span.label):
            path = record.path if record else "output"
            message = f"the label {shown(span.label)} cannot be written as {_NAME}"
            raise DataError(path, None, message)
        surface = re.sub(r"\t", " ", text[span.start : span.end])
        rest = data.get("ids", {}).get((span.start, span.end, span.label), [])
        yield "\t".join([name, str(span.start), str(span.end), surface, span.label, *rest])
    yield from data.get("lines", ())


FORMAT = Format(
    _NAME,
    (".pubtator", ".pubtator.txt"),
    recognizes,
    read,
    write,
    refuses=lambda sentence: plain_tags(sentence, _NAME),
    suffix_means="new files",
    takes_records=True,
    common_keys=frozenset({"ids", "title"}),
)
