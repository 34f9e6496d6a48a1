"""Batches of a classifier's training: texts are encoded once and regrouped every epoch.

Axes: B batch, T time, K labels.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tagger.config.classifier import ClassifierConfig
from tagger.features.batches import collate
from tagger.features.encode import WordEncoder, WordFeatures
from tagger.features.token_states import TokenStates
from tagger.text.labeled import LabeledText
from tagger.training.inputs.epochs import BucketedBatches
from tagger.training.inputs.masking import mask_unknown, widened

__all__ = ["TextBatches", "targets_of"]

TEXTS = 32
"""Texts of average length per batch, unless the settings say otherwise."""


class TextBatches(BucketedBatches):
    """The batches of an epoch, determined by the seed and the epoch number only.

    A batch is a pair: the inputs by name, as of `WordEncoder.inputs`, with some words replaced by
    <UNK>, and the targets of `targets_of`. A text that is longer than the budget of a batch is a
    batch of its own; nothing is cut.

    Args:
        texts: Training texts.
        features: Vocabularies and vectors.
        labels: Labels of the model; their positions are the label ids.
        settings: All settings.
        contexts: Language-model states of the texts, if the model uses any.
        epoch: Number of the first epoch, from 0.
    """

    def __init__(
        self,
        texts: Sequence[LabeledText],
        features: WordFeatures,
        labels: Sequence[str],
        settings: ClassifierConfig,
        *,
        contexts: TokenStates | None = None,
        epoch: int = 0,
    ) -> None:
        self.settings = settings
        self.contexts = contexts
        self.word_encoder = WordEncoder(features)
        self.word_ids = self.word_encoder.word_ids(text.tokens for text in texts)
        self.targets = targets_of(texts, labels, multi_label=settings.data.multi_label)
        lengths, training = np.array([len(text) for text in texts]), settings.training
        super().__init__(
            lengths,
            budget=training.batch_tokens or -(-TEXTS * int(lengths.sum()) // len(texts)),
            least=training.epoch_tokens,
            seed=training.seed,
            epoch=epoch,
        )

    def __getitem__(self, number: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Return the inputs and targets of a batch."""
        _, indices = self._batches[number]
        batch = collate(
            indices,
            self.word_encoder,
            self.word_ids,
            contexts=self.contexts,
            token_budget=self.token_budget,
        )
        vocabulary = self.settings.vocabulary
        inputs = mask_unknown(
            batch.inputs,
            self.word_encoder.features,
            self.random(number),
            vocabulary.unknown_probability,
            vocabulary.word_dropout,
        )
        targets = self.targets[indices]
        if self.token_budget:  # rows without tokens are padding
            more = len(inputs["tokens"]) - len(targets)
            targets = np.pad(targets, [(0, more)] + [(0, 0)] * (targets.ndim - 1))
        elif not number:
            inputs = widened(inputs, self.word_encoder)
        return inputs, targets


def targets_of(
    texts: Sequence[LabeledText], labels: Sequence[str], *, multi_label: bool
) -> np.ndarray:
    """Return the targets of texts.

    Args:
        texts: The texts, N.
        labels: Labels of the model, K.
        multi_label: Whether a text has any number of labels.

    Returns:
        Label ids (N,) int32, -1 for a label that the model does not have; with `multi_label` 1 for
        each of a text's labels and else 0, (N, K) float32.
    """
    ids = {label: number for number, label in enumerate(labels)}
    if not multi_label:
        return np.array([ids.get(text.labels[0], -1) for text in texts], dtype=np.int32)
    targets = np.zeros((len(texts), len(labels)), dtype=np.float32)
    for row, text in zip(targets, texts, strict=True):
        row[[ids[label] for label in text.labels if label in ids]] = 1.0
    return targets
