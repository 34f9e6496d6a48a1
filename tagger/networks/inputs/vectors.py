"""The input "vectors": pretrained word vectors, frozen or fine-tuned by a trained difference.

Axes: D distinct words, F features.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from tagger.features.vocabulary import UNK
from tagger.networks.cells import Tensor
from tagger.networks.embedding import Embedding

__all__ = ["DeltaEmbedding", "apply", "create"]

_serializable = keras.saving.register_keras_serializable(package="tagger")


def create(config: dict[str, Any]) -> keras.layers.Layer | None:
    """Return the layer that fine-tunes the vectors, or None for frozen vectors."""
    sizes = (config["vocabulary_size"], config["dimension"])
    return DeltaEmbedding(*sizes, name="vectors") if config["fine_tune"] else None


def apply(layer: Any, inputs: dict[str, Tensor], training: bool) -> Tensor:
    """Return the vectors (D, F), fine-tuned if there is a layer."""
    return inputs["vectors"] if layer is None else layer(inputs["words"], inputs["vectors"])


@_serializable
class DeltaEmbedding(keras.layers.Layer):
    """Pretrained vectors plus trained differences, which are zero initially and for <UNK>.

    The pretrained table itself stays outside the network, frozen and shared; only the vectors of
    words in the vocabulary are fine-tuned.

    Args:
        vocabulary_size: Word ids, padding and <UNK> included.
        dimension: F.
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
        """Return the fine-tuned vectors (D, F) of word ids (D,) with pretrained vectors (D, F)."""
        in_vocabulary = ops.cast(ops.expand_dims(words > UNK, -1), vectors.dtype)  # (D, 1)
        return vectors + self.differences(words) * in_vocabulary

    def compute_output_shape(self, input_shape: Any, *_: Any) -> tuple[int | None, ...]:
        return (input_shape[0], self.arguments["dimension"])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **self.arguments}
