"""What the batches of all trainings have in common: they depend on the number of the epoch."""

from __future__ import annotations

import keras
import numpy as np

from tagger.features.batches import shuffled_buckets

__all__ = ["BucketedBatches", "EpochBatches", "repeats_per_epoch"]


class EpochBatches(keras.utils.PyDataset):
    """The batches of an epoch. Subclasses select them in `begin_epoch`.

    Subclasses set `epoch` once, to the first epoch, when all that `begin_epoch` needs is there.
    Keras sets it at the end of each epoch.
    """

    _epoch = 0

    @property
    def epoch(self) -> int:
        """Number of the epoch, from 0. Setting it selects the batches of the epoch."""
        return self._epoch

    @epoch.setter
    def epoch(self, epoch: int) -> None:
        self._epoch = epoch
        self.begin_epoch(epoch)

    def begin_epoch(self, epoch: int) -> None:
        """Select the batches of an epoch; by default they are computed when they are asked for.

        Args:
            epoch: Number of the epoch, from 0.
        """

    def on_epoch_end(self) -> None:
        """Go on to the next epoch; called by Keras."""
        self.epoch += 1


class BucketedBatches(EpochBatches):
    """Batches of sequences of similar length, determined by the seed and the epoch number only.

    Args:
        lengths: (N,) length of each sequence.
        budget: Padded tokens per batch.
        least: Tokens that an epoch should have; see `repeats_per_epoch`.
        seed: Seed of the training.
        epoch: Number of the first epoch, from 0.

    Attributes:
        tokens: Number of tokens per epoch.
        token_budget: The budget if the backend compiles each shape, else 0; see `collate`.
    """

    def __init__(
        self, lengths: np.ndarray, *, budget: int, least: int, seed: int, epoch: int
    ) -> None:
        super().__init__()
        size = int(lengths.sum())
        self.lengths = lengths
        self.budget = budget
        self.token_budget = budget if keras.backend.backend() == "jax" else 0
        self.seed = seed
        self.passes = repeats_per_epoch(size, least)
        self.tokens = size * self.passes
        self.epoch = epoch

    def begin_epoch(self, epoch: int) -> None:
        """Group the sequences into batches, pass by pass: the number of the pass, and indices."""
        self._batches = [
            (reading, indices)
            for reading in range(self.passes)
            for indices in shuffled_buckets(self.lengths, self.budget, (self.seed, epoch, reading))
        ]

    def __len__(self) -> int:
        """Return the number of batches per epoch."""
        return len(self._batches)

    def random(self, number: int) -> np.random.Generator:
        """Return the random generator of a batch."""
        return np.random.default_rng((self.seed, self.epoch, number))


def repeats_per_epoch(size: int, least: int) -> int:
    """Return the number of passes over training data per epoch, at least 1.

    Args:
        size: Tokens, or symbols, of the data.
        least: The number of them that an epoch should have: smaller data are repeated.

    Returns:
        The nearest whole number of passes.
    """
    return max(1, round(least / size))
