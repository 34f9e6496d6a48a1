"""Offsets of BioC, which count from the beginning of the document, in code points.

A document is passages at offsets, and what is between them is not in the file: blanks stand for it.
Their number depends on the unit of the offsets, which the texts of the annotations prove.
"""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tagger.text import units
from tagger.text.issues import span_issue
from tagger.text.options import ReadOptions
from tagger.text.proving import has_text
from tagger.text.report import ERROR, ReadReport, shown
from tagger.text.spans import CharacterSpan, Record
from tagger.text.units import CODE_POINTS, NAMES

__all__ = ["in_code_points"]

_LONGEST_GAP = 10_000_000


@dataclass(frozen=True)
class _Reading:
    """A document whose offsets are read in a unit: its text, and its spans in code points."""

    text: str
    spans: list[CharacterSpan]
    places: list[tuple[int, int, int]]  # of each span: passage, start and end in it

    def surface(self, index: int) -> str:
        """Return the text at the offsets of a span."""
        return self.text[max(self.spans[index].start, 0) : max(self.spans[index].end, 0)]


def in_code_points(
    passages: Sequence[tuple[int, str]],
    spans: Sequence[CharacterSpan],
    record: Record,
    options: ReadOptions,
    report: ReadReport,
) -> tuple[str, list[CharacterSpan]] | None:
    """Return the text of a document, and its spans in code points.

    Args:
        passages: Offset and text of each passage.
        spans: Spans whose offsets count in the unit of the file.
        record: Record of the document, for messages.
        options: The unit, if it is declared.
        report: Receives what the texts of the spans prove, or an error.

    Returns:
        The text and the spans; None if the unit is not certain, which is reported.

    Raises:
        ValueError: The passages overlap, or are too far from each other.
    """
    readings: dict[str, _Reading] = {}
    fault: ValueError | None = None
    wanted = units.UNITS if options.offsets == units.AUTO else (options.offsets,)
    if all(text.isascii() and "\r\n" not in text for _, text in passages):
        wanted = (CODE_POINTS,)  # all units are the same
    for unit in wanted:
        try:
            readings[unit] = _read(passages, spans, unit)
        except ValueError as error:
            fault = fault or error
    if not readings:
        assert fault is not None
        raise fault
    unit = _chosen(readings, spans, record, report)
    return (readings[unit].text, readings[unit].spans) if unit else None


def _chosen(
    readings: dict[str, _Reading],
    spans: Sequence[CharacterSpan],
    record: Record,
    report: ReadReport,
) -> str:
    """Return the unit that the texts of the spans prove; "" after an error."""
    possible = tuple(readings)
    if len(possible) == 1:
        return possible[0]
    fitting = [
        {u for u in possible if has_text(span, readings[u].surface(index))}
        for index, span in enumerate(spans)
        if span.text is not None
    ]
    provable = [found for found in fitting if found]
    proven = [u for u in possible if all(u in found for found in provable)]
    evidence = report.offsets
    if not provable:
        proven = [next((u for u in possible if u in evidence.units), possible[0])]
    elif not proven:
        message = "the texts of the spans fit no single unit of offsets; correct the offsets"
        return _refuse(spans, record, report, message)
    elif not (left := evidence.add(proven, record.line)):
        message = (
            f"the offsets are counted in {NAMES[proven[0]]}, as the texts of the spans prove, but "
            f"those before in {NAMES[evidence.units[0]]}; expected one unit per file"
        )
        return _refuse(spans, record, report, message)
    else:
        proven = [u for u in proven if u in left] or proven
    first = readings[proven[0]]
    for other in proven[1:]:
        if readings[other].places != first.places:
            index = next(
                i for i, pair in enumerate(first.places) if pair != readings[other].places[i]
            )
            message = (
                f"the offsets have several readings: the span {spans[index].id} "
                f"({spans[index].label}) is {shown(first.surface(index), 40)} in "
                f"{NAMES[proven[0]]}, {shown(readings[other].surface(index), 40)} in "
                f"{NAMES[other]}; declare the unit with --offsets {proven[0]} or --offsets {other}"
            )
            return _refuse(spans[index:], record, report, message)
    if proven[0] != CODE_POINTS:
        report.note(f"offsets are counted in {NAMES[proven[0]]}", record.line or None)
    return proven[0]


def _refuse(
    spans: Sequence[CharacterSpan], record: Record, report: ReadReport, message: str
) -> str:
    """Report an error about the offsets of a document, and return ""."""
    unplaced = replace(spans[0], start=-1, end=-1)
    report.issue(span_issue(unplaced, record, "offsets", ERROR, message))
    return ""


def _read(
    passages: Sequence[tuple[int, str]], spans: Sequence[CharacterSpan], unit: str
) -> _Reading:
    """Return a document whose offsets are read in a unit; raise ValueError if they cannot be."""
    pieces: list[str] = []
    starts: list[int] = []  # of each passage, in the unit
    begins: list[int] = []  # in code points
    positions: list[units.Positions] = []
    length, end = 0, 0
    for offset, text in passages:
        if not text:
            continue
        if offset < end:
            raise ValueError(
                f"the passage at {offset} begins before the end of the previous one at {end}"
            )
        gap = offset - end
        if gap > _LONGEST_GAP:
            raise ValueError(f"the passage at {offset} is too far from the previous one")
        pieces += [("\n" if pieces else " ") * gap, text]
        starts.append(offset)
        begins.append(length + gap)
        positions.append(units.Positions(text, unit))
        length, end = length + gap + len(text), offset + positions[-1].length

    def place(offset: int, index: int) -> int:
        """Return an offset in code points; behind the text if it cuts a character."""
        if index < 0:
            return offset
        inside = offset - starts[index]
        if inside > positions[index].length:  # between two passages, or behind the last one
            return begins[index] + len(pieces[2 * index + 1]) + inside - positions[index].length
        found = positions[index].to_code_points(inside)
        return length + 1 if found is None else begins[index] + found

    read, places = [], []
    for span in spans:
        index = bisect.bisect_right(starts, span.start) - 1
        last = max(bisect.bisect_left(starts, span.end) - 1, index)
        start, stop = place(span.start, index), place(span.end, last)
        parts = tuple(
            (
                place(one, bisect.bisect_right(starts, one) - 1),
                place(other, max(bisect.bisect_left(starts, other) - 1, 0)),
            )
            for one, other in span.parts
        )
        read.append(replace(span, start=start, end=stop, parts=parts))
        before = begins[index] if index >= 0 else 0
        places.append((index, start - before, stop - before))
    return _Reading("".join(pieces), read, places)
