"""The hidden states of language models at each token in ONNX, optionally projected.

Axes: B batch, T time, S units of all language models, X features of a token.
"""

from __future__ import annotations

from typing import Any

from tagger.bundles.weights import Weights
from tagger.export.operators import Graph, dense, value
from tagger.export.pinning import pinned, pinned_rows

__all__ = ["arrays", "nodes"]


def arrays(config: dict[str, Any]) -> dict[str, Any]:
    """Return the description of the graph input ``context`` (B, T, S) float32, by name."""
    doc = "hidden states of the language models at each token, concatenated"
    return {"context": value("context", "FLOAT", ("B", "T", config["width"]), doc)}


def nodes(graph: Graph, weights: Weights, config: dict[str, Any], quantized: bool) -> list[str]:
    """Add the projection to a graph, if there are weights; return the name of its output (T, B, X).

    With `quantized` the weights of the projection are int8.
    """
    x = graph("Transpose", "context", perm=[1, 0, 2])  # (T, B, S)
    if not weights:
        return [x]
    kernel = weights["kernel"]
    if quantized:  # activations of language models are between -1 and 1, unless their cell is ReLU
        x, kernel = pinned(graph, x, -1.0, 1.0), pinned_rows(kernel)
    return [dense(graph, x, kernel, weights["bias"], quantized=quantized)]
