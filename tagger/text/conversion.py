"""Conversion of annotated files to another scheme or format."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tagger.errors import DataError
from tagger.files import atomic_write
from tagger.text import annotation, formats, schemes
from tagger.text.annotation import Corpus
from tagger.text.documents import begins_document, is_document_line
from tagger.text.formats import conll
from tagger.text.opening import compression
from tagger.text.spans import Record, Sentence

__all__ = ["Conversion", "convert"]


@dataclass(frozen=True)
class Conversion:
    """The result of `convert`.

    Attributes:
        corpus: The sentences that were converted, and how the source was understood.
        dropped: What the target's format cannot represent, one phrase each.
    """

    corpus: Corpus
    dropped: tuple[str, ...] = ()


def convert(
    source: str | Path,
    target: str | Path,
    options: formats.ReadOptions | None = None,
    scheme: str = annotation.DETECT,
    target_scheme: str = "IOB2",
    *,
    target_format: str = "",
) -> Conversion:
    """Convert an annotated file to another scheme or format, checking every tag.

    The target is written atomically. Columns are written as columns with everything but the tags
    unchanged: document marks, comments, further columns. Objects keep their keys within their
    format. Between formats, text, ids and documents are kept where the target has a place for them:
    documents as ``-DOCSTART-`` and as the key ``document``.

    Args:
        source: Annotated file, possibly compressed.
        target: File to write.
        options: Reading options of the source; the defaults of `ReadOptions` if None.
        scheme: Tagging scheme of the source; detected by default.
        target_scheme: Tagging scheme of the target: IO, IOB1, IOB2, IOBES or BILOU. Plain tags are
            copied unchanged.
        target_format: Key of `FORMATS`; by default, the format that the suffix of `target` means.

    Returns:
        How the source was understood, and what the target does not contain.

    Raises:
        DataError: The source is ill-formed, the target's scheme or format cannot represent it, or
            the target is compressed, standard output, or the source itself.
    """
    source, target = str(source), str(target)
    options = options or formats.ReadOptions()
    target_format, target_scheme = _checked_target(source, target, target_format, target_scheme)
    corpus = annotation.read(source, options, scheme, predictions=True)
    if corpus.scheme == schemes.PLAIN:
        corpus = replace(corpus, sentences=[replace(s, spans=None) for s in corpus.sentences])
    else:
        corpus = replace(corpus, sentences=[replace(s, tags=None) for s in corpus.sentences])
    dropped: tuple[str, ...] = ()
    try:
        with atomic_write(target) as stream:
            if corpus.report.format == target_format == conll.FORMAT.name:
                conll.rewrite(corpus.sentences, stream, target_scheme, options.columns)
            else:
                dropped = _dropped(corpus, target_format)
                carried = _carried(corpus, target_format)
                formats.write(
                    carried, stream, target_format, target_scheme, predictions=_is_predicted(corpus)
                )
    except schemes.SchemeError as error:
        raise DataError(source, None, f"cannot be written in {target_scheme}: {error}") from error
    return Conversion(corpus, dropped)


def _checked_target(source: str, target: str, name: str, scheme: str) -> tuple[str, str]:
    """Return format and scheme of the target after checking its name."""
    if target.lower().endswith(compression.SUFFIXES) or target == formats.STANDARD_INPUT:
        raise DataError(
            target,
            None,
            "expected the name of a file that is not compressed",
        )
    if Path(source).resolve() == Path(target).resolve():
        raise DataError(target, None, "is the source itself; choose another name")
    scheme = schemes.ALIASES.get(scheme, scheme)
    if scheme not in schemes.SCHEMES:
        raise DataError(
            target,
            None,
            f"unknown scheme {scheme!r}; expected one of {', '.join(schemes.SCHEMES)}",
        )
    if name:
        return formats.named(name).name, scheme
    if fitting := formats.sharing_suffix(target):
        message = f"several formats have this suffix; add --as {', --as '.join(fitting)}"
        raise DataError(target, None, " or".join(message.rsplit(",", 1)))
    return formats.format_of(target, annotated=True), scheme


def _is_predicted(corpus: Corpus) -> bool:
    """Return whether the spans are predictions of a model."""
    return any(
        span.score is not None for sentence in corpus.sentences for span in sentence.spans or ()
    )


def _carried(corpus: Corpus, target_format: str) -> Iterator[Sentence]:
    """Yield the sentences with records that another format can write."""
    if corpus.report.format == target_format:
        yield from _with_other_keys(corpus.sentences)
        return
    marks_documents = _marks_documents(corpus)
    number = 0
    previous: Sentence | None = None
    record: Record | None = None
    for sentence in corpus.sentences:
        begins = previous is None or begins_document(sentence, previous)
        number, old = number + begins, previous.record if previous is not None else None
        previous = sentence
        if target_format == conll.FORMAT.name:
            leading = (f"{conll.DOCUMENT_MARK}",) if begins and marks_documents else ()
            line = sentence.record.line if sentence.record else 0
            record = Record(corpus.name, line, leading=leading)
            yield replace(sentence, offsets=None, record=record)
            continue
        if record is None or sentence.record is None or sentence.record is not old:
            record = _common_record(corpus, sentence, number if marks_documents else None)
        yield replace(sentence, record=record)


def _common_record(corpus: Corpus, sentence: Sentence, document: int | None) -> Record:
    """Return what all formats can represent of a sentence's record: text, id and document."""
    old = sentence.record or Record(corpus.name, 0)
    data: dict[str, Any] = {"id": old.id} if old.id else {}
    if sentence.offsets is not None:
        data["text"] = old.text
    else:
        data["tokens"] = list(sentence.tokens)
        if document is not None:
            data["document"] = document
    return Record(corpus.name, old.line, text=old.text, data=data | _further(sentence), id=old.id)


