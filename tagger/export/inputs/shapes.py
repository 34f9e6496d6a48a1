"""The shapes of words: rows of a table."""

from __future__ import annotations

from typing import Any

from tagger.bundles.weights import Weights
from tagger.export.operators import Graph, value

__all__ = ["arrays", "nodes"]


def arrays(config: dict[str, Any]) -> dict[str, Any]:
    """Return the descriptions of the arrays that are read."""
    doc = "capitals and digits: see tagger/features/shapes.py"
    return {"shapes": value("shapes", "INT32", ("D",), doc)}


def nodes(graph: Graph, weights: Weights, config: dict[str, Any], quantized: bool) -> list[str]:
    """Add the embedding."""
    return [graph("Gather", graph.constant(weights["embeddings"]), "shapes")]
