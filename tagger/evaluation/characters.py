"""Comparison of spans of characters: gold spans count whether they are tokens or not.

A gold span that cuts a token cannot be predicted, so it counts as missed: a score that left it out
would be too high. Predicted spans of another tool may cut tokens, too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, chain
from typing import Any

from tagger.evaluation.schemas import Interval
from tagger.text import schemes
from tagger.text.alignment import sentences_of
from tagger.text.formats import ReadOptions, ReadReport, jsonl
from tagger.text.spans import CharacterSpan, Record, Sentence

__all__ = ["Pair", "by_text", "pair_of", "record_of"]


@dataclass(frozen=True)
class Pair:
    """The gold and predicted annotation of one text or sentence.

    Attributes:
        gold: Gold tags, without the spans that cut a token.
        predicted: Predicted tags, likewise.
        gold_spans: All gold spans, in characters if there is text, else in tokens.
        predicted_spans: All predicted spans.
        extra: Spans that cut a token, by label: gold, predicted, and both.
    """

    gold: Sequence[str]
    predicted: Sequence[str]
    gold_spans: Sequence[Interval] = ()
    predicted_spans: Sequence[Interval] = ()
    extra: tuple[Counter[str], Counter[str], Counter[str]] = (Counter(), Counter(), Counter())


def intervals(sentence: Sentence) -> list[Interval]:
    """Return the spans of a sentence, in characters if it has raw text, else in tokens."""
    return [
        (span.start, span.end, span.label)
        if span.start_char is None or span.end_char is None
        else (span.start_char, span.end_char, span.label)
        for span in sentence.spans or ()
    ]


def by_text(
    gold: Iterable[Sentence],
    predicted: Iterable[Sentence],
    missed: Iterable[tuple[Record, CharacterSpan]] = (),
) -> tuple[list[list[Interval]], list[list[Interval]]]:
    """Group the spans of sentences by text; a sentence without raw text is its own.

    Args:
        gold: The annotated sentences.
        predicted: The same sentences with predictions.
        missed: Gold spans that cut a token, with the records of their texts.

    Returns:
        The gold and the predicted spans of each text.
    """
    groups: dict[object, tuple[list[Interval], list[Interval]]] = {}
    for number, (one, other) in enumerate(zip(gold, predicted, strict=True)):
        key = ("sentence", number) if one.offsets is None else id(one.record)
        gold_spans, predicted_spans = groups.setdefault(key, ([], []))
        gold_spans += intervals(one)
        predicted_spans += intervals(other)
    for record, span in missed:
        groups.setdefault(id(record), ([], []))[0].append((span.start, span.end, span.label))
    return [pair[0] for pair in groups.values()], [pair[1] for pair in groups.values()]


def record_of(sentences: Sequence[Sentence]) -> Record:
    """Return the record that sentences share."""
    record = sentences[0].record
    assert record is not None
    return record


def pair_of(
    sentences: Sequence[Sentence],
    cutting: Sequence[CharacterSpan],
    options: ReadOptions,
    report: ReadReport,
) -> Pair:
    """Return the annotation under "gold" and "spans" of a JSON object.

    Args:
        sentences: The sentences of the object, with the predicted spans that are tokens.
        cutting: The predicted spans that cut a token.
        options: How "gold" is read.
        report: Receives issues of "gold".

    Returns:
        Both annotations.

    Raises:
        ValueError: A key is missing, or its value is ill-formed.
    """
    record = record_of(sentences)
    data = record.data or {}
    if "gold" not in data or "spans" not in data:
        raise ValueError(
            f'expected "gold" and "spans", found the keys {", ".join(map(repr, data))}'
        )
    if sentences[0].offsets is not None and not jsonl.is_tags(data["gold"]):
        tokens = [offset for sentence in sentences for offset in sentence.offsets or ()]
        gold = _in_characters(data["gold"], record, options, report)
        predicted = list(chain.from_iterable(map(intervals, sentences)))
        predicted += [(span.start, span.end, span.label) for span in cutting]
        return _compared(gold, predicted, tokens)
    whole = Sentence(
        tuple(token for sentence in sentences for token in sentence.tokens), record=record
    )
    starts = accumulate((len(sentence) for sentence in sentences), initial=0)
    predicted = [
        (start + span.start, start + span.end, span.label)
        for start, sentence in zip(starts, sentences, strict=False)
        for span in sentence.spans or ()
    ]
    gold = [(span.start, span.end, span.label) for span in jsonl.spans_of(data["gold"], whole)]
    return _compared(gold, predicted, [(index, index + 1) for index in range(len(whole))])


def _in_characters(
    values: Any, record: Record, options: ReadOptions, report: ReadReport
) -> list[Interval]:
    """Return the spans of a key in code points; the report has those that cannot be read."""
    options = replace(options, misaligned="missed")
    before = len(report.missed)
    sentences = sentences_of(record.text, jsonl.character_spans(values), record, options, report)
    found = list(chain.from_iterable(map(intervals, sentences)))
    more = [(span.start, span.end, span.label) for _, span in report.missed[before:]]
    return sorted([*found, *more])


def _compared(
    gold: list[Interval], predicted: list[Interval], tokens: Sequence[tuple[int, int]]
) -> Pair:
    """Return a pair whose columns have the spans of whole tokens."""
    starts = {start: index for index, (start, _) in enumerate(tokens)}
    ends = {end: index + 1 for index, (_, end) in enumerate(tokens)}
    columns, cutting = [], []
    for spans in (gold, predicted):
        whole = [span for span in spans if span[0] in starts and span[1] in ends]
        cutting.append([span for span in spans if span not in whole])
        tags = [schemes.OUTSIDE] * len(tokens)
        for start, end, label in whole:
            first, last = starts[start], ends[end]
            tags[first:last] = [f"B-{label}", *[f"I-{label}"] * (last - first - 1)]
        columns.append(tags)
    both = (Counter(cutting[0]) & Counter(cutting[1])).elements()
    extra = [Counter(span[2] for span in spans) for spans in (*cutting, both)]
    return Pair(columns[0], columns[1], gold, predicted, (extra[0], extra[1], extra[2]))
