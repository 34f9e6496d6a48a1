"""Operating points: thresholds of span probabilities, and what dev promises at each of them.

A bundle carries counts on dev at many thresholds, from which a target such as a recall of 0.99 is
translated into a threshold.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypedDict

import numpy as np

from tagger.errors import TaggerError
from tagger.span_decoding import Spans, best_set

__all__ = [
    "BEST_SEQUENCE",
    "GRID",
    "MEASURES",
    "Counts",
    "DecodingOptions",
    "Target",
    "Thresholds",
    "counts_at",
    "parse_min_score",
    "parse_target",
    "thresholds_of",
]

BEST_SEQUENCE = "best-sequence"
"""Name of the rule that returns the spans of the most probable tag sequence."""
MEASURES = ("precision", "recall")
GRID = (
    0.001, 0.002, 0.003, 0.005, 0.007,
    *(number / 100 for number in range(1, 100)),
    0.993, 0.995, 0.997, 0.999,
)  # fmt: skip
"""The thresholds at which dev is counted."""
MOST_LABELS = 100  # labels whose counts a bundle carries, the most frequent ones on dev


class DecodingOptions(TypedDict, total=False):
    """Options of every function that predicts spans.

    Attributes:
        decode: "best-sequence" for the spans of the most probable tag sequence. Default: the rule
            that dev decided; see ``tagger info``.
        min_score: Minimum probability of a span, or one per label; the key "" stands for all other
            labels.
        target: Targets that the thresholds must reach on dev, such as "recall=0.99" or
            "PER:precision=0.98".
        candidates: Minimum probability of candidate spans, which may overlap and are attached to
            each sentence. Default: none are.
        best: Number of most probable tag sequences that are attached to each sentence.
    """

    decode: str | None
    min_score: float | Mapping[str, float] | None
    target: str | Sequence[str] | None
    candidates: float | None
    best: int


class Target(NamedTuple):
    """A measure that the thresholds must reach on dev; `label` is "" for all labels together."""

    label: str
    measure: str
    value: float


class Counts(NamedTuple):
    """Counts of the spans of a label on dev, or of all labels together.

    Attributes:
        gold: Annotated spans.
        predicted: Predicted spans at each threshold of `GRID`.
        correct: Correct ones among these.
    """

    gold: int
    predicted: list[int]
    correct: list[int]

    def precision(self, place: int) -> float:
        """Return the precision at a threshold, 1 if nothing is predicted."""
        return self.correct[place] / self.predicted[place] if self.predicted[place] else 1.0

    def recall(self, place: int) -> float:
        """Return the recall at a threshold."""
        return self.correct[place] / max(self.gold, 1)


@dataclass(frozen=True)
class Thresholds:
    """Thresholds by label, and what dev promises for them.

    Attributes:
        by_label: Thresholds of single labels.
        other: Threshold of all other labels.
        promises: A sentence per threshold that was chosen for a target.
    """

    by_label: Mapping[str, float]
    other: float
    promises: tuple[str, ...] = ()


def parse_min_score(texts: Sequence[str]) -> dict[str, float]:
    """Parse the values of ``--min-score``: ``0.8``, or ``LABEL=0.9``.

    Args:
        texts: The values.

    Returns:
        The minimum scores by label; the key "" stands for all other labels.

    Raises:
        ValueError: A value is ill-formed.
    """
    found: dict[str, float] = {}
    for text in texts:
        label, _, number = text.rpartition("=")
        found[label] = _probability(number, f"{text!r}: expected a probability such as 0.8")
    return found


def parse_target(text: str) -> Target:
    """Parse a target: ``recall=0.99``, or ``LABEL:precision=0.98``.

    Args:
        text: The target.

    Returns:
        The target.

    Raises:
        ValueError: It is ill-formed.
    """
    name, _, number = text.rpartition("=")
    label, _, measure = name.rpartition(":")
    if measure not in MEASURES:
        raise ValueError(f"{text!r}: expected a target such as recall=0.99 or LABEL:precision=0.98")
    return Target(label, measure, _probability(number, f"{text!r}: expected a value such as 0.99"))


def _probability(text: str | float, message: str) -> float:
    """Return a number above 0 and at most 1; raise ValueError with a message otherwise."""
    try:
        value = float(text)
    except (TypeError, ValueError):
        value = math.nan
    if not 0 < value <= 1:
        raise ValueError(f"{message}, above 0 and at most 1")
    return value


def counts_at(
    spans: Spans, correct: np.ndarray, labels: Sequence[str], gold: Mapping[str, int]
) -> dict[str, Any]:
    """Count the best set of spans at every threshold of `GRID`, for the bundle's metrics.

    Args:
        spans: All spans of dev with a probability of at least the lowest threshold.
        correct: (S,) whether each is annotated.
        labels: (L,) labels by index.
        gold: Numbers of annotated spans by label.

    Returns:
        The entry "operating_points" of the metrics: "thresholds", and "counts" by label, "" for
        all labels together, each with "gold", "predicted" and "correct".
    """
    rows = []
    for threshold in GRID:
        chosen = best_set(spans, np.full(len(labels), threshold))
        rows.append(
            [
                np.bincount(spans.label[some], minlength=len(labels))
                for some in (chosen, chosen[correct[chosen]])
            ]
        )
    predicted, right = np.array(rows).transpose(1, 2, 0)  # (L, thresholds) each
    frequent = sorted(gold, key=lambda label: (-gold[label], label))[:MOST_LABELS]
    places = {label: place for place, label in enumerate(labels)}
    counts = {"": (sum(gold.values()), predicted.sum(0), right.sum(0))}
    for label in sorted(frequent):
        if label in places:
            counts[label] = (gold[label], predicted[places[label]], right[places[label]])
    return {
        "thresholds": list(GRID),
        "counts": {
            label: {"gold": number, "predicted": one.tolist(), "correct": other.tolist()}
            for label, (number, one, other) in counts.items()
        },
    }


def thresholds_of(
    metrics: Mapping[str, Any] | None,
    labels: Sequence[str],
    default: float,
    min_score: float | Mapping[str, float] | None = None,
    target: str | Sequence[str] | None = None,
) -> Thresholds:
    """Return the thresholds that the user asks for.

    Args:
        metrics: The metrics of the model; None for an average of several models, of which no counts
            on dev exist.
        labels: The labels of the model.
        default: Threshold of labels for which nothing is asked.
        min_score: As for `DecodingOptions`.
        target: As for `DecodingOptions`.

    Returns:
        The thresholds.

    Raises:
        TaggerError: A label is unknown, dev says that a target cannot be reached, or there are no
            counts on dev.
        ValueError: A value is not a probability, or a label has two thresholds.
    """
    found = dict(min_score) if isinstance(min_score, Mapping) else {}
    if min_score is not None and not isinstance(min_score, Mapping):
        found[""] = min_score
    for value in found.values():
        _probability(value, f"min_score {value!r}: expected a probability")
    promises = []
    for text in [target] if isinstance(target, str) else target or ():
        wanted = parse_target(text)
        if wanted.label in found:
            where = f"the label {wanted.label}" if wanted.label else "all labels"
            raise ValueError(f"expected one threshold for {where}: {text} is a second one")
        found[wanted.label], promise = _reached(metrics, wanted, labels)
        promises.append(promise)
    _check_labels(set(found), labels)
    other = found.pop("", default)
    return Thresholds(found, other, tuple(promises))


def _check_labels(names: set[str], labels: Sequence[str]) -> None:
    """Raise TaggerError if a label is unknown."""
    if unknown := sorted(names - {"", *labels}):
        raise TaggerError(
            f"the model does not predict the label {unknown[0]!r}; it predicts "
            f"{', '.join(labels[:20])}"
        )


def _reached(
    metrics: Mapping[str, Any] | None, target: Target, labels: Sequence[str]
) -> tuple[float, str]:
    """Return the threshold that reaches a target on dev, and what dev promises there."""
    if metrics is None:
        raise TaggerError(
            "a target needs counts on dev, which an average of several models does not have; use "
            "--min-score, or one model"
        )
    _check_labels({target.label}, labels)
    table = metrics.get("operating_points")
    if table is None or target.label not in table["counts"]:
        whose = f" of the label {target.label}" if target.label else ""
        raise TaggerError(
            f"the model has no counts on dev{whose} from which a threshold could be chosen; use "
            "--min-score, or measure it again on annotated text: tagger export RUN FILE"
        )
    thresholds = table["thresholds"]
    counts = Counts(**table["counts"][target.label])
    values = [getattr(counts, target.measure)(place) for place in range(len(thresholds))]
    fitting = [place for place, value in enumerate(values) if value >= target.value]
    name = f"{target.label}:{target.measure}" if target.label else target.measure
    if not fitting or not counts.predicted[fitting[0]]:
        useful = [value for value, n in zip(values, counts.predicted, strict=True) if n]
        raise TaggerError(
            f"{name}={target.value:g} cannot be reached: on dev the highest {target.measure} at "
            f"any threshold is {max(useful, default=0):.3f}"
        )
    # Recall falls with the threshold; of those that reach the target, precision is best at the
    # highest one. For a precision, recall is best at the lowest one.
    place = fitting[-1] if target.measure == "recall" else fitting[0]
    promise = (
        f"{name}={target.value:g}: spans with a probability of at least {thresholds[place]:g}; on "
        f"dev precision {counts.precision(place):.3f}, recall {counts.recall(place):.3f} "
        f"({counts.gold:,} spans)"
    )
    return thresholds[place], promise
