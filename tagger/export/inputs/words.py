"""The embedding of word ids in ONNX.

Axes: D distinct words, X features of a word.
"""

from __future__ import annotations

from typing import Any

from tagger.bundles.weights import Weights
from tagger.export.operators import Graph, value

__all__ = ["arrays", "nodes"]


def arrays(config: dict[str, Any]) -> dict[str, Any]:
    """Return the description of the graph input ``words`` (D,) int32, by name."""
    doc = "ids of vocabulary/words.json: 2 for its first word; 1 is <UNK>"
    return {"words": value("words", "INT32", ("D",), doc)}


def nodes(graph: Graph, weights: Weights, config: dict[str, Any], quantized: bool) -> list[str]:
    """Add the embedding to a graph; return the name of its output (D, X)."""
    return [graph("Gather", graph.constant(weights["embeddings"]), "words")]
