"""The prediction of a classifier for one text.

Axes: K labels.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

__all__ = ["Prediction"]


@dataclass(frozen=True)
class Prediction:
    """The labels of a text.

    Attributes:
        labels: The predicted labels: exactly one, or with several per text any number, the most
            probable first.
        names: All labels of the model, K.
        scores: (K,) their probabilities.
    """

    labels: tuple[str, ...]
    names: tuple[str, ...] = field(repr=False)
    scores: np.ndarray = field(repr=False, compare=False)

    @property
    def label(self) -> str:
        """Return the most probable label of the text, even if none reaches the threshold."""
        return self.names[int(self.scores.argmax())]

    @property
    def probability(self) -> float:
        """Return the probability of `label`."""
        return float(self.scores.max())

    @property
    def probabilities(self) -> dict[str, float]:
        """Return the probability of every label, in the order of the model's labels."""
        return dict(zip(self.names, self.scores.tolist(), strict=True))
