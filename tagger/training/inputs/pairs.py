"""Batches of a sequence-to-sequence model's training: pairs are encoded once, regrouped per epoch.

Axes: B batch, X source time, Y target time, D distinct symbols of a batch.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tagger.config.seq2seq import Seq2SeqConfig
from tagger.features.batches import collate
from tagger.features.encode import WordEncoder, WordFeatures
from tagger.features.vocabulary import Vocabulary
from tagger.seq2seq.pairs import Pair
from tagger.training.inputs.epochs import BucketedBatches
from tagger.training.inputs.masking import mask_unknown, widened

__all__ = ["PairBatches"]

_SMALLEST, _LARGEST = 256, 4096  # symbols per batch by default
_SHAPE_STEP = 8


class PairBatches(BucketedBatches):
    """The batches of an epoch, determined by the seed and the epoch number only.

    A batch is a pair: the inputs by name, as of `WordEncoder.inputs`, with some symbols replaced by
    <UNK>, and "previous" and "targets" (B, Y), the ids y^<t-1> and y^<t>, <EOS> included; and the
    mask (B, Y) of real targets.

    Args:
        pairs: Training pairs.
        features: Inputs of the encoder.
        targets: Vocabulary of the targets.
        settings: All settings.
        epoch: Number of the first epoch, from 0.
    """

    def __init__(
        self,
        pairs: Sequence[Pair],
        features: WordFeatures,
        targets: Vocabulary,
        settings: Seq2SeqConfig,
        *,
        epoch: int = 0,
    ) -> None:
        self.encoder = WordEncoder(features)
        self.sources = self.encoder.word_ids(pair.source for pair in pairs)
        self.targets = [targets.ids(pair.target or ()) for pair in pairs]
        self.settings = settings
        # (pairs,) symbols of source and target, and the boundary
        lengths = np.array(
            [
                len(source) + len(target) + 1
                for source, target in zip(self.sources, self.targets, strict=True)
            ]
        )
        training, fiftieth = settings.training, int(lengths.sum()) // 50
        super().__init__(
            lengths,
            budget=training.batch_symbols or min(max(fiftieth, _SMALLEST), _LARGEST),
            least=training.epoch_symbols,
            seed=training.seed,
            epoch=epoch,
        )

    def __getitem__(self, number: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Return the inputs and the mask (B, Y) of a batch."""
        _, indices = self._batches[number]
        batch = collate(indices, self.encoder, self.sources, token_budget=self.token_budget)
        features, probability = self.encoder.features, self.settings.vocabulary.unknown_probability
        inputs = mask_unknown(batch.inputs, features, self.random(number), probability)
        previous, targets, mask = self._decoder_inputs(indices, len(inputs["tokens"]))
        if not (number or self.token_budget):
            inputs = widened(inputs, self.encoder)
            previous, targets, mask = (
                np.pad(each, ((0, 0), (0, 1))) for each in (previous, targets, mask)
            )
        return {**inputs, "previous": previous, "targets": targets}, mask

    def _decoder_inputs(
        self, indices: np.ndarray, rows: int
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the previous ids, the targets and their mask, (B, Y) each, of some pairs."""
        longest = max(len(self.targets[index]) for index in indices) + 1
        times = -(-longest // _SHAPE_STEP) * _SHAPE_STEP if self.token_budget else longest
        previous, targets, mask = (np.zeros((rows, times), dtype=np.int32) for _ in range(3))
        for row, index in enumerate(indices):
            ids = self.targets[index]
            previous[row, 1 : len(ids) + 1] = targets[row, : len(ids)] = ids
            mask[row, : len(ids) + 1] = 1
        return previous, targets, mask
