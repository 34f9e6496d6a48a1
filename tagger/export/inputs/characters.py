"""The character encoder in ONNX: a convolution or a bidirectional recurrent layer per word.

Axes: D distinct words, C characters, F features of an embedding, X features of a word.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tagger.bundles.weights import Weights, layer_weights
from tagger.export.operators import Graph, recurrent, value
from tagger.features.vocabulary import PAD

__all__ = ["arrays", "nodes"]


def arrays(config: dict[str, Any]) -> dict[str, Any]:
    """Return the description of the graph input ``characters`` (D, C) int32, by name."""
    doc = "ids of vocabulary/characters.json; 0 after the end of a word"
    return {"characters": value("characters", "INT32", ("D", "C"), doc)}


def nodes(graph: Graph, weights: Weights, config: dict[str, Any], quantized: bool) -> list[str]:
    """Add the encoder to a graph.

    Args:
        graph: The graph, which has the input ``characters`` (D, C).
        weights: The weights of the encoder by name.
        config: The configuration: ``encoder``, cnn or another, and ``cell``.
        quantized: Ignored; the encoder is always float32.

    Returns:
        The names of outputs (D, X) each: one of a convolution, one per direction otherwise.
    """
    if config["encoder"] == "cnn":
        return _convolution(graph, weights)
    return _final_states(graph, weights, config["cell"])


def _embedded(graph: Graph, weights: Weights) -> tuple[str, str]:
    """Add the embedding; return it (D, C, F) and the mask of characters (D, C) float32."""
    real = graph("Cast", graph("Greater", "characters", graph.constant(PAD, np.int32)), to=1)
    return graph("Gather", graph.constant(weights["embedding/embeddings"]), "characters"), real


def _convolution(graph: Graph, weights: Weights) -> list[str]:
    """Add a convolution of width 3, a ReLU and a maximum over time; return the output (D, X)."""
    x, real = _embedded(graph, weights)
    # (D, C, F), masked, to (D, F, C), the layout of Conv.
    x = graph(
        "Transpose",
        graph("Mul", x, graph("Unsqueeze", real, graph.constant([2], np.int64))),
        perm=[0, 2, 1],
    )
    kernel = weights["convolution/kernel"]
    filters = kernel.reshape(3, -1, kernel.shape[-1]).transpose(2, 1, 0)  # (X, F, 3)
    y = graph(
        "Conv",
        x,
        graph.constant(filters),
        graph.constant(weights["convolution/bias"]),
        kernel_shape=[3],
        pads=[1, 1],
    )
    y = graph("Mul", graph("Relu", y), graph("Unsqueeze", real, graph.constant([1], np.int64)))
    return [graph("ReduceMax", y, axes=[2], keepdims=0)]  # (D, X, C) to (D, X)


def _final_states(graph: Graph, weights: Weights, cell: str) -> list[str]:
    """Add a recurrent layer per direction; return the final activation (D, X) of each."""
    x, real = _embedded(graph, weights)
    x = graph("Transpose", x, perm=[1, 0, 2])  # (C, D, F)
    count = graph("ReduceSum", real, graph.constant([1], np.int64), keepdims=0)
    lengths = graph("Cast", graph("Max", count, graph.constant(1, np.float32)), to=6)
    ends = [
        recurrent(graph, x, lengths, cell, {direction: layer_weights(weights, direction)}).states[0]
        for direction in ("forward", "backward")
    ]
    return [graph("Squeeze", end, graph.constant([0], np.int64)) for end in ends]  # (1, D, X)
