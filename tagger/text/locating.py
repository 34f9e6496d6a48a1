"""Spans of characters as a file has them, converted to code points and verified.

Nothing is dropped: each span is returned, or reported with the reason.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import replace

from tagger.text import searching, units
from tagger.text.issues import named_span, place, span_issue
from tagger.text.options import ReadOptions
from tagger.text.proving import cuts_word, has_text, unit_of
from tagger.text.report import ERROR, ReadReport, shown
from tagger.text.spans import CharacterSpan, Record

__all__ = ["located"]


def located(
    spans: Iterable[CharacterSpan], record: Record, options: ReadOptions, report: ReadReport
) -> list[CharacterSpan]:
    """Return the spans that lie in a text, in code points and without blanks at their ends.

    Args:
        spans: The spans, in the unit of the file.
        record: Record with the text.
        options: Unit of the offsets, and what happens to discontinuous spans.
        report: Receives what the file proves about its unit, and an error for each other span.

    Returns:
        The spans, sorted by start and end.
    """
    text, given = record.text, list(spans)
    placed = [_covering(span) for span in given if span.is_placed]
    found: list[CharacterSpan] = []
    unit = unit_of(placed, record, options, report)
    if unit:
        positions = units.Positions(text, unit)
        for span in placed:
            try:
                whole = _whole(_converted(span, positions, text), record, options, report)
                found += [] if whole is None else [_trimmed(whole, record, report)]
            except _RefusedError as refused:
                report.issue(span_issue(span, record, refused.kind, ERROR, str(refused)))
    found += _searched([span for span in given if not span.is_placed], found, record, report)
    return sorted(found, key=lambda span: (span.start, span.end))


class _RefusedError(ValueError):
    """A span that cannot be used.

    Args:
        kind: The kind of its issue.
        message: Description.
    """

    def __init__(self, kind: str, message: str) -> None:
        self.kind = kind
        super().__init__(message)


def _covering(span: CharacterSpan) -> CharacterSpan:
    """Return a span whose offsets are those of the first and the last of its parts, if any."""
    if not span.parts:
        return span
    start, end = min(one for one, _ in span.parts), max(one for _, one in span.parts)
    return replace(span, start=start, end=end, parts=tuple(sorted(span.parts)))


def _whole(
    span: CharacterSpan, record: Record, options: ReadOptions, report: ReadReport
) -> CharacterSpan | None:
    """Return a span in code points without its parts; None after an error about them.

    Parts that only blanks separate are one span, since tools divide spans at the ends of lines.
    """
    if not span.parts:
        return span
    text = record.text
    whole = replace(span, parts=(), text=text[span.start : span.end])
    gaps = [(end, start) for (_, end), (start, _) in itertools.pairwise(span.parts)]
    if all(end <= start and not text[end:start].strip() for end, start in gaps):
        if len(span.parts) > 1:
            note = "parts of spans are joined where only blanks separate them"
            report.note(note, span.line or record.line or None, span.text or "")
        return whole
    parts = ", ".join(f"{first}-{last}" for first, last in span.parts)
    message = (
        f"the span {shown(span.text or whole.text or '', 40)} ({span.label}) has the parts "
        f"{parts}, which tags of tokens cannot represent; remove it, or read the span from the "
        "first to the last part with --discontinuous cover"
    )
    action = "covered" if options.discontinuous == "cover" else ERROR
    report.issue(
        span_issue(whole, record, "discontinuous", action, message),
        "discontinuous spans are read as the span from their first to their last part",
    )
    return whole if action == "covered" else None


def _converted(span: CharacterSpan, positions: units.Positions, text: str) -> CharacterSpan:
    """Return a span in code points, after checking that it is in its text and has its surface."""
    if not 0 <= span.start < span.end:
        raise _RefusedError(
            "empty",
            f"{named_span(span)} ({span.label}) is empty or starts before the text; "
            "expected 0 <= start < end",
        )
    if span.end > positions.length:
        raise _RefusedError(
            "offsets",
            f"{named_span(span)} ({span.label}) ends after the text, which has "
            f"{positions.length:,} characters",
        )
    start, end = positions.to_code_points(span.start), positions.to_code_points(span.end)
    parts = [tuple(map(positions.to_code_points, part)) for part in span.parts]
    if start is None or end is None or any(None in part for part in parts):
        raise _RefusedError(
            "offsets",
            f"{named_span(span)} ({span.label}) begins or ends inside of a character; declare "
            "another unit with --offsets, or correct the span",
        )
    surface = text[start:end]
    if span.text is not None and not has_text(span, surface):
        raise _RefusedError(
            "surface",
            f"{named_span(span)} ({span.label}) is {shown(surface, 40)} in the text, "
            f"but its own text is {shown(span.text, 40)}; correct one of them",
        )
    pairs = tuple((one, other) for one, other in parts if one is not None and other is not None)
    text = surface if span.text is None or not pairs else span.text  # for a message
    return replace(span, start=start, end=end, text=text, parts=pairs)


def _trimmed(span: CharacterSpan, record: Record, report: ReadReport) -> CharacterSpan:
    """Return a span in code points without the blanks at its ends, which no token contains."""
    text = record.text
    surface = text[span.start : span.end]
    stripped = surface.strip()
    if not stripped:
        raise _RefusedError("empty", f"{place(span, text)} contains blanks only; remove it")
    start = span.start + len(surface) - len(surface.lstrip())
    end = start + len(stripped)
    if surface == stripped or cuts_word(start, end, text):
        return span
    report.note("blanks at the ends of spans are trimmed", record.line or None, surface)
    return replace(span, start=start, end=end, text=stripped)


def _searched(
    spans: Sequence[CharacterSpan],
    taken: Sequence[CharacterSpan],
    record: Record,
    report: ReadReport,
) -> list[CharacterSpan]:
    """Return spans without offsets at the places where their surfaces occur."""
    if not spans:
        return []
    wanted = [(span.text or "", span.label) for span in spans]
    places = searching.find(record.text, wanted, [(span.start, span.end) for span in taken])
    found = []
    for span, where in zip(spans, places, strict=True):
        if where is None:
            message = (
                f"the text {shown(span.text or '', 40)} ({span.label}) does not occur in the text "
                "of the document, or not as often as it is annotated; remove it or correct it"
            )
            report.issue(span_issue(span, record, "not found", ERROR, message))
            continue
        surface = record.text[slice(*where)]
        if surface != span.text:
            report.note(
                "spans without offsets are found only if blanks, quotes, hyphens or case are "
                "ignored",
                record.line or None,
                span.text or "",
            )
        found.append(replace(span, start=where[0], end=where[1], text=surface))
    return found
