"""The choice, on dev, of how a classifier's probabilities are computed and which labels are
predicted.

The temperature by which the logits are divided maximizes the likelihood of dev's labels (Guo et al.
2017); with several labels per text, each label has its own. The threshold from which labels are
predicted is then common to all of them: at calibrated probabilities, one threshold maximizes the
micro F1 (Lipton et al. 2014), and a threshold per label would be chosen by few texts.

Axes: N texts, K labels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from tagger.classification.probabilities import probabilities
from tagger.classification.scores import reliability
from tagger.evaluation.calibration import Calibration
from tagger.evaluation.figures import percentages
from tagger.training.export.calibration import (
    LEAST_SPANS,
    PRIOR,
    RANGE,
    THRESHOLDS,
    minimum,
    smoothed,
)

__all__ = ["choose_threshold", "decided", "fit_temperature", "fit_temperatures"]

LEAST_LABELS = LEAST_SPANS
"""Labels of dev without which no threshold is chosen: a few would choose at random."""


def decided(
    logits: np.ndarray, targets: np.ndarray, labels: Sequence[str], *, multi_label: bool
) -> dict[str, Any]:
    """Decide on dev how probabilities are computed and which labels are predicted.

    Args:
        logits: (N, K) of dev.
        targets: As `tagger.training.inputs.texts.targets_of` returns them. Without `multi_label`,
            texts with a label that the model does not have (-1) are left out.
        labels: The labels of the model, K.
        multi_label: Whether a text has any number of labels.

    Returns:
        Entries of the bundle's metrics: "calibration" and "reliability"; with `multi_label` also
        "temperatures" by label, and "decoding" if dev has at least `LEAST_LABELS` labels. Empty if
        no text is left.
    """
    if not multi_label:
        known = targets >= 0
        logits, targets = logits[known], np.eye(len(labels))[targets[known]]
    if not len(logits):
        return {}
    temperatures = (
        np.round(fit_temperatures(logits, targets), 3)
        if multi_label
        else np.full(len(labels), round(fit_temperature(logits, targets), 3))
    )
    before, after = (
        probabilities(logits, each, multi_label=multi_label)
        for each in (np.ones(len(labels)), temperatures)
    )
    found = {
        name: reliability(scores, targets, multi_label=multi_label)
        for name, scores in (("before", before), ("after", after))
    }
    entries: dict[str, Any] = {
        "calibration": _calibration(found, len(logits)),
        "reliability": {name: [list(one) for one in each.bins] for name, each in found.items()},
    }
    if not multi_label:
        entries["calibration"]["temperature"] = float(temperatures[0])
        return entries
    entries["temperatures"] = dict(zip(labels, temperatures.tolist(), strict=True))
    if targets.sum() >= LEAST_LABELS:
        entries["decoding"] = choose_threshold(after, targets)
    return entries


def _calibration(found: dict[str, Calibration], texts: int) -> dict[str, float]:
    """Return the figures of the calibration before and after."""
    return {
        "texts": texts,
        "ece": found["after"].ece,
        "ece_before": found["before"].ece,
        "brier": found["after"].brier,
        "brier_before": found["before"].brier,
    }


def fit_temperature(logits: np.ndarray, targets: np.ndarray) -> float:
    """Return the temperature under which the labels of dev are most probable.

    The negative log-likelihood is convex in 1 / temperature. A prior keeps the temperature of a
    small dev set near 1.

    Args:
        logits: (N, K).
        targets: (N, K), one 1 per row.

    Returns:
        The temperature, within `calibration.RANGE`.
    """
    logits = logits.astype(np.float64)
    gold = (logits * targets).sum(axis=1)

    def loss(log_temperature: float) -> float:
        scaled = logits / math.exp(log_temperature)
        highest = scaled.max(axis=1)
        partition = highest + np.log(np.exp(scaled - highest[:, None]).sum(axis=1))
        nats = float((partition - gold / math.exp(log_temperature)).sum())
        return nats + (log_temperature / PRIOR) ** 2 / 2

    return math.exp(minimum(loss, *map(math.log, RANGE)))


def fit_temperatures(logits: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return the temperature of each label under which dev is most probable.

    Args:
        logits: (N, K), of independent labels.
        targets: (N, K), 0 or 1.

    Returns:
        (K,) temperatures, each as `fit_temperature` finds that of the logits z and 0.
    """
    columns = zip(logits.T, targets.T, strict=True)
    return np.array(
        [
            fit_temperature(
                np.stack([column, np.zeros_like(column)], axis=1),
                np.stack([gold, 1 - gold], axis=1),
            )
            for column, gold in columns
        ]
    )


def choose_threshold(scores: np.ndarray, targets: np.ndarray) -> dict[str, float]:
    """Choose the common threshold that maximizes the micro F1 of dev.

    Args:
        scores: (N, K) calibrated probabilities.
        targets: (N, K), 0 or 1.

    Returns:
        The "threshold", whose F1 is averaged over neighboring ones; its "score", micro F1 in
        percent; and that "without" it, at 0.5. The threshold is 0.5 unless it is better.
    """
    gold = int(targets.sum())

    def f1(threshold: float) -> float:
        chosen = scores >= threshold
        return percentages(gold, int(chosen.sum()), int((chosen * targets).sum()))[2]

    values = smoothed(np.array([f1(threshold) for threshold in THRESHOLDS]))
    best = round(float(THRESHOLDS[int(np.argmax(values))]), 3)
    score, without = round(f1(best), 2), round(f1(0.5), 2)
    if score <= without:
        best, score = 0.5, without
    return {"threshold": best, "score": score, "without": without}
