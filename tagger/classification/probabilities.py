"""Probabilities of labels from logits, and the labels that are predicted.

One label per text: ŷ = softmax(z / τ), and the label of the highest probability is predicted.
Several: ŷ_k = σ(z_k / τ_k), and every label whose probability reaches the threshold is. The
temperatures τ are those that training decided on dev (Guo et al. 2017).

Axes: N texts, K labels.
"""

from __future__ import annotations

import numpy as np

__all__ = ["predicted_labels", "probabilities"]


def probabilities(logits: np.ndarray, temperatures: np.ndarray, *, multi_label: bool) -> np.ndarray:
    """Compute the probabilities of labels.

    Args:
        logits: (N, K).
        temperatures: (K,) what the logits of each label are divided by.
        multi_label: Whether each label has a probability of its own.

    Returns:
        (N, K) float64. Without `multi_label` rows add up to 1.
    """
    scaled = logits.astype(np.float64) / temperatures
    if multi_label:
        # σ(z) from e^-|z|, which never overflows
        small = np.exp(-np.abs(scaled))
        return np.asarray(np.where(scaled >= 0, 1.0, small) / (1.0 + small))
    exponentials = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    return np.asarray(exponentials / exponentials.sum(axis=-1, keepdims=True))


def predicted_labels(scores: np.ndarray, *, multi_label: bool, threshold: float) -> np.ndarray:
    """Return which labels are predicted.

    Args:
        scores: (N, K) probabilities.
        multi_label: Whether a text has any number of labels.
        threshold: Probability from which a label is predicted, with `multi_label`.

    Returns:
        (N, K) bool; without `multi_label` exactly one True per row, the first of equals.
    """
    if multi_label:
        return scores >= threshold
    found = np.zeros(scores.shape, dtype=bool)
    found[np.arange(len(scores)), scores.argmax(axis=-1)] = True
    return found
