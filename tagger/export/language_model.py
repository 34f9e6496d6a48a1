"""Export of a language model as ONNX graphs, which run without Keras and from other languages.

    activations.onnx       numbers (T, B), places (N,) -> activations (N, U)
    activations.int8.onnx  the same with the weights of LSTMs in 8 bits; not of conditional models

``numbers`` are ids of vocabulary.json: 2 for its first unit, 1 for <UNK>, 0 for the border before a
text. In a conditional model a text begins with the id of its label instead: V for the first label
of labels.json, which is also in the graph's metadata. ``places`` are flat indices t · B + b of the
timesteps whose activations are returned. ``states`` (S, B, U) are the initial states of the layers,
by default those of an unread text, and ``states_after`` (S, B, U) those after the last timestep:
with them a long text runs in chunks. The softmax is not part of the graphs: it is needed at few
places, and is one product with weights.npz. It has V entries, as a label is never predicted; if it
is tied, its weights are the first V rows of the embedding.

Axes: B batch, T time, F features, U units, V vocabulary, L labels, G blocks of a cell, N places,
S states of all layers: activation and, in LSTMs, memory cell of each layer in turn.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np

from tagger.bundles.language_model import GRAPH_INT8, LanguageModelBundle, graph_names
from tagger.bundles.weights import Weights, layer_weights
from tagger.cells import CELLS
from tagger.config.language_model import LanguageModelNetworkConfig
from tagger.export.operators import Graph, recurrent, value
from tagger.export.pinning import pinned, pinned_cell, pinned_rows, unpinned, with_pinned_states

__all__ = ["input_table", "states_count", "with_graphs"]


def with_graphs(bundle: LanguageModelBundle) -> LanguageModelBundle:
    """Return a copy of a bundle with graphs created from its weights.

    Args:
        bundle: The bundle; its own graphs are ignored.

    Returns:
        A shallow copy with new graphs by file name. Equal bundles yield equal bytes.

    Raises:
        TaggerError: The package onnx is not installed.
    """
    names = graph_names(bundle.config.model, is_conditional=bool(bundle.labels))
    graphs = {name: _graph(bundle, quantized=name == GRAPH_INT8) for name in names}
    return replace(bundle, graphs=graphs)


def states_count(model: LanguageModelNetworkConfig) -> int:
    """Return the number S of state tensors (B, U) of all layers together."""
    return model.layers * CELLS[model.cell].states


def _graph(bundle: LanguageModelBundle, *, quantized: bool) -> bytes:
    """Return a serialized graph.

    In int8 the border is only used as padding: its vector may be far from all others, which would
    leave them a few steps of the quantization scale. The default states are those after the border.
    """
    model, graph, layers = bundle.config.model, Graph(), _layers(bundle)
    before = _initial_states(
        graph,
        _after_border(layers, model.cell)
        if quantized
        else np.zeros((states_count(model), 1, model.units)),
    )
    embeddings = bundle.weights["embedding/embeddings"] if model.embedding else None
    table, layers[0] = input_table(embeddings, layers[0], centred=quantized)
    x, ends = graph("Gather", graph.constant(table), "numbers"), list[str]()
    low, high = float(table.min()), float(table.max())
    for depth, layer in enumerate(layers):
        states = [before.pop(0) for _ in range(CELLS[model.cell].states)]
        if quantized:  # the activations of a layer are pinned already
            x = x if depth else pinned(graph, x, low, high)
            kernel = pinned_rows(layer["kernel"])
            layer = pinned_cell({**layer, "kernel": kernel}, CELLS[model.cell])
            states = with_pinned_states(graph, states)
        ran = recurrent(
            graph, x, "", model.cell, {"forward": layer}, quantized=quantized, before=states
        )
        ends += unpinned(graph, ran.states, model.units) if quantized else ran.states
        if depth + 1 < model.layers:
            x = graph("Squeeze", ran.activations, graph.constant([1], np.int64))
    width = model.units + 2 * quantized
    rows = graph("Reshape", ran.activations, graph.constant([-1, width], np.int64))
    if quantized:
        [rows] = unpinned(graph, (rows,), model.units, axis=1)
    graph("Gather", rows, "places", output="activations", axis=0)
    graph("Concat", *ends, output="states_after", axis=0)
    inputs = [
        value(
            "numbers",
            "INT32",
            ("T", "B"),
            "ids of vocabulary.json: 2 for its first unit; 1 is <UNK>"
            + (f"; {len(bundle.vocabulary)} is the first of labels.json" if bundle.labels else ""),
        ),
        value("places", "INT32", ("N",), "timesteps to return, as flat indices t * B + b"),
        value(
            "states",
            "FLOAT",
            (len(ends), "B or 1", model.units),
            "initial states of the layers; optional",
        ),
    ]
    outputs = [
        value("activations", "FLOAT", ("N", model.units), "of the last layer at the places"),
        value("states_after", "FLOAT", (len(ends), "B", model.units), "final states of the layers"),
    ]
    return graph.model("language model", inputs, outputs, _facts(bundle, quantized))


def _facts(bundle: LanguageModelBundle, quantized: bool) -> dict[str, str]:
    """Return the metadata of a graph, which contain all that is needed to run it."""
    model = bundle.config.model
    begin = (
        "For the beginning of a text omit the states, which default to those after the border "
        "(8-bit weights; needs ONNX Runtime)."
        if quantized
        else f"Begin a text with {_border(bundle)}, and omit the states, which default to zero "
        "(float32, standard operators)."
    )
    labels = {"labels.json": bundle.labels.to_json()} if bundle.labels else {}
    return {
        "about": f"Ids of {model.level}, in the order of reading ({model.direction}), to the "
        f"activations after them. {begin}",
        "level": model.level,
        "direction": model.direction,
        "weights": bundle.weights_digest,
        "vocabulary.json": hashlib.sha256(bundle.vocabulary.to_json().encode()).hexdigest(),
        **labels,
    }


def _border(bundle: LanguageModelBundle) -> str:
    """Return in words the id that a text begins with."""
    if not bundle.labels:
        return "the border, id 0"
    first = len(bundle.vocabulary)
    return f"the id of its label, {first} to {first + len(bundle.labels) - 1}"


def _layers(bundle: LanguageModelBundle) -> list[Weights]:
    """Return the weights of each recurrent layer."""
    return [
        layer_weights(bundle.weights, f"encoder/forward_{depth + 1}")
        for depth in range(bundle.config.model.layers)
    ]


def _initial_states(graph: Graph, states: np.ndarray) -> list[str]:
    """Add the input ``states`` with its default (S, 1, U); return each state (1, B, U)."""
    graph.default("states", states.astype(np.float32))
    batch = graph("Gather", graph("Shape", "numbers"), graph.constant([1], np.int64))
    one = graph.constant([1], np.int64)
    names = [f"before_{number}" for number in range(len(states))]
    every = graph("Expand", "states", graph("Concat", one, batch, one, axis=0))
    graph.add_node(
        "Split", every, graph.constant([1] * len(states), np.int64), outputs=names, axis=0
    )
    return names


def input_table(
    embeddings: np.ndarray | None, layer: Weights, *, centred: bool = False
) -> tuple[np.ndarray, Weights]:
    """Return the vectors that a network which predicts symbols reads, and its first layer for them.

    Without an embedding, rows of the kernel are selected: a product of an identity matrix and the
    kernel, or of the kernel and an identity matrix, whichever identity is smaller.

    Args:
        embeddings: (V, F), or (V + L, F) with labels; None for one-hot symbols.
        layer: Weights of the first layer.
        centred: Whether the mean of the vectors is subtracted, and its product with the kernel
            (F, G·U) added to the bias; this does not hold for the border.

    Returns:
        The table of vectors, in the shape of the embeddings and zero for the border, and the
        weights of the first layer.
    """
    kernel, bias = layer["kernel"], layer["bias"]
    if embeddings is not None:
        table = embeddings.copy()
    elif kernel.shape[0] <= kernel.shape[1]:
        table = np.eye(kernel.shape[0], dtype=np.float32)
    else:
        table, kernel = kernel.copy(), np.eye(kernel.shape[1], dtype=np.float32)
    if centred:
        mean = table[1:].mean(axis=0)
        table, bias = table - mean, bias + mean @ kernel
    table[0] = 0.0
    return table, {**layer, "kernel": kernel, "bias": bias}


def _after_border(layers: list[Weights], cell: str) -> np.ndarray:
    """Return the states (S, 1, U) of LSTM layers after the border.

    As c^<0> = 0: c^<1> = Γ_u · c̃, a^<1> = Γ_o · tanh(c^<1>).
    """
    spec = CELLS[cell]  # an LSTM, like all cells that have an int8 operator
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
    """Return the sigmoid of each element, without overflow."""
    return np.asarray(0.5 + 0.5 * np.tanh(0.5 * x))
