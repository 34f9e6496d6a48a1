"""What an input is to an ONNX graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from tagger.bundles.weights import Weights
from tagger.export.operators import Graph

__all__ = ["ExportInput"]


class ExportInput(NamedTuple):
    """The two functions of an input.

    Attributes:
        arrays: From the input's configuration to the descriptions of the graph's inputs that it
            reads, by name.
        nodes: Adds the input to a graph, from its weights by name, its configuration and whether
            they are to be quantized; returns the names of what it contributes: (D, X) of distinct
            words, (T, B, X) of tokens.
    """

    arrays: Callable[[dict[str, Any]], dict[str, Any]]
    nodes: Callable[[Graph, Weights, dict[str, Any], bool], list[str]]
