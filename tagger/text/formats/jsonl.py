"""JSON Lines: one object per line, in one of these forms.

    {"tokens": ["Anna", "sang"], "spans": [{"start": 0, "end": 1, "label": "PER"}]}
    {"tokens": ["Anna", "sang"], "tags": ["B-PER", "O"]}
    {"text": "Anna sang.", "spans": [{"start": 0, "end": 4, "label": "PER"}]}

Spans are half-open: token indices beside "tokens", code points beside "text".

A span may also be written ``[start, end, label]``. Other keys are kept. Predictions are written
under ``spans`` (or ``tags`` for plain tags); an annotation that stood there already moves to
``gold``, unless there is gold already: then what stood there was an earlier prediction, which is
replaced.
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
    """Sentences of numbered JSON lines; one object with text may give several, which share their
    record.

    A sentence border inside an annotated span is lifted. An object without a token comes as an
    empty sentence. Without `annotated`, spans and tags are left unread.

    Raises: DataError: a line is no such object, or a span does not lie on token borders, overlaps
        or leaves the text.
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
    try:
        data = json.loads(line)
        if "\\u" in line:
            json.dumps(data, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        half = f"{error.object[error.start]!a}"
        raise DataError(
            path, number, f"{half} is half of a pair of surrogates, no character; mend or remove it"
        ) from error
    except (
        ValueError,
        RecursionError,
    ) as error:  # ValueError also for a number of thousands of digits
        raise DataError(path, number, f"not JSON ({error}); expected one object a line") from error
    if not isinstance(data, dict) or not ("tokens" in data or "text" in data):
        raise DataError(
            path, number, f'expected an object with "tokens" or "text", found {line[:60]!r}'
        )
    return data


def _sentences(record: Record, tokenizer: Tokenizer, annotated: bool) -> Iterator[Sentence]:
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
        raise ValueError('"tags" must be a list of strings, one a token')
    sentence = Sentence(tuple(tokens), tags=None if tags is None else tuple(tags), record=record)
    yield sentence.with_spans(_spans(data["spans"])) if "spans" in data else sentence


def _spans(values: Any) -> list[Span]:
    spans = []
    for value in values if isinstance(values, list) else [values]:
        try:
            start, end, label = (
                (value["start"], value["end"], value["label"]) if isinstance(value, dict) else value
            )
            good = (
                type(start) is int and type(end) is int and isinstance(label, str) and bool(label)
            )
        except (TypeError, ValueError, KeyError):
            good = False
        if not good:
            raise ValueError(
                f'expected a span {{"start": int, "end": int, "label": '
                f"str}}, found {json.dumps(value)[:80]}"
            )
        spans.append(Span(start, end, label))
    return sorted(spans, key=lambda span: (span.start, span.end))


def _from_text(record: Record, data: dict[str, Any], tokenizer: Tokenizer) -> Iterator[Sentence]:
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
            f"the span {span.start}-{span.end} ({span.label}) lies behind the last token of "
            f"{len(text)} characters"
        )


def _merged(sentences: Iterable[list[Offsets]], spans: list[Span]) -> Iterator[list[Offsets]]:
    """Join sentences whose border lies inside an annotated span: the annotator saw one sentence
    there.
    """
    held: list[Offsets] = []
    for offsets in sentences:
        held.extend(offsets)
        if not any(span.start < held[-1][1] < span.end for span in spans):
            yield held
            held = []
    if held:
        yield held


def _aligned(spans: list[Span], offsets: list[Offsets], text: str) -> list[Span]:
    """Character spans as token spans. A span that cuts a token is an error: moving it would change
    the annotation.
    """
    starts = {start: index for index, (start, _) in enumerate(offsets)}
    ends = {end: index + 1 for index, (_, end) in enumerate(offsets)}
    for span in spans:
        if span.start not in starts or span.end not in ends:
            cut = " ".join(
                text[start:end] for start, end in offsets if start < span.end and end > span.start
            )
            raise ValueError(
                f"the span {span.start}-{span.end} ({text[span.start : span.end]!r}, "
                f"{span.label}) does not begin and end with "
                f"a token; the tokens there are {cut!r}. Mend the span, use another tokenizer, or "
                "give tokens instead of text"
            )
    return [Span(starts[span.start], ends[span.end], span.label) for span in spans]


def write(sentences: Iterable[Sentence], stream: IO[str]) -> None:
    """Write an object for each record: its own keys, and the spans or plain tags of its
    sentences.
    """
    for group in by_record(sentences):
        stream.write(json.dumps(_object(group), ensure_ascii=False) + "\n")


def _object(sentences: list[Sentence]) -> dict[str, Any]:
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
    """Move the annotation under the first of `keys` that there is to "gold", unless that holds one
    already.
    """
    key = next((key for key in keys if key in data), None)
    if key is not None:
        data.setdefault("gold", data.pop(key))


def _as_json(span: Span, in_text: bool) -> dict[str, Any]:
    result = {
        "start": span.start_char if in_text else span.start,
        "end": span.end_char if in_text else span.end,
        "label": span.label,
        "text": span.text,
    }
    return result if span.score is None else {**result, "score": round(span.score, 6)}


def recognizes(lines: Sequence[str]) -> bool:
    """Return whether the first line that is not blank is an object with "tokens" or "text"."""
    try:
        _parsed(next((line for line in lines if line.strip()), ""), "", 1)
    except DataError:
        return False
    return True


def _read(lines: Iterable[tuple[int, str]], path: str, options: ReadOptions) -> Iterator[Sentence]:
    return read(lines, path, tokenizers.get(options.tokenizer), annotated=options.annotated)


def _write(sentences: Iterable[Sentence], stream: IO[str], scheme: str) -> None:
    write(sentences, stream)


FORMAT = Format("jsonl", (".jsonl", ".ndjson"), recognizes, _read, _write, has_scores=True)
