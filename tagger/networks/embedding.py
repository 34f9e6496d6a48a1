"""Embedding layers, and dropout of one-hot words.

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
    """Keras' embedding layer, which on TensorFlow gathers rows without copying the table.

    A variable that is updated row by row, as by `training.optimizers.RowAdam`, is otherwise copied
    as a whole whenever it is read.
    """

    def call(self, inputs: Tensor) -> Tensor:
        """Return the rows (..., F) of ids (...)."""
        table = self.embeddings.value
        return table.sparse_read(inputs) if hasattr(table, "sparse_read") else super().call(inputs)


def embedding(vocabulary_size: int, dimension: int, name: str = "words") -> Embedding:
    """Return an embedding layer, initialized uniformly in ±sqrt(3 / F) (Ma and Hovy 2016).

    Args:
        vocabulary_size: V.
        dimension: F.
        name: Name of the layer.

    Returns:
        A layer that is not built yet.
    """
    limit = (3.0 / dimension) ** 0.5
    uniform = keras.initializers.RandomUniform(-limit, limit)
    return Embedding(vocabulary_size, dimension, embeddings_initializer=uniform, name=name)


@_serializable
class WordDropout(keras.layers.Layer):
    """Dropout of one-hot inputs: in training, ids (B, T) are replaced by <UNK> at random.

    Zeroing an entry of a one-hot vector would zero the whole vector; replacing it by <UNK> trains
    <UNK> as well. Padding (0) is never replaced.

    Args:
        rate: Probability of replacing an id.
        unknown: Id of <UNK>.
    """

    def __init__(self, rate: float, unknown: int = UNK, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rate = rate
        self.unknown = unknown
        self.seed_generator = keras.random.SeedGenerator()

    def call(self, ids: Tensor, training: bool = False) -> Tensor:
        """Return ids (B, T), some of which are replaced by <UNK> if `training`."""
        if not training or self.rate <= 0:
            return ids
        drop = keras.random.uniform(ops.shape(ids), seed=self.seed_generator) < self.rate
        return ops.where(ops.logical_and(drop, ids > 0), ops.cast(self.unknown, ids.dtype), ids)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate": self.rate, "unknown": self.unknown}
