"""Slow and obvious implementations, written from the lectures' equations, that the fast ones must
equal.

One sequence at a time, one timestep at a time, every gate with its own matrices. ``W_a[a, x]`` is
written out as W_aa · a + W_ax · x, with weights as column matrices: (units, features) and (units,
units).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

Blocks = Mapping[str, tuple[np.ndarray, np.ndarray, np.ndarray]]
"""By gate: W_·x (units, features), W_·a (units, units) and b_· (units,)."""


def sigmoid(x: np.ndarray) -> np.ndarray:
    return np.asarray(1.0 / (1.0 + np.exp(-x)))


def relu(x: np.ndarray) -> np.ndarray:
    return np.asarray(np.maximum(x, 0.0))


def rnn(
    x: np.ndarray, blocks: Blocks, activation: Callable[[np.ndarray], np.ndarray] = np.tanh
) -> list[np.ndarray]:
    """a^<t> = g(W_aa a^<t-1> + W_ax x^<t> + b_a)"""
    (w_ax, w_aa, b_a) = blocks["a"]
    a = np.zeros(len(b_a))
    outputs = []
    for x_t in x:
        a = activation(w_aa @ a + w_ax @ x_t + b_a)
        outputs.append(a)
    return outputs


def gru_simplified(x: np.ndarray, blocks: Blocks) -> list[np.ndarray]:
    """c̃ = tanh(W_c[c, x] + b_c); Γ_u = σ(W_u[c, x] + b_u); c = Γ_u ∗ c̃ + (1 - Γ_u) ∗ c"""
    w_cx, w_cc, b_c = blocks["c"]
    w_ux, w_uc, b_u = blocks["u"]
    c = np.zeros(len(b_c))
    outputs = []
    for x_t in x:
        candidate = np.tanh(w_cc @ c + w_cx @ x_t + b_c)
        update = sigmoid(w_uc @ c + w_ux @ x_t + b_u)
        c = update * candidate + (1 - update) * c
        outputs.append(c)
    return outputs


def gru(x: np.ndarray, blocks: Blocks) -> list[np.ndarray]:
    """The same with Γ_r = σ(W_r[c, x] + b_r) and c̃ = tanh(W_c[Γ_r ∗ c, x] + b_c)"""
    w_cx, w_cc, b_c = blocks["c"]
    w_ux, w_uc, b_u = blocks["u"]
    w_rx, w_rc, b_r = blocks["r"]
    c = np.zeros(len(b_c))
    outputs = []
    for x_t in x:
        relevance = sigmoid(w_rc @ c + w_rx @ x_t + b_r)
        candidate = np.tanh(w_cc @ (relevance * c) + w_cx @ x_t + b_c)
        update = sigmoid(w_uc @ c + w_ux @ x_t + b_u)
        c = update * candidate + (1 - update) * c
        outputs.append(c)
    return outputs


def lstm(x: np.ndarray, blocks: Blocks, peepholes: np.ndarray | None = None) -> list[np.ndarray]:
    """c̃ = tanh(W_c[a, x] + b_c); Γ_u, Γ_f, Γ_o = σ(W[a, x] + b); c = Γ_u ∗ c̃ + Γ_f ∗ c; a = Γ_o ∗
    tanh(c)

    With `peepholes` (u, f, o), one weight a unit, Γ_u and Γ_f also see c^<t-1>, and Γ_o sees c^<t>.
    """
    w_cx, w_ca, b_c = blocks["c"]
    w_ux, w_ua, b_u = blocks["u"]
    w_fx, w_fa, b_f = blocks["f"]
    w_ox, w_oa, b_o = blocks["o"]
    a, c = np.zeros(len(b_c)), np.zeros(len(b_c))
    look_u, look_f, look_o = peepholes if peepholes is not None else np.zeros((3, len(b_c)))
    outputs = []
    for x_t in x:
        candidate = np.tanh(w_ca @ a + w_cx @ x_t + b_c)
        update = sigmoid(w_ua @ a + w_ux @ x_t + look_u * c + b_u)
        forget = sigmoid(w_fa @ a + w_fx @ x_t + look_f * c + b_f)
        c = update * candidate + forget * c
        output = sigmoid(w_oa @ a + w_ox @ x_t + look_o * c + b_o)
        a = output * np.tanh(c)
        outputs.append(a)
    return outputs


ORDER = {
    "rnn": "a",
    "rnn-relu": "a",
    "gru-simplified": "uc",
    "gru": "urc",
    "lstm": "ucfo",
    "lstm-peephole": "ucfo",
}
"""The blocks of each cell in the order in which the layer's weights hold them."""


