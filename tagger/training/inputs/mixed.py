"""Batches of a student: those of train among those of the text that its teachers labelled.

Axes: B batch, T time, K tags.
"""

from __future__ import annotations

import operator

import keras
import numpy as np

from tagger.config.tagger import Config
from tagger.features.batches import collate, shuffled_buckets
from tagger.training.inputs.batches import Batches
from tagger.training.inputs.soft_labels import SoftLabels

__all__ = ["DistillationBatches"]

_TEXT = 1  # in seeds: draws for text are others than those for train


class DistillationBatches(keras.utils.PyDataset):
    """Batches of train among batches of text, in an order that the seed and the epoch's number
    alone determine.

    An epoch reads train as `Batches` does, and of the text ``distillation.ratio`` times as many
    tokens, at most all: the next epoch goes on in the text where this one ended. Targets are
    distributions, (B, T, K) float32.
    """

    def __init__(self, train: Batches, labels: SoftLabels, settings: Config) -> None:
        super().__init__()
        self.train = train
        self.targets = np.eye(labels.probabilities[0].shape[1], dtype=np.float32)
        self.probabilities = labels.probabilities
        self.numbers = train.lexicon.word_ids(labels.sentences)
        self.lengths = np.array([len(tokens) for tokens in labels.sentences])
        self.seed = settings.training.seed
        self.rounds: dict[int, list[np.ndarray]] = {}
        self.batches, tokens = len(self._round(0)), int(self.lengths.sum())
        part = round(self.batches * settings.distillation.ratio * train.tokens / tokens)
        self.part = min(max(part, 1), self.batches)
        self.tokens = train.tokens + round(tokens * self.part / self.batches)
        self.facts = (
            len(self.numbers),
            tokens,
            self.tokens - train.tokens,
        )  # sentences, tokens, and tokens an epoch
        self.epoch = train.epoch

    @property
    def epoch(self) -> int:
        return self._epoch

    @epoch.setter
    def epoch(self, epoch: int) -> None:
        self._epoch = self.train.epoch = epoch
        places = range(epoch * self.part, (epoch + 1) * self.part)
        self.texts = [self._round(place // self.batches)[place % self.batches] for place in places]
        random = np.random.default_rng((self.seed, epoch, 0, _TEXT))
        rest = (1 + random.permutation(len(self) - 1)).tolist()
        second = next((place for place in rest if self._differs(place)), 1)
        self.order = [0, second, *(place for place in rest if place != second)]

    def _differs(self, place: int) -> bool:
        """Whether a batch has another size than the first in everything, so that Keras sees what
        varies: see `Batches`.
        """
        first, other = (
            (*inputs["tokens"].shape, len(inputs["words"]))
            for inputs, _ in map(self._batch, (0, place))
        )
        return all(map(operator.ne, first, other))

    def _round(self, number: int) -> list[np.ndarray]:
        """All of the text once; each round puts other sentences of like length together."""
        if number not in self.rounds:
            self.rounds = {
                kept: batches for kept, batches in self.rounds.items() if kept == number - 1
            }
            self.rounds[number] = shuffled_buckets(
                self.lengths, self.train.budget, (self.seed, number, 1, _TEXT)
            )
        return self.rounds[number]

    def __len__(self) -> int:
        return len(self.train) + self.part

    def __getitem__(self, number: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
        return self._batch(self.order[number])

    def _batch(self, place: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Batches of train first, then those of the text."""
        if place < len(self.train):
            inputs, tags = self.train[place]
            return inputs, self.targets[tags]
        fixed_shapes = self.train.budget if keras.backend.backend() == "jax" else 0
        indices = self.texts[place - len(self.train)]
        batch = collate(indices, self.train.lexicon, self.numbers, token_budget=fixed_shapes)
        targets = np.zeros((*batch.inputs["tokens"].shape, len(self.targets)), dtype=np.float32)
        for row, index in enumerate(indices):
            targets[row, : self.lengths[index]] = self.probabilities[index]
        random = np.random.default_rng((self.seed, self.epoch, place, _TEXT))
        return self.train.mask_unknown(batch.inputs, random), targets

    def on_epoch_end(self) -> None:
        self.epoch += 1
