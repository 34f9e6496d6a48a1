"""JSON Lines (jsonlines.org): one object per line, in one of these forms. An array of such objects
and objects over several lines are read, too.

    {"tokens": ["Anna", "sang"], "spans": [{"start": 0, "end": 1, "label": "PER"}]}
    {"tokens": ["Anna", "sang"], "tags": ["B-PER", "O"]}
    {"text": "Anna sang.", "spans": [{"start": 0, "end": 4, "label": "PER"}]}
    {"text": "Anna sang.", "spans": [{"text": "Anna", "label": "PER"}]}
    {"text": "Anna sang.", "entities": [{"text": "Anna", "label": "PER"}]}

Spans are half-open: token indices beside "tokens", characters beside "text", in code points unless
the spans' texts prove another unit. A span without offsets, as language models answer, is searched
in the text. A predicted span may have its normal form as "normalized".

A span may also be written ``[start, end, label]``. Other keys are kept. Predictions are written to
``spans`` (or ``tags`` for plain tags). An existing annotation there is moved to ``gold``; if
``gold`` exists, it is an earlier prediction and is replaced. Objects made from a text file begin
with its name, the number of the line and the offset of the text in the file, in code points:

    {"file": "a.txt", "line": 2, "offset": 40, "text": "Anna sang.", "spans": […]}
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import IO, Any

from tagger.text import schemes
from tagger.text.alignment import CharacterSpan, sentences_of
from tagger.text.fitting import without_overlaps
from tagger.text.formats.format import Format
from tagger.text.formats.json_documents import Item, looks_like
from tagger.text.formats.json_records import common_data, name_of, read_items
from tagger.text.options import ReadOptions
from tagger.text.report import ReadReport, shown
from tagger.text.spans import Record, Sentence, Span, by_record

__all__ = [
    "FORMAT",
    "character_spans",
    "is_annotation",
    "is_tags",
    "read",
    "recognizes",
    "spans_of",
    "write",
]


def read(
    lines: Iterable[tuple[int, str]],
    path: str,
    options: ReadOptions,
    report: ReadReport | None = None,
) -> Iterator[Sentence]:
    """Parse JSON objects: one per line, over several lines, or in an array.

    Args:
        lines: Line numbers, counted from 1, and lines without their ends.
        path: Path of the file, for records and errors.
        options: Tokenizer of raw text, whether spans and tags are read, and what happens to spans
            that do not fit the tokens.
        report: Receives notes and the errors of single objects. Default: a new one, whose errors
            are raised at the end of the file.

    Yields:
        The sentences. A raw text can contain several, which share a record; sentences are joined if
        an annotated span crosses the boundary between them. An object without tokens yields an
        empty sentence.

    Raises:
        DataError: A value is not such an object, or a span is not aligned with the tokens, overlaps
            another or ends after the text.
    """
    own = report or ReadReport(path)
    own.layout = "JSON Lines"
    yield from read_items(
        lines,
        path,
        own,
        lambda item: _sentences(
            Record(path, item.line, data=_checked(item), id=name_of(item.value)), options, own
        ),
    )
    if report is None:
        own.finish()


def _checked(item: Item) -> dict[str, Any]:
    """Return the value of an item if it is an object with tokens or text."""
    data = item.value
    if not isinstance(data, dict) or not ("tokens" in data or "text" in data):
        keys = f" with the keys {', '.join(map(repr, data))}"[:80] if isinstance(data, dict) else ""
        raise ValueError(
            f'expected an object with "tokens" or "text", found {shown(item.source)}{keys}'
        )
    return data


def _sentences(record: Record, options: ReadOptions, report: ReadReport) -> Iterator[Sentence]:
    """Yield the sentences of one object."""
    data = record.data or {}
    if "text" in data and "tokens" in data:
        _check_both(data, options.annotated)
        report.note('"tokens" are used, and "text" beside them is ignored', record.line)
    if not options.annotated:
        data = {key: data[key] for key in ("tokens", "text") if key in data}
    if "tokens" not in data:
        yield from _from_text(record, data, options, report)
        return
    tokens, tags = data["tokens"], data.get("tags", data.get("ner_tags"))
    if not isinstance(tokens, list) or not all(isinstance(token, str) for token in tokens):
        raise ValueError('"tokens" must be a list of strings')
    if tags is not None and not (
        isinstance(tags, list) and all(isinstance(tag, str) for tag in tags)
    ):
        key = "tags" if "tags" in data else "ner_tags"
        are_ids = isinstance(tags, list) and all(type(tag) is int for tag in tags)
        raise ValueError(
            f'"{key}" must be a list of strings, one per token'
            + ("; found numbers, whose names are not in the file" if are_ids else "")
        )
    sentence = Sentence(tuple(tokens), tags=None if tags is None else tuple(tags), record=record)
    if "spans" in data:
        spans = _token_spans(data["spans"])
        if all(span.end <= len(tokens) for span in spans):  # else an error that says so
            spans = without_overlaps(spans, tokens, record, options, report)
        sentence = sentence.with_spans(spans)
    yield sentence


def _check_both(data: dict[str, Any], annotated: bool) -> None:
    """Raise ValueError unless "tokens" and "text" of an object agree, and spans are unambiguous."""
    tokens, text = data["tokens"], data["text"]
    if isinstance(tokens, list) and isinstance(text, str):
        if "".join("".join(map(str, tokens)).split()) != "".join(text.split()):
            raise ValueError('"tokens" and "text" differ; remove one of them')
        if annotated and "spans" in data:
            raise ValueError(
                '"spans" beside "tokens" and "text" could count tokens or characters; remove '
                '"tokens" or "text"'
            )


def character_spans(values: Any) -> list[CharacterSpan]:
    """Parse the value of "spans" beside "text", with the spans' surfaces if they are there.

    Args:
        values: The value.

    Returns:
        The spans, as they are counted in the file, and without offsets where it has none.

    Raises:
        ValueError: The value is not a list of spans.
    """
    found = []
    for value in values if isinstance(values, list) else [values]:
        is_placed = not (isinstance(value, dict) and "text" in value and "start" not in value)
        try:
            start, end, label = (
                (-1, -1, value["label"])
                if not is_placed
                else (value["start"], value["end"], value["label"])
                if isinstance(value, dict)
                else value
            )
            rest = value if isinstance(value, dict) else {}
            score, text = rest.get("score"), rest.get("text")
            is_valid = (
                (score is None or isinstance(score, int | float))
                and (text is None or isinstance(text, str))
                and type(start) is int
                and type(end) is int
                and isinstance(label, str)
                and bool(label)
                and (is_placed or (bool(text) and "end" not in value))
            )
        except (TypeError, ValueError, KeyError):
            is_valid = False
        if not is_valid:
            raise ValueError(
                f'expected a span {{"start": int, "end": int, "label": str}}, '
                f"found {json.dumps(value)[:80]}"
            )
        found.append(CharacterSpan(start, end, label, score, text))
    return found


def _token_spans(values: Any) -> list[Span]:
    """Parse the value of "spans" as spans of tokens, sorted."""
    spans = [Span(one.start, one.end, one.label, one.score) for one in character_spans(values)]
    return sorted(spans, key=lambda span: (span.start, span.end))


def _from_text(
    record: Record, data: dict[str, Any], options: ReadOptions, report: ReadReport
) -> Iterator[Sentence]:
    """Yield the sentences of an object with raw text."""
    text = data["text"]
    if not isinstance(text, str):
        raise ValueError('"text" must be a string')
    key = next((key for key in ("spans", "entities") if is_annotation(data, key)), "")
    spans = character_spans(data[key]) if key else None
    yield from sentences_of(text, spans, record, options, report)


def is_annotation(data: dict[str, Any], key: str) -> bool:
    """Return whether a key of an object contains its annotation.

    Args:
        data: The object.
        key: A key, which it may lack. Only the key "entities" may contain something else.
    """
    values = data.get(key, ())
    if key != "entities":
        return key in data and key in ("spans", "tags", "ner_tags")
    return (
        bool(values)
        and isinstance(values, list)
        and isinstance(data.get("text"), str)
        and "spans" not in data
        and all(isinstance(value, dict) and {"text", "label"} <= value.keys() for value in values)
    )


def spans_of(values: Any, sentence: Sentence) -> list[Span]:
    """Return the spans of a key of an object with tokens, or with tags.

    Args:
        values: Value of the key, such as "gold": spans of tokens, or tags.
        sentence: All tokens of the object.

    Returns:
        The spans, sorted.

    Raises:
        ValueError: The value is ill-formed, or a span does not fit the tokens.
    """
    if is_tags(values):
        tags = replace(sentence, spans=None, tags=tuple(values)).tags or ()
        return schemes.decode(tags, schemes.detect([tags]))
    return list(sentence.with_spans(_token_spans(values)).spans or ())


def is_tags(values: Any) -> bool:
    """Return whether the value of a key is a list of tags rather than of spans."""
    return (
        isinstance(values, list)
        and bool(values)
        and all(isinstance(value, str) for value in values)
    )


def write(sentences: Iterable[Sentence], stream: IO[str]) -> None:
    """Write one object per record: its original keys, and the spans or plain tags of its sentences.

    Args:
        sentences: Sentences in the order of the input, consumed lazily.
        stream: Text stream to write to; it is not closed.
    """
    for group in by_record(sentences):
        record = group[0].record
        if record is not None and record.lines and not len(group[0]):  # it could not be read
            stream.write("\n".join(record.lines) + "\n")
            continue
        stream.write(json.dumps(_object(group), ensure_ascii=False) + "\n")


def _object(sentences: list[Sentence]) -> dict[str, Any]:
    """Return the object of the sentences of one record."""
    first = sentences[0]
    record = first.record
    in_text = first.offsets is not None and record is not None
    is_own = record is not None and record.format == FORMAT.name
    data: dict[str, Any] = dict(record.data or {}) if record is not None and is_own else {}
    if not data:
        data = common_data(record)
        if in_text and record is not None:
            data |= {**_place(record), "text": record.text}
        else:
            data["tokens"] = list(first.tokens)
    if first.spans is not None:
        _make_room(
            data, "spans", "tags", *(["entities"] if is_annotation(data, "entities") else [])
        )
        data["spans"] = [
            _as_json(span, in_text) for sentence in sentences for span in sentence.spans or ()
        ]
    elif first.tags is not None:
        _make_room(data, "tags", "spans")
        data["tags"] = [tag for sentence in sentences for tag in sentence.tags or ()]
        if in_text:
            data["offsets"] = [
                list(offset) for sentence in sentences for offset in sentence.offsets or ()
            ]
    _add_more(data, sentences, in_text)
    return data


def _add_more(data: dict[str, Any], sentences: list[Sentence], in_text: bool) -> None:
    """Add the candidate spans of a record, and for each of its sentences the best sequences."""
    if sentences[0].candidates is not None:
        data["candidates"] = [
            _as_json(span, in_text) for sentence in sentences for span in sentence.candidates or ()
        ]
    if any(sentence.best is not None for sentence in sentences):
        data["best"] = [
            [
                {
                    "score": round(one.score, 6),
                    **(
                        {"tags": list(one.tags)}
                        if one.tags is not None
                        else {"spans": [_as_json(span, in_text) for span in one.spans or ()]}
                    ),
                }
                for one in sentence.best or ()
            ]
            for sentence in sentences
        ]


def _place(record: Record) -> dict[str, Any]:
    """Return the place of a record in its text file; nothing for other records."""
    if record.offset is None:
        return {}
    return {"file": record.path, "line": record.line, "offset": record.offset}


def _make_room(data: dict[str, Any], *keys: str) -> None:
    """Move the annotation of the first existing key to "gold"; drop it if "gold" exists."""
    key = next((key for key in keys if key in data), None)
    if key is not None:
        data.setdefault("gold", data.pop(key))


def _as_json(span: Span, in_text: bool) -> dict[str, Any]:
    """Return a span as an object, with character offsets if it is `in_text`."""
    result: dict[str, Any] = {
        "start": span.start_char if in_text else span.start,
        "end": span.end_char if in_text else span.end,
        "label": span.label,
        "text": span.text,
    }
    if span.score is not None:
        result["score"] = round(span.score, 6)
    if span.normalized is not None:
        result["normalized"] = span.normalized
    return result


def recognizes(lines: Sequence[str]) -> bool:
    """Return whether most lines or values look like objects with "tokens" or "text".

    Args:
        lines: First lines of a file, complete and without their ends.
    """
    filled = [line for line in lines[:_HEAD] if line.strip()]
    fitting = sum(_OBJECT.match(line) is not None for line in filled)
    return 2 * fitting > len(filled) or looks_like(lines, _is_own)


def _is_own(value: Any) -> bool:
    """Return whether a value is an object with "tokens" or "text"."""
    return isinstance(value, dict) and ("tokens" in value or "text" in value)


# The beginning of an object with one of the keys, which need not be well-formed to the end.
_OBJECT = re.compile(r'\s*\{.*"(?:tokens|text)"\s*:')
_HEAD = 20


def _read(
    lines: Iterable[tuple[int, str]], path: str, options: ReadOptions, report: ReadReport
) -> Iterator[Sentence]:
    """Adapt `read` to `Format.read`."""
    return read(lines, path, options, report)


def _write(sentences: Iterable[Sentence], stream: IO[str], scheme: str) -> None:
    """Adapt `write` to `Format.write`."""
    write(sentences, stream)


FORMAT = Format(
    "jsonl",
    (".jsonl", ".ndjson"),
    recognizes,
    _read,
    _write,
    has_scores=True,
    common_keys=frozenset({"id", "tokens", "text", "spans", "tags", "ner_tags"}),
)
