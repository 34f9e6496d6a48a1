"""Pretrained vectors in ONNX, frozen or fine-tuned by a trained difference per known word.

Axes: D distinct words, X dimensions of a vector.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tagger.bundles.weights import Weights
from tagger.export.inputs.words import arrays as word_arrays
from tagger.export.operators import Graph, value
from tagger.features.vocabulary import UNK

__all__ = ["arrays", "nodes"]


def arrays(config: dict[str, Any]) -> dict[str, Any]:
    """Return the description of ``vectors`` (D, X), and of ``words`` (D,) if fine-tuned."""
    doc = "pretrained vectors; zeros for words without one"
    vectors = {"vectors": value("vectors", "FLOAT", ("D", config["dimension"]), doc)}
    return word_arrays(config) | vectors if config["fine_tune"] else vectors


def nodes(graph: Graph, weights: Weights, config: dict[str, Any], quantized: bool) -> list[str]:
    """Add the trained differences to a graph; return the name of the vectors (D, X)."""
    if not config["fine_tune"]:
        return ["vectors"]
    # Words outside of the vocabulary have no difference.
    mask = graph("Cast", graph("Greater", "words", graph.constant(UNK, np.int32)), to=1)
    mask = graph("Unsqueeze", mask, graph.constant([1], np.int64))  # (D, 1)
    differences = graph("Gather", graph.constant(weights["differences/embeddings"]), "words")
    return [graph("Add", "vectors", graph("Mul", differences, mask))]
