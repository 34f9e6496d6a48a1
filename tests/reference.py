"""Slow and obvious implementations, written from the lectures' equations, that the fast ones must equal.

One sequence at a time, one timestep at a time, every gate with its own matrices. ``W_a[a, x]`` is written out as
W_aa · a + W_ax · x, with weights as column matrices: (units, features) and (units, units).
"""

from __future__ import annotations

import numpy as np


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def relu(x):
    return np.maximum(x, 0.0)


def rnn(x, blocks, activation=np.tanh):
    """a^<t> = g(W_aa a^<t-1> + W_ax x^<t> + b_a)"""
    (w_ax, w_aa, b_a) = blocks["a"]
    a = np.zeros(len(b_a))
    outputs = []
    for x_t in x:
        a = activation(w_aa @ a + w_ax @ x_t + b_a)
        outputs.append(a)
    return outputs


def gru_simplified(x, blocks):
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


def gru(x, blocks):
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


def lstm(x, blocks, peepholes=None):
    """c̃ = tanh(W_c[a, x] + b_c); Γ_u, Γ_f, Γ_o = σ(W[a, x] + b); c = Γ_u ∗ c̃ + Γ_f ∗ c; a = Γ_o ∗ tanh(c)

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


ORDER = {"rnn": "a", "rnn-relu": "a", "gru-simplified": "uc", "gru": "urc", "lstm": "ucfo", "lstm-peephole": "ucfo"}
"""The blocks of each cell in the order in which the layer's weights hold them."""


def run(cell, x, kernel, recurrent, bias, peepholes=None):
    """One sequence x (T, F) through a cell whose weights are given as the layer has them; (T, U)."""
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


def one_hot(numbers, size):
    """The lectures' vectors (T, V): all zeros but a one at each token's number."""
    vectors = np.zeros((len(numbers), size))
    vectors[np.arange(len(numbers)), numbers] = 1.0
    return vectors
