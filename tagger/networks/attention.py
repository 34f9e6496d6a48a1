"""Attention of a decoder to all timesteps of the source (Luong, Pham and Manning 2015).

Axes: B batch, X source time, Y target time, F features of the encoder's output, U units.

Global attention with scaled dot products: α^<t,x> = softmax_x(a^<t> · W_k h^<x> / √U), the context
c^<t> = Σ_x α^<t,x> h^<x>, and the attentional vector ã^<t> = tanh(W_c [c^<t>, a^<t>] + b_c), from
which the next symbol is predicted. ã^<t> is not an input of the next timestep, so that the decoder
still reads a whole target at once in training.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from tagger.networks.cells import Tensor

__all__ = ["Attention"]


@keras.saving.register_keras_serializable(package="tagger")
class Attention(keras.layers.Layer):
    """Dot-product attention from activations (B, Y, U) to encoded sources (B, X, F).

    Weights: ``keys`` (F, U) is W_k; ``kernel`` (F + U, U) and ``bias`` (U,) are W_c and b_c.

    Args:
        units: U.
    """

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create the weights for sources of the shape (B, X, F)."""
        features, units = int(input_shape[-1] or 0), self.units
        self.keys = self.add_weight(
            name="keys", shape=(features, units), initializer="glorot_uniform"
        )
        self.kernel = self.add_weight(
            name="kernel", shape=(features + units, units), initializer="glorot_uniform"
        )
        self.bias = self.add_weight(name="bias", shape=(units,), initializer="zeros")

    def project(self, values: Tensor) -> Tensor:
        """Return the keys (B, X, U) of encoded sources (B, X, F), scaled by 1 / √U."""
        return ops.matmul(values, self.keys) * self.units**-0.5

    def call(self, a: Tensor, keys: Tensor, values: Tensor, mask: Tensor) -> Tensor:
        """Return the attentional vectors ã^<t>.

        Args:
            a: (B, Y, U) activations of the decoder.
            keys: (B, X, U), as of `project`.
            values: (B, X, F) encoded sources.
            mask: (B, X), 0 at real timesteps and `features.batches.MASKED` at padding.

        Returns:
            (B, Y, U).
        """
        scores = ops.matmul(a, ops.transpose(keys, (0, 2, 1))) + mask[:, None]  # (B, Y, X)
        context = ops.matmul(ops.softmax(scores, axis=-1), values)  # (B, Y, F)
        both = ops.concatenate([context, a], axis=-1)
        return ops.tanh(ops.matmul(both, self.kernel) + self.bias)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the layer."""
        return {**super().get_config(), "units": self.units}
