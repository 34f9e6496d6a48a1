"""Training data of GLiNER2: texts, and mentions by label as strings without offsets.

    {"input": "Anna sang.", "output": {"entities": {"person": ["Anna"]}}}
    {"text": "Anna sang.", "schema": {"entities": {"person": ["Anna"]}}}

A mention is found in the text; one that is not there is an error. Descriptions, relations and other
tasks are kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import IO, Any

from tagger.text.alignment import CharacterSpan, Document, documents_of, sentences_of
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

_KEYS = (("input", "output"), ("text", "schema"))


def recognizes(lines: Sequence[str]) -> bool:
    """Return whether the values at the beginning of a file are examples of GLiNER2."""
    return looks_like(lines, lambda value: _keys(value) is not None)


def _keys(value: Any) -> tuple[str, str] | None:
    """Return the keys of the text and the annotation of an example."""
    if not isinstance(value, dict):
        return None
    return next(
        (
            (text, output)
            for text, output in _KEYS
            if isinstance(value.get(text), str) and isinstance(value.get(output), dict)
        ),
        None,
    )


def read(
    lines: Iterable[tuple[int, str]], path: str, options: ReadOptions, report: ReadReport
) -> Iterator[Sentence]:
    """Yield the sentences of the texts; see `Format.read`."""
    report.layout = "JSON Lines of GLiNER2"

    def parse(item: Item) -> Iterator[Sentence]:
        keys = _keys(item.value)
        if keys is None:
            raise ValueError('expected an object with the string "input" and the object "output"')
        text = item.value[keys[0]]
        spans = None
        if options.annotated:
            mentions = _mentions(item.value[keys[1]])
            spans = [CharacterSpan.unplaced(surface, label) for surface, label in mentions]
        data, name = item.value, name_of(item.value)
        record = Record(path, item.line, data=data, format=FORMAT.name, id=name)
        yield from sentences_of(text, spans, record, options, report)

    return read_items(lines, path, report, parse)


def _mentions(output: dict[str, Any]) -> list[tuple[str, str]]:
    """Return surface and label of each mention."""
    entities = output.get("entities")
    if not isinstance(entities, dict) or not all(
        label and isinstance(values, list) and all(isinstance(value, str) for value in values)
        for label, values in entities.items()
    ):
        raise ValueError('expected "entities" with a list of strings for each label')
    return [(value, label) for label, values in entities.items() for value in values]


def write(sentences: Iterable[Sentence], stream: IO[str], scheme: str) -> None:
    """Write an example per text; see `Format.write`."""
    write_lines(with_unread(documents_of(sentences), _example), stream)


def _example(document: Document) -> dict[str, Any]:
    """Return the example of a text."""
    record = document.record
    is_own = record is not None and record.format == FORMAT.name
    data = dict(record.data or {}) if record is not None and is_own else {}
    text, output = _keys(data) or _KEYS[0]
    if not data:
        data = {**common_data(record), text: document.text, output: {}}
    if document.sentences[0].spans is not None:
        old = data[output].get("entities")
        # Labels without a mention are known to be absent.
        entities: dict[str, list[str]] = {label: [] for label in old or ()}
        for span in document.spans:
            surface = document.text[span.start : span.end]
            entities.setdefault(span.label, []).append(surface)
        data[output] = data[output] | {"entities": entities}
    return data


FORMAT = Format(
    "gliner2",
    (".jsonl", ".json"),
    recognizes,
    read,
    write,
    suffix_means="nothing",
    common_keys=frozenset({"id", "input", "output", "text", "schema"}),
)
