"""Boundaries of documents in a stream of sentences."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tagger.text.spans import Sentence

__all__ = ["begins_document", "count_documents", "is_document_line"]

DOCUMENT_MARK = "-DOCSTART-"
"""The beginning of a line that marks the start of a document in CoNLL columns."""

# CoNLL-U, CoNLL-2012 and HIPE mark documents in comments.
_COMMENT = re.compile(r"#\s*(?:newdoc|begin document|hipe\d*:document_id)\b")


def is_document_line(line: str) -> bool:
    """Return whether a comment or mark before a sentence starts a document."""
    return line.startswith(DOCUMENT_MARK) or _COMMENT.match(line) is not None


def begins_document(sentence: Sentence, previous: Sentence) -> bool:
    """Return whether a sentence belongs to another document than the previous one.

    A JSON object is a document of its own, unless it shares the value of its key ``document`` with
    the one before it. Lines of a text file are one document; in columns, marks and comments start
    documents.

    Args:
        sentence: A sentence.
        previous: The sentence before it.

    Returns:
        Whether a document starts. Sentences without a record belong to one document.
    """
    record, before = sentence.record, previous.record
    if record is before:
        return False
    if record is None or before is None or record.path != before.path:
        return True
    if record.data is not None:
        document = record.data.get("document")
        return document is None or document != (before.data or {}).get("document")
    return any(is_document_line(line) for line in record.leading)


def count_documents(sentences: Iterable[Sentence]) -> int:
    """Return the number of documents in a stream of sentences."""
    count, previous = 0, None
    for sentence in sentences:
        count += previous is None or begins_document(sentence, previous)
        previous = sentence
    return count
