"""Spans of characters as a file has them, converted to code points and verified.

Nothing is dropped: each span is returned, or reported with the reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from tagger.text import searching, units
from tagger.text.options import ReadOptions
from tagger.text.report import ERROR, Issue, ReadReport, shown
from tagger.text.spans import CharacterSpan, Record
from tagger.text.units import CODE_POINTS, NAMES, Reading

__all__ = ["located", "place", "span_issue"]


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
    covering = [
        span
        for span in (_covering(span, record, options, report) for span in given if span.is_placed)
        if span is not None
    ]
    found: list[CharacterSpan] = []
    unit = _unit(covering, record, options, report)
    if unit:
        positions = units.Positions(text, unit)
        for span in covering:
            try:
                found.append(_trimmed(_converted(span, positions, text), record, report))
            except _RefusedError as refused:
                report.issue(span_issue(span, record, refused.kind, ERROR, str(refused)))
    found += _searched([span for span in given if not span.is_placed], found, record, report)
    return sorted(found, key=lambda span: (span.start, span.end))


def place(span: CharacterSpan, text: str) -> str:
    """Describe a span of a text.

    Returns:
        Its offsets, its surface and its label.
    """
    surface = shown(text[max(span.start, 0) : max(span.end, 0)], 40)
    return f"the span {span.start}-{span.end} ({surface}, {span.label})"


def span_issue(span: CharacterSpan, record: Record, kind: str, action: str, message: str) -> Issue:
    """Return an issue about a span of a record."""
    start, end = (span.start, span.end) if span.is_placed else (None, None)
    surface = span.text if start is None or end is None else record.text[max(start, 0) : end]
    return Issue(
        record.path,
        record.line,
        kind,
        action,
        message,
        record.id,
        start,
        end,
        span.label,
        surface or span.text or "",
    )


class _RefusedError(ValueError):
    """A span that cannot be used.

    Args:
        kind: The kind of its issue.
        message: Description.
    """

    def __init__(self, kind: str, message: str) -> None:
        self.kind = kind
        super().__init__(message)


def _covering(
    span: CharacterSpan, record: Record, options: ReadOptions, report: ReadReport
) -> CharacterSpan | None:
    """Return a discontinuous span as the span from its first to its last part, if declared."""
    if len(span.parts) < 2:
        return span
    start, end = min(one for one, _ in span.parts), max(one for _, one in span.parts)
    cover = replace(span, start=start, end=end)
    parts = ", ".join(f"{first}-{last}" for first, last in span.parts)
    message = (
        f"the span {shown(span.text or '', 40)} ({span.label}) has the parts {parts}, which tags "
        "of tokens cannot represent; remove it, or read the span from the first to the last part "
        "with --discontinuous cover"
    )
    action = "covered" if options.discontinuous == "cover" else ERROR
    report.issue(
        span_issue(cover, record, "discontinuous", action, message),
        "discontinuous spans are read as the span from their first to their last part",
    )
    return cover if action == "covered" else None


def _unit(
    spans: Sequence[CharacterSpan], record: Record, options: ReadOptions, report: ReadReport
) -> str:
    """Return the unit of the offsets of a document, or "" after an error about all of them."""
    if options.offsets != units.AUTO:
        return options.offsets
    text = record.text
    if not spans or (text.isascii() and "\r\n" not in text):
        return CODE_POINTS
    offsets = [(span.start, span.end) for span in spans]
    by_unit = {
        unit: [_stripped(reading, text) for reading in units.readings(text, offsets, unit)]
        for unit in units.UNITS
    }
    evidence = report.offsets
    fitting = _fitting(spans, by_unit, text)
    if fitting is None:  # no span has a text that could prove anything
        return _unproven(spans, by_unit, record, report)
    was_proven = evidence.is_proven
    if not fitting:
        message = "the texts of the spans fit no single unit of offsets"
        return _refuse(message, spans, by_unit, record, report, "correct the offsets")
    candidates = evidence.add(fitting, record.line)
    if not candidates:
        message = (
            f"the offsets are counted in {NAMES[fitting[0]]}, as the texts of the spans prove, but "
            f"those of line {evidence.line} in {NAMES[evidence.units[0]]}"
        )
        fix = "expected one unit per file: correct the offsets"
        return _refuse(message, spans, by_unit, record, report, fix)
    if CODE_POINTS not in candidates and not was_proven:
        report.note(
            f"offsets are counted in {NAMES[candidates[0]]}, as the texts of the spans prove",
            record.line,
        )
    return _certain(candidates, spans, by_unit, record, report)


def _certain(
    candidates: Sequence[str],
    spans: Sequence[CharacterSpan],
    by_unit: dict[str, list[Reading]],
    record: Record,
    report: ReadReport,
) -> str:
    """Return the first of some units, or "" after an error if the others have other readings."""
    possible = {unit: by_unit[unit] for unit in candidates}
    if all(readings == possible[candidates[0]] for readings in possible.values()):
        return candidates[0]
    fix = f"declare the unit with --offsets {' or --offsets '.join(candidates)}"
    return _refuse("the offsets have several readings", spans, possible, record, report, fix)


def _refuse(
    message: str,
    spans: Sequence[CharacterSpan],
    by_unit: dict[str, list[Reading]],
    record: Record,
    report: ReadReport,
    fix: str,
) -> str:
    """Report an error about the offsets of a document, and return ""."""
    readings = _shown_readings(spans, by_unit, record.text)
    issue = span_issue(spans[0], record, "offsets", ERROR, f"{message}{readings}; {fix}")
    report.issue(issue)
    return ""


def _fitting(
    spans: Sequence[CharacterSpan], by_unit: dict[str, list[Reading]], text: str
) -> list[str] | None:
    """Return the units in which the spans' surface texts fit; None if there are no such texts.

    Spans whose texts fit in no unit are no evidence; each is an error later.
    """
    matches = {
        unit: [
            reading is not None and _has_text(span, text[slice(*reading)])
            for span, reading in zip(spans, readings, strict=True)
        ]
        for unit, readings in by_unit.items()
    }
    provable = [
        index
        for index, span in enumerate(spans)
        if span.text is not None and any(found[index] for found in matches.values())
    ]
    if not provable:
        return None
    return [unit for unit, found in matches.items() if all(found[index] for index in provable)]


def _has_text(span: CharacterSpan, surface: str) -> bool:
    """Return whether a surface is the text that the file has of a span, or it has none."""
    if span.text is None:
        return False
    if len(span.parts) < 2:
        return units.same_surface(span.text, surface)
    # The texts of the parts, which tools join differently, begin and end the surface.
    words, found = span.text.split(), surface.split()
    return bool(words and found) and (
        surface.startswith(words[0]) and surface.rstrip().endswith(words[-1])
    )


def _unproven(
    spans: Sequence[CharacterSpan],
    by_unit: dict[str, list[Reading]],
    record: Record,
    report: ReadReport,
) -> str:
    """Return the unit of spans without texts: code points, unless only another fits the words."""
    evidence = report.offsets
    if evidence.is_proven:
        return _certain(evidence.units, spans, by_unit, record, report)
    words = [unit for unit in units.UNITS if _is_words(by_unit[unit], record.text)]
    fits_other = words and CODE_POINTS not in words
    if fits_other and all(by_unit[unit] == by_unit[words[0]] for unit in words):
        message = (
            f"the offsets do not fit the words in {NAMES[CODE_POINTS]}, but they do in "
            f"{NAMES[words[0]]}"
        )
        fix = (
            f"declare the unit with --offsets {words[0]}, or with --offsets {CODE_POINTS} if the "
            "spans cut words"
        )
        both = {unit: by_unit[unit] for unit in (CODE_POINTS, words[0])}
        return _refuse(message, spans, both, record, report, fix)
    same = [unit for unit in units.UNITS if by_unit[unit] == by_unit[CODE_POINTS]]
    evidence.add(same, record.line, is_proof=False)
    return CODE_POINTS


def _stripped(reading: Reading, text: str) -> Reading:
    """Return a span without the blanks at its ends, in which units may differ; or unchanged."""
    if reading is None or not text[slice(*reading)].strip():
        return reading
    surface = text[slice(*reading)]
    start = reading[0] + len(surface) - len(surface.lstrip())
    return start, start + len(surface.strip())


def _is_words(readings: Sequence[Reading], text: str) -> bool:
    """Return whether spans lie in a text and begin and end with words."""
    return all(reading is not None and not _cuts_word(*reading, text) for reading in readings)


def _shown_readings(
    spans: Sequence[CharacterSpan], by_unit: dict[str, list[Reading]], text: str
) -> str:
    """Return the first span whose readings differ, as each unit reads it."""
    for index, span in enumerate(spans):
        found: dict[Reading, str] = {}
        for unit, readings in by_unit.items():
            found.setdefault(readings[index], unit)
        if len(found) > 1:
            parts = [
                f"{'nothing' if reading is None else shown(text[slice(*reading)], 40)} in "
                f"{NAMES[unit]}"
                for reading, unit in found.items()
            ]
            return f": the span {span.start}-{span.end} ({span.label}) is {', '.join(parts)}"
    return ""


def _converted(span: CharacterSpan, positions: units.Positions, text: str) -> CharacterSpan:
    """Return a span in code points, after checking that it is in its text and has its surface."""
    if not 0 <= span.start < span.end:
        raise _RefusedError(
            "empty",
            f"the span {span.start}-{span.end} ({span.label}) is empty or starts before the text; "
            "expected 0 <= start < end",
        )
    if span.end > positions.length:
        raise _RefusedError(
            "offsets",
            f"the span {span.start}-{span.end} ({span.label}) ends after the text, which has "
            f"{positions.length:,} characters",
        )
    start, end = positions.to_code_points(span.start), positions.to_code_points(span.end)
    if start is None or end is None:
        raise _RefusedError(
            "offsets",
            f"the span {span.start}-{span.end} ({span.label}) begins or ends inside of a "
            "character; declare another unit with --offsets, or correct the span",
        )
    surface = text[start:end]
    if span.text is not None and not _has_text(span, surface):
        raise _RefusedError(
            "surface",
            f"the span {span.start}-{span.end} ({span.label}) is {shown(surface, 40)} in the text, "
            f"but its own text is {shown(span.text, 40)}; correct one of them",
        )
    return replace(span, start=start, end=end, text=surface, parts=())


def _trimmed(span: CharacterSpan, record: Record, report: ReadReport) -> CharacterSpan:
    """Return a span in code points without the blanks at its ends, which no token contains."""
    text = record.text
    surface = text[span.start : span.end]
    stripped = surface.strip()
    if not stripped:
        raise _RefusedError("empty", f"{place(span, text)} contains blanks only; remove it")
    start = span.start + len(surface) - len(surface.lstrip())
    end = start + len(stripped)
    if surface == stripped or _cuts_word(start, end, text):
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


def _cuts_word(start: int, end: int, text: str) -> bool:
    """Return whether a span begins or ends inside of a word."""
    return _joins(text[start - 1 : start], text[start]) or _joins(
        text[end - 1], text[end : end + 1]
    )


def _joins(left: str, right: str) -> bool:
    """Return whether two characters are inside of a word; either may be empty."""
    return left.isalnum() and right.isalnum()
