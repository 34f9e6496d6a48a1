"""Alignment of character spans with tokens, and of tagged sentences with their text.

Formats with raw text read each text with `sentences_of` and write from `documents_of`, so that all
of them treat offsets alike. Offsets are code points, half-open, inside of this package.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from tagger.errors import DataError
from tagger.text import tokenizers
from tagger.text.options import ReadOptions
from tagger.text.report import ReadReport, shown
from tagger.text.spans import Record, Sentence, Span, by_record
from tagger.text.tokenizers import Offsets

__all__ = ["CharacterSpan", "Document", "aligned", "documents_of", "sentences_of"]


@dataclass(frozen=True)
class CharacterSpan:
    """A span of characters in a text.

    Args:
        start: Offset of the first character.
        end: Offset after the last character.
        label: Label, not empty.
        score: Probability, 0 to 1, if a model predicted the span.
        text: The span's surface as the file has it, to verify the offsets; None if it has none.
        parts: Start and end of each part of a discontinuous span; empty for others.
    """

    start: int
    end: int
    label: str
    score: float | None = None
    text: str | None = None
    parts: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class Document:
    """A text with its character spans, as writers need it.

    Attributes:
        text: The text; tokens joined by blanks if the input had none.
        spans: The spans, in order.
        record: The part of the input that contained the text, if any.
        sentences: Its sentences.
    """

    text: str
    spans: list[CharacterSpan]
    record: Record | None
    sentences: list[Sentence]


def sentences_of(
    text: str,
    spans: Iterable[CharacterSpan] | None,
    record: Record,
    options: ReadOptions,
    report: ReadReport,
) -> Iterator[Sentence]:
    """Yield the sentences of a text with its spans.

    Args:
        text: The raw text.
        spans: Its annotation, in any order, in the units of the file; None if it is not annotated.
        record: The part of the input that contains the text; its ``text`` is set here.
        options: Tokenizer, unit of offsets, and what happens to spans that do not fit.
        report: Receives notes, and an error for each span that cannot be used.

    Yields:
        The sentences, which share a record. They are joined if a span crosses the boundary between
        them. A text without tokens yields one empty sentence.
    """
    record = replace(record, text=text)
    tokenizer = tokenizers.get(options.tokenizer)
    usable = None if spans is None else _usable(text, spans, record, report)
    ahead = deque(usable or ())
    is_empty = True
    for offsets in _merged(tokenizer(text), usable or []):
        is_empty = False
        sentence = Sentence(
            tuple(text[start:end] for start, end in offsets), offsets=tuple(offsets), record=record
        )
        if usable is not None:
            inside = []
            while ahead and ahead[0].start < offsets[-1][1]:
                inside.append(ahead.popleft())
            sentence = sentence.with_spans(_reported(inside, offsets, record, report))
        yield sentence
    if is_empty:
        yield Sentence((), spans=None if usable is None else (), offsets=(), record=record)
    for span in ahead:
        _problem(record, report, f"{_place(span, text)} starts after the last token")


def aligned(spans: Iterable[CharacterSpan], offsets: Sequence[Offsets], text: str) -> list[Span]:
    """Convert character spans to token spans.

    Args:
        spans: The spans, in code points.
        offsets: Offsets of the tokens.
        text: The text.

    Returns:
        The token spans.

    Raises:
        ValueError: A span does not begin and end with a token.
    """
    starts = {start: index for index, (start, _) in enumerate(offsets)}
    ends = {end: index + 1 for index, (_, end) in enumerate(offsets)}
    found = []
    for span in spans:
        if span.start not in starts or span.end not in ends:
            raise ValueError(_misaligned(span, offsets, text))
        found.append(Span(starts[span.start], ends[span.end], span.label, span.score))
    return found


def documents_of(sentences: Iterable[Sentence]) -> Iterator[Document]:
    """Group tagged sentences into texts with character spans.

    Args:
        sentences: Sentences in the order of the input; consumed lazily.

    Yields:
        A document per record with raw text. A sentence without raw text is a document of its own,
        whose text is its tokens joined by blanks.
    """
    for group in by_record(sentences):
        first = group[0]
        if first.offsets is not None and first.record is not None:
            spans = [_of_text(span) for sentence in group for span in sentence.spans or ()]
            yield Document(first.record.text, spans, first.record, group)
            continue
        starts = list(itertools.accumulate((len(t) + 1 for t in first.tokens), initial=0))
        spans = [
            CharacterSpan(
                starts[span.start],
                starts[span.end] - 1,
                span.label,
                span.score,
                " ".join(first.tokens[span.start : span.end]),
            )
            for span in first.spans or ()
        ]
        yield Document(" ".join(first.tokens), spans, first.record, group)


def _of_text(span: Span) -> CharacterSpan:
    """Return a token span of a raw text as a character span."""
    assert span.start_char is not None
    assert span.end_char is not None
    return CharacterSpan(span.start_char, span.end_char, span.label, span.score, span.text)


def _usable(
    text: str, spans: Iterable[CharacterSpan], record: Record, report: ReadReport
) -> list[CharacterSpan]:
    """Return the spans that lie in the text and do not overlap, sorted; report the others."""
    usable: list[CharacterSpan] = []
    for span in sorted(spans, key=lambda span: (span.start, span.end)):
        try:
            trimmed = _trimmed(span, text, record.line, report)
            if usable and trimmed.start < usable[-1].end:
                raise ValueError(
                    f"{_place(trimmed, text)} overlaps {_place(usable[-1], text)}; expected spans "
                    "that do not overlap: remove one of them"
                )
        except ValueError as error:
            _problem(record, report, str(error))
        else:
            usable.append(trimmed)
    return usable


def _reported(
    spans: Iterable[CharacterSpan], offsets: list[Offsets], record: Record, report: ReadReport
) -> list[Span]:
    """Return the token spans of character spans; report those that cut a token."""
    found = []
    for span in spans:
        try:
            found += aligned([span], offsets, record.text)
        except ValueError as error:
            _problem(record, report, str(error))
    return found


def _problem(record: Record, report: ReadReport, message: str) -> None:
    """Report an error of a span at the place of its record."""
    where = f"document {shown(record.id)}: " if record.id and not record.line else ""
    report.problem(DataError(record.path, record.line or None, where + message))


def _place(span: CharacterSpan, text: str) -> str:
    """Describe a span in the units of the file."""
    surface = shown(text[span.start : span.end], 40)
    return f"the span {span.start}-{span.end} ({surface}, {span.label})"


def _trimmed(span: CharacterSpan, text: str, line: int, report: ReadReport) -> CharacterSpan:
    """Return a span without the blanks at its ends, which no token contains."""
    if not 0 <= span.start < span.end:
        raise ValueError(
            f"the span {span.start}-{span.end} ({span.label}) is empty or starts before the text; "
            "expected 0 <= start < end"
        )
    if span.end > len(text):
        raise ValueError(
            f"the span {span.start}-{span.end} ({span.label}) ends after the text, which has "
            f"{len(text):,} characters{_other_unit(span, text)}"
        )
    surface = text[span.start : span.end]
    if not surface.strip():
        raise ValueError(f"{_place(span, text)} contains blanks only; remove it")
    start = span.start + len(surface) - len(surface.lstrip())
    end = start + len(surface.strip())
    cuts_word = _joins(text[start - 1 : start], text[start]) or _joins(
        text[end - 1], text[end : end + 1]
    )
    if surface == surface.strip() or cuts_word:
        return span
    report.note("blanks at the ends of spans are trimmed", line, surface)
    return replace(span, start=start, end=end)


def _misaligned(span: CharacterSpan, offsets: Sequence[Offsets], text: str) -> str:
    """Describe a span that cuts a token."""
    cut = " ".join(
        text[start:end] for start, end in offsets if start < span.end and end > span.start
    )
    return (
        f"{_place(span, text)} does not begin and end with a token; the tokens there are "
        f"{shown(cut)}{_other_unit(span, text)}. {tokenizers.advice(text, span.start, span.end)}"
    )


def _other_unit(span: CharacterSpan, text: str) -> str:
    """Return a hint if a span fits the words of a text when counted in another unit."""
    for unit, encoding, size in (("UTF-16 units", "utf-16-le", 2), ("UTF-8 bytes", "utf-8", 1)):
        data = text.encode(encoding)
        if len(data) == len(text) * size:
            continue
        surface = data[span.start * size : span.end * size].decode(encoding, "replace")
        around = data[span.end * size :].decode(encoding, "replace")[:1]
        before = data[: span.start * size].decode(encoding, "replace")[-1:]
        is_whole = surface.strip() == surface != "" and "\ufffd" not in surface + before + around
        if is_whole and not _joins(before, surface[0]) and not _joins(surface[-1], around):
            return (
                f"; the text contains characters that take several {unit}, and counted in these "
                f"the span is {shown(surface, 40)}: convert the offsets to code points"
            )
    return ""


def _joins(left: str, right: str) -> bool:
    """Return whether two characters are inside of a word; either may be empty."""
    return left.isalnum() and right.isalnum()


def _merged(
    sentences: Iterable[list[Offsets]], spans: list[CharacterSpan]
) -> Iterator[list[Offsets]]:
    """Join consecutive sentences whose boundary lies inside a span; the spans are sorted."""
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
