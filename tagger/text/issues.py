"""Issues about spans, and the file of all issues of reading, as JSON Lines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from tagger.files import atomic_write
from tagger.text.options import ReadOptions
from tagger.text.report import Issue, shown
from tagger.text.spans import CharacterSpan, Record

__all__ = ["logged", "named_span", "place", "span_issue"]


@contextmanager
def logged(options: ReadOptions, path: str) -> Iterator[ReadOptions]:
    """Write all issues of the files that are read inside of the block to a file.

    The file is also written if the block raises an error, and without issues it is empty.

    Args:
        options: Reading options.
        path: The file; empty writes none.

    Yields:
        The reading options that the block uses.

    Raises:
        OutputError: The file cannot be written.
    """
    if not path:
        yield options
        return
    found: list[Issue] = []
    try:
        yield replace(options, on_issues=found.extend)
    finally:
        with atomic_write(path) as stream:
            for issue in found:
                stream.write(json.dumps(issue.as_json(), ensure_ascii=False) + "\n")


def place(span: CharacterSpan, text: str) -> str:
    """Describe a span of a text.

    Returns:
        Its offsets, its surface and its label.
    """
    surface = shown(text[max(span.start, 0) : max(span.end, 0)], 40)
    return f"{named_span(span)} ({surface}, {span.label})"


def named_span(span: CharacterSpan) -> str:
    """Return a span's id, if it has one, and its offsets, for a message."""
    return f"the span {span.id}{' ' * bool(span.id)}{span.start}-{span.end}"


def span_issue(span: CharacterSpan, record: Record, kind: str, action: str, message: str) -> Issue:
    """Return an issue about a span of a record."""
    start, end = (span.start, span.end) if span.is_placed else (None, None)
    surface = span.text if start is None or end is None else record.text[max(start, 0) : end]
    return Issue(
        record.path,
        span.line or record.line,
        kind,
        action,
        message,
        record.id,
        start,
        end,
        span.label,
        surface or span.text or "",
    )
