"""The characters of words: a convolution, or a recurrent network, over their embeddings.

Axes: D distinct words, C characters, V vocabulary, F features, U units.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from tagger.features.inputs.characters import EMBEDDING, directions
from tagger.features.vocabulary import PAD
from tagger.networks.cells import Tensor
from tagger.networks.embedding import Embedding, embedding
from tagger.networks.recurrent import Recurrent

__all__ = ["CharacterCNN", "CharacterRNN", "apply", "create"]

_serializable = keras.saving.register_keras_serializable(package="tagger")


def create(config: dict[str, Any]) -> keras.layers.Layer | None:
    """Return the encoder of characters (D, C)."""
    sizes = (config["vocabulary_size"], config["units"])
    if config["encoder"] == "cnn":
        return CharacterCNN(*sizes, dropout=config["dropout"])
    return CharacterRNN(*sizes, cell=config["cell"], dropout=config["dropout"])


def apply(layer: Any, inputs: dict[str, Tensor], training: bool) -> Tensor:
    """Return the encoded words (D, U)."""
    return layer(inputs["characters"], training=training)


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
        embedding: int = EMBEDDING,
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
        embedding: int = EMBEDDING,
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
        sizes = directions(units)
        self.forward = Recurrent(cell, sizes["forward"], name="forward")
        self.backward = Recurrent(cell, sizes["backward"], backwards=True, name="backward")
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
