"""Writing annotated sentences in another scheme or format than the one they were read in."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tagger.errors import DataError
from tagger.files import atomic_write
from tagger.text import formats, schemes
from tagger.text.annotation import Corpus
from tagger.text.documents import begins_document, is_document_line
from tagger.text.dropping import dropped, keeps_text, marks_documents
from tagger.text.formats import conll, conll_writing, conllu, table
from tagger.text.formats.whole import document_name
from tagger.text.opening import compression
from tagger.text.report import ReadReport
from tagger.text.spans import Record, Sentence

__all__ = ["Conversion", "checked_target", "parts_of", "rewrite", "without_scores", "write"]

# Suffixes that promise other programs a file that they can open; not all that are unknown, since
# corpora end in .tsv, .testb, ...
_FOREIGN = (".xls", ".xlsx", ".ods", ".doc", ".docx", ".odt", ".rtf", ".pdf")


@dataclass(frozen=True)
class Conversion:
    """The result of a conversion.

    Attributes:
        corpus: The sentences that were converted, and how the source was understood.
        dropped: What the target's format cannot represent, one phrase each.
    """

    corpus: Corpus
    dropped: tuple[str, ...] = ()


def write(
    corpus: Corpus,
    target: str,
    options: formats.ReadOptions,
    target_format: str,
    target_scheme: str,
    *,
    is_reviewed: bool = False,
) -> Conversion:
    """Write a corpus, checking that its spans fit the scheme.

    Columns are written as columns with everything but the tags unchanged: document marks, comments,
    further columns. Objects keep their keys within their format. Between formats, text, ids and
    documents are kept where the target has a place for them: documents as ``-DOCSTART-`` and as the
    key ``document``.

    Args:
        corpus: The sentences, and how they were understood.
        target: File or folder to write.
        options: How the sentences were read.
        target_format: Key of `FORMATS`, as `checked_target` returns it.
        target_scheme: Tagging scheme, as `checked_target` returns it.
        is_reviewed: Whether predicted spans were reviewed, so that they are written without their
            probabilities and become annotation.

    Returns:
        The corpus, and what the target does not contain.

    Raises:
        DataError: The target's scheme or format cannot represent the corpus.
    """
    if is_reviewed:
        corpus = without_scores(corpus)
    if corpus.scheme == schemes.PLAIN:
        corpus = replace(corpus, sentences=[replace(s, spans=None) for s in corpus.sentences])
    else:
        corpus = replace(corpus, sentences=[replace(s, tags=None) for s in corpus.sentences])
    parts = parts_of(corpus)
    is_rewritten = _share_layout(parts, target_format)
    lost = [
        phrase
        for part in parts
        for phrase in dropped(
            part,
            target_format,
            is_rewritten=is_rewritten or _is_of_objects(part, target_format),
            is_one_of_several=len(parts) > 1,
        )
    ]
    try:
        if is_rewritten:
            sentences = _marked(parts) if target_format == conll.FORMAT.name else corpus.sentences
            rewrite(sentences, Path(target), corpus.report, target_scheme, options)
        else:
            formats.save(
                itertools.chain.from_iterable(
                    _with_other_keys(part.sentences)
                    if _is_of_objects(part, target_format)
                    else _carried(part, target_format, is_one_of_several=len(parts) > 1)
                    for part in parts
                ),
                Path(target),
                target_format,
                target_scheme,
                predictions=_is_predicted(corpus.sentences),
            )
    except schemes.SchemeError as error:
        message = f"cannot be written in {target_scheme}: {error}"
        raise DataError(corpus.name, None, message) from error
    return Conversion(corpus, tuple(dict.fromkeys(lost)))


def parts_of(corpus: Corpus) -> list[Corpus]:
    """Return the corpora of the files of a corpus, with its present sentences, or the corpus."""
    if not corpus.parts:
        return [corpus]
    sentences = iter(corpus.sentences)
    return [
        replace(part, sentences=list(itertools.islice(sentences, len(part.sentences))))
        for part in corpus.parts
    ]


def _is_of_objects(part: Corpus, target_format: str) -> bool:
    """Return whether a file has the format of the target, and records that stand on their own."""
    return part.report.format == target_format and target_format not in _WITH_COLUMNS


_WITH_COLUMNS = (conll.FORMAT.name, conllu.FORMAT.name, table.FORMAT.name)


def _share_layout(parts: Sequence[Corpus], target_format: str) -> bool:
    """Return whether files have the format of the target, and the same columns if it has any."""
    if any(part.report.format != target_format for part in parts):
        return False
    layouts = {(part.report.layout, part.report.header) for part in parts}
    return target_format not in _WITH_COLUMNS or len(layouts) == 1


def _marked(parts: Sequence[Corpus]) -> Iterator[Sentence]:
    """Yield the sentences of files of columns; those of a file after the first begin a document."""
    trailing: tuple[str, ...] = ()
    for number, part in enumerate(parts):
        for index, sentence in enumerate(part.sentences):
            record = sentence.record
            if number and index == 0 and record is not None:
                leading = (*trailing, *record.leading)
                if not any(map(is_document_line, leading)):
                    leading = (*trailing, conll.DOCUMENT_MARK, *record.leading)
                record = replace(record, leading=leading, header="")
            yield replace(sentence, record=record)
        trailing = part.report.trailing


def without_scores(corpus: Corpus) -> Corpus:
    """Return a corpus whose spans have no probabilities, since people have reviewed them."""
    sentences = [
        sentence
        if sentence.spans is None
        else sentence.with_spans(replace(span, score=None) for span in sentence.spans)
        for sentence in corpus.sentences
    ]
    return replace(corpus, sentences=sentences)


def rewrite(
    sentences: Iterable[Sentence],
    target: Path,
    report: ReadReport,
    scheme: str,
    options: formats.ReadOptions,
) -> None:
    """Write sentences in the format in which they were read, with their present annotation.

    Args:
        sentences: Sentences with spans or tags.
        target: File or folder to write.
        report: What the reader reported: the format and the names of the columns.
        scheme: Tagging scheme of the spans.
        options: How they were read.

    Raises:
        SchemeError: The scheme cannot represent the spans.
        TaggerError: The target cannot be written.
    """
    if report.format != conll.FORMAT.name:
        kept = list(_with_other_keys(sentences))
        predicted = _is_predicted(kept)
        formats.save(kept, target, report.format, scheme, predictions=predicted)
        return
    columns = options.columns
    if isinstance(columns.tag, str):
        columns = replace(columns, tag=report.header.index(columns.tag))
    with atomic_write(target) as stream:
        conll_writing.rewrite(sentences, stream, scheme, columns, report.trailing)


def checked_target(
    source: str, target: str, scheme: str, target_format: str = ""
) -> tuple[str, str]:
    """Check the name of a target, before its source is read.

    Args:
        source: Name of the source.
        target: Name of the file to write, whose suffix determines the format: CoNLL columns if it
            is unknown. A folder, whose name ends in a slash, receives a file per document in brat's
            format.
        scheme: Tagging scheme of the target.
        target_format: Key of `FORMATS`, in place of what the suffix means.

    Returns:
        Format and scheme of the target.

    Raises:
        DataError: The target is compressed, standard output, a folder or the source itself, its
            suffix is that of several formats or of another kind of file, or the scheme is unknown.
        TaggerError: The format is unknown.
    """
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
    if target_format:
        return formats.named(target_format).name, scheme
    if target.endswith(("/", os.sep)):
        return next(each.name for each in formats.FORMATS.values() if each.has_folders), scheme
    if Path(target).is_dir():
        raise DataError(
            target,
            None,
            "is a folder; expected the name of a file, or a slash at the end to write a file per "
            "document in brat's format",
        )
    if Path(target).suffix.lower() in _FOREIGN:
        raise DataError(
            target,
            None,
            f"files ending in {Path(target).suffix} are of another kind; expected a suffix such as "
            ".conll, .jsonl or .csv, which spreadsheets open, too",
        )
    if fitting := formats.sharing_suffix(target):
        message = f"several formats have this suffix; add --as {', --as '.join(fitting)}"
        raise DataError(target, None, " or".join(message.rsplit(",", 1)))
    return formats.format_of(target, annotated=True), scheme


def _is_predicted(sentences: Iterable[Sentence]) -> bool:
    """Return whether the spans are predictions of a model."""
    return any(span.score is not None for sentence in sentences for span in sentence.spans or ())


def _carried(
    corpus: Corpus, target_format: str, *, is_one_of_several: bool = False
) -> Iterator[Sentence]:
    """Yield the sentences with records that another format can write."""
    if formats.named(target_format).takes_records:
        yield from _as_foreign(corpus.sentences)
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


def _as_foreign(sentences: Iterable[Sentence]) -> Iterator[Sentence]:
    """Yield sentences whose records no writer takes for those of its format."""
    old: Record | None = None
    new: Record | None = None
    for sentence in sentences:
        if sentence.record is not old:  # the sentences of a text share one
            old = new = sentence.record
            if old is not None and old.data is not None:
                new = replace(old, format="")
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
