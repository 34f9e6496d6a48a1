"""Scores of predicted labels against those of labeled texts.

Precision, recall and F1 count pairs of a text and a label; accuracy is the share of texts whose
labels are all right. With one label per text, micro F1 equals the accuracy.

Axes: N texts, K labels.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tagger.evaluation.calibration import Calibration, binned
from tagger.evaluation.figures import Score, score_of

__all__ = ["TextScores", "reliability", "text_scores"]

_COUNTED = "labels"  # `Score.scheme`, whose counts are complete


@dataclass(frozen=True)
class TextScores:
    """The scores of a classifier.

    Attributes:
        texts: Number of texts, N.
        score: Accuracy, micro and macro averages, and scores per label; its tokens are texts.
        confusion: Number of texts by gold and predicted label; empty with several labels per text.
        log_loss: Mean negative log-likelihood of the gold labels, in nats per text; None if a gold
            label is unknown to the model.
        calibration: Expected calibration error and Brier score; see `reliability`.
        unknown: Number of texts with each gold label that the model does not have. They count as
            wrong.
    """

    texts: int
    score: Score
    confusion: dict[tuple[str, str], int]
    log_loss: float | None
    calibration: Calibration
    unknown: dict[str, int]

    def as_json(self) -> dict[str, Any]:
        """Return all figures as a dict for ``json.dumps``, percentages except for probabilities."""
        found = self.score.as_json()
        found["texts"] = found.pop("tokens")
        names = ("precision", "recall", "f1")
        confusion: dict[str, dict[str, int]] = {}
        for (gold, predicted), count in sorted(self.confusion.items()):
            confusion.setdefault(gold, {})[predicted] = count
        return {
            **found,
            "macro": dict(zip(names, self.score.macro, strict=True)),
            "confusion": confusion,
            "log_loss": self.log_loss,
            "calibration": self.calibration.as_json(),
            "unknown": self.unknown,
        }


def text_scores(
    gold: Sequence[Sequence[str]],
    predicted: Sequence[Sequence[str]],
    scores: np.ndarray,
    names: Sequence[str],
    *,
    multi_label: bool,
) -> TextScores:
    """Compute the scores of predictions.

    Args:
        gold: The labels of each text, N.
        predicted: The predicted labels of each text.
        scores: (N, K) probabilities.
        names: The labels of the model, K.
        multi_label: Whether a text has any number of labels.

    Returns:
        The scores, rounded.

    >>> found = text_scores(
    ...     [["a"], ["b"]], [["a"], ["a"]], np.array([[0.9, 0.1], [0.6, 0.4]]), "ab",
    ...     multi_label=False,
    ... )
    >>> found.score.accuracy, found.score.macro[2], found.confusion
    (50.0, 33.33, {('a', 'a'): 1, ('b', 'a'): 1})
    """
    pairs = list(zip(gold, predicted, strict=True))
    counts = tuple(
        Counter(label for text in column for label in text)
        for column in (gold, predicted, [{*one} & {*other} for one, other in pairs])
    )
    matching = sum({*one} == {*other} for one, other in pairs)
    confusion = Counter((one[0], other[0]) for one, other in pairs) if not multi_label else {}
    ids = {name: number for number, name in enumerate(names)}
    targets = np.zeros(scores.shape)
    for row, text in zip(targets, gold, strict=True):
        row[[ids[label] for label in text if label in ids]] = 1.0
    unknown = Counter(label for text in gold for label in text if label not in ids)
    return TextScores(
        texts=len(pairs),
        score=score_of([["text"] for _ in pairs], matching, counts, _COUNTED),
        confusion=dict(confusion),
        log_loss=None if unknown else _log_loss(scores, targets, multi_label),
        calibration=reliability(scores, targets, multi_label=multi_label),
        unknown=dict(unknown),
    )


def _log_loss(scores: np.ndarray, targets: np.ndarray, multi_label: bool) -> float:
    """Return the mean negative log-likelihood of targets (N, K), in nats per text."""
    tiny = np.finfo(np.float64).tiny
    total = (targets * np.log(np.maximum(scores, tiny))).sum()
    if multi_label:
        total += ((1 - targets) * np.log(np.maximum(1 - scores, tiny))).sum()
    return round(float(-total / max(len(scores), 1)), 4)


def reliability(scores: np.ndarray, targets: np.ndarray, *, multi_label: bool) -> Calibration:
    """Compute the calibration of probabilities in ten bins of equal width.

    With one label per text, the bins contain the predicted label of each text, and the Brier score
    is the sum of squared differences over all labels, per text (Brier 1950). With several, the bins
    contain every label of every text, and the Brier score is the mean over these.

    Args:
        scores: (N, K) probabilities.
        targets: (N, K) 1 for each label that is right, else 0.
        multi_label: Whether each label has a probability of its own.

    Returns:
        The expected calibration error (Naeini et al. 2015), the Brier score and the bins, rounded
        to four decimals.
    """
    squares = (scores - targets) ** 2
    if multi_label:
        p, right = scores.reshape(-1), targets.reshape(-1)
        brier = squares.mean() if squares.size else 0.0
    else:
        best = scores.argmax(axis=1)[:, None] if len(scores) else np.zeros((0, 1), dtype=int)
        p, right = (np.take_along_axis(each, best, axis=1)[:, 0] for each in (scores, targets))
        brier = squares.sum() / max(len(scores), 1)
    return binned(p, right, float(brier))
