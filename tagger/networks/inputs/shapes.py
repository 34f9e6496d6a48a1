"""The input "shapes": an embedding of word shapes, such as capitalization."""

from __future__ import annotations

from typing import Any

import keras

from tagger.features.shapes import SHAPES
from tagger.networks.cells import Tensor
from tagger.networks.embedding import embedding

__all__ = ["apply", "create"]


def create(config: dict[str, Any]) -> keras.layers.Layer | None:
    """Return the embedding layer of shape ids (D,)."""
    return embedding(SHAPES, config["dimension"], "shapes")


def apply(layer: Any, inputs: dict[str, Tensor], training: bool) -> Tensor:
    """Return the embeddings (D, F) of the shape ids (D,)."""
    return layer(inputs["shapes"])