def run(
    cell: str,
    x: np.ndarray,
    kernel: np.ndarray,
    recurrent: np.ndarray,
    bias: np.ndarray,
    peepholes: np.ndarray | None = None,
) -> list[np.ndarray]:
    """One sequence x (T, F) through a cell whose weights are given as the layer has them; (T,
    U).
    """
    units = recurrent.shape[0]
    blocks = {}
    for number, name in enumerate(ORDER[cell]):
        columns = slice(number * units, (number + 1) * units)
        blocks[name] = kernel[:, columns].T, recurrent[:, columns].T, bias[columns]
    if cell.startswith("lstm"):
        return lstm(x, blocks, peepholes)
    if cell.startswith("rnn"):
        return rnn(x, blocks, relu if cell == "rnn-relu" else np.tanh)
    return (gru if cell == "gru" else gru_simplified)(x, blocks)


def one_hot(ids: np.ndarray, size: int) -> np.ndarray:
    """The lectures' vectors (T, V): all zeros but a one at each token's number."""
    vectors = np.zeros((len(ids), size))
    vectors[np.arange(len(ids)), ids] = 1.0
    return vectors


def character_cnn(
    characters: Sequence[int], embeddings: np.ndarray, kernel: np.ndarray, bias: np.ndarray
) -> np.ndarray:
    """One word's characters (ids) to a vector: zeros stand before and after it; the maximum
    over its places.

    ``kernel`` is (3F, U): what it makes of the character before, of the character itself, of the
    one after.
    """
    vectors = [embeddings[character] for character in characters]
    nothing = np.zeros(embeddings.shape[1])
    before, itself, after = np.split(kernel, 3)
    outputs = []
    for place, vector in enumerate(vectors):
        left = vectors[place - 1] if place > 0 else nothing
        right = vectors[place + 1] if place + 1 < len(vectors) else nothing
        outputs.append(relu(left @ before + vector @ itself + right @ after + bias))
    return np.asarray(np.max(outputs, axis=0))


def character_rnn(
    cell: str,
    characters: Sequence[int],
    embeddings: np.ndarray,
    forward: Sequence[np.ndarray],
    backward: Sequence[np.ndarray],
) -> np.ndarray:
    """One word's characters to a vector: what a network that reads them forwards, and one
    backwards, has at its end.

    ``forward`` and ``backward`` are the weights as `run` takes them.
    """
    vectors = np.array([embeddings[character] for character in characters])
    return np.concatenate(
        [run(cell, vectors, *forward)[-1], run(cell, vectors[::-1], *backward)[-1]]
    )


def word_prediction(
    words: Sequence[int],
    activations: np.ndarray,
    hidden: tuple[np.ndarray, np.ndarray],
    output: tuple[np.ndarray, np.ndarray],
) -> np.ndarray:
    """The cross-entropies (T,) of the words after each of a sentence's, 0 after the last, as read
    from its activations (T, U).

    ``hidden`` and ``output`` are the kernel and the bias of a tanh layer and of the softmax. For
    the words before, turn everything round. Numbers that the softmax does not know are 1.
    """
    losses = []
    for time, a in enumerate(activations):
        scores = np.tanh(a @ hidden[0] + hidden[1]) @ output[0] + output[1]
        target = words[time + 1] if time + 1 < len(words) else 0
        target = target if target < len(scores) else 1
        losses.append(np.log(np.exp(scores).sum()) - scores[target])
    return np.array(losses)


def lazy_adam(
    steps: Sequence[Sequence[tuple[int, Any]]],
    table: np.ndarray,
    rate: float,
    beta_1: float = 0.9,
    beta_2: float = 0.999,
    epsilon: float = 1e-7,
) -> np.ndarray:
    """A table (V, F) after steps of Adam, each of which knows gradients of some rows: (row,
    gradient) pairs.

    A row that a step does not know stays as it is, and so do its moments. Gradients of a row that
    stands twice add up.
    """
    table, first, second = table.copy(), np.zeros_like(table), np.zeros_like(table)
    for number, pairs in enumerate(steps, 1):
        gradients: dict[int, np.ndarray] = {}
        for row, gradient in pairs:
            gradients[row] = gradients.get(row, 0.0) + gradient
        for row, gradient in gradients.items():
            first[row] = beta_1 * first[row] + (1 - beta_1) * gradient
            second[row] = beta_2 * second[row] + (1 - beta_2) * gradient**2
            scale = np.sqrt(1 - beta_2**number) / (1 - beta_1**number)
            table[row] -= rate * scale * first[row] / (np.sqrt(second[row]) + epsilon)
    return table
