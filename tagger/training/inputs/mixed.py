"""Batches of a student's training: train mixed with the text that its teachers labeled.

Axes: B batch, T time, K tags.
"""

from __future__ import annotations

import operator

import numpy as np

from tagger.config.tagger import Config
from tagger.features.batches import collate, shuffled_buckets
from tagger.training.inputs.batches import Batches
from tagger.training.inputs.epochs import EpochBatches
from tagger.training.inputs.soft_labels import SoftLabels

__all__ = ["DistillationBatches"]

_TEXT = 1  # part of the seeds for text, so that they differ from those for train


class DistillationBatches(EpochBatches):
    """The batches of train and text of an epoch, determined by the seed and the epoch number only.

    An epoch reads train as `Batches` does, and ``distillation.ratio`` times as many tokens of the
    text, at most all of it; the next epoch continues in the text where this one ended. A batch is a
    pair: the inputs by name, as of `Batches`, and distributions over tags (B, T, K) float32, which
    are one-hot for train.

    Args:
        train: Batches of train, whose epoch this object controls from now on.
        labels: Soft labels of the text.
        settings: All settings.
    """

    def __init__(self, train: Batches, labels: SoftLabels, settings: Config) -> None:
        super().__init__()
        self.train = train
        self.targets = np.eye(labels.probabilities[0].shape[1], dtype=np.float32)
        self.probabilities = labels.probabilities
        self.word_ids = train.word_encoder.word_ids(labels.sentences)
        self.lengths = np.array([len(tokens) for tokens in labels.sentences])
        self.seed = settings.training.seed
        self.rounds: dict[int, list[np.ndarray]] = {}
        self.batches, tokens = len(self._round(0)), int(self.lengths.sum())
        part = round(self.batches * settings.distillation.ratio * train.tokens / tokens)
        self.part = min(max(part, 1), self.batches)
        self.tokens = train.tokens + round(tokens * self.part / self.batches)
        # sentences and tokens of the text, and its tokens per epoch
        self.facts = (len(self.word_ids), tokens, self.tokens - train.tokens)
        self.epoch = train.epoch

    def begin_epoch(self, epoch: int) -> None:
        """Select and shuffle the batches."""
        self.train.epoch = epoch
        places = range(epoch * self.part, (epoch + 1) * self.part)
        self.texts = [self._round(place // self.batches)[place % self.batches] for place in places]
        random = np.random.default_rng((self.seed, epoch, 0, _TEXT))
        rest = (1 + random.permutation(len(self) - 1)).tolist()
        second = next((place for place in rest if self._differs(place)), 1)
        self.order = [0, second, *(place for place in rest if place != second)]

    def _differs(self, place: int) -> bool:
        """Return whether a batch differs from the first one in the size of every axis.

        As second batch it shows Keras which axes vary; see `masking.widened`.
        """
        first, other = (
            (*inputs["tokens"].shape, len(inputs["words"]))
            for inputs, _ in map(self._batch, (0, place))
        )
        return all(map(operator.ne, first, other))

    def _round(self, number: int) -> list[np.ndarray]:
        """Return the batches of one pass over the text; each pass groups sentences differently."""
        if number not in self.rounds:
            self.rounds = {
                kept: batches for kept, batches in self.rounds.items() if kept == number - 1
            }
            self.rounds[number] = shuffled_buckets(
                self.lengths, self.train.budget, (self.seed, number, 1, _TEXT)
            )
        return self.rounds[number]

    def __len__(self) -> int:
        """Return the number of batches per epoch."""
        return len(self.train) + self.part

    def __getitem__(self, number: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Return the inputs and target distributions (B, T, K) of a batch."""
        return self._batch(self.order[number])

    def _batch(self, place: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Return a batch by its place before shuffling: those of train, then those of the text."""
        if place < len(self.train):
            inputs, tags = self.train[place]
            return inputs, self.targets[tags]  # (B, T) -> (B, T, K)
        indices = self.texts[place - len(self.train)]
        encoder, budget = self.train.word_encoder, self.train.token_budget
        batch = collate(indices, encoder, self.word_ids, token_budget=budget)
        targets = np.zeros((*batch.inputs["tokens"].shape, len(self.targets)), dtype=np.float32)
        for row, index in enumerate(indices):
            targets[row, : self.lengths[index]] = self.probabilities[index]
        random = np.random.default_rng((self.seed, self.epoch, place, _TEXT))
        return self.train.mask_unknown(batch.inputs, random), targets
