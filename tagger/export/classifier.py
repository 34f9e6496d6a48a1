"""Export of a text classifier as ONNX graphs, which run without Keras and from other languages.

    words.onnx  the inputs of the model for distinct words -> features (D, X), as of a tagger
    texts.onnx  features (N, X), tokens (B, T), lengths (B,) -> logits (B, K), pooled (B, F)

``tokens`` are row indices into ``features``. The probabilities are the softmax of the logits or,
with several labels per text, the sigmoid of each, after a division by the temperature of each label
(in metrics.json). ``pooled`` is the vector of the text before the head: with ``states`` and
``states_after``, those of a tagger's graph, a very long text can be run in chunks.

Axes: B batch, T time, D distinct words, X features of a word, N rows of features, F features of the
encoder's output, R directions, U units, K labels.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import numpy as np

from tagger.bundles.classifier import TEXTS, ClassifierBundle, graph_names
from tagger.bundles.tagger import WORDS
from tagger.bundles.weights import layer_weights
from tagger.cells import CELLS
from tagger.export.encoder import EncoderNodes, encoder_nodes, encoder_values
from tagger.export.operators import Graph, dense, value
from tagger.export.words import word_graph

__all__ = ["with_graphs"]

_LOWEST = -1e30  # below any activation


def with_graphs(bundle: ClassifierBundle) -> ClassifierBundle:
    """Return a copy of a bundle with graphs created from its weights.

    Args:
        bundle: The bundle; its own graphs are ignored.

    Returns:
        A shallow copy with new graphs by file name. Equal bundles yield equal bytes.

    Raises:
        TaggerError: The package onnx is not installed.
    """
    facts = _facts(bundle)
    is_one_hot = WORDS not in graph_names(bundle.config.model)
    found = {} if is_one_hot else {WORDS: word_graph(bundle, facts)}
    return replace(bundle, graphs={**found, TEXTS: _text_graph(bundle, facts)})


def _text_graph(bundle: ClassifierBundle, facts: dict[str, str]) -> bytes:
    """Create the graph of texts.onnx."""
    graph, model = Graph(), bundle.config.model
    nodes = encoder_nodes(graph, bundle)
    pooled = _pooled(graph, nodes, bundle)
    x = pooled
    for number in range(1, len(model.hidden) + 1):
        layer = layer_weights(bundle.weights, f"head/hidden_{number}")
        x = graph("Tanh", dense(graph, x, layer["kernel"], layer["bias"]))
    head = layer_weights(bundle.weights, "head/labels")
    product = graph("MatMul", x, graph.constant(head["kernel"]))
    graph("Add", product, graph.constant(head["bias"]), output="logits")
    graph("Concat", *nodes.states, output="states_after", axis=0)
    inputs, after = encoder_values(bundle)
    width = model.units * (1 + model.bidirectional)
    outputs = [
        value("logits", "FLOAT", ("B", len(bundle.labels)), "logits of the labels"),
        value("pooled", "FLOAT", ("B", width), "the vector of each text before the head"),
        after,
    ]
    about = "Features of words from words.onnx, or ids of one-hot words, to the label of a text."
    return graph.model("texts", inputs, outputs, {**facts, "about": about})


def _pooled(graph: Graph, nodes: EncoderNodes, bundle: ClassifierBundle) -> str:
    """Add the pooling over time; return the output ``pooled`` (B, F), zeros for empty texts."""
    pooling = bundle.config.model.pooling
    # (B, 1): the lengths, and 1 for texts that are not empty, else 0
    size = graph("Unsqueeze", graph("Cast", "lengths", to=1), graph.constant([1], np.int64))
    some = graph("Clip", size, graph.constant(0.0, np.float32), graph.constant(1.0, np.float32))
    if pooling == "last":
        return graph("Mul", _ends(graph, nodes, bundle), some, output="pooled")
    real = _real(graph, nodes.activations)  # (T, B, 1)
    if pooling == "mean":
        zero = graph.constant(0.0, np.float32)
        kept = graph("Where", real, nodes.activations, zero)
        total = graph("ReduceSum", kept, graph.constant([0], np.int64), keepdims=0)
        least = graph("Max", size, graph.constant(1.0, np.float32))
        return graph("Div", total, least, output="pooled")
    kept = graph("Where", real, nodes.activations, graph.constant(_LOWEST, np.float32))
    highest = graph("ReduceMax", kept, axes=[0], keepdims=0)
    return graph("Mul", highest, some, output="pooled")


def _ends(graph: Graph, nodes: EncoderNodes, bundle: ClassifierBundle) -> str:
    """Add the last activation of each direction of the last layer: (B, F)."""
    model = bundle.config.model
    directions, parts = 1 + model.bidirectional, CELLS[model.cell].states
    # Over one-hot words, each direction of the first layer is an operator of its own.
    operators = directions if model.input == "one-hot" and model.layers == 1 else 1
    ends = nodes.states[-operators * parts :: parts]  # the activation of each operator
    joined = graph("Concat", *ends, axis=0) if len(ends) > 1 else ends[0]  # (R, B, U)
    shape = graph.constant([0, directions * model.units], np.int64)
    return graph("Reshape", graph("Transpose", joined, perm=[1, 0, 2]), shape)


def _real(graph: Graph, activations: str) -> str:
    """Add the mask of real timesteps, (T, B, 1) bool."""
    shape = graph("Shape", activations)
    times = graph("Gather", shape, graph.constant(0, np.int64))
    zero, one = graph.constant(0, np.int64), graph.constant(1, np.int64)
    steps = graph("Unsqueeze", graph("Range", zero, times, one), graph.constant([1, 2], np.int64))
    lengths = graph("Unsqueeze", graph("Cast", "lengths", to=7), graph.constant([0, 2], np.int64))
    return graph("Less", steps, lengths)


def _facts(bundle: ClassifierBundle) -> dict[str, str]:
    """Return the metadata of the graphs, which contain all that is needed to run them."""
    facts = {
        "labels": json.dumps(bundle.labels, ensure_ascii=False),
        "multi_label": json.dumps(bundle.is_multi_label),
        "tokenizer": bundle.config.data.tokenizer,
        "weights": bundle.weights_digest,
    }
    for name, content in bundle.features.files().items():
        facts[name] = hashlib.sha256(content).hexdigest()
    return facts
