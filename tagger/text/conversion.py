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
) -> Conversion:
    """Convert an annotated file to another scheme or format, checking every tag.

    The target is written atomically. Columns are written as columns with everything but the tags
    unchanged: document marks, comments, further columns. JSON Lines keep their keys. Between the
    two, documents are kept as ``-DOCSTART-`` and as the key ``document``.

    Args:
        source: Annotated file, possibly compressed.
        target: File to write; its suffix determines the format, CoNLL columns or JSON Lines.
        options: Reading options of the source; the defaults of `ReadOptions` if None.
        scheme: Tagging scheme of the source; detected by default.
        target_scheme: Tagging scheme of the target: IO, IOB1, IOB2, IOBES or BILOU. Plain tags are
            copied unchanged.

    Returns:
        How the source was understood, and what the target does not contain.

    Raises:
        DataError: The source is ill-formed, the target's scheme or format cannot represent it, or
            the target is compressed, standard output, or the source itself.
    """
    source, target = str(source), str(target)
    options = options or formats.ReadOptions()
    target_format, target_scheme = _checked_target(source, target, target_scheme)
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
                formats.write(carried, stream, target_format, target_scheme)
    except schemes.SchemeError as error:
        raise DataError(source, None, f"cannot be written in {target_scheme}: {error}") from error
    return Conversion(corpus, dropped)


def _checked_target(source: str, target: str, scheme: str) -> tuple[str, str]:
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
    return formats.format_of(target, annotated=True), scheme


def _carried(corpus: Corpus, target_format: str) -> Iterator[Sentence]:
    """Yield the sentences with records that another format can write."""
    if corpus.report.format == target_format:
        yield from _with_other_keys(corpus.sentences)
        return
    marks_documents = _marks_documents(corpus)
    number, previous = 0, None
    for sentence in corpus.sentences:
        begins = previous is None or begins_document(sentence, previous)
        number, previous = number + begins, sentence
        line = sentence.record.line if sentence.record else 0
        if target_format == conll.FORMAT.name:
            leading = (f"{conll.DOCUMENT_MARK}",) if begins and marks_documents else ()
            record = Record(corpus.name, line, leading=leading)
        else:
            data: dict[str, Any] = {"tokens": list(sentence.tokens)}
            if marks_documents:
                data["document"] = number
            record = Record(corpus.name, line, data=data | _further(sentence))
        yield replace(sentence, offsets=None, record=record)


def _with_other_keys(sentences: Iterable[Sentence]) -> Iterator[Sentence]:
    """Yield sentences whose records lack the annotation, which is written separately."""
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
            or (record.data is not None and ("document" in record.data or "text" in record.data))
        )
        for sentence in corpus.sentences
    )


def _dropped(corpus: Corpus, target_format: str) -> tuple[str, ...]:
    """Return what the target's format cannot represent."""
    if corpus.report.format == target_format or target_format != conll.FORMAT.name:
        return ()
    records = [sentence.record for sentence in corpus.sentences if sentence.record is not None]
    used = {"tokens", "text", "document", "spans", "tags"}
    keys = dict.fromkeys(key for record in records for key in record.data or () if key not in used)
    found = [f"the keys {', '.join(keys)}"] if keys else []
    if not _marks_documents(corpus):
        found.append("the boundaries of documents, since each object is one")
    elif any(record.text for record in records):
        found.append("the text between tokens")
    return tuple(found)
