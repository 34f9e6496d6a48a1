"""JSON Lines of Prodigy.

    {"text": "Anna sang.", "tokens": [{"text": "Anna", "start": 0, "end": 4, "id": 0, "ws": true},
     …], "spans": [{"start": 0, "end": 4, "token_start": 0, "token_end": 0, "label": "PER"}],
     "answer": "accept"}

Only accepted examples are read, since a rejected one does not say what is right. Predictions are
written without an answer and hashes, ready to be corrected.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import IO, Any

from tagger.text.alignment import CharacterSpan, Document, documents_of, sentences_of
from tagger.text.formats.character_spans import checked_span
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
from tagger.text.report import ReadReport, shown
from tagger.text.spans import Record, Sentence

__all__ = ["FORMAT"]

_ANSWERS = ("accept", "reject", "ignore")
_MARKS = ("_input_hash", "_task_hash", "_view_id")
# Prodigy finds out by these what was annotated already.
_OF_ANSWER = ("answer", "_input_hash", "_task_hash", "_timestamp", "_session_id", "_annotator_id")


def recognizes(lines: Sequence[str]) -> bool:
    """Return whether the values at the beginning of a file are examples of Prodigy."""
    return looks_like(lines, _is_own)


def _is_own(value: Any) -> bool:
    """Return whether a value is an example of Prodigy."""
    if not isinstance(value, dict) or not isinstance(value.get("text"), str):
        return False
    tokens, spans = value.get("tokens"), value.get("spans")
    first = tokens[0] if isinstance(tokens, list) and tokens else None
    return (
        value.get("answer") in _ANSWERS
        or any(key in value for key in _MARKS)
        or (isinstance(first, dict) and "start" in first)
        or (
            isinstance(spans, list)
            and any(isinstance(span, dict) and "token_start" in span for span in spans)
        )
    )


def read(
    lines: Iterable[tuple[int, str]], path: str, options: ReadOptions, report: ReadReport
) -> Iterator[Sentence]:
    """Yield the sentences of the accepted examples; see `Format.read`."""
    report.layout = "JSON Lines of Prodigy"

    def parse(item: Item) -> Iterator[Sentence]:
        data = item.value if isinstance(item.value, dict) else {}
        text = data.get("text")
        if not isinstance(text, str):
            raise ValueError('expected an object with the string "text"')
        spans = None
        if options.annotated:
            answer = data.get("answer", "accept")
            if answer not in _ANSWERS:
                raise ValueError(
                    f'"answer" must be "accept", "reject" or "ignore", found {shown(str(answer))}'
                )
            if answer != "accept":
                report.note(f'examples with the answer "{answer}" are skipped', item.line)
                return
            if data.get("_view_id") == "ner":
                report.note(
                    "answers about single spans are read as if the rest of the text had no other "
                    "spans",
                    item.line,
                )
            spans = _spans(data)
        record = Record(path, item.line, data=data, format=FORMAT.name, id=name_of(data))
        yield from sentences_of(text, spans, record, options, report)

    return read_items(lines, path, report, parse)


def _spans(data: dict[str, Any]) -> list[CharacterSpan]:
    """Return the spans of an example; those that were accepted are no predictions any more."""
    values = data.get("spans", [])
    if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
        raise ValueError('"spans" must be a list of objects')
    return [
        checked_span(
            value,
            value.get("start"),
            value.get("end"),
            value.get("label"),
            value.get("text"),
            None if "answer" in data else value.get("score"),
        )
        for value in values
    ]


def write(sentences: Iterable[Sentence], stream: IO[str], scheme: str) -> None:
    """Write an accepted example per text; see `Format.write`."""
    write_lines(with_unread(documents_of(sentences), _accepted), stream)


def write_predictions(sentences: Iterable[Sentence], stream: IO[str], scheme: str) -> None:
    """Write an example to be corrected per text; see `Format.write_predictions`."""
    write_lines(with_unread(documents_of(sentences), _suggested), stream)


def _accepted(document: Document) -> dict[str, Any]:
    """Return the example of an annotated text."""
    data = _example(document)
    return data if document.sentences[0].spans is None else data | {"answer": "accept"}


def _suggested(document: Document) -> dict[str, Any]:
    """Return the example of a text with predictions."""
    return {key: value for key, value in _example(document).items() if key not in _OF_ANSWER}


def _example(document: Document) -> dict[str, Any]:
    """Return the example of a text without changing its answer."""
    record = document.record
    if record is not None and record.format == FORMAT.name and record.data is not None:
        data = dict(record.data)
    else:
        data = {**common_data(record), "text": document.text}
    if document.sentences[0].spans is None:
        return data
    tokens = data.get("tokens")
    try:
        spans = _with_tokens(document.spans, tokens)
    except (KeyError, TypeError):  # the example has no tokens, or the spans cut them
        tokens = list(_tokens(document))
        spans = _with_tokens(document.spans, tokens)
    return data | {"tokens": tokens, "spans": spans}


def _with_tokens(spans: Iterable[CharacterSpan], tokens: Any) -> list[dict[str, Any]]:
    """Return spans with the indices of their first and last token."""
    first = {token["start"]: index for index, token in enumerate(tokens)}
    last = {token["end"]: index for index, token in enumerate(tokens)}
    return [
        {
            "start": span.start,
            "end": span.end,
            "token_start": first[span.start],
            "token_end": last[span.end],
            "label": span.label,
        }
        | ({} if span.score is None else {"score": round(span.score, 6)})
        for span in spans
    ]


def _tokens(document: Document) -> Iterator[dict[str, Any]]:
    """Yield the tokens of a text as Prodigy has them."""
    number, start = 0, 0
    for sentence in document.sentences:
        for index, token in enumerate(sentence.tokens):
            if sentence.offsets is not None:
                start = sentence.offsets[index][0]
            end = start + len(token)
            is_before_blank = document.text[end : end + 1] == " "
            yield {"text": token, "start": start, "end": end, "id": number, "ws": is_before_blank}
            number, start = number + 1, end + 1


FORMAT = Format(
    "prodigy",
    (".jsonl", ".json"),
    recognizes,
    read,
    write,
    has_scores=True,
    write_predictions=write_predictions,
    suffix_means="nothing",
    common_keys=frozenset({"id", "text", "tokens", "spans", "answer"}),
)
