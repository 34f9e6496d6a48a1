"""Whole documents with their text, as formats need them that have offsets into a document."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tagger.errors import DataError
from tagger.text import schemes
from tagger.text.alignment import CharacterSpan
from tagger.text.documents import begins_document
from tagger.text.opening import compression
from tagger.text.spans import Record, Sentence, by_record
from tagger.text.tokenizers import Offsets

__all__ = [
    "AFTER",
    "Whole",
    "as_tokens",
    "check_spans",
    "document_name",
    "file_names",
    "plain_tags",
    "text_of",
    "whole_documents",
]

AFTER = "after"
"""Key of a record's data: the characters between its text and the next one of the document."""


@dataclass(frozen=True)
class Whole:
    """A document: its text, spans and sentences.

    Attributes:
        text: The text. Texts of one document are joined as their records say, by line breaks if
            they say nothing; tokens without text are joined by blanks.
        spans: The spans, in order.
        sentences: The sentences, those without tokens included.
        offsets: Offsets in `text` of the tokens of each sentence.
        record: The record of the first sentence, if it has one.
        id: Name of the document; may be empty.
    """

    text: str
    spans: list[CharacterSpan]
    sentences: list[Sentence]
    offsets: list[tuple[Offsets, ...]]
    record: Record | None
    id: str


def whole_documents(sentences: Iterable[Sentence]) -> Iterator[Whole]:
    """Group sentences into documents.

    Args:
        sentences: Sentences in the order of the input; consumed lazily.

    Yields:
        The documents.
    """
    group: list[Sentence] = []
    for sentence in sentences:
        if group and begins_document(sentence, group[-1]):
            yield _joined(group)
            group = []
        group.append(sentence)
    if group:
        yield _joined(group)


def _joined(sentences: list[Sentence]) -> Whole:
    """Return the document of some sentences."""
    pieces: list[str] = []
    offsets: list[tuple[Offsets, ...]] = []
    spans: list[CharacterSpan] = []
    start = 0
    for group in by_record(sentences):
        text, places = text_of(group)
        for sentence, own in zip(group, places, strict=True):
            moved = tuple((begin + start, end + start) for begin, end in own)
            offsets.append(moved)
            spans += [
                CharacterSpan(
                    moved[span.start][0],
                    moved[span.end - 1][1],
                    span.label,
                    span.score,
                    text[own[span.start][0] : own[span.end - 1][1]],
                )
                for span in sentence.spans or ()
            ]
        record = group[0].record
        after = str((record.data or {}).get(AFTER, "\n")) if record is not None else "\n"
        pieces += [text, after]
        start += len(text) + len(after)
    record = sentences[0].record
    text = "".join(pieces[:-1])
    return Whole(text, spans, sentences, offsets, record, document_name(sentences[0]))


def text_of(group: Sequence[Sentence]) -> tuple[str, list[tuple[Offsets, ...]]]:
    """Return the text of the sentences of a record, and the offsets of their tokens in it.

    Args:
        group: The sentences, as `by_record` yields them.

    Returns:
        The text, and the offsets of each sentence; tokens without text are joined by blanks.
    """
    first = group[0]
    if first.offsets is not None and first.record is not None:
        return first.record.text, [sentence.offsets or () for sentence in group]
    tokens = first.tokens
    starts = itertools.accumulate((len(token) + 1 for token in tokens), initial=0)
    return " ".join(tokens), [
        tuple((start, start + len(token)) for start, token in zip(starts, tokens, strict=False))
    ]


def document_name(sentence: Sentence) -> str:
    """Return the name of the document of a sentence; "" if it has none."""
    record = sentence.record
    if record is None:
        return ""
    document = (record.data or {}).get("document", "")
    if isinstance(document, str) and document:
        return "" if document == record.path else document
    if record.id:
        return record.id
    found = (_DOCUMENT_ID.match(line) for line in record.leading)
    return next((match[1].strip() for match in found if match), "")


_DOCUMENT_ID = re.compile(r"#\s*(?:newdoc\s+id\s*=|begin document|hipe\d*:document_id\s*=)(.*)")


def plain_tags(sentence: Sentence, format_name: str) -> str:
    """Return why a format of spans cannot represent a sentence, or "".

    Args:
        sentence: A sentence.
        format_name: Name of the format for users.
    """
    if sentence.spans is None and sentence.tags is not None and len(sentence):
        return f"plain tags cannot be written as {format_name}; write CoNLL columns instead"
    return ""


def check_spans(documents: Iterable[Whole], format_name: str) -> Iterator[Whole]:
    """Yield documents after checking that they have spans, not plain tags.

    Args:
        documents: The documents.
        format_name: Name of the format for users.

    Raises:
        DataError: A sentence has plain tags.
    """
    for document in documents:
        for sentence in document.sentences:
            if fault := plain_tags(sentence, format_name):
                record = sentence.record
                raise DataError(
                    record.path if record else "output", record.line if record else None, fault
                )
        yield document


def file_names(documents: Iterable[Whole], suffix: str) -> Iterator[tuple[str, Whole]]:
    """Yield documents with a name of a file for each, all different.

    Args:
        documents: The documents.
        suffix: Suffix of the names, with its dot.

    Yields:
        The name and the document.
    """
    taken: set[str] = set()
    for number, document in enumerate(documents, 1):
        name = document.id
        if not name and document.record is not None:
            name = Path(compression.unpacked_name(Path(document.record.path).name)).stem
        name = re.sub(r"[^\w.+@=-]+", "_", name).strip("._")[:100] or f"document-{number:06d}"
        unique, count = name, 1
        while unique.casefold() in taken:
            count += 1
            unique = f"{name}-{count}"
        taken.add(unique.casefold())
        yield unique + suffix, document


def as_tokens(sentence: Sentence, scheme: str) -> Sequence[str]:
    """Return the tags of a sentence: its spans in a scheme, its plain tags, or O.

    Args:
        sentence: A sentence.
        scheme: Tagging scheme of the spans.

    Raises:
        SchemeError: The scheme cannot represent the spans.
    """
    if sentence.spans is not None:
        return schemes.encode(sentence.spans, len(sentence), scheme)
    return sentence.tags if sentence.tags is not None else [schemes.OUTSIDE] * len(sentence)
