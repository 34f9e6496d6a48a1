"""The input "characters": a CNN or bidirectional RNN over the character embeddings of a word.

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
    """Return the layer that encodes character ids (D, C)."""
    sizes = (config["vocabulary_size"], config["units"])
    if config["encoder"] == "cnn":
        return CharacterCNN(*sizes, dropout=config["dropout"])
    return CharacterRNN(*sizes, cell=config["cell"], dropout=config["dropout"])


def apply(layer: Any, inputs: dict[str, Tensor], training: bool) -> Tensor:
    """Return the encoding (D, U) of the character ids (D, C)."""
    return layer(inputs["characters"], training=training)


@_serializable
class CharacterCNN(keras.layers.Layer):
    """A convolution of width 3 over a word's characters, followed by max pooling.

    Character ids (D, C), 0 where padded, to (D, U). As in Ma and Hovy (2016, section 2.1), but with
    a ReLU.

    Args:
        vocabulary_size: V, the character ids, padding and the unknown character included.
        units: U, the number of filters.
        embedding: Dimension of the character embeddings.
        dropout: Dropout rate of the character embeddings.
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
        """Return the encoding (D, U) of character ids (D, C)."""
        # Concatenating each character with its neighbors and multiplying once is twice as fast on a
        # CPU as a convolution operator.
        return (
            self._packed(characters, training)
            if keras.backend.backend() == "tensorflow"
            else self._padded(characters, training)
        )

    def _padded(self, characters: Tensor, training: bool) -> Tensor:
        """Encode characters (D, C) in the padded layout."""
        real = ops.cast(ops.expand_dims(characters != PAD, -1), self.compute_dtype)  # (D, C, 1)
        x = self.drop(self.embed(characters), training=training) * real  # (D, C, F)
        x = ops.pad(x, ((0, 0), (1, 1), (0, 0)))  # (D, C+2, F)
        x = ops.concatenate([x[:, :-2], x[:, 1:-1], x[:, 2:]], axis=-1)  # (D, C, 3F)
        # (D, C, U) -> (D, U). After a ReLU, the 0 of padding is never above a real maximum.
        return ops.max(self.convolution(x) * real, axis=1)

    def _packed(self, characters: Tensor, training: bool) -> Tensor:
        """Encode only the N real characters of (D, C), a third of those of a padded training batch.

        Requires a backend on which shapes may depend on values.
        """
        flat = ops.reshape(characters, (-1,))  # (D·C,)
        (indices,) = ops.nonzero(flat != PAD)  # (N,)
        word = indices // ops.cast(ops.shape(characters)[1], indices.dtype)  # (N,), rows of D
        x = self.drop(self.embed(ops.take(flat, indices)), training=training)  # (N, F)
        # (N+2, F) and (N+2,)
        padded, words = ops.pad(x, ((1, 1), (0, 0))), ops.pad(word, (1, 1), constant_values=-1)
        # (N, F) each: the neighbors, zero where they belong to another word
        previous, following = (
            ops.where(ops.expand_dims(words[side] == word, -1), padded[side], 0.0)
            for side in (slice(-2), slice(2, None))
        )
        # (N, 3F) -> (N, U)
        y = self.convolution(ops.concatenate([previous, x, following], axis=-1))
        # (N, U) -> (D, U). The maximum with 0 is for words without characters.
        return ops.maximum(ops.segment_max(y, word, num_segments=ops.shape(characters)[0]), 0.0)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (input_shape[0], self.arguments["units"])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **self.arguments}


@_serializable
class CharacterRNN(keras.layers.Layer):
    """A bidirectional recurrent network over a word's characters: its final activations.

    Character ids (D, C), 0 where padded, to (D, U): the last activation of each direction, U/2
    units each. As in Lample et al. (2016, section 4.1), but with any cell.

    Args:
        vocabulary_size: V, the character ids, padding and the unknown character included.
        units: U, of both directions together.
        cell: Name of the cell, one of `tagger.cells.CELLS`.
        embedding: Dimension of the character embeddings.
        dropout: Dropout rate of the character embeddings.
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
        """Return the encoding (D, U) of character ids (D, C)."""
        lengths = ops.sum(ops.cast(characters != PAD, "int32"), axis=1)  # (D,)
        x = self.drop(self.embed(characters), training=training)  # (D, C, F)
        last = ops.maximum(lengths - 1, 0)[:, None, None]  # (D, 1, 1)
        # (D, C, U/2) -> (D, U/2); the backward direction ends at the first character.
        forward = ops.take_along_axis(self.forward(x, lengths), last, axis=1)[:, 0]
        return ops.concatenate([forward, self.backward(x, lengths)[:, 0]], axis=-1)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (input_shape[0], self.forward.units + self.backward.units)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **self.arguments}


def _characters(vocabulary_size: int, dimension: int) -> Embedding:
    """Return the embedding layer of characters."""
    return embedding(vocabulary_size, dimension, "characters")
