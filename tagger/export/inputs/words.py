"""Words by their ids: rows of a table."""

from __future__ import annotations

from typing import Any

from tagger.bundles.weights import Weights
from tagger.export.operators import Graph, value

__all__ = ["arrays", "nodes"]


def arrays(config: dict[str, Any]) -> dict[str, Any]:
    """Return the descriptions of the arrays that are read."""
    doc = "numbers of vocabulary/words.json: 2 for its first word; 1 is unknown"
    return {"words": value("words", "INT32", ("D",), doc)}


def nodes(graph: Graph, weights: Weights, config: dict[str, Any], quantized: bool) -> list[str]:
    """Add the embedding."""
    return [graph("Gather", graph.constant(weights["embeddings"]), "words")]
