"""Pretrained vectors: as they are, or plus the trained differences of known words."""

from __future__ import annotations

from typing import Any

import numpy as np

from tagger.bundles.weights import Weights
from tagger.export.inputs.words import arrays as arrays_of_words
from tagger.export.operators import Graph, value
from tagger.features.vocabulary import UNK

__all__ = ["arrays", "nodes"]


def arrays(config: dict[str, Any]) -> dict[str, Any]:
    """Return the descriptions of the arrays that are read."""
    doc = "pretrained vectors; zeros for none"
    vectors = {"vectors": value("vectors", "FLOAT", ("D", config["dimension"]), doc)}
    return arrays_of_words(config) | vectors if config["fine_tune"] else vectors


def nodes(graph: Graph, weights: Weights, config: dict[str, Any], quantized: bool) -> list[str]:
    """Add the differences."""
    if not config["fine_tune"]:
        return ["vectors"]
    known = graph("Cast", graph("Greater", "words", graph.constant(UNK, np.int32)), to=1)
    known = graph("Unsqueeze", known, graph.constant([1], np.int64))
    differences = graph("Gather", graph.constant(weights["differences/embeddings"]), "words")
    return [graph("Add", "vectors", graph("Mul", differences, known))]
