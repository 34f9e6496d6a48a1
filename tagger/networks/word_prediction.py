"""Language models that share a tagger's recurrent layer while it trains; nothing of them is left
afterwards.

Axes: B batch, T time, F features, U units, V words that are predicted.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from tagger.features.vocabulary import UNK
from tagger.networks.cells import Tensor

__all__ = ["WordPrediction"]

_COMMONEST = 7_500
_HIDDEN = 50


@keras.saving.register_keras_serializable(package="tagger")
class WordPrediction(keras.layers.Layer):
    """Each direction of a recurrent layer predicts the word that it will read next (Rei 2017,
    section 3).

    ŷ^<t> = softmax(W_y · tanh(W_m · a^<t> + b_m) + b_y) is of the word at t + 1, where a^<t> is
    what the forward one has made of the words up to t, and of the word at t - 1 from the backward
    one; beyond either end stands <EOS>. Sizes are the paper's: the commonest 7,500 words, all
    others being <UNK>, and 50 units before the softmax. Words are numbered by count, so that the
    commonest have the lowest numbers; number 0, padding, is <EOS>.
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
        """The cross-entropies of the directions, each the mean over real tokens, added up: a
        number.

        Args: activations: (B, T, F) of a layer that has read the words alone: F is U, or 2U with
            the forward direction's first. words: (B, T) their numbers, 0 where padded, on the
            right. mask: (B, T) 1 for real tokens.
        """
        words = ops.where(words < self.words, words, UNK)
        padded = ops.pad(words, ((0, 0), (1, 1)))
        beside = (padded[:, 2:], padded[:, :-2])[: len(self.hidden)]
        parts = ops.split(activations, len(self.hidden), axis=-1)
        each = [
            ops.sparse_categorical_crossentropy(targets, output(hidden(part)), from_logits=True)
            for part, targets, hidden, output in zip(
                parts, beside, self.hidden, self.outputs, strict=True
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
