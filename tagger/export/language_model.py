"""A language model as ONNX graphs, which run without Keras, and in other languages.

    activations.onnx       numbers (T, B), places (N,) -> activations (N, U); see below
    activations.int8.onnx  the same with the weights of LSTMs in 8 bits

``numbers`` are those of vocabulary.json, 2 for its first unit, 1 for <UNK>, 0 for the border before
a text. ``places`` are the timesteps that are asked for, t · B + b. ``states`` (S, B, U), if left
out those of an unread text, are those in which the layers begin, and ``states_after`` those after
the last timestep: with them a long text is run in pieces. The softmax is no part of the graphs: it
is asked for at few places, and is one product with weights.npz.

Axes: B batch, T time, F features, U units, V vocabulary, G blocks of a cell, N places, S states of
all layers: activation and, in LSTMs, memory of each layer in turn.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np

from tagger.bundles.language_model import GRAPH_INT8, Bundle, graph_names
from tagger.bundles.weights import Weights, layer_weights
from tagger.cells import CELLS
from tagger.config.language_model import ModelConfig
from tagger.export.operators import Graph, recurrent, value

__all__ = ["graphs", "states_count", "with_graphs"]


def with_graphs(bundle: Bundle) -> Bundle:
    """The bundle with graphs of its weights, in place of those it had; errors are those of
    `graphs`.
    """
    return replace(bundle, graphs=graphs(bundle))


def graphs(bundle: Bundle) -> dict[str, bytes]:
    """The graphs of a model by the names of their files.

    Raises:
        TaggerError: the package onnx is missing.
    """
    names = graph_names(bundle.config.model)
    return {name: _graph(bundle, quantized=name == GRAPH_INT8) for name in names}


def states_count(model: ModelConfig) -> int:
    """How many tensors (B, U) the states of all layers are: S."""
    return model.layers * CELLS[model.cell].states


def _graph(bundle: Bundle, *, quantized: bool) -> bytes:
    """One graph. In int8 the border stands for padding alone: its vector may be far from all
    others, and would leave these a few steps of the scale. A text begins with the states after it.
    """
    model, graph, layers = bundle.config.model, Graph(), _layers(bundle)
    before = _initial_states(
        graph,
        _after_border(layers, model.cell)
        if quantized
        else np.zeros((states_count(model), 1, model.units)),
    )
    table, layers[0] = _inputs(bundle, layers[0], centred=quantized)
    x, ends = graph("Gather", graph.constant(table), "numbers"), list[str]()
    low, high = float(table.min()), float(table.max())
    for depth, layer in enumerate(layers):
        if quantized:
            x, layer = _pin_quantization_range(graph, x, layer, low, high)
            low, high = -1.0, 1.0
        states = [before.pop(0) for _ in range(CELLS[model.cell].states)]
        ran = recurrent(
            graph, x, "", model.cell, {"forward": layer}, quantized=quantized, before=states
        )
        ends += ran.states
        if depth + 1 < model.layers:
            x = graph("Squeeze", ran.activations, graph.constant([1], np.int64))
    rows = graph("Reshape", ran.activations, graph.constant([-1, model.units], np.int64))
    graph("Gather", rows, "places", output="activations", axis=0)
    graph("Concat", *ends, output="states_after", axis=0)
    inputs = [
        value(
            "numbers",
            "INT32",
            ("T", "B"),
            "what is read: numbers of vocabulary.json, 2 for its first unit; 1 is unknown",
        ),
        value("places", "INT32", ("N",), "the timesteps that are asked for, t * B + b"),
        value(
            "states",
            "FLOAT",
            (len(ends), "B or 1", model.units),
            "in which layers begin; may be left out",
        ),
    ]
    outputs = [
        value("activations", "FLOAT", ("N", model.units), "of the last layer at the places"),
        value("states_after", "FLOAT", (len(ends), "B", model.units), "in which layers end"),
    ]
    return graph.model("language model", inputs, outputs, _facts(bundle, quantized))


def _facts(bundle: Bundle, quantized: bool) -> dict[str, str]:
    """What whoever runs a graph must know."""
    model = bundle.config.model
    begin = (
        "A text begins with no states given, which are then those after the border (8-bit "
        "weights; needs ONNX Runtime)."
        if quantized
        else "A text begins with a border, number 0, and no states given, which are then zero "
        "(float32, standard operators)."
    )
    return {
        "about": f"Numbers of {model.level}, in the order of reading ({model.direction}), to the "
        f"activations after them. {begin}",
        "level": model.level,
        "direction": model.direction,
        "weights": bundle.weights_digest,
        "vocabulary.json": hashlib.sha256(bundle.vocabulary.to_json().encode()).hexdigest(),
    }


def _layers(bundle: Bundle) -> list[Weights]:
    return [
        layer_weights(bundle.weights, f"encoder/forward_{depth + 1}")
        for depth in range(bundle.config.model.layers)
    ]


def _initial_states(graph: Graph, states: np.ndarray) -> list[str]:
    """The states in which each layer begins, (1, B, U) each; (S, 1, U) if nobody gives them."""
    graph.default("states", states.astype(np.float32))
    batch = graph("Gather", graph("Shape", "numbers"), graph.constant([1], np.int64))
    one = graph.constant([1], np.int64)
    names = [f"before_{number}" for number in range(len(states))]
    every = graph("Expand", "states", graph("Concat", one, batch, one, axis=0))
    graph.add_node(
        "Split", every, graph.constant([1] * len(states), np.int64), outputs=names, axis=0
    )
    return names


def _inputs(bundle: Bundle, layer: Weights, *, centred: bool) -> tuple[np.ndarray, Weights]:
    """A table (V, F) of the units' vectors, zero for the border, and the first layer, whose kernel
    is (F, G·U).

    One-hot rows of the kernel are a product of an identity matrix and the kernel: the smaller
    identity is taken. Where ``centred``, the vectors have their mean taken from them, and its
    product is in the bias, but for the border.
    """
    kernel, bias = layer["kernel"], layer["bias"]
    if bundle.config.model.embedding:
        table = bundle.weights["embedding/embeddings"].copy()
    elif kernel.shape[0] <= kernel.shape[1]:
        table = np.eye(kernel.shape[0], dtype=np.float32)
    else:
        table, kernel = kernel.copy(), np.eye(kernel.shape[1], dtype=np.float32)
    if centred:
        mean = table[1:].mean(axis=0)
        table, bias = table - mean, bias + mean @ kernel
    table[0] = 0.0
    return table, {**layer, "kernel": kernel, "bias": bias}


def _pin_quantization_range(
    graph: Graph, x: str, layer: Weights, low: float, high: float
) -> tuple[str, Weights]:
    """Inputs (T, B, F + 2), which have a feature that is always `low` and one that is always
    `high`, both of no weight.

    The int8 operator scales its inputs by the least and the greatest of them: so by the same in
    every piece of a text.
    """
    for bound in (low, high):
        x = graph(
            "Pad",
            x,
            graph.constant([0, 0, 0, 0, 0, 1], np.int64),
            graph.constant(bound, np.float32),
        )
    return x, {**layer, "kernel": np.pad(layer["kernel"], [(0, 2), (0, 0)])}


def _after_border(layers: list[Weights], cell: str) -> np.ndarray:
    """The states (S, 1, U) of LSTMs that have read the border alone: as c^<0> = 0, c^<1> = Γ_u ·
    c̃, a^<1> = Γ_o · tanh(c^<1>).
    """
    spec = CELLS[cell]  # an LSTM, as all cells that have an int8 operator
    states, x = list[np.ndarray](), np.zeros(len(layers[0]["kernel"]))
    for layer in layers:
        z = np.split(x @ layer["kernel"].astype(np.float64) + layer["bias"], spec.blocks)
        gates = dict(zip(spec.gates, z, strict=True))
        c = np.tanh(gates["candidate"]) * _sigmoid(gates["update"])
        if "output" in spec.peepholes:
            gates["output"] += layer["peepholes"][spec.peepholes.index("output")] * c
        x = np.tanh(c) * _sigmoid(gates["output"])
        states += [x, c]
    return np.stack(states)[:, None]


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return np.asarray(0.5 + 0.5 * np.tanh(0.5 * x))
