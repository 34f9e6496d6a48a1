"""The shapes of words: an embedding."""

from __future__ import annotations

from typing import Any

import keras

from tagger.features.shapes import SHAPES
from tagger.networks.cells import Tensor
from tagger.networks.embedding import embedding

__all__ = ["apply", "create"]


def create(config: dict[str, Any]) -> keras.layers.Layer | None:
    """Return the layer of shapes (D,)."""
    return embedding(SHAPES, config["dimension"], "shapes")


def apply(layer: Any, inputs: dict[str, Tensor], training: bool) -> Tensor:
    """Return the embeddings (D, F)."""
    return layer(inputs["shapes"])
