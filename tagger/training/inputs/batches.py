"""Batches of a tagger's training: sentences are encoded once and regrouped every epoch.

Axes: B batch, T time, D distinct words of a batch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tagger.config.tagger import Config
from tagger.features.batches import collate
from tagger.features.encode import WordEncoder, WordFeatures
from tagger.features.token_states import TokenStates
from tagger.text import schemes
from tagger.text.spans import Sentence
from tagger.training.inputs.augmentation import Mentions
from tagger.training.inputs.epochs import BucketedBatches
from tagger.training.inputs.masking import mask_unknown, widened

__all__ = ["Batches"]

LARGE = 512
"""Padded tokens per batch, unless train is small."""


class Batches(BucketedBatches):
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
        self.word_encoder = WordEncoder(features)
        self.word_ids = self.word_encoder.word_ids(sentence.tokens for sentence in sentences)
        ids = {tag: number for number, tag in enumerate(tags)}
        self.tags = [_targets(sentence, ids) for sentence in sentences]
        self.mentions = Mentions(
            self.word_ids, self.tags, [sentence.spans or () for sentence in sentences]
        )
        self.contexts = contexts
        self.settings = settings
        lengths, training = np.array([len(sentence) for sentence in sentences]), settings.training
        budget = min(max(int(lengths.sum()) // 100, 128), LARGE) if contexts is None else LARGE
        super().__init__(
            lengths,
            budget=training.batch_tokens or budget,
            least=training.epoch_tokens,
            seed=training.seed,
            epoch=epoch,
        )

    def begin_epoch(self, epoch: int) -> None:
        """Regroup the sentences into batches, and replace mentions.

        They are grouped by the lengths before any replacement: Keras expects the same number of
        batches in every epoch.
        """
        super().begin_epoch(epoch)
        # The first pass reads the original corpus: one that is large enough to be read once is
        # better unchanged. So are all passes with language models, whose states are of it.
        self._corpora = [(self.word_ids, self.tags)] * self.passes
        probability = self.settings.training.mention_replacement
        if probability and self.contexts is None:
            for reading in range(1, self.passes):
                random = np.random.default_rng((self.seed, epoch, reading))
                self._corpora[reading] = self.mentions.replaced(probability, random)

    def __getitem__(self, number: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Return the inputs and tag ids (B, T) of a batch."""
        reading, indices = self._batches[number]
        batch = collate(
            indices,
            self.word_encoder,
            *self._corpora[reading],
            contexts=self.contexts,
            token_budget=self.token_budget,
        )
        assert batch.tags is not None
        inputs, ids = self.mask_unknown(batch.inputs, self.random(number)), batch.tags
        return (
            (inputs, ids)
            if number or self.token_budget
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
