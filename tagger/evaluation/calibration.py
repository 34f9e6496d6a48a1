"""Calibration of span probabilities: how often spans of a given probability are right.

All spans with a probability of at least `FLOOR` are judged, not only those that are predicted.

Axes: S spans.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from tagger.text.spans import Sentence

__all__ = [
    "FLOOR",
    "Bin",
    "Calibration",
    "binned",
    "calibration",
    "calibration_of",
    "table",
]

FLOOR = 0.01
"""Minimum probability of the spans that are judged."""
BINS = 10


class Bin(NamedTuple):
    """The spans whose probabilities are in one tenth of the range from 0 to 1.

    Attributes:
        spans: Number of spans.
        probability: Their mean probability, 0 if there are none.
        correct: Share of them that is annotated, 0 if there are none.
    """

    spans: int
    probability: float
    correct: float


@dataclass(frozen=True)
class Calibration:
    """The calibration of span probabilities on annotated text.

    Attributes:
        ece: Expected calibration error (Naeini et al. 2015): the difference between probability and
            share of correct spans, averaged over all spans of all bins.
        brier: Brier score, the sum of the squared differences between the probability of a span and
            1 if it is annotated, else 0, per annotated span.
        bins: The reliability table, from the lowest probabilities to the highest.
    """

    ece: float
    brier: float
    bins: tuple[Bin, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the figures as a dict for ``json.dumps``."""
        return {"ece": self.ece, "brier": self.brier, "bins": [list(one) for one in self.bins]}


def calibration(probabilities: np.ndarray, correct: np.ndarray, gold: int) -> Calibration:
    """Compute the calibration of spans.

    Args:
        probabilities: (S,) probabilities; those below `FLOOR` are ignored.
        correct: (S,) whether each span is annotated.
        gold: Number of annotated spans, among these and others.

    Returns:
        The calibration, rounded to four decimals.

    >>> found = calibration(np.array([0.95, 0.85, 0.15]), np.array([True, False, False]), 1)
    >>> found.ece, found.bins[9]
    (0.35, Bin(spans=1, probability=0.95, correct=1.0))
    """
    judged = probabilities >= FLOOR
    p, right = probabilities[judged], correct[judged].astype(float)
    brier = (((p - right) ** 2).sum() + gold - right.sum()) / max(gold, 1)
    return binned(p, right, float(brier))


def binned(probabilities: np.ndarray, correct: np.ndarray, brier: float) -> Calibration:
    """Compute the calibration of probabilities of any kind in ten bins of equal width.

    Args:
        probabilities: (S,) probabilities.
        correct: (S,) 1 for what is right, else 0.
        brier: Brier score.

    Returns:
        The calibration, rounded to four decimals.
    """
    places = np.minimum((probabilities * BINS).astype(int), BINS - 1)
    counts = np.bincount(places, minlength=BINS)
    sums, rights = (np.bincount(places, one, minlength=BINS) for one in (probabilities, correct))
    ece = np.abs(sums - rights).sum() / max(len(probabilities), 1)
    bins = (
        Bin(int(n), round(float(one / max(n, 1)), 4), round(float(other / max(n, 1)), 4))
        for n, one, other in zip(counts, sums, rights, strict=True)
    )
    return Calibration(round(float(ece), 4), round(brier, 4), tuple(bins))


def calibration_of(
    gold: Iterable[Sentence], predicted: Iterable[Sentence], missed: int = 0
) -> Calibration:
    """Compute the calibration of predictions with candidates.

    Args:
        gold: Annotated sentences.
        predicted: The same sentences with their candidates, of a probability of at least `FLOOR`.
        missed: Number of further annotated spans, which cut a token.

    Returns:
        The calibration.
    """
    rows, annotated = [], missed
    for one, other in zip(gold, predicted, strict=True):
        spans = set(one.spans or ())
        annotated += len(spans)
        rows += [(span.score or 0.0, span in spans) for span in other.candidates or ()]
    probabilities, correct = np.array(rows, dtype=float).reshape(-1, 2).T
    return calibration(probabilities, correct > 0, annotated)


def table(found: Calibration, units: str = "spans", per: str = "annotated span") -> str:
    """Format a calibration as a plain-text table.

    Args:
        found: The calibration.
        units: What is counted.
        per: What the Brier score is averaged over.

    Returns:
        Lines without a final newline.

    >>> print(table(Calibration(0.03, 0.2, (Bin(0, 0.0, 0.0), Bin(12, 0.17, 0.25)))))
    probability   spans    mean  correct
    0.0 to 0.1        0       -        -
    0.1 to 0.2       12   0.170    0.250
    expected calibration error 0.0300, Brier score 0.2000 per annotated span
    """
    lines = [f"probability {units:>7}    mean  correct"]
    for place, one in enumerate(found.bins):
        cells = _cells(one)
        lines.append(
            f"{place / BINS:.1f} to {(place + 1) / BINS:.1f} {one.spans:>8,} {cells[0]:>7}"
            f"  {cells[1]:>7}"
        )
    lines.append(
        f"expected calibration error {found.ece:.4f}, Brier score {found.brier:.4f} per {per}"
    )
    return "\n".join(lines)


def _cells(one: Bin) -> Sequence[str]:
    """Return the mean probability and the share of correct spans as cells."""
    return [f"{value:.3f}" if one.spans else "-" for value in (one.probability, one.correct)]
