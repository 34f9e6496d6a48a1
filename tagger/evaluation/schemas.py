"""Four readings of partly correct spans: the schemas of SemEval 2013, task 9.1, as nervaluate has
them.

    strict    the same borders and the same label
    exact     the same borders, with any label
    partial   the same borders with any label, or half a point for an overlap
    type      the same label, with any overlap

Segura-Bedmar, Martínez and Herrero-Zazo 2013; Chinchor and Sundheim 1993 (MUC-5) for the
categories. Figures equal those of the package nervaluate 1.2, except that it does not count an
overlap of less than a hundredth of a gold span.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["SCHEMAS", "Interval", "SchemaScore", "schemas"]

SCHEMAS = ("strict", "exact", "partial", "type")
"""The names of the schemas, in the order of reports."""

Interval = tuple[int, int, str]
"""Start, end and label of a span, half-open, in tokens or characters."""


@dataclass(frozen=True, slots=True)
class SchemaScore:
    """The counts and figures of a schema.

    Attributes:
        correct: Predicted spans that match a gold span.
        incorrect: Predicted spans that overlap a gold span but do not match it.
        partial: Predicted spans that overlap a gold span, in the schema "partial".
        missed: Gold spans that no predicted span was compared with.
        spurious: Predicted spans that overlap no gold span.
        precision: Points per predicted span, 0 to 100.
        recall: Points per gold span, 0 to 100.
        f1: Their harmonic mean.
    """

    correct: int
    incorrect: int
    partial: int
    missed: int
    spurious: int
    precision: float
    recall: float
    f1: float

    def as_json(self) -> dict[str, Any]:
        """Return the attributes as a dict for ``json.dumps``."""
        return asdict(self)


def schemas(
    gold: Iterable[Sequence[Interval]], predicted: Iterable[Sequence[Interval]]
) -> dict[str, SchemaScore]:
    """Compute the scores of the four schemas.

    Args:
        gold: The gold spans of each sentence or document.
        predicted: The predicted spans of the same sentences or documents.

    Returns:
        The scores by the names of `SCHEMAS`.

    Raises:
        ValueError: The numbers of sentences or documents differ.
    """
    counts: dict[str, Counter[str]] = {name: Counter() for name in SCHEMAS}
    for gold_spans, predicted_spans in zip(gold, predicted, strict=True):
        for name in SCHEMAS:
            counts[name].update(_categories(sorted(gold_spans), sorted(predicted_spans), name))
    return {name: _score(found) for name, found in counts.items()}


def _categories(
    gold: Sequence[Interval], predicted: Sequence[Interval], schema: str
) -> Counter[str]:
    """Count the categories of the spans of one sentence; each gold span is compared once."""
    found: Counter[str] = Counter()
    open_spans = list(gold)
    for span in predicted:
        overlapping = [one for one in open_spans if one[0] < span[1] and span[0] < one[1]]
        matching = [one for one in overlapping if _match(one, span, schema)]
        if not overlapping:
            found["spurious"] += 1
            continue
        found["correct" if matching else "partial" if schema == "partial" else "incorrect"] += 1
        open_spans.remove(min(matching or overlapping[:1], key=lambda one: _distance(one, span)))
    found["missed"] = len(open_spans)
    return found


def _match(gold: Interval, predicted: Interval, schema: str) -> bool:
    """Return whether two overlapping spans match in a schema."""
    if schema == "type":
        return gold[2] == predicted[2]
    return gold == predicted if schema == "strict" else gold[:2] == predicted[:2]


def _distance(one: Interval, other: Interval) -> int:
    """Return the distance of the borders of two spans."""
    return abs(one[0] - other[0]) + abs(one[1] - other[1])


def _score(counts: Counter[str]) -> SchemaScore:
    """Return the figures of some counts."""
    names = ("correct", "incorrect", "partial", "missed", "spurious")
    correct, incorrect, partial, missed, spurious = (counts[name] for name in names)
    points, compared = correct + partial / 2, correct + incorrect + partial
    precision = 100 * points / ((compared + spurious) or 1)
    recall = 100 * points / ((compared + missed) or 1)
    f1 = 2 * precision * recall / ((precision + recall) or 1)
    figures = (round(value, 2) for value in (precision, recall, f1))
    return SchemaScore(correct, incorrect, partial, missed, spurious, *figures)
