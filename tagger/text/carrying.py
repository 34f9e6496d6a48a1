"""Records of sentences that another format, or the same one with other annotation, can write."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

from tagger.text import formats
from tagger.text.annotation import Corpus
from tagger.text.documents import begins_document
from tagger.text.dropping import keeps_text, marks_documents
from tagger.text.formats import conll, jsonl
from tagger.text.formats.whole import document_name
from tagger.text.spans import Record, Sentence

__all__ = ["carried", "with_other_keys", "without_keys"]


def carried(
    corpus: Corpus, target_format: str, *, is_one_of_several: bool = False
) -> Iterator[Sentence]:
    """Yield the sentences with records that another format can write."""
    if formats.named(target_format).takes_records:
        # Without a format, no writer takes the record for one of its own.
        yield from _with_records(corpus.sentences, lambda record: replace(record, format=""))
        return
    has_documents = is_one_of_several or marks_documents(corpus)
    number = 0
    previous: Sentence | None = None
    record: Record | None = None
    for sentence in corpus.sentences:
        begins = previous is None or begins_document(sentence, previous)
        number, old = number + begins, previous.record if previous is not None else None
        previous = sentence
        if target_format == conll.FORMAT.name:
            leading = (f"{conll.DOCUMENT_MARK}",) if begins and has_documents else ()
            line = sentence.record.line if sentence.record else 0
            record = Record(corpus.name, line, leading=leading)
            yield replace(sentence, offsets=None, record=record)
            continue
        if record is None or sentence.record is None or sentence.record is not old:
            document = document_name(sentence) or number if has_documents else None
            if is_one_of_several and document == number:
                document = f"{corpus.name} {number}"
            record = _common_record(corpus, sentence, document, target_format)
        is_raw = keeps_text(sentence.record, target_format)
        yield replace(sentence, offsets=sentence.offsets if is_raw else None, record=record)


def _with_records(
    sentences: Iterable[Sentence], convert: Callable[[Record], Record]
) -> Iterator[Sentence]:
    """Yield sentences with their records converted, where a record has an object."""
    old: Record | None = None
    new: Record | None = None
    for sentence in sentences:
        if sentence.record is not old:  # the sentences of a text share one
            old = new = sentence.record
            if old is not None and old.data is not None:
                new = convert(old)
        yield replace(sentence, record=new)


def _common_record(
    corpus: Corpus, sentence: Sentence, document: object, target_format: str
) -> Record:
    """Return what all formats can represent of a sentence's record: text, id and document."""
    old = sentence.record or Record(corpus.name, 0)
    data: dict[str, Any] = {"id": old.id} if old.id else {}
    if sentence.offsets is not None and keeps_text(old, target_format):
        if document is not None and old.is_tokenized:
            data["document"] = document
        data["text"] = old.text
        return Record(corpus.name, old.line, text=old.text, data=data, id=old.id)
    data["tokens"] = list(sentence.tokens)
    if document is not None:
        data["document"] = document
    return Record(corpus.name, old.line, data=data | _further(sentence), id=old.id)


def with_other_keys(sentences: Iterable[Sentence]) -> Iterator[Sentence]:
    """Yield sentences whose records lack the annotation, which is written separately."""
    return without_keys(sentences, _is_annotation)


def without_keys(
    sentences: Iterable[Sentence], is_removed: Callable[[Record, str], bool]
) -> Iterator[Sentence]:
    """Return an iterator over the sentences whose records lack some keys."""

    def convert(record: Record) -> Record:
        data = {k: v for k, v in (record.data or {}).items() if not is_removed(record, k)}
        return replace(record, data=data)

    return _with_records(sentences, convert)


def _is_annotation(record: Record, key: str) -> bool:
    """Return whether a key of a record's object contains the annotation that was read."""
    is_own = record.format == jsonl.FORMAT.name or key != "entities"  # doccano's have ids
    return is_own and jsonl.is_annotation(record.data or {}, key)


def _further(sentence: Sentence) -> dict[str, Any]:
    """Return comments and further columns of a sentence as keys of a JSON object."""
    record = sentence.record
    if record is None or not record.lines:
        return {}
    comments = [line for line in record.leading if not line.startswith(conll.DOCUMENT_MARK)]
    data: dict[str, Any] = {"comments": comments} if comments else {}
    places = range(len(record.lines)) if record.token_lines is None else record.token_lines
    separator = None if record.separator == " " else record.separator
    rows = [record.lines[index].split(separator) for index in places]
    if rows and len(rows[0]) > 2:
        data["columns"] = rows
    return data
