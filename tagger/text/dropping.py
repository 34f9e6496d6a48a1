"""What a conversion between formats loses, in words, so that nothing is lost without a warning."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tagger.text import formats
from tagger.text.annotation import Corpus
from tagger.text.documents import is_document_line
from tagger.text.formats import conll, jsonl
from tagger.text.spans import Record

__all__ = ["DATASET", "dropped", "marks_documents"]

DATASET = "dataset"
"""Name of the target that is a dataset: tokens and tags in Arrow or Parquet."""


def keeps_text(record: Record | None, target_format: str) -> bool:
    """Return whether a target contains the raw text of a record.

    Text that the file itself divides into tokens becomes tokens in JSON Lines, whose reader would
    otherwise divide it differently.

    Args:
        record: The record, if any.
        target_format: Key of `FORMATS`.
    """
    if record is None or target_format == conll.FORMAT.name:
        return False
    target = formats.named(target_format)
    is_divided = record.is_tokenized and target_format == jsonl.FORMAT.name
    return target.keeps_text and not is_divided and bool(record.text or not record.is_tokenized)


def dropped(
    corpus: Corpus,
    target_format: str,
    *,
    is_rewritten: bool = False,
    is_one_of_several: bool = False,
) -> tuple[str, ...]:
    """Return what a target does not contain.

    Args:
        corpus: The sentences of one file, and how they were understood.
        target_format: Key of `FORMATS`, or `DATASET`.
        is_rewritten: Whether the records of the source are written again, in their format.
        is_one_of_several: Whether other files are written to the same target, so that each file is
            marked as a document.

    Returns:
        One phrase for each kind of thing.
    """
    target = formats.FORMATS.get(target_format)  # None for a dataset
    is_columns = target_format in (conll.FORMAT.name, DATASET)
    records = [sentence.record for sentence in corpus.sentences if sentence.record is not None]
    found = []
    if any("bioc" in (record.data or {}) for record in records):
        found.append("the source, date and key of the BioC collection")
    if is_rewritten:
        found += _columns_of_spans(records)
    else:
        found += _keys(corpus, records)
        found += _columns(corpus, records, target_format)
        has_text = any(record.text for record in records)
        if target_format == DATASET and marks_documents(corpus):
            found.append("the boundaries of documents")
        has_marks = is_one_of_several or marks_documents(corpus)
        if is_columns and not has_marks and not _are_columns(records):
            found.append("the boundaries of documents, since each object is one")
        elif has_text and (is_columns or not all(keeps_text(r, target_format) for r in records)):
            found.append("the text between tokens")
        if is_columns and any(record.id for record in records):
            found.append("the ids of documents")
    spans = (span for sentence in corpus.sentences for span in sentence.spans or ())
    if (target is None or not target.has_scores) and any(s.score is not None for s in spans):
        found.append("probabilities")
    return tuple(found)


def marks_documents(corpus: Corpus) -> bool:
    """Return whether the source of a corpus marks documents.

    Args:
        corpus: The sentences; several files are several documents.
    """
    return len(corpus.parts) > 1 or any(
        (record := sentence.record) is not None
        and (
            any(map(is_document_line, record.leading))
            or (record.data is not None and ("document" in record.data or record.text != ""))
        )
        for sentence in corpus.sentences
    )


def _are_columns(records: list[Record]) -> bool:
    """Return whether records are blocks of columns."""
    return any(record.lines for record in records)


def _keys(corpus: Corpus, records: list[Record]) -> list[str]:
    """Describe the keys of objects that the other formats cannot represent."""
    source = formats.FORMATS.get(corpus.report.format)
    used = (source.common_keys if source else frozenset({"tokens"})) | {"document"}
    keys = dict.fromkeys(
        key
        for record in records
        for key, value in _values(record)
        if key not in used and value not in (None, "", [], {}, record.text)
    )
    return [f"the keys {', '.join(keys)}"] if keys else []


def _values(record: Record) -> Iterator[tuple[str, Any]]:
    """Yield keys and values of a record's object, those of a task's data by themselves."""
    for key, value in (record.data or {}).items():
        if key == "data" and isinstance(value, dict):
            yield from ((name, value[name]) for name in value)
        else:
            yield key, value


def _columns(corpus: Corpus, records: list[Record], target_format: str) -> list[str]:
    """Describe the columns and comments of tokens, which only JSON Lines contain, too."""
    if target_format == jsonl.FORMAT.name and _are_columns(records):
        return ["comments after the last sentence"] if corpus.report.trailing else []
    found = []
    if any(_width(record) > 2 for record in records[:1]):
        found.append("further columns")
    comments = (line for record in records for line in (*record.leading, *corpus.report.trailing))
    if any(not _is_structure(line) for line in comments):
        found.append("comments")
    return found


def _width(record: Record) -> int:
    """Return the number of columns of a record that carry annotation or tokens; 0 without any."""
    data = record.data or {}
    if "names" in data:  # of CoNLL-U: the ids of words are no information
        rows = [row for row in data["rows"] if any(cell not in ("_", "") for cell in row[2:9])]
        return 3 if rows else 2
    if "rows" in data:
        usual = {"document", "sentence", "sentence #", "id"}
        return len([name for name in data["header"] if name.lower() not in usual])
    separator = None if record.separator == " " else record.separator
    places = record.token_lines or range(len(record.lines))
    return max((len(record.lines[index].split(separator)) for index in places), default=0)


def _is_structure(line: str) -> bool:
    """Return whether a comment only says what other formats say otherwise."""
    return not line or is_document_line(line) or line.startswith(_STRUCTURE)


_STRUCTURE = ("# sent_id", "# text =", "# global.columns")


def _columns_of_spans(records: list[Record]) -> list[str]:
    """Describe the columns of a table with a span per row that are not written again."""
    header: list[str] = next(
        (r.data["header"] for r in records if r.data and "header" in r.data), []
    )
    if not header or any(record.data and "tag" in record.data for record in records):
        return []
    usual = {"id", "text", "start", "end", "label", "surface", "score"}
    others = [name for name in header if name.lower() not in usual]
    return [f"the columns {', '.join(others)}"] if others else []
