"""What an input is to the network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import keras

from tagger.networks.cells import Tensor

__all__ = ["NetworkInput"]


class NetworkInput(NamedTuple):
    """The two functions of an input.

    Attributes:
        create: From the input's configuration to its layer; None if it needs no weights. The names
            of its weights follow from its attribute ``parts``, layers by name, if it has one.
        apply: From that layer, the arrays of a batch by name and whether it is in training, to what
            the input contributes: (D, X) of distinct words, (B, T, X) of tokens.
    """

    create: Callable[[dict[str, Any]], keras.layers.Layer | None]
    apply: Callable[[keras.layers.Layer | None, dict[str, Tensor], bool], Tensor]
