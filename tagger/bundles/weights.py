"""The weights of a network as arrays by name."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import numpy as np

__all__ = ["Weights", "describe_mismatch", "digest", "layer_weights"]

Weights = dict[str, np.ndarray]


def layer_weights(weights: Weights, place: str) -> Weights:
    """The weights of one layer, by their names in it."""
    return {
        name.removeprefix(f"{place}/"): array
        for name, array in weights.items()
        if name.startswith(f"{place}/")
    }


def describe_mismatch(weights: Weights, wanted: Mapping[str, tuple[int, ...]]) -> str:
    """The names of weights that are missing, too many or of another shape, for a message; "" if all
    are as `wanted`.
    """
    found = {name: array.shape for name, array in weights.items()}
    if found != wanted:
        return ", ".join(
            sorted(name for name in {*wanted, *found} if wanted.get(name) != found.get(name))
        )
    return (
        ""
        if all(array.dtype == np.float32 for array in weights.values())
        else "type is not float32"
    )


def digest(weights: Weights) -> str:
    """SHA-256 over names and numbers: by it a graph is known to be of these weights."""
    hashed = hashlib.sha256()
    for name in sorted(weights):
        hashed.update(f"{name} {weights[name].shape}\n".encode())
        hashed.update(np.ascontiguousarray(weights[name]).data)
    return hashed.hexdigest()
