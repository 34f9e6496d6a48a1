"""Alignment of character spans with tokens, and of tagged sentences with their text.

    locating.py    character spans of a file, verified and in code points
    proving.py     the unit of their offsets
    searching.py   places of spans that have a text and no offsets
    fitting.py     character spans as spans of tokens; spans that do not fit

Formats with raw text read each text with `sentences_of` and write from `documents_of`, so that all
of them treat offsets alike. Offsets are code points, half-open, inside of this package.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from tagger.text import tokenizers
from tagger.text.fitting import fitted
from tagger.text.issues import place, span_issue
from tagger.text.locating import located
from tagger.text.options import ReadOptions
from tagger.text.report import ERROR, ReadReport
from tagger.text.spans import CharacterSpan, Record, Sentence, Span, by_record
from tagger.text.tokenizers import Offsets

__all__ = ["CharacterSpan", "Document", "documents_of", "sentences_of", "sentences_with"]


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
    usable = None if spans is None else located(spans, record, options, report)
    yield from sentences_with(usable, record, options, report)


def sentences_with(
    usable: Sequence[CharacterSpan] | None,
    record: Record,
    options: ReadOptions,
    report: ReadReport,
    tokens: Iterable[list[Offsets]] | None = None,
) -> Iterator[Sentence]:
    """Yield the sentences of a text whose spans are located already; see `sentences_of`.

    Args:
        usable: Its spans, as `located` returns them; None if it is not annotated.
        record: The part of the input that contains the text, with the text.
        options: Tokenizer, and what happens to spans that do not fit the tokens.
        report: Receives notes, and an error for each span that cannot be used.
        tokens: Offsets of the tokens of each sentence, if the file has tokens of its own.

    Yields:
        The sentences.
    """
    text = record.text
    if tokens is None:
        tokens = tokenizers.get(options.tokenizer)(text)
    ahead = deque(usable or ())
    is_empty = True
    for offsets in _merged(tokens, usable or ()):
        is_empty = False
        inside = []
        while ahead and ahead[0].start < offsets[-1][1]:
            inside.append(ahead.popleft())
        pairs, found = fitted(inside, offsets, record, options, report)
        sentence = Sentence(
            tuple(text[start:end] for start, end in pairs), offsets=tuple(pairs), record=record
        )
        yield sentence if usable is None else sentence.with_spans(found)
    if is_empty:
        yield Sentence((), spans=None if usable is None else (), offsets=(), record=record)
    for span in ahead:
        message = f"{place(span, text)} starts after the last token"
        report.issue(span_issue(span, record, "empty", ERROR, message))


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


def _merged(
    sentences: Iterable[list[Offsets]], spans: Sequence[CharacterSpan]
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
