"""Output heads: logits of tags from the encoder's activations, emissions for the decoder, the loss.

A head has `call` (activations to logits), `emissions` (logits to the decoder's input), `loss` and
`scores` (learned scores of tag sequences, if any).

Axes: B batch, T time, F features, K tags.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from tagger.networks.cells import Tensor

__all__ = ["SoftmaxHead"]


@keras.saving.register_keras_serializable(package="tagger")
class SoftmaxHead(keras.layers.Layer):
    """A feed-forward network with a softmax over K tags, applied to every timestep.

    ŷ^<t> = softmax(W_y · h^<t> + b_y), where h^<t> is the output of the hidden layers, or a^<t>
    without any. The weights are shared by all timesteps.

    Args:
        tags: K.
        hidden: Units of each tanh layer before the softmax.
        dropout: Dropout rate after each hidden layer, with one mask per sequence.
    """

    def __init__(
        self, tags: int, *, hidden: tuple[int, ...] = (), dropout: float = 0.0, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.tags = tags
        self.hidden = tuple(hidden)
        self.dropout = dropout
        self.dense = [
            keras.layers.Dense(units, activation="tanh", name=f"hidden_{depth}")
            for depth, units in enumerate(self.hidden, 1)
        ]
        self.drops = [
            keras.layers.Dropout(dropout, noise_shape=(None, 1, None)) for _ in self.hidden
        ]
        self.output_layer = keras.layers.Dense(tags, name="tags")

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        for layer in (*self.dense, self.output_layer):
            layer.build(input_shape)
            input_shape = (*input_shape[:-1], layer.units)

    def call(self, activations: Tensor, training: bool = False) -> Tensor:
        """Return the logits (B, T, K) of activations (B, T, F)."""
        for dense, drop in zip(self.dense, self.drops, strict=True):
            activations = drop(dense(activations), training=training)  # (B, T, units)
        return self.output_layer(activations)

    @staticmethod
    def emissions(logits: Tensor) -> Tensor:
        """Return the log-probabilities log ŷ^<t> (B, T, K) of logits (B, T, K)."""
        return ops.log_softmax(logits, axis=-1)

    def loss(self, logits: Tensor, tags: Tensor, mask: Tensor) -> Tensor:
        """Return the cross-entropy ℓ^<t> = -Σ y^<t> log ŷ^<t>, averaged over real tokens.

        Args:
            logits: (B, T, K).
            tags: (B, T) tag ids, or (B, T, K) distributions y^<t>; any values where padded.
            mask: (B, T) 1 for real tokens.

        Returns:
            A scalar in nats per token; 0 for a batch without real tokens.
        """
        mask = ops.cast(mask, logits.dtype)
        soft = len(tags.shape) == 3
        cross_entropy = (
            keras.losses.categorical_crossentropy
            if soft
            else keras.losses.sparse_categorical_crossentropy
        )
        each = cross_entropy(tags, logits, from_logits=True)  # (B, T)
        return ops.sum(each * mask) / ops.maximum(ops.sum(mask), 1.0)

    def scores(self) -> tuple[np.ndarray, ...] | None:
        """Return the learned scores of tag sequences for the decoder; None, as there are none."""
        return None

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (*input_shape[:-1], self.tags)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "tags": self.tags,
            "hidden": list(self.hidden),
            "dropout": self.dropout,
        }
