"""The nodes of an encoder of sentences in an ONNX graph: from features of words to activations.

Axes: B batch, T time, N distinct words, X features of a word, R directions, U units, S states of
all layers, F features of the encoder's output.

The states are those of each recurrent operator in turn: first the activations of its directions,
then their memory cells.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tagger.bundles.encoder import EncoderBundle, input_configs, width_of
from tagger.bundles.weights import Weights, layer_weights
from tagger.cells import CELLS
from tagger.config.encoder import EncoderSettings
from tagger.export.inputs import INPUTS
from tagger.export.operators import Graph, recurrent, value
from tagger.export.pinning import (
    clipped,
    pinned,
    pinned_cell,
    pinned_rows,
    unpinned,
    with_pinned_states,
)
from tagger.features.inputs import INPUTS as HOST

__all__ = ["EncoderNodes", "backward_state_mask", "encoder_nodes", "encoder_values"]


class EncoderNodes(NamedTuple):
    """The names of the outputs of an encoder.

    Attributes:
        activations: (T, B, F) of the last layer, undefined after a sentence's end. In an int8 graph
            each direction ends in two pinned values; see `tagger.export.pinning`.
        states: The final states (R, B, U) of each recurrent operator in turn, without pinned
            values.
    """

    activations: str
    states: tuple[str, ...]


def encoder_nodes(
    graph: Graph,
    bundle: EncoderBundle,
    *,
    quantized: bool = False,
    feature_range: tuple[float, float] = (-1.0, 1.0),
) -> EncoderNodes:
    """Add the nodes of an encoder to a graph whose inputs are those of `encoder_values`.

    Args:
        graph: The graph.
        bundle: A bundle whose network has an encoder of sentences.
        quantized: Whether the weights of recurrent layers are int8.
        feature_range: Range to which an int8 graph clips the features of words.

    Returns:
        The names of its outputs.
    """
    model, weights = bundle.config.model, bundle.weights
    # The recurrent operators do not support empty sequences.
    lengths = graph("Max", "lengths", graph.constant(1, np.int32))
    # (T, B, X), or (T, B) one-hot ids
    x = graph("Gather", "features", graph("Transpose", "tokens", perm=[1, 0]))
    is_one_hot = model.input == "one-hot"
    if quantized and not is_one_hot:
        x = clipped(graph, x, *feature_range)
    states_of_tokens = [
        part
        for name, config in _inputs_of_tokens(bundle).items()
        for part in INPUTS[name].nodes(graph, layer_weights(weights, name), config, quantized)
    ]
    if states_of_tokens:
        if quantized:
            states_of_tokens = [clipped(graph, one, *feature_range) for one in states_of_tokens]
        x = graph("Concat", x, *states_of_tokens, axis=-1)
    if quantized and not is_one_hot:
        x = pinned(graph, x, *feature_range)
    states = _initial_states(graph, model)
    ends: list[str] = []
    for depth in range(1, model.layers + 1):
        sides = []
        for layers in _operators(model, weights, depth):
            inputs = x
            if quantized:
                parts = 1 if depth == 1 else 1 + model.bidirectional
                layers = _pinned(layers, model, parts if depth > 1 or not is_one_hot else 0)
            if is_one_hot and depth == 1:
                [(direction, layer)] = layers.items()
                inputs, layers = _gather_one_hot(graph, x, direction, layer, quantized)
            before = [states.pop(0) for _ in range(CELLS[model.cell].states)]
            if quantized:
                before = with_pinned_states(graph, before)
            ran = recurrent(
                graph, inputs, lengths, model.cell, layers, quantized=quantized, before=before
            )
            units = model.units + 2 * quantized
            sides.append(_joined(graph, ran.activations, len(layers) * units))
            ends += unpinned(graph, ran.states, model.units) if quantized else ran.states
        x = graph("Concat", *sides, axis=-1) if len(sides) > 1 else sides[0]
    return EncoderNodes(x, tuple(ends))


def encoder_values(bundle: EncoderBundle) -> tuple[list[Any], Any]:
    """Return the descriptions of the inputs of an encoder, and of its output ``states_after``."""
    model, count = bundle.config.model, len(backward_state_mask(bundle.config.model))
    if model.input == "one-hot":
        features = value(
            "features",
            "INT32",
            ("N",),
            "ids of vocabulary/words.json: 2 for its first word; 1 is <UNK>",
        )
    else:
        features = value(
            "features",
            "FLOAT",
            ("N", width_of(model, bundle.features)),
            "features of words, from words.onnx",
        )
    inputs = [
        features,
        value("tokens", "INT32", ("B", "T"), "rows of features; any row after a sentence's end"),
        value("lengths", "INT32", ("B",), "lengths of the sentences in tokens"),
        value(
            "states",
            "FLOAT",
            (count, "B or 1", model.units),
            "initial states of the layers; optional",
        ),
    ]
    for name, config in _inputs_of_tokens(bundle).items():
        inputs += INPUTS[name].arrays(config).values()
    after = value(
        "states_after",
        "FLOAT",
        (count, "B", model.units),
        "final states of the layers; of backward directions, at the first token",
    )
    return inputs, after


def _inputs_of_tokens(bundle: EncoderBundle) -> dict[str, dict[str, Any]]:
    """Return the configurations of the inputs that depend on the token, by name."""
    configs = input_configs(bundle.config.model, bundle.features)
    return {name: config for name, config in configs.items() if HOST[name].is_of_tokens}


def backward_state_mask(model: EncoderSettings) -> np.ndarray:
    """Return which states belong to a backward direction, which starts at the end of a sentence.

    Args:
        model: The settings of the network.

    Returns:
        (S,) bool, in the order of the graph's states.
    """
    directions = [[False, True]] if model.bidirectional else [[False]]
    first = [[side] for side in directions[0]] if model.input == "one-hot" else directions
    operators = first + directions * (model.layers - 1)
    return np.array(
        [side for sides in operators for _ in range(CELLS[model.cell].states) for side in sides]
    )


def _operators(model: EncoderSettings, weights: Weights, depth: int) -> list[dict[str, Weights]]:
    """Return the weights by direction of each recurrent operator of a layer.

    A layer is one operator, but over one-hot words one operator per direction.
    """
    names = ("forward", "backward")[: 1 + model.bidirectional]
    layers = {name: layer_weights(weights, f"encoder/{name}_{depth}") for name in names}
    return (
        [{name: layer} for name, layer in layers.items()]
        if model.input == "one-hot" and depth == 1
        else [layers]
    )


def _initial_states(graph: Graph, model: EncoderSettings) -> list[str]:
    """Add the input ``states`` with default zeros; return the states (R, B, U) of each operator."""
    count = len(backward_state_mask(model))
    graph.default("states", np.zeros((count, 1, model.units), dtype=np.float32))
    batch = graph(
        "Concat",
        *(graph.constant([1], np.int64), graph("Shape", "lengths"), graph.constant([1], np.int64)),
        axis=0,
    )
    directions = 1 + model.bidirectional
    single = directions * CELLS[model.cell].states if model.input == "one-hot" else 0
    sizes = [1] * single + [directions] * ((count - single) // directions)
    names = [f"before_{number}" for number in range(len(sizes))]
    graph.add_node(
        "Split",
        graph("Expand", "states", batch),
        graph.constant(sizes, np.int64),
        outputs=names,
        axis=0,
    )
    return names


def _joined(graph: Graph, y: str, width: int) -> str:
    """Concatenate the directions of activations (T, R, B, U): (T, B, R·U)."""
    return graph(
        "Reshape", graph("Transpose", y, perm=[0, 2, 1, 3]), graph.constant([0, 0, width], np.int64)
    )


def _pinned(layers: dict[str, Weights], model: EncoderSettings, parts: int) -> dict[str, Weights]:
    """Return the weights by direction for pinned units and, in each of some parts, pinned inputs.

    Args:
        layers: The weights by direction.
        model: The settings of the network.
        parts: Number of equal parts of the inputs that end in two pinned values; 0 for none.
    """
    found = {}
    for direction, layer in layers.items():
        kernel = pinned_rows(layer["kernel"], parts) if parts else layer["kernel"]
        found[direction] = pinned_cell({**layer, "kernel": kernel}, CELLS[model.cell])
    return found


def _gather_one_hot(
    graph: Graph, words: str, direction: str, layer: Weights, quantized: bool
) -> tuple[str, dict[str, Weights]]:
    """Gather the rows of a direction's kernel for words (T, B); return them and its other weights.

    The recurrent operator cannot skip its product with the input, so its kernel becomes the
    identity.
    """
    table = layer["kernel"]
    rows = graph("Gather", graph.constant(table), words)
    kernel = np.eye(table.shape[1], dtype=np.float32)
    if quantized:
        rows = pinned(graph, rows, float(table.min()), float(table.max()))
        kernel = pinned_rows(kernel)
    return rows, {direction: {**layer, "kernel": kernel}}
