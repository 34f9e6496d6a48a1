"""The states of other models at each token: as they are, or projected."""

from __future__ import annotations

from typing import Any

from tagger.bundles.weights import Weights
from tagger.export.operators import Graph, dense, value

__all__ = ["arrays", "nodes"]


def arrays(config: dict[str, Any]) -> dict[str, Any]:
    """Return the descriptions of the arrays that are read."""
    doc = "the language models' states at the tokens, side by side"
    return {"context": value("context", "FLOAT", ("B", "T", config["width"]), doc)}


def nodes(graph: Graph, weights: Weights, config: dict[str, Any], quantized: bool) -> list[str]:
    """Add the projection (T, B, X)."""
    x = graph("Transpose", "context", perm=[1, 0, 2])
    if not weights:
        return [x]
    return [dense(graph, x, weights["kernel"], weights["bias"], quantized=quantized)]
