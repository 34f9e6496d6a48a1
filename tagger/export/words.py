"""The graph of words.onnx: what is known of distinct words to numbers.

Axes: D distinct words, C characters, F numbers of a vector or embedding, X numbers of a word.
"""

from __future__ import annotations

import numpy as np

from tagger.bundles.tagger import Bundle
from tagger.bundles.tagger_weights import width_of
from tagger.bundles.weights import Weights, below
from tagger.export.operators import Graph, recurrent, value
from tagger.features.vocabulary import PAD, UNK

__all__ = ["word_graph"]


def word_graph(bundle: Bundle, facts: dict[str, str]) -> bytes:
    """The graph of a bundle whose words are not one-hot; `facts` are its metadata."""
    graph, weights, features, model = Graph(), bundle.weights, bundle.features, bundle.config.model
    parts, inputs = [], []
    if "words/embeddings" in weights or "vectors/differences/embeddings" in weights:
        inputs.append(
            value(
                "words",
                "INT32",
                ("D",),
                "numbers of vocabulary/words.json: 2 for its first word; 1 is unknown",
            )
        )
    if "words/embeddings" in weights:
        parts.append(graph("Gather", graph.constant(weights["words/embeddings"]), "words"))
    if features.vectors is not None:
        inputs.append(
            value(
                "vectors",
                "FLOAT",
                ("D", features.vectors.dimension),
                "pretrained vectors; zeros for none",
            )
        )
        tuned = "vectors/differences/embeddings" in weights
        parts.append(
            _tuned(graph, weights["vectors/differences/embeddings"]) if tuned else "vectors"
        )
    if features.characters is not None:
        inputs.append(
            value(
                "characters",
                "INT32",
                ("D", "C"),
                "numbers of vocabulary/characters.json; 0 behind a word's end",
            )
        )
        read = _convolution if model.character_encoder == "cnn" else _remembered
        parts += read(graph, below(weights, "characters"), model.cell)
    if features.shapes:
        inputs.append(
            value("shapes", "INT32", ("D",), "capitals and digits: see tagger/features/shapes.py")
        )
        parts.append(graph("Gather", graph.constant(weights["shapes/embeddings"]), "shapes"))
    graph("Concat", *parts, output="features", axis=-1)
    output = value(
        "features", "FLOAT", ("D", width_of(model, features)), "what is known of each word"
    )
    about = (
        "Distinct words to numbers: compute these once for each word, and give them to "
        "sentences.onnx."
    )
    return graph.model("words", inputs, [output], {**facts, "about": about})


def _tuned(graph: Graph, differences: np.ndarray) -> str:
    """Vectors plus the trained differences of known words."""
    known = graph("Cast", graph("Greater", "words", graph.constant(UNK, np.int32)), to=1)
    known = graph("Unsqueeze", known, graph.constant([1], np.int64))
    return graph(
        "Add", "vectors", graph("Mul", graph("Gather", graph.constant(differences), "words"), known)
    )


def _embedded(graph: Graph, weights: Weights) -> tuple[str, str]:
    """The characters' embeddings (D, C, F), and where there is a character, as floats (D, C)."""
    real = graph("Cast", graph("Greater", "characters", graph.constant(PAD, np.int32)), to=1)
    return graph("Gather", graph.constant(weights["embedding/embeddings"]), "characters"), real


def _convolution(graph: Graph, weights: Weights, cell: str) -> list[str]:
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
        recurrent(graph, x, lengths, cell, {direction: below(weights, direction)}).states[0]
        for direction in ("forward", "backward")
    ]
    return [graph("Squeeze", end, graph.constant([0], np.int64)) for end in ends]
