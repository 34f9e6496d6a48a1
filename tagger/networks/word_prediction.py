"""Word prediction, an auxiliary language-modeling loss on a tagger's first recurrent layer.

It is used in training only; its weights are discarded afterwards.

Axes: B batch, T time, F features, U units, V predicted words.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from tagger.features.vocabulary import UNK
from tagger.networks.cells import Tensor

__all__ = ["WordPrediction"]

_COMMONEST = 7_500  # words that are predicted; all others are <UNK> as targets
_HIDDEN = 50  # units before the softmax


@keras.saving.register_keras_serializable(package="tagger")
class WordPrediction(keras.layers.Layer):
    """The loss of predicting, in each direction, the word to be read next (Rei 2017, section 3).

    ŷ^<t> = softmax(W_y · tanh(W_m · a^<t> + b_m) + b_y) predicts the word at t + 1 from the forward
    direction's a^<t>, and the word at t - 1 from the backward direction's; <EOS> precedes the first
    word and follows the last. Sizes are the paper's: the 7,500 most frequent words, all others
    being <UNK>, and 50 units before the softmax. Word ids are ordered by frequency, the most
    frequent first; id 0, padding, is <EOS>.

    Args:
        vocabulary_size: Word ids of the tagger, padding and <UNK> included.
        bidirectional: Whether activations have a backward direction too.
    """

    def __init__(self, vocabulary_size: int, *, bidirectional: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.vocabulary_size = vocabulary_size
        self.bidirectional = bidirectional
        self.words = min(vocabulary_size, UNK + 1 + _COMMONEST)
        names = ("next", "previous")[: 1 + bidirectional]
        self.hidden = [
            keras.layers.Dense(_HIDDEN, activation="tanh", name=f"hidden_{name}") for name in names
        ]
        self.outputs = [keras.layers.Dense(self.words, name=name) for name in names]

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        batch, time, features = input_shape[:3]
        for hidden, output in zip(self.hidden, self.outputs, strict=True):
            hidden.build((batch, time, features // len(self.hidden)))  # type: ignore[operator]
            output.build((batch, time, _HIDDEN))

    def call(self, activations: Tensor, words: Tensor, mask: Tensor) -> Tensor:
        """Return the cross-entropies of the directions, each averaged over real tokens, summed.

        Args:
            activations: (B, T, F) of the first recurrent layer, which has read the words only: F is
                U, or 2U with the forward direction first.
            words: (B, T) word ids, 0 where padded; padding is on the right.
            mask: (B, T) 1 for real tokens.

        Returns:
            A scalar in nats per token.
        """
        words = ops.where(words < self.words, words, UNK)  # (B, T), ids below V
        padded = ops.pad(words, ((0, 0), (1, 1)))  # (B, T+2), with <EOS> at both ends
        neighbors = (padded[:, 2:], padded[:, :-2])[: len(self.hidden)]  # next, previous: (B, T)
        parts = ops.split(activations, len(self.hidden), axis=-1)  # (B, T, U) each
        # one (B, T) per direction; the logits are (B, T, V)
        each = [
            ops.sparse_categorical_crossentropy(targets, output(hidden(part)), from_logits=True)
            for part, targets, hidden, output in zip(
                parts, neighbors, self.hidden, self.outputs, strict=True
            )
        ]
        return ops.sum(sum(each) * mask) / ops.maximum(ops.sum(mask), 1.0)

    def compute_output_shape(self, *_: Any) -> tuple[()]:
        return ()

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "vocabulary_size": self.vocabulary_size,
            "bidirectional": self.bidirectional,
        }
