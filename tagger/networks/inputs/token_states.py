"""The input "context": language-model states at each token, optionally projected."""

from __future__ import annotations

from typing import Any

import keras

from tagger.networks.cells import Tensor

__all__ = ["apply", "create"]


def create(config: dict[str, Any]) -> keras.layers.Layer | None:
    """Return the layer that projects the states (B, T, S), or None for no projection."""
    projection = config["projection"]
    return keras.layers.Dense(projection, name="context") if projection else None


def apply(layer: Any, inputs: dict[str, Tensor], training: bool) -> Tensor:
    """Return the states (B, T, S), or their projection (B, T, X)."""
    return inputs["context"] if layer is None else layer(inputs["context"])
