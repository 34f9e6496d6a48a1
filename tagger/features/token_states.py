"""Hidden states of encoders, such as language models, at the tokens of sentences.

Axes: N tokens of all sentences, B batch, T time, U units of one encoder, S units of all encoders.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

__all__ = ["TokenEncoder", "TokenStates"]


class TokenEncoder(Protocol):
    """What turns each token of a sentence into a vector that depends on the whole sentence."""

    @property
    def digest(self) -> str:
        """Identify the encoder: two with the same digest return the same states."""

    @property
    def width(self) -> int:
        """Return U, the number of units of a state."""

    def encode(self, sentences: Sequence[Sequence[str]]) -> list[np.ndarray]:
        """Return the states (T, U) of each tokenized sentence, in order."""


@dataclass(frozen=True, eq=False)
class TokenStates:
    """The states of one or several encoders at every token of some sentences.

    Args:
        digests: the encoder of each entry of `arrays`.
        widths: its units U.
        arrays: per encoder, per sentence, the states (T, U), float16 or float32; they may be memory
            maps, which are read where they are used.
    """

    digests: tuple[str, ...]
    widths: tuple[int, ...]
    arrays: tuple[Sequence[np.ndarray], ...]

    @classmethod
    def of(
        cls, encoders: Sequence[TokenEncoder], arrays: Sequence[Sequence[np.ndarray]]
    ) -> TokenStates:
        """Return the states `arrays`, per encoder and sentence, of these encoders."""
        digests = tuple(encoder.digest for encoder in encoders)
        return cls(digests, tuple(encoder.width for encoder in encoders), tuple(arrays))

    def part(self, first: int, last: int) -> TokenStates:
        """Return the states of the sentences from `first` to `last`, half-open."""
        return TokenStates(
            self.digests, self.widths, tuple(arrays[first:last] for arrays in self.arrays)
        )

    def of_sentence(self, number: int) -> tuple[np.ndarray, ...]:
        """Return the states (T, U) of one sentence, per encoder."""
        return tuple(arrays[number] for arrays in self.arrays)

    def rows(self, digests: Sequence[str]) -> np.ndarray:
        """Return the states of all tokens in one row.

        Args:
            digests: which encoders, in the order of their units in the result.

        Returns:
            (N, S) float32.
        """
        columns = []
        for digest in digests:
            number = self.digests.index(digest)
            nothing = np.zeros((0, self.widths[number]), dtype=np.float32)
            columns.append(np.concatenate([nothing, *self.arrays[number]]))
        return np.concatenate(columns, axis=1)

    def padded(self, sentences: Sequence[int] | np.ndarray, rows: int, time: int) -> np.ndarray:
        """Return the states of the encoders side by side for a batch.

        Args:
            sentences: the numbers of the sentences in the batch.
            rows: B, at least as many as sentences.
            time: T, at least the tokens of the longest.

        Returns:
            (B, T, S) float32, zero where padded.
        """
        padded = np.zeros((rows, time, sum(self.widths)), dtype=np.float32)
        for row, number in enumerate(sentences):
            first = 0
            for states, width in zip(self.of_sentence(number), self.widths, strict=True):
                padded[row, : len(states), first : first + width] = states
                first += width
        return padded
