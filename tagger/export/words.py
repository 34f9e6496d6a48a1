"""The graph of words.onnx: from the inputs of distinct words to their features.

Axes: D distinct words, X features of a word.
"""

from __future__ import annotations

from typing import Any

from tagger.bundles.encoder import EncoderBundle, input_configs, width_of
from tagger.bundles.weights import layer_weights
from tagger.export.inputs import INPUTS
from tagger.export.operators import Graph, value
from tagger.features.inputs import INPUTS as HOST

__all__ = ["word_graph", "word_nodes"]


def word_graph(bundle: EncoderBundle, facts: dict[str, str]) -> bytes:
    """Create the graph of words.onnx.

    Args:
        bundle: A bundle whose network has an encoder, and whose words are not one-hot.
        facts: The metadata of the graph.

    Returns:
        The serialized graph.

    Raises:
        TaggerError: The package onnx is not installed.
    """
    graph = Graph()
    arrays = word_nodes(graph, bundle)
    width = width_of(bundle.config.model, bundle.features)
    output = value("features", "FLOAT", ("D", width), "features of each word")
    about = (
        "Distinct words to features: compute them once per distinct word, and pass them to "
        "sentences.onnx."
    )
    return graph.model("words", arrays, [output], {**facts, "about": about})


def word_nodes(graph: Graph, bundle: EncoderBundle) -> list[Any]:
    """Add the nodes that compute ``features`` (D, X) of distinct words to a graph.

    Args:
        graph: The graph.
        bundle: A bundle whose network has an encoder, and whose words are not one-hot.

    Returns:
        The descriptions of the inputs that they read.
    """
    parts: list[str] = []
    arrays: dict[str, Any] = {}
    for name, config in input_configs(bundle.config.model, bundle.features).items():
        if not HOST[name].is_of_tokens:
            arrays = {**arrays, **INPUTS[name].arrays(config)}
            parts += INPUTS[name].nodes(graph, layer_weights(bundle.weights, name), config, False)
    graph("Concat", *parts, output="features", axis=-1)
    return list(arrays.values())
