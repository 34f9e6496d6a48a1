"""The input "words": an embedding of word ids."""

from __future__ import annotations

from typing import Any

import keras

from tagger.networks.cells import Tensor
from tagger.networks.embedding import embedding

__all__ = ["apply", "create"]


def create(config: dict[str, Any]) -> keras.layers.Layer | None:
    """Return the embedding layer of word ids (D,)."""
    return embedding(config["vocabulary_size"], config["dimension"])


def apply(layer: Any, inputs: dict[str, Tensor], training: bool) -> Tensor:
    """Return the embeddings (D, F) of the word ids (D,)."""
    return layer(inputs["words"])
