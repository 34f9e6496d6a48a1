"""Embeddings, and dropout of one-hot words.

Axes: B batch, T time, V vocabulary, F features.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from tagger.features.vocabulary import UNK
from tagger.networks.cells import Tensor

__all__ = ["Embedding", "WordDropout", "embedding"]

_serializable = keras.saving.register_keras_serializable(package="tagger")


@_serializable
class Embedding(keras.layers.Embedding):
    """Keras' layer; on TensorFlow the rows are read where they are, as a table that is changed by
    rows is copied when read.
    """

    def call(self, inputs: Tensor) -> Tensor:
        table = self.embeddings.value
        return table.sparse_read(inputs) if hasattr(table, "sparse_read") else super().call(inputs)


def embedding(vocabulary_size: int, dimension: int, name: str = "words") -> Embedding:
    """A trained vector (F) for each of V things, uniform in ±sqrt(3 / F) at first (Ma and Hovy
    2016).
    """
    limit = (3.0 / dimension) ** 0.5
    uniform = keras.initializers.RandomUniform(-limit, limit)
    return Embedding(vocabulary_size, dimension, embeddings_initializer=uniform, name=name)


@_serializable
class WordDropout(keras.layers.Layer):
    """Dropout for one-hot inputs: replaces token numbers (B, T) by `unknown` with probability
    `rate`, in training only.

    To zero entries of a one-hot vector is to zero the whole vector; taking <UNK> for it instead
    trains <UNK> as well. Padding (0) stays.
    """

    def __init__(self, rate: float, unknown: int = UNK, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rate = rate
        self.unknown = unknown
        self.seed_generator = keras.random.SeedGenerator()

    def call(self, numbers: Tensor, training: bool = False) -> Tensor:
        if not training or self.rate <= 0:
            return numbers
        drop = keras.random.uniform(ops.shape(numbers), seed=self.seed_generator) < self.rate
        return ops.where(
            ops.logical_and(drop, numbers > 0), ops.cast(self.unknown, numbers.dtype), numbers
        )

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate": self.rate, "unknown": self.unknown}
