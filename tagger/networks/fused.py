"""A fused LSTM over whole sequences: TensorFlow's BlockLSTM kernel with a custom gradient.

Axes: T time, B batch, F features, U units.

The kernel's own gradient accumulates the weight gradients timestep by timestep, in small matrix
products. Only one product of the backward pass depends on the following timestep, dz^<t> ·
recurrentᵀ; here only that one is inside the loop, and all others are computed for the whole
sequence at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from tagger.cells import CELLS
from tagger.networks.cells import State, Tensor

__all__ = ["available", "lstm"]


def available(cell: str) -> bool:
    """Return whether `lstm` supports this cell on the current backend."""
    return keras.backend.backend() == "tensorflow" and CELLS[cell].is_fused


def lstm(
    x: Tensor,
    kernel: Tensor,
    recurrent: Tensor,
    bias: Tensor,
    peepholes: Tensor | None,
    state: State,
    *,
    differentiable_states: bool = False,
) -> tuple[Tensor, Tensor]:
    """Run an LSTM forwards over a sequence; equal to scanning `cells.STEPS` up to rounding.

    The blocks of `recurrent.Recurrent` (u, c, f, o) have the order that this kernel expects; its
    successor, BlockLSTMV2, expects another.

    Args:
        x: (T, B, F).
        kernel: (F, 4U).
        recurrent: (U, 4U).
        bias: (4U,).
        peepholes: (3, U) weights of Γ_u, Γ_f and Γ_o, or None for an LSTM without peepholes.
        state: (a, c) before the first timestep, each (B, U).
        differentiable_states: Whether `state` receives a gradient and the memory cells pass one on.

    Returns:
        The activations a^<t> and the memory cells c^<t>, each (T, B, U). The memory cells carry
        no gradient unless `differentiable_states`.
    """
    import tensorflow

    use_peepholes = peepholes is not None
    if peepholes is None:
        peepholes = ops.zeros((3, recurrent.shape[0]), dtype=x.dtype)  # the kernel needs some
    # Values, not variables: a function with a custom gradient must not read variables.
    weights = [
        tensorflow.convert_to_tensor(ops.convert_to_tensor(weight))
        for weight in (kernel, recurrent, bias, peepholes)
    ]
    before = tuple(ops.convert_to_tensor(part) for part in state)

    @tensorflow.custom_gradient  # type: ignore[untyped-decorator]
    def run(
        x: Tensor,
        kernel: Tensor,
        recurrent: Tensor,
        bias: Tensor,
        peepholes: Tensor,
        *state: Tensor,
    ) -> tuple[Any, Callable[..., Any]]:
        states = _forwards(x, kernel, recurrent, bias, peepholes, state or before, use_peepholes)

        def gradient(d_activations: Tensor, d_memory: Tensor) -> tuple[Tensor, ...]:
            inputs, d_state = _backwards(
                (d_activations, d_memory if state else None),
                states,
                state or before,
                x,
                (kernel, recurrent, peepholes),
                use_peepholes,
            )
            return (*inputs, *d_state) if state else inputs

        return (states.h, states.cs), gradient

    if differentiable_states:
        activations, memory = run(x, *weights, *before)
        return activations, memory
    activations, memory = run(x, *weights)
    return activations, ops.stop_gradient(memory)


def _forwards(
    x: Tensor,
    kernel: Tensor,
    recurrent: Tensor,
    bias: Tensor,
    peepholes: Tensor,
    before: State,
    use_peepholes: bool,
) -> Any:
    """Run the kernel and return its outputs, each (T, B, U).

    i, f and o are the gates Γ_u, Γ_f and Γ_o; ci is c̃, cs is c, co is tanh(c), and h is a.
    """
    import tensorflow

    return tensorflow.raw_ops.BlockLSTM(
        seq_len_max=ops.cast(ops.shape(x)[0], "int64"),
        x=x,
        cs_prev=before[1],
        h_prev=before[0],
        w=ops.concatenate([kernel, recurrent], axis=0),
        wci=peepholes[0],
        wcf=peepholes[1],
        wco=peepholes[2],
        b=bias,
        forget_bias=0.0,  # already part of `bias`
        cell_clip=-1.0,  # no clipping
        use_peephole=use_peepholes,
    )


def _backwards(
    d_states: tuple[Tensor, Tensor | None],
    states: Any,
    before: State,
    x: Tensor,
    weights: tuple[Tensor, ...],
    use_peepholes: bool,
) -> tuple[tuple[Tensor, ...], State]:
    """Return the gradients of x, kernel, recurrent, bias and peepholes, and those of `before`.

    They are computed from the gradients da and dc (T, B, U) in `d_states`; a dc of None is zero.
    """
    kernel, recurrent, peepholes = weights
    # a^<t-1> and c^<t-1>, (T, B, U) each
    a_before, c_before = _shift(states.h, before[0]), _shift(states.cs, before[1])
    # (T, B, 6, U), in this order: the factors of dc^<t> in the pre-activation gradients of blocks
    # u, c and f; the factor of da^<t> in that of block o; ∂a^<t>/∂c^<t>; ∂c^<t>/∂c^<t-1> = Γ_f.
    factors = ops.stack(
        [
            states.i * (1 - states.i) * states.ci,
            states.i * (1 - ops.square(states.ci)),
            states.f * (1 - states.f) * c_before,
            states.o * (1 - states.o) * states.co,
            states.o * (1 - ops.square(states.co)),
            states.f,
        ],
        axis=2,
    )
    dz, d_before = _through_time(d_states, factors, recurrent, peepholes, use_peepholes)
    rows = ops.reshape(dz, (-1, dz.shape[-1]))  # (T, B, 4U) -> (T·B, 4U)
    d_kernel = ops.matmul(ops.transpose(ops.reshape(x, (-1, x.shape[-1]))), rows)
    d_recurrent = ops.matmul(ops.transpose(ops.reshape(a_before, (-1, a_before.shape[-1]))), rows)
    update, _, forget, output = ops.split(dz, 4, axis=-1)  # (T, B, U) each
    d_peepholes = ops.stack(
        [
            ops.sum(update * c_before, (0, 1)),
            ops.sum(forget * c_before, (0, 1)),
            ops.sum(output * states.cs, (0, 1)),
        ]
    )
    inputs = (
        ops.matmul(dz, ops.transpose(kernel)),
        d_kernel,
        d_recurrent,
        ops.sum(rows, axis=0),
        d_peepholes if use_peepholes else None,
    )
    return inputs, d_before


def _shift(states: Tensor, first: Tensor) -> Tensor:
    """Return the state before each timestep: `first` (B, U), then `states[:-1]`."""
    return ops.concatenate([first[None], states[:-1]], axis=0)


def _through_time(
    d_states: tuple[Tensor, Tensor | None],
    factors: Tensor,
    recurrent: Tensor,
    peepholes: Tensor,
    use_peepholes: bool,
) -> tuple[Tensor, State]:
    """Return the gradient of all pre-activations z (T, B, 4U) and of the state before t = 1.

    They are computed from t = T to t = 1.
    """
    import tensorflow

    d_activations, d_memory = d_states
    times, units = ops.shape(d_activations)[0], recurrent.shape[0]
    transposed = ops.transpose(recurrent)  # (4U, U)
    zero = ops.zeros_like(d_activations[0])  # (B, U)
    steps = tensorflow.TensorArray(d_activations.dtype, times, element_shape=(None, 4 * units))

    def body(t: Tensor, da: Tensor, dc: Tensor, steps: Any) -> tuple[Any, ...]:
        # factor (B, 6, U); da and dc (B, U): the part of their gradients that comes from t + 1
        factor, da = factors[t], da + d_activations[t]
        d_output = factor[:, 3] * da  # (B, U)
        dc = dc if d_memory is None else dc + d_memory[t]
        dc = dc + factor[:, 4] * da + (d_output * peepholes[2] if use_peepholes else 0.0)
        # (B, 3, U) -> (B, 3U), with block o -> (B, 4U)
        dz = ops.concatenate(
            [ops.reshape(factor[:, :3] * dc[:, None], (-1, 3 * units)), d_output], axis=-1
        )
        dc = factor[:, 5] * dc
        if use_peepholes:
            dc = dc + dz[:, :units] * peepholes[0] + dz[:, 2 * units : 3 * units] * peepholes[1]
        return t - 1, ops.matmul(dz, transposed), dc, steps.write(t, dz)

    _, da, dc, steps = tensorflow.while_loop(
        lambda t, *_: t >= 0, body, (times - 1, zero, zero, steps)
    )
    return steps.stack(), (da, dc)
