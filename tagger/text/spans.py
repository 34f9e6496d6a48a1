"""Spans and sentences: the facts that every other part of the toolkit passes around."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

__all__ = ["Record", "Sentence", "Span", "by_record"]


@dataclass(frozen=True, slots=True)
class Span:
    """A labelled run of tokens, ``start`` to ``end`` (token indices, half-open).

    Two spans are equal when start, end and label are; the other fields only describe the span:
    ``score`` is its probability (0 to 1) where a model predicted it, ``text`` its surface, and
    ``start_char``/``end_char`` its place in the text of its record, where there is one (code
    points, half-open).
    """

    start: int
    end: int
    label: str
    score: float | None = field(default=None, compare=False)
    text: str = field(default="", compare=False)
    start_char: int | None = field(default=None, compare=False)
    end_char: int | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise ValueError(
                f"a span needs 0 <= start < end, got start={self.start}, end={self.end}"
            )
        if not self.label:
            raise ValueError(f"the span {self.start}-{self.end} has no label")


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """One unit of an input (a CoNLL block, a JSON line, a paragraph, the row of a dataset), kept so
    that it can be written back whole.

    ``line`` is the number (from 1) of its first line that holds data. ``lines`` are the raw lines
    of a CoNLL block, ``separator`` what divides their columns, ``leading`` the comments and
    document marks before them, ``text`` the raw text and ``data`` the JSON object, or the tokens of
    a dataset's row as such an object.
    """

    path: str
    line: int
    text: str = ""
    lines: tuple[str, ...] = ()
    leading: tuple[str, ...] = ()
    separator: str = " "
    data: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Sentence:
    """Tokens with what is known of them.

    ``spans`` is None where nobody annotated or predicted spans (an empty tuple says: there are
    none). ``tags`` holds one tag a token: as a file has them before their scheme is known, or plain
    tags without spans, such as parts of speech. ``offsets`` are the tokens' (start, end) in
    ``record.text``, in code points.
    """

    tokens: tuple[str, ...]
    spans: tuple[Span, ...] | None = None
    tags: tuple[str, ...] | None = None
    offsets: tuple[tuple[int, int], ...] | None = None
    record: Record | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        for name in ("tags", "offsets"):
            values = getattr(self, name)
            if values is not None and len(values) != len(self.tokens):
                raise ValueError(
                    f"{len(self.tokens)} tokens but {len(values)} {name}: one a token was expected"
                )

    def __len__(self) -> int:
        return len(self.tokens)

    def with_spans(self, spans: Iterable[Span]) -> Sentence:
        """This sentence with `spans`, in order, each given its surface and its place in the text.

        Raises:
            ValueError: a span reaches past the last token, or two spans overlap.
        """
        placed, previous_end = [], 0
        for span in sorted(spans, key=lambda span: (span.start, span.end)):
            if span.end > len(self.tokens):
                raise ValueError(
                    f"span {span.start}-{span.end} reaches past the last of {len(self.tokens)} "
                    "tokens"
                )
            if span.start < previous_end:
                raise ValueError(
                    f"span {span.start}-{span.end} ({span.label}) overlaps the one before it"
                )
            previous_end = span.end
            placed.append(self.span(span.start, span.end, span.label, span.score))
        return replace(self, spans=tuple(placed))

    def span(self, start: int, end: int, label: str, score: float | None = None) -> Span:
        """A span of this sentence, with its surface and its place in the text."""
        if self.offsets is None or self.record is None:
            return Span(start, end, label, score, " ".join(self.tokens[start:end]))
        first, last = self.offsets[start][0], self.offsets[end - 1][1]
        return Span(start, end, label, score, self.record.text[first:last], first, last)

    def with_annotation(
        self, spans: tuple[Span, ...] | None, tags: tuple[str, ...] | None = None
    ) -> Sentence:
        """The same tokens with `spans`, which `span` gave, in order, or with `tags`, in place of
        any annotation there was.
        """
        return Sentence(self.tokens, spans, tags, self.offsets, self.record)


def by_record(sentences: Iterable[Sentence]) -> Iterator[list[Sentence]]:
    """Group the consecutive sentences of one raw text; a sentence without raw text is a group of
    its own.
    """
    for _, group in itertools.groupby(sentences, key=_text_of):
        yield list(group)


def _text_of(sentence: Sentence) -> object:
    return object() if sentence.offsets is None or sentence.record is None else sentence.record
