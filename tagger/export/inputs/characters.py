"""The characters of words: a convolution, or a recurrent network, over their embeddings.

Axes: D distinct words, C characters, F numbers of an embedding.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tagger.bundles.weights import Weights, layer_weights
from tagger.export.operators import Graph, recurrent, value
from tagger.features.vocabulary import PAD

__all__ = ["arrays", "nodes"]


def arrays(config: dict[str, Any]) -> dict[str, Any]:
    """Return the descriptions of the arrays that are read."""
    doc = "numbers of vocabulary/characters.json; 0 behind a word's end"
    return {"characters": value("characters", "INT32", ("D", "C"), doc)}


def nodes(graph: Graph, weights: Weights, config: dict[str, Any], quantized: bool) -> list[str]:
    """Add the encoder."""
    if config["encoder"] == "cnn":
        return _convolution(graph, weights)
    return _remembered(graph, weights, config["cell"])


def _embedded(graph: Graph, weights: Weights) -> tuple[str, str]:
    """The characters' embeddings (D, C, F), and where there is a character, as floats (D, C)."""
    real = graph("Cast", graph("Greater", "characters", graph.constant(PAD, np.int32)), to=1)
    return graph("Gather", graph.constant(weights["embedding/embeddings"]), "characters"), real


def _convolution(graph: Graph, weights: Weights) -> list[str]:
    """A convolution over three neighbours, a ReLU, the maximum."""
    x, real = _embedded(graph, weights)
    x = graph(
        "Transpose",
        graph("Mul", x, graph("Unsqueeze", real, graph.constant([2], np.int64))),
        perm=[0, 2, 1],
    )
    kernel = weights["convolution/kernel"]
    filters = kernel.reshape(3, -1, kernel.shape[-1]).transpose(2, 1, 0)
    y = graph(
        "Conv",
        x,
        graph.constant(filters),
        graph.constant(weights["convolution/bias"]),
        kernel_shape=[3],
        pads=[1, 1],
    )
    y = graph("Mul", graph("Relu", y), graph("Unsqueeze", real, graph.constant([1], np.int64)))
    return [graph("ReduceMax", y, axes=[2], keepdims=0)]


def _remembered(graph: Graph, weights: Weights, cell: str) -> list[str]:
    """What each direction remembers at its end."""
    x, real = _embedded(graph, weights)
    x = graph("Transpose", x, perm=[1, 0, 2])
    count = graph("ReduceSum", real, graph.constant([1], np.int64), keepdims=0)
    lengths = graph("Cast", graph("Max", count, graph.constant(1, np.float32)), to=6)
    ends = [
        recurrent(graph, x, lengths, cell, {direction: layer_weights(weights, direction)}).states[0]
        for direction in ("forward", "backward")
    ]
    return [graph("Squeeze", end, graph.constant([0], np.int64)) for end in ends]
