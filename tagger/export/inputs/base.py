"""The interface of an input's ONNX export.

Axes: D distinct words, T time, B batch, X features of the input.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from tagger.bundles.weights import Weights
from tagger.export.operators import Graph

__all__ = ["ExportInput"]


class ExportInput(NamedTuple):
    """The two functions that export an input.

    Attributes:
        arrays: Receives the configuration of the input; returns the descriptions of the graph
            inputs that it reads, by name.
        nodes: Receives a graph, the weights of the input by name, its configuration, and whether
            to quantize; adds nodes to the graph and returns the names of their outputs: (D, X) for
            an input of words, (T, B, X) for an input of tokens.
    """

    arrays: Callable[[dict[str, Any]], dict[str, Any]]
    nodes: Callable[[Graph, Weights, dict[str, Any], bool], list[str]]
