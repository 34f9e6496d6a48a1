"""Batches of a conditional language model's training: sequences, each read from its label.

A text without labels is read as streams (`text_windows`), whose state goes on from sequence to
sequence. A sequence that is conditional on a label must not depend on the one before it, which may
have another label: here every sequence starts with a^<0> = 0 and x^<1> = e_y, as in scoring and
sampling.

Axes: B sequences, T timesteps of a window, V vocabulary, S sequences of the text.
"""

from __future__ import annotations

import numpy as np

from tagger.language_models.text import EOS
from tagger.training.inputs.epochs import EpochBatches

__all__ = ["Sequences"]


class Sequences(EpochBatches):
    """The sequences of a text in batches of similar length, which are read window by window.

    Row b of a window continues row b of the window before, unless it is the first of its batch.
    Positions behind the end of a sequence are marked as not real. Batches are the same in every
    epoch; their order is determined by the seed and the epoch. If an epoch does not read the whole
    text, batches are dealt out to the epochs of a round by length, so that all have the same number
    of windows; an epoch that lacks one reads an empty window.
    """

    def __init__(
        self,
        ids: np.ndarray,
        rows: int,
        window: int,
        *,
        vocabulary_size: int,
        epoch_tokens: int = 0,
        seed: int | None = None,
        epoch: int = 0,
    ) -> None:
        """Divide a text into sequences.

        Args:
            ids: (N + 1,) ids of `language_models.text.encode`, in reading order: the id of its
                label before each sequence, the border after the last. They are not copied and may
                be a memory map.
            rows: B.
            window: T, at most; the longest sequence limits it, too.
            vocabulary_size: V; ids from V on are labels.
            epoch_tokens: Approximate number of targets per epoch; 0 for the whole text.
            seed: Seed of the order of batches; None for the order of length.
            epoch: Number of the first epoch, from 0.
        """
        super().__init__()
        self.ids = ids
        self.rows = rows
        self.vocabulary_size = vocabulary_size
        self.seed = seed
        borders = np.flatnonzero((ids == EOS) | (ids >= vocabulary_size))  # (S + 1,)
        self.starts, self.lengths = borders[:-1], np.diff(borders)  # (S,), <EOS> included
        self.window = min(window, int(self.lengths.max()))
        order = np.argsort(self.lengths, kind="stable")
        self.batches = [order[first : first + rows] for first in range(0, len(order), rows)]
        targets = len(ids) - 1
        chunks = -(-targets // epoch_tokens) if epoch_tokens else 1
        self.chunks = min(chunks, len(self.batches))
        self.tokens = -(-targets // self.chunks)
        self._size = max(len(self._windows(chunk)) for chunk in range(self.chunks))
        self.epoch = epoch

    def begin_epoch(self, epoch: int) -> None:
        """Determine the order of the batches."""
        self._plan = self._windows(epoch)

    def _windows(self, epoch: int) -> list[tuple[np.ndarray, int]]:
        """Return the windows of an epoch: the sequences (at most B) and the first timestep."""
        batches = self.batches[epoch % self.chunks :: self.chunks]
        if self.seed is not None:
            shuffled = np.random.default_rng((self.seed, epoch)).permutation(len(batches))
            batches = [batches[number] for number in shuffled]
        return [
            (batch, first)
            for batch in batches
            for first in range(0, int(self.lengths[batch].max()), self.window)
        ]

    def __len__(self) -> int:
        """Return the number of windows per epoch."""
        return self._size

    def __getitem__(self, number: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Return a window.

        Returns:
            The inputs of `networks.language_model.LanguageModelNetwork`: "ids" and "targets"
            (B, T) int32, "keep" (B,) float32; and a mask (B, T) float32, 1 for real targets.
        """
        batch, first = self._plan[number] if number < len(self._plan) else (self.batches[0][:0], 0)
        time = first + np.arange(self.window)  # (T,), within the sequences
        starts, lengths = np.zeros((2, self.rows), dtype=np.int64)
        starts[: len(batch)], lengths[: len(batch)] = self.starts[batch], self.lengths[batch]
        real = time < lengths[:, None]  # (B, T), as is all from here on
        position = np.where(real, starts[:, None] + time, 0)
        targets = self.ids[position + 1].astype(np.int32)
        inputs = {
            "ids": np.where(real, self.ids[position], EOS).astype(np.int32),
            "targets": np.where(real & (targets < self.vocabulary_size), targets, EOS),
            "keep": np.full(self.rows, float(first > 0), dtype=np.float32),
        }
        return inputs, real.astype(np.float32)
