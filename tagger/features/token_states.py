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
    """A frozen encoder of tokens in context, such as a language model."""

    @property
    def digest(self) -> str:
        """Return the identity of the encoder: equal digests mean equal states."""

    @property
    def width(self) -> int:
        """Return U, the number of units of a state."""

    def encode(self, sentences: Sequence[Sequence[str]]) -> list[np.ndarray]:
        """Compute the states of all tokens.

        Args:
            sentences: Tokens of each sentence.

        Returns:
            States (T, U) of each sentence, in order.
        """


@dataclass(frozen=True, eq=False)
class TokenStates:
    """The hidden states of one or more encoders at every token of some sentences.

    Args:
        digests: Digest of each encoder.
        widths: Number of units U of each encoder.
        arrays: States (T, U) per encoder and sentence, float16 or float32; they may be memory maps,
            which are read only when used. They are not copied.
    """

    digests: tuple[str, ...]
    widths: tuple[int, ...]
    arrays: tuple[Sequence[np.ndarray], ...]

    @classmethod
    def of(
        cls, encoders: Sequence[TokenEncoder], arrays: Sequence[Sequence[np.ndarray]]
    ) -> TokenStates:
        """Create token states from encoders and their states.

        Args:
            encoders: The encoders.
            arrays: States (T, U) per encoder and sentence.

        Returns:
            The token states, which refer to `arrays` without a copy.
        """
        digests = tuple(encoder.digest for encoder in encoders)
        return cls(digests, tuple(encoder.width for encoder in encoders), tuple(arrays))

    def part(self, first: int, last: int) -> TokenStates:
        """Return the states of the sentences from `first` to `last`, half-open, without a copy."""
        return TokenStates(
            self.digests, self.widths, tuple(arrays[first:last] for arrays in self.arrays)
        )

    def of_sentence(self, number: int) -> tuple[np.ndarray, ...]:
        """Return the states (T, U) of the sentence with the index `number`, per encoder."""
        return tuple(arrays[number] for arrays in self.arrays)

    def rows(self, digests: Sequence[str]) -> np.ndarray:
        """Concatenate the states of all sentences along N, and those of encoders along S.

        Args:
            digests: Encoders to select, in the order of their units in the result.

        Returns:
            (N, S) float32, a new array.
        """
        columns = []
        for digest in digests:
            number = self.digests.index(digest)
            nothing = np.zeros((0, self.widths[number]), dtype=np.float32)
            columns.append(np.concatenate([nothing, *self.arrays[number]]))
        return np.concatenate(columns, axis=1)

    def padded(self, sentences: Sequence[int] | np.ndarray, rows: int, time: int) -> np.ndarray:
        """Pad the states of a batch, with those of all encoders concatenated along the units.

        Args:
            sentences: Indices of the sentences in the batch.
            rows: B, at least the number of sentences.
            time: T, at least the length of the longest sentence.

        Returns:
            (B, T, S) float32, 0 where padded; a new array.
        """
        padded = np.zeros((rows, time, sum(self.widths)), dtype=np.float32)
        for row, number in enumerate(sentences):
            first = 0
            for states, width in zip(self.of_sentence(number), self.widths, strict=True):
                padded[row, : len(states), first : first + width] = states
                first += width
        return padded
