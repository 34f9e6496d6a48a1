"""Character spans as spans of tokens: spans that cut a token, and spans that overlap.

Nothing is dropped without a word: whatever is changed or not used is an issue and a note.
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from tagger.text import tokenizers
from tagger.text.issues import place, span_issue
from tagger.text.options import ReadOptions
from tagger.text.report import ERROR, ReadReport, shown
from tagger.text.spans import CharacterSpan, Record, Span
from tagger.text.tokenizers import Offsets

__all__ = ["fitted", "without_overlaps"]


class _Fit(NamedTuple):
    """A span of tokens and the characters that it was annotated as."""

    span: Span
    source: CharacterSpan


def fitted(
    spans: Sequence[CharacterSpan],
    offsets: Sequence[Offsets],
    record: Record,
    options: ReadOptions,
    report: ReadReport,
) -> tuple[list[Offsets], list[Span]]:
    """Return the tokens of a sentence and its spans in tokens.

    Args:
        spans: Spans in code points, sorted by start and end.
        offsets: Offsets of the tokens.
        record: Record with the text.
        options: What happens to spans that cut a token, and to spans that overlap.
        report: Receives an issue for each of these.

    Returns:
        The offsets of the tokens, of which some are split if the options say so; and the spans,
        which do not overlap.
    """
    tokens = list(offsets)
    if options.misaligned == "split":
        tokens = _split(spans, tokens, record, report)
    starts = {start: index for index, (start, _) in enumerate(tokens)}
    ends = {end: index + 1 for index, (_, end) in enumerate(tokens)}
    fits = []
    for span in spans:
        if span.start in starts and span.end in ends:
            token_span = Span(starts[span.start], ends[span.end], span.label, span.score)
            fits.append(_Fit(token_span, span))
        elif changed := _misaligned(span, tokens, record, options, report):
            fits.append(_Fit(changed, span))
    return tokens, _without_overlaps(fits, record, options, report)


def without_overlaps(
    spans: Iterable[Span],
    tokens: Sequence[str],
    record: Record,
    options: ReadOptions,
    report: ReadReport,
) -> list[Span]:
    """Return the spans of a file of tokens that do not overlap, of those that do what is declared.

    Args:
        spans: Spans of tokens, in any order, all within the tokens.
        tokens: The tokens.
        record: Record of the sentence.
        options: What happens to spans that overlap.
        report: Receives an issue for each of these.

    Returns:
        The spans, sorted.
    """
    starts = list(itertools.accumulate((len(token) + 1 for token in tokens), initial=0))
    fits = [
        _Fit(span, CharacterSpan(starts[span.start], starts[span.end] - 1, span.label))
        for span in sorted(spans, key=lambda span: (span.start, span.end))
    ]
    return _without_overlaps(fits, replace(record, text=" ".join(tokens)), options, report)


def _split(
    spans: Iterable[CharacterSpan], tokens: list[Offsets], record: Record, report: ReadReport
) -> list[Offsets]:
    """Return the tokens, split at the borders of spans."""
    borders = sorted({border for span in spans for border in (span.start, span.end)})
    found: list[Offsets] = []
    for start, end in tokens:
        inside = borders[bisect.bisect_right(borders, start) : bisect.bisect_left(borders, end)]
        if inside:
            report.note(
                "tokens are split at the borders of spans, which the tokenizer does not do in "
                "prediction: there, such a token is in a span as a whole or not at all",
                record.line or None,
                record.text[start:end],
            )
        found += zip([start, *inside], [*inside, end], strict=True)
    return found


def _misaligned(
    span: CharacterSpan,
    tokens: Sequence[Offsets],
    record: Record,
    options: ReadOptions,
    report: ReadReport,
) -> Span | None:
    """Return a span that cuts a token in whole tokens, as the options say, and report it."""
    touched = [i for i, (start, end) in enumerate(tokens) if start < span.end and end > span.start]
    if touched and _is_invisible(span, tokens[touched[0]][0], tokens[touched[-1]][1], record.text):
        report.note(
            "spans are extended by invisible characters, such as a byte order mark, that are part "
            "of their tokens",
            record.line or None,
            record.text[span.start : span.end],
        )
        return Span(touched[0], touched[-1] + 1, span.label, span.score)
    whole = [i for i in touched if span.start <= tokens[i][0] and tokens[i][1] <= span.end]
    action = {"expand": "expanded", "contract": "contracted", "split": "contracted"}.get(
        options.misaligned, options.misaligned
    )
    kept = touched if action == "expanded" else whole if action == "contracted" else []
    if action in ("expanded", "contracted") and not kept:
        action = "not used"
    cut = " ".join(record.text[slice(*tokens[index])] for index in touched)
    nearest = (tokens[touched[0]][0], tokens[touched[-1]][1]) if touched else None
    around = f" ({nearest[0]}-{nearest[1]})" if nearest else ""
    message = (
        f"{place(span, record.text)} does not begin and end with a token; the tokens there are "
        f"{shown(cut)}{around}."
    )
    if action == ERROR:
        advice = "Correct it"
        if not record.is_tokenized:
            advice = tokenizers.advice(record.text, span.start, span.end)
        message += f" {advice}; or declare what becomes of such spans with --misaligned"
    issue = span_issue(span, record, "misaligned", action, message)
    report.issue(replace(issue, nearest=nearest, tokens=cut), _NOTES.get(action, ""))
    if action == "missed":
        report.missed.append((record, span))
    return Span(kept[0], kept[-1] + 1, span.label, span.score) if kept else None


def _is_invisible(span: CharacterSpan, start: int, end: int, text: str) -> bool:
    """Return whether a span lacks only invisible characters at the ends of its tokens."""
    lacking = text[start : span.start] + text[span.end : end]
    return start <= span.start and span.end <= end and set(lacking) <= _INVISIBLE


_INVISIBLE = frozenset("\ufeff\u200b\u2060")
_NOTES = {
    "expanded": "spans that cut a token are expanded to whole tokens",
    "contracted": "spans that cut a token are contracted to whole tokens",
    "not used": "spans that contain no whole token are not used",
    "missed": "spans that cut a token count as missed, since no model can predict them",
}


def _without_overlaps(
    fits: list[_Fit], record: Record, options: ReadOptions, report: ReadReport
) -> list[Span]:
    """Return the spans that do not overlap, of those that do the ones that the options keep."""
    if not any(later.span.start < before.span.end for before, later in itertools.pairwise(fits)):
        return [fit.span for fit in fits]
    kept: list[_Fit] = []
    for fit in sorted(fits, key=_PREFERENCE[options.overlaps]):
        other = next((one for one in kept if _overlap(one.span, fit.span)), None)
        if other is None:
            kept.append(fit)
            continue
        contains = other.span.start <= fit.span.start and fit.span.end <= other.span.end
        is_usable = options.overlaps in ("longest", "first") or (
            options.overlaps == "outer" and contains
        )
        message = (
            f"{place(fit.source, record.text)} overlaps {place(other.source, record.text)}; "
            "expected spans that do not overlap: remove one of them"
        )
        if not is_usable:
            choices = "longest or first" if options.overlaps == "outer" else "longest, first, outer"
            message += f", or declare which to keep with --overlaps: {choices}"
        report.issue(
            span_issue(fit.source, record, "overlap", "not used" if is_usable else ERROR, message),
            f"spans that overlap others are not used; of each group, {_KEPT[options.overlaps]}",
        )
    return sorted((fit.span for fit in kept), key=lambda span: span.start)


def _overlap(one: Span, other: Span) -> bool:
    """Return whether two spans share a token."""
    return one.start < other.end and other.start < one.end


def _by_length(fit: _Fit) -> tuple[int, int]:
    """Order spans by length in characters, the longest first, then by start."""
    return fit.source.start - fit.source.end, fit.source.start


_PREFERENCE: dict[str, Callable[[_Fit], tuple[int, int]]] = {
    "error": lambda fit: (fit.source.start, fit.source.end),
    "first": lambda fit: (fit.source.start, -fit.source.end),
    "longest": _by_length,
    "outer": _by_length,
}
_KEPT = {
    "error": "",
    "first": "the first is kept",
    "longest": "the longest is kept",
    "outer": "the outer one is kept",
}
