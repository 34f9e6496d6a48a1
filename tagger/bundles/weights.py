"""The weights of a network as arrays by name: selection, comparison with shapes, digest."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import numpy as np

__all__ = ["Weights", "describe_mismatch", "digest", "layer_weights"]

Weights = dict[str, np.ndarray]
"""Arrays by their path in the network, such as ``encoder/forward_1/kernel``."""


def layer_weights(weights: Weights, place: str) -> Weights:
    """Return the weights of one layer by their names within it.

    Args:
        weights: The weights of a network.
        place: The path of the layer, such as ``encoder/forward_1``.

    Returns:
        The same arrays, not copies, by names such as ``kernel``; empty if there are none.
    """
    return {
        name.removeprefix(f"{place}/"): array
        for name, array in weights.items()
        if name.startswith(f"{place}/")
    }


def describe_mismatch(weights: Weights, wanted: Mapping[str, tuple[int, ...]]) -> str:
    """Describe how weights differ from the expected shapes, for an error message.

    Args:
        weights: The weights of a network.
        wanted: The expected shapes by name.

    Returns:
        The names of missing, unexpected and wrongly shaped weights, or a note that the type is not
        float32; "" if all weights are as expected.
    """
    shapes = {name: array.shape for name, array in weights.items()}
    if shapes != wanted:
        return ", ".join(
            sorted(name for name in {*wanted, *shapes} if wanted.get(name) != shapes.get(name))
        )
    return (
        ""
        if all(array.dtype == np.float32 for array in weights.values())
        else "type is not float32"
    )


def digest(weights: Weights) -> str:
    """Return the SHA-256 of all names, shapes and values; graphs record it to prove a match."""
    hashed = hashlib.sha256()
    for name in sorted(weights):
        hashed.update(f"{name} {weights[name].shape}\n".encode())
        hashed.update(np.ascontiguousarray(weights[name]).data)
    return hashed.hexdigest()
