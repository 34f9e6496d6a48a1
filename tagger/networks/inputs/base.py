"""The interface between an input and the network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import keras

from tagger.networks.cells import Tensor

__all__ = ["NetworkInput"]


class NetworkInput(NamedTuple):
    """The functions that create and apply an input's layer.

    Attributes:
        create: Receives the input's configuration; returns its layer, or None if it has no weights.
            If the layer has an attribute ``parts``, inner layers by name, the names of its weights
            in a bundle are made from it.
        apply: Receives that layer, the arrays of a batch by name and whether the network is being
            trained; returns the input's features: (D, X) for words, (B, T, X) for tokens.
    """

    create: Callable[[dict[str, Any]], keras.layers.Layer | None]
    apply: Callable[[keras.layers.Layer | None, dict[str, Tensor], bool], Tensor]
