"""What the batches of all trainings have in common: they depend on the number of the epoch."""

from __future__ import annotations

import keras
import numpy as np

from tagger.features.batches import shuffled_buckets

__all__ = ["EpochBatches", "passes_of", "repeats_per_epoch"]


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


def repeats_per_epoch(size: int, least: int) -> int:
    """Return the number of passes over training data per epoch, at least 1.

    Args:
        size: Tokens, or symbols, of the data.
        least: The number of them that an epoch should have: smaller data are repeated.

    Returns:
        The nearest whole number of passes.
    """
    return max(1, round(least / size))


def passes_of(
    lengths: np.ndarray, budget: int, passes: int, seed: int, epoch: int
) -> list[np.ndarray]:
    """Group sequences of similar length into the batches of an epoch, several times over.

    Args:
        lengths: (N,) length of each sequence.
        budget: Padded tokens per batch.
        passes: Number of passes over all sequences.
        seed: Seed of the training.
        epoch: Number of the epoch, from 0.

    Returns:
        The indices (B,) of the sequences of each batch, pass by pass.
    """
    return [
        indices
        for reading in range(passes)
        for indices in shuffled_buckets(lengths, budget, (seed, epoch, reading))
    ]
