"""Pairs of a text and its entities, as examples of spaCy and several annotation tools have them.

    ["Anna sang.", {"entities": [[0, 4, "PER"]]}]

The pairs are the elements of an array, or stand on a line each, or are the value of "annotations"
of an object (``{"classes": […], "annotations": […]}``). Other keys of the second element are kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import IO, Any

from tagger.text.alignment import Document, documents_of, sentences_of
from tagger.text.formats.character_spans import checked_span, is_list_of_spans
from tagger.text.formats.format import Format
from tagger.text.formats.json_documents import Item, looks_like
from tagger.text.formats.json_records import (
    common_data,
    name_of,
    read_items,
    with_unread,
    write_array,
)
from tagger.text.options import ReadOptions
from tagger.text.report import ReadReport
from tagger.text.spans import Record, Sentence

__all__ = ["FORMAT"]

_UNITS = ("utf-32", "utf-16")  # of scripts, and of tools in browsers


def recognizes(lines: Sequence[str]) -> bool:
    """Return whether the values at the beginning of a file are pairs of a text and entities."""
    return looks_like(lines, lambda value: _is_pair(value) or any(map(_is_pair, _inner(value))))


def _is_pair(value: Any) -> bool:
    """Return whether a value is a pair of a text and an object."""
    return (
        isinstance(value, list)
        and len(value) == 2
        and isinstance(value[0], str)
        and isinstance(value[1], dict)
    )


def _inner(value: Any) -> list[Any]:
    """Return the pairs that are the value of "annotations"."""
    found = value.get("annotations") if isinstance(value, dict) else None
    return found if isinstance(found, list) else []


def read(
    lines: Iterable[tuple[int, str]], path: str, options: ReadOptions, report: ReadReport
) -> Iterator[Sentence]:
    """Yield the sentences of the texts; see `Format.read`."""
    report.layout = "pairs of a text and its entities"

    def parse(item: Item, reading: ReadOptions = options) -> Iterator[Sentence]:
        if inner := _inner(item.value):
            skipped = [value for value in inner if value is None]
            for _ in skipped:
                report.note("texts without annotation are skipped", item.line)
            for value in inner:
                if value is not None:
                    yield from parse(replace(item, value=value), replace(options, units=_UNITS))
            return
        if item.value is None:
            report.note("texts without annotation are skipped", item.line)
            return
        if not _is_pair(item.value):
            raise ValueError('expected a pair [text, {"entities": [[start, end, label], …]}]')
        text, data = item.value
        spans = None
        if options.annotated:
            values = data.get("entities")
            if not is_list_of_spans(values):
                raise ValueError('expected "entities" with a list of [start, end, label]')
            spans = [checked_span(value, *value[:3]) for value in values]
        record = Record(path, item.line, data=data, format=FORMAT.name, id=name_of(data))
        yield from sentences_of(text, spans, record, reading, report)

    return read_items(lines, path, report, parse)


def write(sentences: Iterable[Sentence], stream: IO[str], scheme: str) -> None:
    """Write an array of pairs; see `Format.write`."""
    write_array(with_unread(documents_of(sentences), _pair), stream)


def _pair(document: Document) -> list[Any]:
    """Return the pair of a text."""
    record = document.record
    is_own = record is not None and record.format == FORMAT.name and record.data is not None
    data = dict(record.data or {}) if record and is_own else common_data(record)
    if document.sentences[0].spans is not None:
        data["entities"] = [[one.start, one.end, one.label] for one in document.spans]
    return [document.text, data]


FORMAT = Format(
    "spacy-json",
    (".json", ".jsonl"),
    recognizes,
    read,
    write,
    suffix_means="nothing",
    common_keys=frozenset({"entities", "id"}),
)
