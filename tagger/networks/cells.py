"""The recurrent cells of the lectures, one timestep each, in the lectures' notation.

Axes: B batch, U units, G blocks of a cell's weights (gates and candidates).

A step ``(z, state, weights) -> state`` receives ``z`` (B, G·U), the input's contribution to all
pre-activations: W_·x x^<t> + b. It depends on no earlier timestep, so the layer computes it for the
whole sequence in one matrix product. ``recurrent`` (U, G·U) contains W_·a (or W_·c) of all blocks
side by side; trailing blocks that are multiplied by something other than the state are in
``recurrent_gated`` instead. The state is a tuple of (B, U) tensors, the first of which is the
activation a^<t>.

`tagger.cells` lists the blocks of each cell in order, with everything else that other modules need
to know about it; `tests/support/reference.py` is an independent, slow NumPy version of every cell.
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
    """Return the state's contribution (B, G·U) to the pre-activations: W_·a a^<t-1>."""
    return ops.matmul(a, weights["recurrent"])


def _rnn(activation: Callable[[Tensor], Tensor]) -> Step:
    """Return the step of a simple recurrent cell with the activation function g."""

    def step(z: Tensor, state: State, weights: Weights) -> State:
        """Compute a^<t> = g(W_aa a^<t-1> + W_ax x^<t> + b_a)."""
        (a,) = state
        return (activation(z + _recur(a, weights)),)

    return step


def _gru(z: Tensor, state: State, weights: Weights) -> State:
    """Compute a step of the full GRU; blocks u, r, c.

    c̃^<t> = tanh(W_cc (Γ_r ∗ c^<t-1>) + W_cx x^<t> + b_c);
    c^<t> = Γ_u ∗ c̃^<t> + (1 - Γ_u) ∗ c^<t-1>.
    """
    (c,) = state
    units = c.shape[-1]
    # (B, 2U): W_r and W_u multiply the state; W_c, in "recurrent_gated", multiplies Γ_r ∗ c.
    gates = ops.sigmoid(z[:, : 2 * units] + _recur(c, weights))
    update, relevance = gates[:, :units], gates[:, units:]
    candidate = ops.tanh(z[:, 2 * units :] + ops.matmul(relevance * c, weights["recurrent_gated"]))
    return (update * candidate + (1 - update) * c,)


def _gru_simplified(z: Tensor, state: State, weights: Weights) -> State:
    """Compute a step of the GRU without Γ_r; blocks u, c.

    c̃^<t> = tanh(W_cc c^<t-1> + W_cx x^<t> + b_c); c^<t> = Γ_u ∗ c̃^<t> + (1 - Γ_u) ∗ c^<t-1>.
    """
    (c,) = state
    update, candidate = ops.split(z + _recur(c, weights), 2, axis=-1)
    update = ops.sigmoid(update)
    return (update * ops.tanh(candidate) + (1 - update) * c,)


def _lstm(z: Tensor, state: State, weights: Weights) -> State:
    """Compute a step of the LSTM; blocks u, c, f, o.

    c^<t> = Γ_u ∗ c̃^<t> + Γ_f ∗ c^<t-1>; a^<t> = Γ_o ∗ tanh(c^<t>).
    """
    a, c = state
    update, candidate, forget, output = ops.split(z + _recur(a, weights), 4, axis=-1)
    c = ops.sigmoid(update) * ops.tanh(candidate) + ops.sigmoid(forget) * c
    return ops.sigmoid(output) * ops.tanh(c), c


def _lstm_peephole(z: Tensor, state: State, weights: Weights) -> State:
    """Compute a step of the LSTM with peepholes; blocks u, c, f, o.

    Γ_u and Γ_f also depend on c^<t-1>, and Γ_o on c^<t>. Peephole weights (3, U) are diagonal, one
    per unit and gate. That Γ_o depends on the new memory cell follows Gers, Schraudolph and
    Schmidhuber (2002) and the ONNX operator; in the lectures, which mention peepholes only in
    passing, all gates depend on c^<t-1>.
    """
    a, c = state
    update, candidate, forget, output = ops.split(z + _recur(a, weights), 4, axis=-1)
    peepholes = weights["peepholes"]
    update, forget = ops.sigmoid(update + peepholes[0] * c), ops.sigmoid(forget + peepholes[1] * c)
    c = update * ops.tanh(candidate) + forget * c
    return ops.sigmoid(output + peepholes[2] * c) * ops.tanh(c), c


STEPS: dict[str, Step] = {
    "rnn": _rnn(ops.tanh),
    "rnn-relu": _rnn(ops.relu),
    "gru-simplified": _gru_simplified,
    "gru": _gru,
    "lstm": _lstm,
    "lstm-peephole": _lstm_peephole,
}
"""The step of each cell in `tagger.cells`."""
