"""The weights of a recurrent layer by name and shape, told without Keras, which names them in the
same way.

Axes: F features, U units, G blocks of a cell.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import numpy as np

from tagger.cells import CELLS

__all__ = ["Weights", "below", "dense_shapes", "digest", "misfits", "recurrent_shapes"]

Weights = dict[str, np.ndarray]
Shapes = dict[str, tuple[int, ...]]


def recurrent_shapes(place: str, cell: str, width: int, units: int) -> Shapes:
    """The shape of each weight of a layer in one direction that reads `width` features: kernel (F,
    G·U) and so on.
    """
    spec = CELLS[cell]
    columns = spec.blocks * units
    shapes: Shapes = {"kernel": (width, columns), "recurrent": (units, columns), "bias": (columns,)}
    if spec.peepholes:
        shapes["peepholes"] = (len(spec.peepholes), units)
    return {f"{place}/{name}": shape for name, shape in shapes.items()}


def dense_shapes(place: str, width: int, units: int) -> Shapes:
    """Return the shape of each weight of a dense layer: kernel (F, U) and bias (U,)."""
    return {f"{place}/kernel": (width, units), f"{place}/bias": (units,)}


def below(weights: Weights, place: str) -> Weights:
    """The weights of one layer, by their names in it."""
    return {
        name.removeprefix(f"{place}/"): array
        for name, array in weights.items()
        if name.startswith(f"{place}/")
    }


def misfits(weights: Weights, wanted: Mapping[str, tuple[int, ...]]) -> str:
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
