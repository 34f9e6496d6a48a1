"""JSON Lines (jsonlines.org): one object per line, in one of these forms.

    {"tokens": ["Anna", "sang"], "spans": [{"start": 0, "end": 1, "label": "PER"}]}
    {"tokens": ["Anna", "sang"], "tags": ["B-PER", "O"]}
    {"text": "Anna sang.", "spans": [{"start": 0, "end": 4, "label": "PER"}]}

Spans are half-open: token indices beside "tokens", code points beside "text".

A span may also be written ``[start, end, label]``. Other keys are kept. Predictions are written to
``spans`` (or ``tags`` for plain tags). An existing annotation there is moved to ``gold``; if
``gold`` exists, it is an earlier prediction and is replaced.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import IO, Any

from tagger.errors import DataError
from tagger.text import tokens as tokenizers
from tagger.text.formats.format import Format, ReadOptions
from tagger.text.spans import Record, Sentence, Span, by_record
from tagger.text.tokens import Offsets, Tokenizer

__all__ = ["FORMAT", "read", "recognizes", "write"]


def read(
    lines: Iterable[tuple[int, str]], path: str, tokenizer: Tokenizer, *, annotated: bool = True
) -> Iterator[Sentence]:
    """Parse numbered JSON lines; blank lines are skipped.

    Args:
        lines: Line numbers, counted from 1, and lines without their ends.
        path: Path of the file, for records and errors.
        tokenizer: Function from a raw text to the token offsets of each sentence.
        annotated: Whether spans and tags are read.

    Yields:
        The sentences. A raw text can contain several, which share a record; sentences are joined if
        an annotated span crosses the boundary between them. An object without tokens yields an
        empty sentence.

    Raises:
        DataError: A line is not such an object, or a span is not aligned with the tokens, overlaps
            another or ends after the text.
    """
    for number, line in lines:
        if not line.strip():
            continue
        record = Record(path, number, data=_parsed(line, path, number))
        try:
            yield from _sentences(record, tokenizer, annotated)
        except ValueError as error:
            raise DataError(path, number, str(error)) from error


def _parsed(line: str, path: str, number: int) -> dict[str, Any]:
    """Parse a line and check that it is an object with tokens or text."""
    try:
        data = json.loads(line)
        if "\\u" in line:
            json.dumps(data, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        half = f"{error.object[error.start]!a}"
        raise DataError(
            path, number, f"{half} is an unpaired surrogate, not a character; correct or remove it"
        ) from error
    # Integers of thousands of digits are a ValueError, too.
    except (ValueError, RecursionError) as error:
        raise DataError(
            path, number, f"not JSON ({error}); expected one object per line"
        ) from error
    if not isinstance(data, dict) or not ("tokens" in data or "text" in data):
        raise DataError(
            path, number, f'expected an object with "tokens" or "text", found {line[:60]!r}'
        )
    return data


def _sentences(record: Record, tokenizer: Tokenizer, annotated: bool) -> Iterator[Sentence]:
    """Yield the sentences of one object."""
    data = record.data or {}
    if not annotated:
        data = {key: data[key] for key in ("tokens", "text") if key in data}
    if "tokens" not in data:
        yield from _from_text(record, data, tokenizer)
        return
    tokens, tags = data["tokens"], data.get("tags")
    if not isinstance(tokens, list) or not all(isinstance(token, str) for token in tokens):
        raise ValueError('"tokens" must be a list of strings')
    if tags is not None and not (
        isinstance(tags, list) and all(isinstance(tag, str) for tag in tags)
    ):
        raise ValueError('"tags" must be a list of strings, one per token')
    sentence = Sentence(tuple(tokens), tags=None if tags is None else tuple(tags), record=record)
    yield sentence.with_spans(_spans(data["spans"])) if "spans" in data else sentence


def _spans(values: Any) -> list[Span]:
    """Parse the value of "spans" and sort the spans."""
    spans = []
    for value in values if isinstance(values, list) else [values]:
        try:
            start, end, label = (
                (value["start"], value["end"], value["label"]) if isinstance(value, dict) else value
            )
            is_valid = (
                type(start) is int and type(end) is int and isinstance(label, str) and bool(label)
            )
        except (TypeError, ValueError, KeyError):
            is_valid = False
        if not is_valid:
            raise ValueError(
                f'expected a span {{"start": int, "end": int, "label": str}}, '
                f"found {json.dumps(value)[:80]}"
            )
        spans.append(Span(start, end, label))
    return sorted(spans, key=lambda span: (span.start, span.end))


def _from_text(record: Record, data: dict[str, Any], tokenizer: Tokenizer) -> Iterator[Sentence]:
    """Yield the sentences of an object with raw text."""
    text = data["text"]
    if not isinstance(text, str):
        raise ValueError('"text" must be a string')
    record = replace(record, text=text)
    spans = _spans(data["spans"]) if "spans" in data else None
    ahead = deque(spans or ())
    empty = True
    for offsets in _merged(tokenizer(text), spans or []):
        empty = False
        sentence = Sentence(
            tuple(text[start:end] for start, end in offsets), offsets=tuple(offsets), record=record
        )
        if spans is not None:
            inside = []
            while ahead and ahead[0].start < offsets[-1][1]:
                inside.append(ahead.popleft())
            sentence = sentence.with_spans(_aligned(inside, offsets, text))
        yield sentence
    if empty:
        yield Sentence((), spans=None if spans is None else (), offsets=(), record=record)
    if ahead:
        span = ahead[0]
        raise ValueError(
            f"the span {span.start}-{span.end} ({span.label}) starts after the last token of "
            f"{len(text)} characters"
        )


def _merged(sentences: Iterable[list[Offsets]], spans: list[Span]) -> Iterator[list[Offsets]]:
    """Join consecutive sentences whose boundary lies inside an annotated span.

    The spans are sorted by their start, and may overlap.
    """
    merged: list[Offsets] = []
    ahead, latest_end = deque(spans), 0  # the last end of all spans that start before the boundary
    for offsets in sentences:
        merged.extend(offsets)
        boundary = merged[-1][1]
        while ahead and ahead[0].start < boundary:
            latest_end = max(latest_end, ahead.popleft().end)
        if latest_end <= boundary:
            yield merged
            merged = []
    if merged:
        yield merged


def _aligned(spans: list[Span], offsets: list[Offsets], text: str) -> list[Span]:
    """Convert character spans to token spans; one that cuts a token is an error, not moved."""
    starts = {start: index for index, (start, _) in enumerate(offsets)}
    ends = {end: index + 1 for index, (_, end) in enumerate(offsets)}
    for span in spans:
        if span.start not in starts or span.end not in ends:
            cut = " ".join(
                text[start:end] for start, end in offsets if start < span.end and end > span.start
            )
            raise ValueError(
                f"the span {span.start}-{span.end} ({text[span.start : span.end]!r}, "
                f"{span.label}) does not begin and end with a token; the tokens there are {cut!r}. "
                "Correct the span, use another tokenizer, or provide tokens instead of text"
            )
    return [Span(starts[span.start], ends[span.end], span.label) for span in spans]


def write(sentences: Iterable[Sentence], stream: IO[str]) -> None:
    """Write one object per record: its original keys, and the spans or plain tags of its sentences.

    Args:
        sentences: Sentences in the order of the input, consumed lazily.
        stream: Text stream to write to; it is not closed.
    """
    for group in by_record(sentences):
        stream.write(json.dumps(_object(group), ensure_ascii=False) + "\n")


def _object(sentences: list[Sentence]) -> dict[str, Any]:
    """Return the object of the sentences of one record."""
    first = sentences[0]
    record = first.record
    in_text = first.offsets is not None and record is not None
    data: dict[str, Any] = dict(record.data or {}) if record is not None else {}
    if not data:
        data = (
            {"text": record.text}
            if in_text and record is not None
            else {"tokens": list(first.tokens)}
        )
    if first.spans is not None:
        _make_room(data, "spans", "tags")
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
    return data


def _make_room(data: dict[str, Any], *keys: str) -> None:
    """Move the annotation of the first existing key to "gold"; drop it if "gold" exists."""
    key = next((key for key in keys if key in data), None)
    if key is not None:
        data.setdefault("gold", data.pop(key))


def _as_json(span: Span, in_text: bool) -> dict[str, Any]:
    """Return a span as an object, with character offsets if it is `in_text`."""
    result = {
        "start": span.start_char if in_text else span.start,
        "end": span.end_char if in_text else span.end,
        "label": span.label,
        "text": span.text,
    }
    return result if span.score is None else {**result, "score": round(span.score, 6)}


def recognizes(lines: Sequence[str]) -> bool:
    """Return whether the first non-blank line is an object with "tokens" or "text"."""
    try:
        _parsed(next((line for line in lines if line.strip()), ""), "", 1)
    except DataError:
        return False
    return True


def _read(lines: Iterable[tuple[int, str]], path: str, options: ReadOptions) -> Iterator[Sentence]:
    """Adapt `read` to `Format.read`."""
    return read(lines, path, tokenizers.get(options.tokenizer), annotated=options.annotated)


def _write(sentences: Iterable[Sentence], stream: IO[str], scheme: str) -> None:
    """Adapt `write` to `Format.write`."""
    write(sentences, stream)


FORMAT = Format("jsonl", (".jsonl", ".ndjson"), recognizes, _read, _write, has_scores=True)
