"""Labels of texts on which a language model is conditional, and their ids.

A label has no id in the vocabulary, since no model predicts it: its id is an input only. The ids
of labels are V … V + L - 1, in the order of `TextLabels.names`.

Axes: V ids of a vocabulary, L labels.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

__all__ = ["TextLabels"]

_SHOWN = 30  # labels of a summary


@dataclass(frozen=True)
class TextLabels:
    """The labels of the texts of a training set; empty for a model without labels.

    Args:
        names: The L labels, distinct, in the order of their ids.
        counts: Number of texts with each label in the training set, at least 1 each.

    Raises:
        ValueError: A label is empty or repeated, or a count does not fit.
    """

    names: tuple[str, ...] = ()
    counts: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if len(self.names) != len(self.counts):
            raise ValueError(f"{len(self.names)} labels but {len(self.counts)} counts")
        if len(set(self.names)) != len(self.names) or "" in self.names:
            raise ValueError("a label is empty or repeated")
        if min(self.counts, default=1) < 1:
            raise ValueError("a label without a text")

    @classmethod
    def of(cls, counts: Mapping[str, int]) -> TextLabels:
        """Return labels, sorted by name.

        Args:
            counts: Number of texts by label.

        >>> TextLabels.of({"sport": 3, "business": 2}).names
        ('business', 'sport')
        """
        names = sorted(counts)
        return cls(tuple(names), tuple(counts[name] for name in names))

    def __len__(self) -> int:
        """Return L, the number of labels."""
        return len(self.names)

    def __contains__(self, label: object) -> bool:
        """Return whether a label has an id."""
        return label in self._positions

    @cached_property
    def _positions(self) -> dict[str, int]:
        """Return the position of each label in `names`."""
        return {name: number for number, name in enumerate(self.names)}

    def id_of(self, label: str, vocabulary_size: int) -> int:
        """Return the id of a label.

        Args:
            label: One of the labels.
            vocabulary_size: V.

        Returns:
            Its id, from V to V + L - 1.
        """
        return vocabulary_size + self._positions[label]

    def log_prior(self) -> np.ndarray:
        """Return log p(y) of each label: its share of the training texts.

        Returns:
            (L,) float64, in nats.
        """
        counts = np.array(self.counts, dtype=np.float64)
        return np.asarray(np.log(counts / counts.sum()))

    def summary(self) -> str:
        """Return the labels and their numbers of texts in words, most frequent first.

        >>> TextLabels.of({"business": 2, "sport": 3}).summary()
        '2 labels: sport 3, business 2'
        """
        ranked = sorted(zip(self.names, self.counts, strict=True), key=lambda row: -row[1])
        shown = ", ".join(f"{name} {count:,}" for name, count in ranked[:_SHOWN])
        more = f" and {len(self) - _SHOWN:,} others" if len(self) > _SHOWN else ""
        return f"{len(self):,} label{'s' * (len(self) != 1)}: {shown}{more}"

    def to_json(self) -> str:
        """Return the labels as a JSON object with the lists ``labels`` and ``counts``."""
        return json.dumps(
            {"labels": list(self.names), "counts": list(self.counts)}, ensure_ascii=False
        )

    @classmethod
    def from_json(cls, text: str) -> TextLabels:
        """Create labels from the text that `to_json` returned.

        Args:
            text: JSON object with the lists ``labels`` and ``counts``.

        Returns:
            The labels.

        Raises:
            ValueError: The text is not such an object, or has no label.
        """
        data: Any = json.loads(text)
        names, counts = (
            data.get(key) if isinstance(data, dict) else None for key in ("labels", "counts")
        )
        if (
            not isinstance(names, list)
            or not isinstance(counts, list)
            or not names
            or not all(isinstance(name, str) for name in names)
            or not all(type(count) is int for count in counts)
        ):
            raise ValueError(
                'expected a JSON object with "labels", a list of strings, and "counts", a list of '
                "integers"
            )
        return cls(tuple(names), tuple(counts))
