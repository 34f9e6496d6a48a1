"""JSON Lines of doccano, as all of its versions export and import them.

    {"id": 1, "text": "Anna sang.", "label": [[0, 4, "PER"]]}
    {"id": 1, "text": "Anna sang.", "labels": [[0, 4, "PER"]], "meta": {}}
    {"id": 1, "text": "Anna sang.", "entities": [{"id": 5, "label": "PER", "start_offset": 0,
     "end_offset": 4}], "relations": []}

doccano counts UTF-16 code units, as browsers do, or grapheme clusters if a project says so, and a
file has no texts of spans that prove which: if both fit the words, reading it is an error.
Metadata, comments and relations are kept. Files with another key than these receive ``label``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import IO, Any

from tagger.text.alignment import CharacterSpan, Document, documents_of, sentences_of
from tagger.text.formats.character_spans import (
    checked_span,
    is_list_of_spans,
    utf16_offsets,
)
from tagger.text.formats.format import Format
from tagger.text.formats.json_documents import Item, looks_like
from tagger.text.formats.json_records import (
    common_data,
    name_of,
    read_items,
    with_unread,
    write_lines,
)
from tagger.text.options import ReadOptions
from tagger.text.report import ReadReport
from tagger.text.spans import Record, Sentence

__all__ = ["FORMAT"]

_LISTS = ("label", "labels")
_UNITS = ("utf-16", "graphemes", "utf-32")  # doccano's own, those of its option, those of scripts


def recognizes(lines: Sequence[str]) -> bool:
    """Return whether the values at the beginning of a file are documents of doccano."""
    return looks_like(lines, _is_own)


def _is_own(value: Any) -> bool:
    """Return whether a value is a document of doccano."""
    if not isinstance(value, dict) or "spans" in value or "tokens" in value:
        return False
    return isinstance(value.get("text", value.get("data")), str) and (
        any(key in value and is_list_of_spans(value[key]) for key in _LISTS)
        or any(
            isinstance(found := value.get(key), list)
            and all(isinstance(one, dict) and "start_offset" in one for one in found)
            for key in ("entities", "annotations")
        )
    )


def read(
    lines: Iterable[tuple[int, str]], path: str, options: ReadOptions, report: ReadReport
) -> Iterator[Sentence]:
    """Yield the sentences of the documents; see `Format.read`."""
    report.layout = "JSON of doccano"

    def parse(item: Item) -> Iterator[Sentence]:
        data = item.value
        text = data.get("text", data.get("data")) if isinstance(data, dict) else None
        if not isinstance(text, str):
            raise ValueError('expected an object with the string "text"')
        spans = _spans(data) if options.annotated else None
        reading = replace(options, units=_UNITS)
        record = Record(path, item.line, data=data, format=FORMAT.name, id=name_of(data))
        yield from sentences_of(text, spans, record, reading, report)

    return read_items(lines, path, report, parse)


def _spans(data: dict[str, Any]) -> list[CharacterSpan]:
    """Return the spans of a document, in the units of the file."""
    key = _key(data)
    values = data.get(key)
    if not isinstance(values, list):
        found = ", ".join(map(repr, data))
        raise ValueError(f'no annotation; expected "label", "labels" or "entities", found {found}')
    if key in _LISTS:
        if not is_list_of_spans(values):
            raise ValueError(f'"{key}" must be a list of [start, end, label]')
        return [checked_span(value, *value[:3]) for value in values]
    if any(isinstance(value, dict) and type(value.get("label")) is int for value in values):
        raise ValueError(
            f'the labels of "{key}" are numbers, whose names are not in this file; export the '
            "project as JSONL with text labels"
        )
    return [_from_object(value) for value in values]


def _from_object(value: Any) -> CharacterSpan:
    """Return the span of an object."""
    data = value if isinstance(value, dict) else {}
    return checked_span(value, data.get("start_offset"), data.get("end_offset"), data.get("label"))


def _key(data: dict[str, Any]) -> str:
    """Return the key of the spans of a document."""
    return next((key for key in ("entities", *_LISTS, "annotations") if key in data), "label")


def write(sentences: Iterable[Sentence], stream: IO[str], scheme: str) -> None:
    """Write a document per text; see `Format.write`."""
    write_lines(with_unread(documents_of(sentences), _object), stream)


def _object(document: Document) -> dict[str, Any]:
    """Return the object of a document."""
    record = document.record
    if record is not None and record.format == FORMAT.name and record.data:
        data = dict(record.data)
    else:
        data = {**common_data(record), "text": document.text}
    if document.sentences[0].spans is not None:
        _annotate(data, document)
    return data


def _annotate(data: dict[str, Any], document: Document) -> None:
    """Replace the spans of a document."""
    offsets = utf16_offsets(document.text)
    spans = [(offsets[one.start], offsets[one.end], one.label) for one in document.spans]
    key = _key(data)
    if key != "entities":
        data[key] = [list(span) for span in spans]
        return
    old = {
        (one.get("start_offset"), one.get("end_offset"), one.get("label")): one
        for one in data["entities"]
        if isinstance(one, dict)
    }
    # doccano numbers entities across the project; new ones must not have the id of another.
    highest = max((id_ for one in old.values() if type(id_ := one.get("id")) is int), default=0)
    data["entities"] = []
    for start, end, label in spans:
        entity = old.get((start, end, label))
        if entity is None:
            highest += 1
            entity = {"id": highest, "label": label, "start_offset": start, "end_offset": end}
        data["entities"].append(entity)
    ids = [entity.get("id") for entity in data["entities"]]
    if isinstance(data.get("relations"), list):
        data["relations"] = [
            one
            for one in data["relations"]
            if isinstance(one, dict) and one.get("from_id") in ids and one.get("to_id") in ids
        ]


FORMAT = Format(
    "doccano",
    (".jsonl", ".json", ".ndjson"),
    recognizes,
    read,
    write,
    suffix_means="nothing",
    common_keys=frozenset({"id", "text", "data", "label", "labels", "entities"}),
)
