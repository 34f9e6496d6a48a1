"""The unit in which a file counts the offsets of its spans, as the texts of the spans prove."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tagger.text import units
from tagger.text.issues import span_issue
from tagger.text.options import ReadOptions
from tagger.text.report import ERROR, ReadReport, shown
from tagger.text.spans import CharacterSpan, Record
from tagger.text.units import CODE_POINTS, NAMES, Reading

__all__ = ["cuts_word", "has_text", "unit_of"]


def unit_of(
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
        return _unproven(spans, by_unit, record, options, report)
    was_proven = evidence.is_proven
    line = record.line or spans[0].line
    if not fitting:
        message = "the texts of the spans fit no single unit of offsets"
        return _refuse(message, spans, by_unit, record, report, "correct the offsets")
    candidates = evidence.add(fitting, line)
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
            line or None,
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
            reading is not None and has_text(span, text[slice(*reading)])
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


def has_text(span: CharacterSpan, surface: str) -> bool:
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
    options: ReadOptions,
    report: ReadReport,
) -> str:
    """Return the unit of spans without texts: the usual one, unless others fit the words.

    A format that names its units may count in any of them: several that fit are an error.
    """
    evidence = report.offsets
    if evidence.is_proven:
        return _certain(evidence.units, spans, by_unit, record, report)
    usual = options.units[0]
    words = [
        unit
        for unit in options.units
        if _is_words(by_unit[unit], record.text)
        and (unit == usual or _have_letters(by_unit[unit], record.text))
    ]
    with_letters = [unit for unit in words if _have_letters(by_unit[unit], record.text)]
    if options.units != units.UNITS and with_letters:
        words = with_letters
    fits_other = words and usual not in words
    if fits_other and all(by_unit[unit] == by_unit[words[0]] for unit in words):
        message = (
            f"the offsets do not fit the words in {NAMES[usual]}, but they do in {NAMES[words[0]]}"
        )
        fix = (
            f"declare the unit with --offsets {words[0]}, or with --offsets {usual} if the spans "
            "cut words"
        )
        both = {unit: by_unit[unit] for unit in (usual, words[0])}
        return _refuse(message, spans, both, record, report, fix)
    is_of_format = usual in words and options.units != units.UNITS
    if is_of_format and not _certain(words, spans, by_unit, record, report):
        return ""
    same = [unit for unit in units.UNITS if by_unit[unit] == by_unit[usual]]
    if usual != CODE_POINTS and CODE_POINTS not in same:
        note = f"offsets are counted in {NAMES[usual]}, as is usual in files of this format"
        report.note(note, record.line or None)
    evidence.add(same, record.line, is_proof=False)
    return usual


def _stripped(reading: Reading, text: str) -> Reading:
    """Return a span without the blanks at its ends, in which units may differ; or unchanged."""
    if reading is None or not text[slice(*reading)].strip():
        return reading
    surface = text[slice(*reading)]
    start = reading[0] + len(surface) - len(surface.lstrip())
    return start, start + len(surface.strip())


def _is_words(readings: Sequence[Reading], text: str) -> bool:
    """Return whether spans lie in a text and begin and end with words."""
    return all(reading is not None and not cuts_word(*reading, text) for reading in readings)


def _have_letters(readings: Sequence[Reading], text: str) -> bool:
    """Return whether all spans begin and end with a letter or digit, as names do."""
    surfaces = [text[slice(*reading)] for reading in readings if reading is not None]
    return all(surface[:1].isalnum() and surface[-1:].isalnum() for surface in surfaces)


def _shown_readings(
    spans: Sequence[CharacterSpan], by_unit: dict[str, list[Reading]], text: str
) -> str:
    """Return the first span whose readings differ, as each unit reads it."""
    for index, span in enumerate(spans):
        found: dict[Reading, str] = {}
        for unit, readings in by_unit.items():
            found.setdefault(readings[index], unit)
        if len(found) > 1:
            surfaces = {reading and text[slice(*reading)] for reading in found}
            has_places = len(surfaces) < len(found)  # the surfaces alone do not distinguish them
            parts = [
                f"{'nothing' if reading is None else shown(text[slice(*reading)], 40)}"
                f"{f' at {reading[0]}' if reading and has_places else ''} in {NAMES[unit]}"
                for reading, unit in found.items()
            ]
            return f": the span {span.start}-{span.end} ({span.label}) is {', '.join(parts)}"
    return ""


def cuts_word(start: int, end: int, text: str) -> bool:
    """Return whether a span begins or ends inside of a word."""
    return _joins(text[start - 1 : start], text[start]) or _joins(
        text[end - 1], text[end : end + 1]
    )


# Thai and Lao, Myanmar, Khmer, kana and Han: scripts that do not separate words by blanks.
_WITHOUT_BLANKS = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)


def _joins(left: str, right: str) -> bool:
    """Return whether two characters are inside of a word; either may be empty."""
    is_inside = left.isalnum() and right.isalnum()
    return is_inside and _WITHOUT_BLANKS.search(left + right) is None