def _with_other_keys(sentences: Iterable[Sentence]) -> Iterator[Sentence]:
    """Yield sentences whose records lack the annotation, which is written anew."""
    old: Record | None = None
    new: Record | None = None
    for sentence in sentences:
        if sentence.record is not old:  # the sentences of a text share one
            old = new = sentence.record
            if old is not None and old.data is not None:
                data = {key: value for key, value in old.data.items() if key not in _ANNOTATION}
                new = replace(old, data=data)
        yield replace(sentence, record=new)


_ANNOTATION = ("spans", "tags", "ner_tags")


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


def _marks_documents(corpus: Corpus) -> bool:
    """Return whether the source marks documents."""
    return any(
        (record := sentence.record) is not None
        and (
            any(map(is_document_line, record.leading))
            or (record.data is not None and ("document" in record.data or record.text != ""))
        )
        for sentence in corpus.sentences
    )


def _dropped(corpus: Corpus, target_format: str) -> tuple[str, ...]:
    """Return what the target's format cannot represent."""
    if corpus.report.format == target_format:
        return ()
    source, target = formats.named(corpus.report.format), formats.named(target_format)
    records = [sentence.record for sentence in corpus.sentences if sentence.record is not None]
    used = source.common_keys | {"document"}
    keys = dict.fromkeys(
        key
        for record in records
        for key, value in _values(record)
        if key not in used and value not in (None, "", [], {}, record.text)
    )
    found = [f"the keys {', '.join(keys)}"] if keys else []
    has_text = any(record.text for record in records)
    is_columns = target_format == conll.FORMAT.name
    if is_columns and not _marks_documents(corpus):
        found.append("the boundaries of documents, since each object is one")
    elif has_text and (is_columns or not target.keeps_text):
        found.append("the text between tokens")
    if is_columns and any(record.id for record in records):
        found.append("the ids of documents")
    spans = (span for sentence in corpus.sentences for span in sentence.spans or ())
    if not target.has_scores and any(span.score is not None for span in spans):
        found.append("probabilities")
    return tuple(found)


def _values(record: Record) -> Iterator[tuple[str, Any]]:
    """Yield keys and values of a record's object, those of a task's data by themselves."""
    for key, value in (record.data or {}).items():
        if key == "data" and isinstance(value, dict):
            yield from ((name, value[name]) for name in value)
        else:
            yield key, value
