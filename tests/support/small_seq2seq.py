"""Sequence-to-sequence models with random weights, and what they must say by their equations,
slowly: one source, one timestep and one gate at a time.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from support.reference import ORDER, relu, sigmoid
from tagger.bundles.seq2seq import Seq2SeqBundle, shapes_of
from tagger.cells import CELLS
from tagger.config.schema import from_dict
from tagger.config.seq2seq import Seq2SeqConfig
from tagger.export.seq2seq import with_graphs
from tagger.features.encode import WordFeatures
from tagger.features.inputs import INPUTS
from tagger.features.vocabulary import Vocabulary

SOURCES, TARGETS = "abcd", "xyz"
State = list[np.ndarray]


def bundle_of(
    seed: int = 1,
    *,
    model: dict[str, Any] | None = None,
    decoder: dict[str, Any] | None = None,
    data: dict[str, Any] | None = None,
    graphs: bool = True,
) -> Seq2SeqBundle:
    """Return a model whose weights are far from their initial values, with graphs."""
    tables = {
        "data": data or {},
        "model": {"units": 3, "embedding": 4, "cell": "gru", **(model or {})},
        "decoder": {"units": 5, "embedding": 3, "cell": "gru", **(decoder or {})},
    }
    config = from_dict(Seq2SeqConfig, tables, "test")
    words = Vocabulary(list(SOURCES), [1] * len(SOURCES))
    targets = Vocabulary(list(TARGETS), [1] * len(TARGETS))
    features = WordFeatures.of(INPUTS["words"](words))  # type: ignore[call-arg]
    random = np.random.default_rng(seed)
    weights = {
        name: random.normal(0, 0.7, shape).astype(np.float32)
        for name, shape in shapes_of(config, features, len(targets)).items()
    }
    bundle = Seq2SeqBundle(config, features, targets, weights, {})
    return with_graphs(bundle) if graphs else bundle


def advance(cell: str, x: np.ndarray, state: State, layer: dict[str, np.ndarray]) -> State:
    """Return the state of a cell after one more timestep, by the lectures' equations."""
    units = layer["recurrent"].shape[0]
    w_x, w_a, b = {}, {}, {}
    for number, gate in enumerate(ORDER[cell]):
        columns = slice(number * units, (number + 1) * units)
        w_x[gate], w_a[gate] = layer["kernel"][:, columns].T, layer["recurrent"][:, columns].T
        b[gate] = layer["bias"][columns]

    def z(gate: str, before: np.ndarray) -> np.ndarray:
        return np.asarray(w_a[gate] @ before + w_x[gate] @ x + b[gate])

    a = state[0]
    if cell.startswith("rnn"):
        return [(relu if cell == "rnn-relu" else np.tanh)(z("a", a))]
    if cell.startswith("gru"):
        seen = sigmoid(z("r", a)) * a if cell == "gru" else a
        update = sigmoid(z("u", a))
        return [update * np.tanh(z("c", seen)) + (1 - update) * a]
    c, look = state[1], layer.get("peepholes", np.zeros((3, units)))
    candidate = np.tanh(z("c", a))
    update, forget = sigmoid(z("u", a) + look[0] * c), sigmoid(z("f", a) + look[1] * c)
    c = update * candidate + forget * c
    return [sigmoid(z("o", a) + look[2] * c) * np.tanh(c), c]


def layer_of(bundle: Seq2SeqBundle, place: str) -> dict[str, np.ndarray]:
    """Return the weights of a layer by name, in float64."""
    return {
        name.removeprefix(f"{place}/"): array.astype(np.float64)
        for name, array in bundle.weights.items()
        if name.startswith(f"{place}/")
    }


def encode(bundle: Seq2SeqBundle, source: Sequence[str]) -> tuple[np.ndarray, list[list[State]]]:
    """Return the activations (T, F) of a source, and the last states by layer and direction."""
    model = bundle.config.model
    ids = bundle.features.words.ids(source)
    table = bundle.weights.get("words/embeddings", np.eye(len(bundle.features.words)))
    x, ends = table[ids].astype(np.float64), []
    for depth in range(1, model.layers + 1):
        outputs, states = [], []
        for direction in ("forward", "backward")[: 1 + model.bidirectional]:
            layer = layer_of(bundle, f"encoder/{direction}_{depth}")
            state = [np.zeros(model.units)] * CELLS[model.cell].states
            found = []
            for x_t in x if direction == "forward" else x[::-1]:
                state = advance(model.cell, x_t, state, layer)
                found.append(state[0])
            outputs.append(found if direction == "forward" else found[::-1])
            states.append(state)
        x = np.concatenate([np.array(output) for output in outputs], axis=1)
        ends.append(states)
    return x, ends


def initial_states(bundle: Seq2SeqBundle, ends: list[list[State]]) -> list[State]:
    """Return the state of each decoder layer before the first timestep."""
    decoder, states = bundle.config.decoder, []
    for layer in range(decoder.layers):
        sides, state = ends[min(layer, len(ends) - 1)], []
        for part in range(CELLS[decoder.cell].states):
            both = np.concatenate([side[min(part, len(side) - 1)] for side in sides])
            dense = layer_of(bundle, f"decoder/initial_{layer + 1}_{part + 1}")
            state.append(both @ dense["kernel"] + dense["bias"] if dense else both)
        states.append(state)
    return states


def distribution(
    bundle: Seq2SeqBundle, previous: int, states: list[State], encoded: np.ndarray
) -> tuple[np.ndarray, list[State]]:
    """Return the log-probabilities (V,) of the next symbol, and the states after it."""
    decoder = bundle.config.decoder
    size = len(bundle.targets)
    table = bundle.weights.get("decoder/embedding/embeddings", np.eye(size))
    x = table[previous].astype(np.float64) * (previous != 0)  # x^<1> is the zero vector
    after = []
    for depth, state in enumerate(states, 1):
        after.append(advance(decoder.cell, x, state, layer_of(bundle, f"decoder/forward_{depth}")))
        x = after[-1][0]
    if decoder.attention == "dot":
        attention = layer_of(bundle, "attention")
        scores = np.array([x @ (h @ attention["keys"]) / np.sqrt(decoder.units) for h in encoded])
        shares = np.exp(scores) / np.exp(scores).sum()
        context = sum(share * h for share, h in zip(shares, encoded, strict=True))
        both = np.concatenate([context, x])
        x = np.tanh(both @ attention["kernel"] + attention["bias"])
    softmax = layer_of(bundle, "softmax")
    logits = x @ softmax["kernel"] + softmax["bias"]
    return logits - np.log(np.exp(logits).sum()), after


def log_probability(
    bundle: Seq2SeqBundle, source: Sequence[str], ids: Sequence[int] | np.ndarray
) -> float:
    """Return log p(y | x) of a target and <EOS> after it."""
    encoded, ends = encode(bundle, source)
    states, total, previous = initial_states(bundle, ends), 0.0, 0
    for symbol in (*ids, 0):
        values, states = distribution(bundle, previous, states, encoded)
        total += values[symbol]
        previous = symbol
    return total


def all_targets(bundle: Seq2SeqBundle, limit: int) -> Iterator[tuple[int, ...]]:
    """Yield all targets of up to so many symbols, without <UNK>."""
    symbols = range(2, len(bundle.targets))
    for length in range(limit + 1):
        yield from itertools.product(symbols, repeat=length)
