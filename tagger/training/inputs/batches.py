"""Batches of a tagger's training: sentences are encoded once and regrouped every epoch.

Axes: B batch, T time, D distinct words of a batch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import keras
import numpy as np

from tagger.config.tagger import Config
from tagger.features.batches import collate, shuffled_buckets
from tagger.features.encode import WordEncoder, WordFeatures
from tagger.features.token_states import TokenStates
from tagger.text import schemes
from tagger.text.spans import Sentence
from tagger.training.inputs.augmentation import Mentions
from tagger.training.inputs.epochs import EpochBatches, repeats_per_epoch
from tagger.training.inputs.masking import mask_unknown, widened

__all__ = ["Batches"]

LARGE = 512
"""Padded tokens per batch, unless train is small."""


class Batches(EpochBatches):
    """The batches of an epoch, determined by the seed and the epoch number only.

    A batch is a pair: the inputs by name, as of `WordEncoder.inputs`, with some words replaced by
    <UNK>, and the tag ids (B, T) int32.

    Args:
        sentences: Training sentences.
        features: Vocabularies and vectors.
        tags: Tags of the model; their positions are the tag ids.
        settings: All settings.
        contexts: Language-model states of the sentences, if the model uses any.
        epoch: Number of the first epoch, from 0.
    """

    def __init__(
        self,
        sentences: Sequence[Sentence],
        features: WordFeatures,
        tags: tuple[str, ...],
        settings: Config,
        *,
        contexts: TokenStates | None = None,
        epoch: int = 0,
    ) -> None:
        super().__init__()
        self.word_encoder = WordEncoder(features)
        self.word_ids = self.word_encoder.word_ids(sentence.tokens for sentence in sentences)
        ids = {tag: number for number, tag in enumerate(tags)}
        self.tags = [_targets(sentence, ids) for sentence in sentences]
        self.mentions = Mentions(
            self.word_ids, self.tags, [sentence.spans or () for sentence in sentences]
        )
        self.contexts = contexts
        self.settings = settings
        self.lengths = np.array([len(sentence) for sentence in sentences])
        tokens = int(self.lengths.sum())
        self.passes = repeats_per_epoch(tokens, settings.training.epoch_tokens)
        self.tokens = tokens * self.passes
        self.budget = settings.training.batch_tokens or (
            min(max(tokens // 100, 128), LARGE) if contexts is None else LARGE
        )
        self.epoch = epoch

    def begin_epoch(self, epoch: int) -> None:
        """Regroup the sentences into batches."""
        self._batches = []
        for reading in range(self.passes):
            seed = (self.settings.training.seed, epoch, reading)
            word_ids, tags = self.word_ids, self.tags
            probability = self.settings.training.mention_replacement
            # The first pass reads the original corpus: one that is large enough to be read once is
            # better unchanged. So are all passes with language models, whose states are of it.
            if reading and probability and self.contexts is None:
                word_ids, tags = self.mentions.replaced(probability, np.random.default_rng(seed))
            # Grouped by the lengths before any replacement: Keras expects the same number of
            # batches in every epoch.
            self._batches += [
                (indices, word_ids, tags)
                for indices in shuffled_buckets(self.lengths, self.budget, seed)
            ]

    def __len__(self) -> int:
        """Return the number of batches per epoch."""
        return len(self._batches)

    def __getitem__(self, number: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Return the inputs and tag ids (B, T) of a batch."""
        fixed_shapes = self.budget if keras.backend.backend() == "jax" else 0
        indices, word_ids, tags = self._batches[number]
        batch = collate(
            indices,
            self.word_encoder,
            word_ids,
            tags,
            contexts=self.contexts,
            token_budget=fixed_shapes,
        )
        random = np.random.default_rng((self.settings.training.seed, self.epoch, number))
        assert batch.tags is not None
        inputs, ids = self.mask_unknown(batch.inputs, random), batch.tags
        return (
            (inputs, ids)
            if number or fixed_shapes
            else (widened(inputs, self.word_encoder), np.pad(ids, ((0, 0), (0, 1))))
        )

    def mask_unknown(
        self, inputs: dict[str, np.ndarray], random: np.random.Generator
    ) -> dict[str, np.ndarray]:
        """Replace some words and characters by <UNK>; see `masking.mask_unknown`.

        Args:
            inputs: Arrays of a batch by name.
            random: Random generator.

        Returns:
            A shallow copy of `inputs` with some arrays replaced. With word prediction, "targets"
            (D,) contains the original word ids.
        """
        vocabulary = self.settings.vocabulary
        masked = mask_unknown(
            inputs,
            self.word_encoder.features,
            random,
            vocabulary.unknown_probability,
            vocabulary.word_dropout,
        )
        if self.settings.training.word_prediction:
            masked["targets"] = inputs["words"]
        return masked


def _targets(sentence: Sentence, tag_ids: Mapping[str, int]) -> np.ndarray:
    """Return the tag ids (T,) int32 of a training sentence."""
    tags: Sequence[str] = sentence.tags or ()
    if sentence.spans is not None:
        tags = schemes.encode(sentence.spans, len(sentence), schemes.TRAINING_SCHEME)
    return np.array([tag_ids[tag] for tag in tags], dtype=np.int32)
