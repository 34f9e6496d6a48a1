"""Methods of calibration that `probabilities.py` compares with one temperature: one temperature of
the log-odds per label, and isotonic regression.

Axes: S spans.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Calibrated = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""From the probabilities and labels of other spans to their calibrated probabilities."""
Fit = Callable[[np.ndarray, np.ndarray, np.ndarray], Calibrated]
"""From probabilities, whether each span is correct, and labels, all (S,)."""


def logit(p: np.ndarray) -> np.ndarray:
    clipped = np.clip(p, 1e-9, 1 - 1e-9)
    return np.log(clipped) - np.log1p(-clipped)


def temperature_of(p: np.ndarray, right: np.ndarray) -> float:
    """The temperature of the log-odds that minimizes the log-loss, by search."""
    grid = np.exp(np.linspace(-1.2, 1.2, 97))
    z = logit(p)

    def loss(t: float) -> float:
        return float(np.logaddexp(0, np.where(right, -z, z) / t).sum())

    return float(min(grid, key=loss))


def by_label(p: np.ndarray, right: np.ndarray, labels: np.ndarray) -> Calibrated:
    """One temperature of the log-odds per label."""
    each = {
        label: temperature_of(p[labels == label], right[labels == label]) for label in set(labels)
    }
    return lambda q, names: 1 / (1 + np.exp(-logit(q) / np.array([each.get(n, 1) for n in names])))


def isotonic(p: np.ndarray, right: np.ndarray, labels: np.ndarray) -> Calibrated:
    """Isotonic regression of correctness on probability (pool adjacent violators)."""
    order = np.argsort(p, kind="stable")
    blocks: list[list[float]] = []  # mean, size
    for value in right[order].astype(float):
        blocks.append([value, 1.0])
        while len(blocks) > 1 and blocks[-2][0] >= blocks[-1][0]:
            mean, size = blocks.pop()
            other = blocks[-1]
            other[0] = (other[0] * other[1] + mean * size) / (other[1] + size)
            other[1] += size
    values = np.repeat([b[0] for b in blocks], [int(b[1]) for b in blocks])
    return lambda q, names: np.interp(q, p[order], values)
