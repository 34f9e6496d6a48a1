"""The graph of sentences.onnx: from features of words, or one-hot word ids, to emissions.

Axes: B batch, T time, F features of the encoder's output, K tags.
"""

from __future__ import annotations

from tagger.bundles.tagger import Bundle
from tagger.bundles.weights import Weights, layer_weights
from tagger.config.tagger import ModelConfig
from tagger.export.encoder import encoder_nodes, encoder_values
from tagger.export.operators import Graph, dense, value
from tagger.export.pinning import pinned, pinned_rows
from tagger.heads import HEADS

__all__ = ["sentence_graph"]


def sentence_graph(
    bundle: Bundle,
    facts: dict[str, str],
    *,
    quantized: bool,
    feature_range: tuple[float, float] = (-1.0, 1.0),
) -> bytes:
    """Create the graph of sentences.onnx or sentences.int8.onnx.

    Args:
        bundle: The bundle of a tagger.
        facts: The metadata of the graph.
        quantized: Whether the weights of recurrent and dense layers are int8.
        feature_range: Range to which an int8 graph clips the features of words.

    Returns:
        The serialized graph.

    Raises:
        TaggerError: The package onnx is not installed.
    """
    graph, model = Graph(), bundle.config.model
    encoded = encoder_nodes(graph, bundle, quantized=quantized, feature_range=feature_range)
    _head(graph, encoded.activations, model, bundle.weights, quantized)
    graph("Concat", *encoded.states, output="states_after", axis=0)
    inputs, after = encoder_values(bundle)
    head = HEADS[model.head]
    what = "log-probabilities" if head.is_normalized else f"scores of {head.description}"
    scores = f"{what} of the tags; undefined after a sentence's end"
    outputs = [value("emissions", "FLOAT", ("B", "T", len(bundle.tags)), scores), after]
    return graph.model("sentences", inputs, outputs, {**facts, "about": _about(quantized)})


def _head(graph: Graph, x: str, model: ModelConfig, weights: Weights, quantized: bool) -> None:
    """Add the hidden layers and the output ``emissions`` (B, T, K) of activations (T, B, F)."""
    parts = 1 + model.bidirectional  # of the inputs, each of which ends in two pinned values
    for number in range(1, len(model.hidden) + 1):
        layer = layer_weights(weights, f"head/hidden_{number}")
        kernel = pinned_rows(layer["kernel"], parts) if quantized else layer["kernel"]
        x = graph("Tanh", dense(graph, x, kernel, layer["bias"], quantized=quantized))
        x, parts = pinned(graph, x, -1.0, 1.0) if quantized else x, 1
    kernel = weights["head/tags/kernel"]
    kernel = pinned_rows(kernel, parts) if quantized else kernel
    logits = dense(graph, x, kernel, weights["head/tags/bias"], quantized=quantized)
    normalized = HEADS[model.head].is_normalized
    scores = graph("LogSoftmax", logits, axis=-1) if normalized else logits
    graph("Transpose", scores, output="emissions", perm=[1, 0, 2])


def _about(quantized: bool) -> str:
    """Return the description of the graph."""
    kind = "8-bit weights; needs ONNX Runtime" if quantized else "float32, standard operators"
    return (
        f"Features of words from words.onnx, or ids of one-hot words, to scores of tags ({kind})."
    )
