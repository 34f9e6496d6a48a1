"""Spans, sentences and input records: the data types shared by all parts of the package."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

__all__ = ["Alternative", "CharacterSpan", "Record", "Sentence", "Span", "by_record"]


@dataclass(frozen=True, slots=True)
class Span:
    """A labeled sequence of tokens, such as an entity mention.

    Two spans are equal if start, end and label are; the other fields are not compared.

    Args:
        start: Index of the first token.
        end: Index after the last token.
        label: Label, such as ``PER``.
        score: Probability of the span, 0 to 1; None if no model computed it.
        text: Surface text of the span.
        start_char: Offset in the raw text of the record, in code points; None without raw text.
        end_char: Offset after the last character, in code points; None without raw text.
        normalized: Normal form of the text, such as 1999-05-03; None if no model predicted one.

    Raises:
        ValueError: The span is empty, starts before 0, or has no label.
    """

    start: int
    end: int
    label: str
    score: float | None = field(default=None, compare=False)
    text: str = field(default="", compare=False)
    start_char: int | None = field(default=None, compare=False)
    end_char: int | None = field(default=None, compare=False)
    normalized: str | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise ValueError(
                f"a span needs 0 <= start < end, got start={self.start}, end={self.end}"
            )
        if not self.label:
            raise ValueError(f"the span {self.start}-{self.end} has no label")

    def to_dict(self) -> dict[str, Any]:
        """Return the span as a dict for ``json.dumps``, without what is not available.

        Returns:
            The fields by name: tokens as ``start`` and ``end``, characters as ``start_char`` and
            ``end_char``.
        """
        values = {name: getattr(self, name) for name in self.__slots__}
        return {name: value for name, value in values.items() if value is not None}


@dataclass(frozen=True)
class CharacterSpan:
    """A span of characters in a text.

    Args:
        start: Offset of the first character; -1 if the file has no offsets, as `unplaced` does.
        end: Offset after the last character; -1 if the file has no offsets.
        label: Label, not empty.
        score: Probability, 0 to 1, if a model predicted the span.
        text: The span's surface as the file has it, to verify the offsets or to find the span; None
            if it has none.
        parts: Start and end of each part of a discontinuous span; empty for others.
        line: Number of its line in the file, counted from 1; 0 if unknown or that of the record.
        id: Its id in the file, for messages; may be empty.
    """

    start: int
    end: int
    label: str
    score: float | None = None
    text: str | None = None
    parts: tuple[tuple[int, int], ...] = ()
    line: int = field(default=0, compare=False)
    id: str = field(default="", compare=False)

    @classmethod
    def unplaced(cls, text: str, label: str, score: float | None = None) -> CharacterSpan:
        """Return a span without offsets, which is searched in its text.

        Args:
            text: Surface of the span.
            label: Label, not empty.
            score: Probability, if a model predicted the span.
        """
        return cls(-1, -1, label, score, text)

    @property
    def is_placed(self) -> bool:
        """Return whether the span has offsets."""
        return self.text is None or (self.start, self.end) != (-1, -1)


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """A unit of an input file as it was read, which allows writing it back unchanged.

    A record is a block of CoNLL lines, a JSON line, a paragraph, or a row of a dataset.

    Args:
        path: Path or name of the input.
        line: Number of the first line with data, counted from 1.
        text: Raw text; empty if the input is tokenized.
        lines: Raw lines of a CoNLL block.
        token_lines: Indices in `lines` of the lines of the tokens; None if each line is a token.
            The others are comments and lines that annotate something else.
        leading: Comments and document marks before a CoNLL block.
        header: Header row before a CoNLL block; empty without one.
        separator: Column separator of a CoNLL block.
        data: The object of JSON Lines or of another format of objects, as `format` says; or the
            tokens of a dataset's row as an object of JSON Lines.
        format: Name of the format of `data`; only its writer uses it.
        id: Name of the document in its file, for messages and for the other formats; may be empty.
        offset: Offset of the first character of `text` in its file, in code points; None if the
            input is not a text file.
        end: End of the last line of `text`: ``\\n`` or ``\\r\\n``.
        is_tokenized: Whether the file itself divides `text` into tokens, so that no tokenizer did.
    """

    path: str
    line: int
    text: str = ""
    lines: tuple[str, ...] = ()
    token_lines: tuple[int, ...] | None = None
    leading: tuple[str, ...] = ()
    header: str = ""
    separator: str = " "
    data: dict[str, Any] | None = None
    format: str = "jsonl"
    id: str = ""
    offset: int | None = None
    end: str = "\n"
    is_tokenized: bool = False

    def line_of(self, token: int) -> int:
        """Return the line number of a token, counted from 0: its own in columns, else `line`."""
        if self.token_lines is not None:
            return self.line + self.token_lines[token]
        return self.line + (token if self.lines else 0)


@dataclass(frozen=True, slots=True)
class Alternative:
    """One of the most probable tag sequences of a sentence.

    Args:
        score: Probability of the sequence, 0 to 1.
        spans: Its spans; None for plain tags.
        tags: Its plain tags, or None.
    """

    score: float
    spans: tuple[Span, ...] | None = None
    tags: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence: its tokens, their annotation and their origin.

    Args:
        tokens: The tokens.
        spans: Spans in order; None if spans were neither annotated nor predicted, an empty tuple if
            there are none.
        tags: One tag per token: tags whose scheme is not yet determined, or plain tags such as
            parts of speech.
        offsets: (start, end) of each token in ``record.text``, in code points, half-open.
        record: The part of the input that contains the sentence.
        candidates: All probable spans, which may overlap; None if they were not asked for.
        best: The most probable tag sequences, best first; None if they were not asked for.

    Raises:
        ValueError: The number of tags or offsets is not the number of tokens.
    """

    tokens: tuple[str, ...]
    spans: tuple[Span, ...] | None = None
    tags: tuple[str, ...] | None = None
    offsets: tuple[tuple[int, int], ...] | None = None
    record: Record | None = field(default=None, compare=False, repr=False)
    candidates: tuple[Span, ...] | None = field(default=None, compare=False, repr=False)
    best: tuple[Alternative, ...] | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        for name in ("tags", "offsets"):
            values = getattr(self, name)
            if values is not None and len(values) != len(self.tokens):
                raise ValueError(
                    f"{len(self.tokens)} tokens but {len(values)} {name}; expected one per token"
                )

    def __len__(self) -> int:
        """Return the number of tokens."""
        return len(self.tokens)

    def to_dict(self) -> dict[str, Any]:
        """Return the sentence as a dict for ``json.dumps``, without what is not available.

        Returns:
            ``tokens``, ``spans`` as `Span.to_dict` returns them, ``tags`` and ``offsets``.
        """
        values: dict[str, Any] = {"tokens": list(self.tokens)}
        if self.spans is not None:
            values["spans"] = [span.to_dict() for span in self.spans]
        if self.tags is not None:
            values["tags"] = list(self.tags)
        if self.offsets is not None:
            values["offsets"] = [list(offset) for offset in self.offsets]
        return values

    def with_spans(self, spans: Iterable[Span]) -> Sentence:
        """Return a copy of this sentence with other spans, checked and sorted.

        Args:
            spans: Spans in any order, of which start, end, label and score are used.

        Returns:
            The sentence, whose spans have their surface text and character offsets.

        Raises:
            ValueError: A span ends after the last token, or two spans overlap.
        """
        placed, previous_end = [], 0
        for span in sorted(spans, key=lambda span: (span.start, span.end)):
            if span.end > len(self.tokens):
                raise ValueError(
                    f"span {span.start}-{span.end} ends after the last of {len(self.tokens)} tokens"
                )
            if span.start < previous_end:
                raise ValueError(
                    f"span {span.start}-{span.end} ({span.label}) overlaps the one before it"
                )
            previous_end = span.end
            placed.append(self.span(span.start, span.end, span.label, span.score))
        return replace(self, spans=tuple(placed))

    def span(self, start: int, end: int, label: str, score: float | None = None) -> Span:
        """Create a span of this sentence with its surface text and character offsets.

        Args:
            start: Index of the first token.
            end: Index after the last token.
            label: Label of the span.
            score: Probability of the span, if available.

        Returns:
            The span. Without raw text, its text is the tokens joined by blanks.
        """
        if self.offsets is None or self.record is None:
            return Span(start, end, label, score, " ".join(self.tokens[start:end]))
        first, last = self.offsets[start][0], self.offsets[end - 1][1]
        return Span(start, end, label, score, self.record.text[first:last], first, last)

    def with_annotation(
        self, spans: tuple[Span, ...] | None, tags: tuple[str, ...] | None = None
    ) -> Sentence:
        """Return a copy of this sentence whose annotation is replaced, without checks.

        Args:
            spans: Spans in order, as `span` creates them; None for plain tags.
            tags: One tag per token, or None.
        """
        return Sentence(self.tokens, spans, tags, self.offsets, self.record)


def by_record(sentences: Iterable[Sentence]) -> Iterator[list[Sentence]]:
    """Group consecutive sentences of the same raw text.

    Args:
        sentences: Sentences in the order of the input; consumed lazily.

    Yields:
        The sentences of each record; a sentence without raw text is a group of its own.
    """
    for _, group in itertools.groupby(sentences, key=_text_of):
        yield list(group)


def _text_of(sentence: Sentence) -> object:
    """Return the record of a sentence with raw text, else a new object that equals no other."""
    return object() if sentence.offsets is None or sentence.record is None else sentence.record
