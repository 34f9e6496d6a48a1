"""Inputs of the network: what is known of each distinct word, as one vector. It is computed once,
however often the word occurs.

Axes: B batch, T time, D distinct words of the batch, C characters, V vocabulary, F features, U
units.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from tagger.features.vocabulary import PAD, UNK
from tagger.networks.cells import Tensor
from tagger.networks.recurrent import Recurrent

__all__ = ["CharacterCNN", "CharacterRNN", "FineTuning", "WordDropout", "embedding"]

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
class CharacterCNN(keras.layers.Layer):
    """Characters (D, C), 0 where padded, to a vector (D, U) a word: a convolution over three
    neighbours, then the maximum.

    As Ma and Hovy (2016, section 2.1), with a ReLU.
    """

    def __init__(
        self,
        vocabulary_size: int,
        units: int,
        *,
        embedding: int = 30,
        dropout: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.arguments: dict[str, Any] = {
            "vocabulary_size": vocabulary_size,
            "units": units,
            "embedding": embedding,
            "dropout": dropout,
        }
        self.embed = _characters(vocabulary_size, embedding)
        self.drop = keras.layers.Dropout(dropout)
        self.convolution = keras.layers.Dense(units, activation="relu", name="convolution")
        self.parts = {"embedding": self.embed, "convolution": self.convolution}

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.embed.build(input_shape)
        self.convolution.build((*input_shape, 3 * self.arguments["embedding"]))

    def call(self, characters: Tensor, training: bool = False) -> Tensor:
        # The three neighbours side by side, then one product: twice as fast as a convolution
        # operator on a CPU.
        return (
            self._packed(characters, training)
            if keras.backend.backend() == "tensorflow"
            else self._padded(characters, training)
        )

    def _padded(self, characters: Tensor, training: bool) -> Tensor:
        real = ops.cast(ops.expand_dims(characters != PAD, -1), self.compute_dtype)
        x = self.drop(self.embed(characters), training=training) * real
        x = ops.pad(x, ((0, 0), (1, 1), (0, 0)))
        x = ops.concatenate([x[:, :-2], x[:, 1:-1], x[:, 2:]], axis=-1)
        return ops.max(
            self.convolution(x) * real, axis=1
        )  # after a ReLU the 0 of padding is never above a real maximum

    def _packed(self, characters: Tensor, training: bool) -> Tensor:
        """The same over the real characters alone, a third of a training batch's: where shapes may
        depend on numbers.
        """
        flat = ops.reshape(characters, (-1,))
        (places,) = ops.nonzero(flat != PAD)
        word = places // ops.cast(ops.shape(characters)[1], places.dtype)
        x = self.drop(self.embed(ops.take(flat, places)), training=training)
        around, words = ops.pad(x, ((1, 1), (0, 0))), ops.pad(word, (1, 1), constant_values=-1)
        before, behind = (
            ops.where(ops.expand_dims(words[side] == word, -1), around[side], 0.0)
            for side in (slice(-2), slice(2, None))
        )
        y = self.convolution(ops.concatenate([before, x, behind], axis=-1))
        return ops.maximum(
            ops.segment_max(y, word, num_segments=ops.shape(characters)[0]), 0.0
        )  # where there is no character

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (input_shape[0], self.arguments["units"])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **self.arguments}


@_serializable
class CharacterRNN(keras.layers.Layer):
    """Characters (D, C), 0 where padded, to a vector (D, U) a word: what each direction remembers
    at its end, U/2 units each.

    As Lample et al. (2016, section 4.1), with any cell.
    """

    def __init__(
        self,
        vocabulary_size: int,
        units: int,
        *,
        cell: str = "lstm",
        embedding: int = 30,
        dropout: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.arguments: dict[str, Any] = {
            "vocabulary_size": vocabulary_size,
            "units": units,
            "cell": cell,
            "embedding": embedding,
            "dropout": dropout,
        }
        self.embed = _characters(vocabulary_size, embedding)
        self.drop = keras.layers.Dropout(dropout)
        self.forward = Recurrent(cell, units - units // 2, name="forward")
        self.backward = Recurrent(cell, max(units // 2, 1), backwards=True, name="backward")
        self.parts = {"embedding": self.embed, "forward": self.forward, "backward": self.backward}

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.embed.build(input_shape)
        for layer in (self.forward, self.backward):
            layer.build((*input_shape, self.arguments["embedding"]))

    def call(self, characters: Tensor, training: bool = False) -> Tensor:
        lengths = ops.sum(ops.cast(characters != PAD, "int32"), axis=1)
        x = self.drop(self.embed(characters), training=training)
        last = ops.maximum(lengths - 1, 0)[:, None, None]
        forward = ops.take_along_axis(self.forward(x, lengths), last, axis=1)[:, 0]
        return ops.concatenate([forward, self.backward(x, lengths)[:, 0]], axis=-1)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (input_shape[0], self.forward.units + self.backward.units)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **self.arguments}


def _characters(vocabulary_size: int, dimension: int) -> Embedding:
    return embedding(vocabulary_size, dimension, "characters")


@_serializable
class FineTuning(keras.layers.Layer):
    """Pretrained vectors (D, F) of words (D,), each plus a trained difference, which is zero at
    first and for <UNK>.

    The pretrained table itself stays outside of the network, frozen and shared; only words of train
    can differ from it.
    """

    def __init__(self, vocabulary_size: int, dimension: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.arguments = {"vocabulary_size": vocabulary_size, "dimension": dimension}
        self.differences = Embedding(
            vocabulary_size, dimension, embeddings_initializer="zeros", name="differences"
        )
        self.parts = {"differences": self.differences}

    def build(self, input_shape: Any = None) -> None:
        self.differences.build(None)

    def call(self, words: Tensor, vectors: Tensor) -> Tensor:
        known = ops.cast(ops.expand_dims(words > UNK, -1), vectors.dtype)
        return vectors + self.differences(words) * known

    def compute_output_shape(self, input_shape: Any, *_: Any) -> tuple[int | None, ...]:
        return (input_shape[0], self.arguments["dimension"])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **self.arguments}


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
