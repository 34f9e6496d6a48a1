"""Pretrained vectors: frozen, or with a trained difference.

Axes: D distinct words, F features.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from tagger.features.vocabulary import UNK
from tagger.networks.cells import Tensor
from tagger.networks.embedding import Embedding

__all__ = ["FineTuning", "apply", "create"]

_serializable = keras.saving.register_keras_serializable(package="tagger")


def create(config: dict[str, Any]) -> keras.layers.Layer | None:
    """Return the layer of differences; frozen vectors need none."""
    sizes = (config["vocabulary_size"], config["dimension"])
    return FineTuning(*sizes, name="vectors") if config["fine_tune"] else None


def apply(layer: Any, inputs: dict[str, Tensor], training: bool) -> Tensor:
    """Return the vectors (D, F)."""
    return inputs["vectors"] if layer is None else layer(inputs["words"], inputs["vectors"])


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
