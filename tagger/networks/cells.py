"""The recurrent cells of the lectures, one timestep each, in the lectures' notation.

Axes: B batch, U units, G blocks of a cell's weights (gates and candidates).

A step ``(z, state, weights) -> state`` receives ``z`` (B, G·U), the part of all pre-activations
that comes from the input: W_·x x^<t> + b. It depends on no earlier timestep, so the layer computes
it for the whole sequence in one product. ``recurrent`` (U, G·U) holds W_·a (or W_·c) of the blocks
side by side; the last blocks, where they are multiplied by something other than the state, are
``recurrent_gated`` instead. The state is a tuple whose first part is the activation a^<t>.

`tagger.cells` names the blocks in their order and everything else that other parts need to know of
a cell; `tests/support/reference.py` writes every cell out once more, slowly, in NumPy.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keras import ops

__all__ = ["STEPS", "State", "Step", "Tensor"]

Tensor = Any
State = tuple[Tensor, ...]
Weights = dict[str, Tensor]
Step = Callable[[Tensor, State, Weights], State]


def _recur(a: Tensor, weights: Weights) -> Tensor:
    """The part of the pre-activations that comes from the state."""
    return ops.matmul(a, weights["recurrent"])


def _rnn(activation: Callable[[Tensor], Tensor]) -> Step:
    def step(z: Tensor, state: State, weights: Weights) -> State:
        """a^<t> = g(W_aa a^<t-1> + W_ax x^<t> + b_a)"""
        (a,) = state
        return (activation(z + _recur(a, weights)),)

    return step


def _gru(z: Tensor, state: State, weights: Weights) -> State:
    """The full GRU: Γ_r decides what of c^<t-1> counts for the candidate, Γ_u what of it is kept.
    Blocks: u, r, c.
    """
    (c,) = state
    units = c.shape[-1]
    gates = ops.sigmoid(z[:, : 2 * units] + _recur(c, weights))
    update, relevance = gates[:, :units], gates[:, units:]
    candidate = ops.tanh(z[:, 2 * units :] + ops.matmul(relevance * c, weights["recurrent_gated"]))
    return (update * candidate + (1 - update) * c,)


def _gru_simplified(z: Tensor, state: State, weights: Weights) -> State:
    """The GRU without Γ_r. Blocks: u, c."""
    (c,) = state
    update, candidate = ops.split(z + _recur(c, weights), 2, axis=-1)
    update = ops.sigmoid(update)
    return (update * ops.tanh(candidate) + (1 - update) * c,)


def _lstm(z: Tensor, state: State, weights: Weights) -> State:
    """c^<t> = Γ_u ∗ c̃^<t> + Γ_f ∗ c^<t-1>; a^<t> = Γ_o ∗ tanh(c^<t>). Blocks: u, c, f, o."""
    a, c = state
    update, candidate, forget, output = ops.split(z + _recur(a, weights), 4, axis=-1)
    c = ops.sigmoid(update) * ops.tanh(candidate) + ops.sigmoid(forget) * c
    return ops.sigmoid(output) * ops.tanh(c), c


def _lstm_peephole(z: Tensor, state: State, weights: Weights) -> State:
    """The LSTM whose gates also see the memory cell: Γ_u and Γ_f see c^<t-1>, Γ_o sees c^<t>.

    Peepholes are diagonal, one weight a unit, and Γ_o looks at the new memory (Gers, Schraudolph
    and Schmidhuber 2002), as in the ONNX operator; the lectures, in passing, let all gates look at
    c^<t-1>.
    """
    a, c = state
    update, candidate, forget, output = ops.split(z + _recur(a, weights), 4, axis=-1)
    look = weights["peepholes"]
    update, forget = ops.sigmoid(update + look[0] * c), ops.sigmoid(forget + look[1] * c)
    c = update * ops.tanh(candidate) + forget * c
    return ops.sigmoid(output + look[2] * c) * ops.tanh(c), c


STEPS: dict[str, Step] = {
    "rnn": _rnn(ops.tanh),
    "rnn-relu": _rnn(ops.relu),
    "gru-simplified": _gru_simplified,
    "gru": _gru,
    "lstm": _lstm,
    "lstm-peephole": _lstm_peephole,
}
