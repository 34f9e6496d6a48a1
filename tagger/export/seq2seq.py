"""Export of a sequence-to-sequence model as ONNX graphs: the encoder, a timestep of the decoder.

    encoder.onnx   words (D,), tokens (B, T), lengths (B,) -> initial_states (S, B, U), and with
                   attention keys (B, T, U) and values (B, T, F)
    decoder.onnx   previous (M,), states (S, M, U), and with attention keys (M, T, U),
                   values (M, T, F) and mask (M, T) -> logits (M, V), states_after (S, M, U)

``words`` are the ids of the distinct symbols of the batch in vocabulary/words.json, the first of
them padding, 0; other inputs of words are likewise (D, ...). A one-hot encoder calls its ids
``features``. ``previous`` are ids of vocabulary/targets.json, 0 at the first timestep. ``mask`` is
0 at symbols and -1e9 at padding. The softmax is left to the caller.

Axes: B batch, T source time, D distinct symbols, R directions, F features of the encoder's output,
M hypotheses, E dimension of the target's embedding, U units of the decoder, S states of all its
layers (of each layer the activation and, in LSTMs, the memory cell), V target vocabulary.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from tagger.bundles.seq2seq import DECODER, ENCODER, Seq2SeqBundle
from tagger.bundles.weights import Weights, layer_weights
from tagger.cells import CELLS
from tagger.export.encoder import encoder_nodes, encoder_values
from tagger.export.language_model import input_table
from tagger.export.operators import Graph, dense, recurrent, value
from tagger.export.words import word_nodes

__all__ = ["with_graphs"]


def with_graphs(bundle: Seq2SeqBundle) -> Seq2SeqBundle:
    """Return a copy of a bundle with graphs created from its weights.

    Args:
        bundle: The bundle; its own graphs are ignored.

    Returns:
        A shallow copy with new graphs. Equal bundles yield equal bytes.

    Raises:
        TaggerError: The package onnx is not installed.
    """
    return replace(bundle, graphs={ENCODER: _encoder(bundle), DECODER: _decoder(bundle)})


def _encoder(bundle: Seq2SeqBundle) -> bytes:
    """Return the serialized graph of the encoder."""
    graph, model, decoder = Graph(), bundle.config.model, bundle.config.decoder
    inputs, _ = encoder_values(bundle)
    inputs = [one for one in inputs if one.name != "states"]  # always zeros
    if model.input != "one-hot":
        features = word_nodes(graph, bundle)
        inputs = features + [one for one in inputs if one.name != "features"]
    encoded = encoder_nodes(graph, bundle)
    graph(
        "Concat", *_initial_states(graph, bundle, encoded.states), output="initial_states", axis=0
    )
    width = model.units * (1 + model.bidirectional)
    states = ("initial_states", (bundle.states_count, "B", decoder.units), "of the decoder")
    outputs = [value(states[0], "FLOAT", states[1], states[2])]
    if bundle.has_attention:
        values = graph("Transpose", encoded.activations, output="values", perm=[1, 0, 2])
        graph("MatMul", values, graph.constant(_keys(bundle)), output="keys")
        about = "of attention; undefined after a source's end"
        outputs += [
            value("keys", "FLOAT", ("B", "T", decoder.units), f"keys {about}"),
            value("values", "FLOAT", ("B", "T", width), f"values {about}"),
        ]
    about = "Symbols of sources to the initial states of the decoder and what it attends to."
    return graph.model("encoder", inputs, outputs, _facts(bundle, about))


def _keys(bundle: Seq2SeqBundle) -> np.ndarray:
    """Return the projection (F, U) to keys, with their scale."""
    return bundle.weights["attention/keys"] * np.float32(bundle.config.decoder.units**-0.5)


def _initial_states(graph: Graph, bundle: Seq2SeqBundle, ends: tuple[str, ...]) -> list[str]:
    """Add the decoder's initial states, (1, B, U) each; see `networks.seq2seq`.

    Args:
        graph: The graph.
        bundle: The bundle.
        ends: Final states of each recurrent operator of the encoder, (R, B, units) each.
    """
    model, decoder = bundle.config.model, bundle.config.decoder
    parts, layers = CELLS[model.cell].states, _by_layer(graph, bundle, ends)
    width = graph.constant([1, -1, model.units * (1 + model.bidirectional)], np.int64)
    states = []
    for layer in range(decoder.layers):
        for part in range(CELLS[decoder.cell].states):
            sides = layers[min(layer, model.layers - 1)][min(part, parts - 1)]
            # (R, B, units) -> (B, R, units) -> (1, B, R · units)
            both = graph("Reshape", graph("Transpose", sides, perm=[1, 0, 2]), width)
            weights = layer_weights(bundle.weights, f"decoder/initial_{layer + 1}_{part + 1}")
            if weights:
                both = dense(graph, both, weights["kernel"], weights["bias"])
            states.append(both)
    return states


def _by_layer(graph: Graph, bundle: Seq2SeqBundle, ends: tuple[str, ...]) -> list[list[str]]:
    """Return the names of the final states (R, B, units) of each layer, part by part."""
    model = bundle.config.model
    parts, names = CELLS[model.cell].states, list(ends)
    layers = []
    if model.input == "one-hot" and model.bidirectional:  # an operator per direction
        first, names = names[: 2 * parts], names[2 * parts :]
        layers.append([graph("Concat", first[p], first[p + parts], axis=0) for p in range(parts)])
    while names:
        layers.append(names[:parts])
        names = names[parts:]
    return layers


def _decoder(bundle: Seq2SeqBundle) -> bytes:
    """Return the serialized graph of one timestep of the decoder."""
    graph, decoder, weights = Graph(), bundle.config.decoder, bundle.weights
    count, parts = bundle.states_count, CELLS[decoder.cell].states
    before = [f"before_{number}" for number in range(count)]
    sizes = graph.constant([1] * count, np.int64)
    graph.add_node("Split", "states", sizes, outputs=before, axis=0)
    layers = [
        layer_weights(weights, f"decoder/forward_{layer}") for layer in range(1, decoder.layers + 1)
    ]
    table, layers[0] = input_table(weights.get("decoder/embedding/embeddings"), layers[0])
    one = graph.constant([0], np.int64)
    x = graph("Unsqueeze", graph("Gather", graph.constant(table), "previous"), one)  # (1, M, E)
    ends: list[str] = []
    for layer in layers:
        states, before = before[:parts], before[parts:]
        ran = recurrent(graph, x, "", decoder.cell, {"forward": layer}, before=states)
        x = graph("Squeeze", ran.activations, graph.constant([1], np.int64))  # (1, M, U)
        ends += ran.states
    a = graph("Squeeze", x, one)  # (M, U)
    if bundle.has_attention:
        a = _attention(graph, a, layer_weights(weights, "attention"))
    softmax = layer_weights(weights, "softmax")
    logits = graph("MatMul", a, graph.constant(softmax["kernel"]))
    graph("Add", logits, graph.constant(softmax["bias"]), output="logits")
    graph("Concat", *ends, output="states_after", axis=0)
    about = (
        "One timestep of the decoder: the symbol before and states to logits of the next symbol."
    )
    return graph.model("decoder", *_signature(bundle), _facts(bundle, about))


def _attention(graph: Graph, a: str, weights: Weights) -> str:
    """Add attention from activations (M, U); return the attentional vectors (M, U)."""
    last, middle = graph.constant([2], np.int64), graph.constant([1], np.int64)
    products = graph("MatMul", "keys", graph("Unsqueeze", a, last))  # (M, T, 1)
    scores = graph("Add", graph("Squeeze", products, last), "mask")  # (M, T)
    shares = graph("Unsqueeze", graph("Softmax", scores, axis=-1), middle)  # (M, 1, T)
    context = graph("Squeeze", graph("MatMul", shares, "values"), middle)  # (M, F)
    both = graph("Concat", context, a, axis=-1)
    return graph("Tanh", dense(graph, both, weights["kernel"], weights["bias"]))


def _signature(bundle: Seq2SeqBundle) -> tuple[list[Any], list[Any]]:
    """Return the descriptions of the inputs and outputs of the decoder."""
    model, units, count = bundle.config.model, bundle.config.decoder.units, bundle.states_count
    size = len(bundle.targets)
    inputs = [
        value("previous", "INT32", ("M",), "ids of vocabulary/targets.json; 0 at first"),
        value("states", "FLOAT", (count, "M", units), "initial_states, then states_after"),
    ]
    if bundle.has_attention:
        width = model.units * (1 + model.bidirectional)
        inputs += [
            value("keys", "FLOAT", ("M", "T", units), "of the encoder"),
            value("values", "FLOAT", ("M", "T", width), "of the encoder"),
            value("mask", "FLOAT", ("M", "T"), "0 at symbols of the source, -1e9 at padding"),
        ]
    outputs = [
        value("logits", "FLOAT", ("M", size), "of the next symbol; 0 is <EOS>, 1 <UNK>"),
        value("states_after", "FLOAT", (count, "M", units), "states after the timestep"),
    ]
    return inputs, outputs


def _facts(bundle: Seq2SeqBundle, about: str) -> dict[str, str]:
    """Return the metadata of a graph."""
    data = bundle.config.data
    return {
        "about": f"{about} (float32, standard operators)",
        "source_level": data.source_level,
        "target_level": data.target_level,
        "weights": bundle.weights_digest,
    }
