"""Error rates of predicted targets, by edit distance to the nearest reference."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["ErrorRates", "edit_distance"]


def edit_distance(first: Sequence[str], second: Sequence[str]) -> int:
    """Return the least number of insertions, deletions and substitutions between two sequences.

    >>> edit_distance("kitten", "sitting")
    3
    """
    numbers: dict[str, int] = {}
    a, b = (
        np.array([numbers.setdefault(symbol, len(numbers)) for symbol in symbols], dtype=np.int64)
        for symbols in (first, second)
    )
    places = np.arange(len(b) + 1)
    row = places  # distances of the prefix of `first` to all prefixes of `second`
    for count, symbol in enumerate(a, 1):
        new = np.minimum(row[1:] + 1, row[:-1] + (b != symbol))
        new = np.concatenate([[count], new])
        # An insertion adds 1 to the distance on its left: a running minimum of what is left of it.
        row = np.minimum.accumulate(new - places) + places
    return int(row[-1])


@dataclass
class ErrorRates:
    """Counts of errors over many sources.

    Attributes:
        sources: Number of sources.
        wrong: Number of sources whose prediction equals none of their references.
        edits: Sum of the edit distances of predictions to their nearest reference.
        symbols: Sum of the lengths of these references.
    """

    sources: int = 0
    wrong: int = 0
    edits: int = 0
    symbols: int = 0

    def add(self, predicted: Sequence[str], references: Iterable[Sequence[str]]) -> None:
        """Count a prediction.

        Args:
            predicted: Symbols of the most probable target.
            references: Symbols of each right target, at least one. Of several that are equally
                near, the first counts.
        """
        distance, length = min(
            ((edit_distance(predicted, one), len(one)) for one in references),
            key=lambda pair: pair[0],
        )
        self.sources += 1
        self.wrong += distance > 0
        self.edits += distance
        self.symbols += length

    @property
    def symbol_error_rate(self) -> float:
        """Return the edits per symbol of the references, which may be above 1."""
        return self.edits / max(self.symbols, 1)

    @property
    def string_error_rate(self) -> float:
        """Return the share of the sources whose prediction is wrong."""
        return self.wrong / max(self.sources, 1)

    def as_dict(self) -> dict[str, Any]:
        """Return the rates in percent and the counts, for JSON."""
        return {
            "symbol_error_rate": 100 * self.symbol_error_rate,
            "string_error_rate": 100 * self.string_error_rate,
            "sources": self.sources,
            "wrong": self.wrong,
            "edits": self.edits,
            "symbols": self.symbols,
        }
