"""The LSTM's whole sequence in one kernel, where the backend has one: TensorFlow's BlockLSTM, with
a gradient of our own.

Axes: T time, B batch, F features, U units.

The kernel's own gradient forms the weights' gradients anew at each timestep, in small products.
Only one product of the backward pass must wait for the timestep after it, dz^<t> · recurrent; here
the loop holds this one alone, and all others are done for the whole sequence at once.
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
    """Return whether `lstm` runs this cell on this backend."""
    return keras.backend.backend() == "tensorflow" and CELLS[cell].is_fused


def lstm(
    x: Tensor,
    kernel: Tensor,
    recurrent: Tensor,
    bias: Tensor,
    peepholes: Tensor | None,
    state: State,
) -> tuple[Tensor, Tensor]:
    """Activations and memory cells (T, B, U) of `x` (T, B, F), forwards; equal to the scan over
    `cells` up to rounding.

    ``state`` (a, c), each (B, U), is that before the first timestep; neither it nor the memory
    cells that come out carry a gradient. Weights are as in `recurrent.Recurrent`, whose blocks (u,
    c, f, o) are in the order that this kernel wants (its successor, BlockLSTMV2, has another).
    """
    import tensorflow

    look = ops.zeros((3, recurrent.shape[0]), dtype=x.dtype) if peepholes is None else peepholes
    # Values, not variables: a function with a gradient of its own must not read variables.
    weights = [
        tensorflow.convert_to_tensor(ops.convert_to_tensor(weight))
        for weight in (kernel, recurrent, bias, look)
    ]
    before = tuple(ops.convert_to_tensor(part) for part in state)

    @tensorflow.custom_gradient  # type: ignore[untyped-decorator]
    def run(
        x: Tensor, kernel: Tensor, recurrent: Tensor, bias: Tensor, look: Tensor
    ) -> tuple[Any, Callable[..., Any]]:
        states = _forwards(x, kernel, recurrent, bias, look, before, peepholes is not None)

        def gradient(upstream: Tensor, _: Tensor) -> tuple[Tensor, ...]:
            return _backwards(
                upstream, states, before, x, (kernel, recurrent, look), peepholes is not None
            )

        return (states.h, states.cs), gradient

    activations, memory = run(x, *weights)
    return activations, ops.stop_gradient(memory)


def _forwards(
    x: Tensor,
    kernel: Tensor,
    recurrent: Tensor,
    bias: Tensor,
    look: Tensor,
    before: State,
    peeps: bool,
) -> Any:
    """The kernel's outputs, (T, B, U) each: i, f, o the gates Γ_u, Γ_f, Γ_o; ci c̃; cs c; co
    tanh(c); h a.
    """
    import tensorflow

    return tensorflow.raw_ops.BlockLSTM(
        seq_len_max=ops.cast(ops.shape(x)[0], "int64"),
        x=x,
        cs_prev=before[1],
        h_prev=before[0],
        w=ops.concatenate([kernel, recurrent], axis=0),
        wci=look[0],
        wcf=look[1],
        wco=look[2],
        b=bias,
        forget_bias=0.0,  # ours is in `bias`
        cell_clip=-1.0,  # none
        use_peephole=peeps,
    )


def _backwards(
    upstream: Tensor, s: Any, before: State, x: Tensor, weights: tuple[Tensor, ...], peeps: bool
) -> tuple[Tensor, ...]:
    """Gradients of x, kernel, recurrent, bias and peepholes, given that of the activations (T, B,
    U).
    """
    kernel, recurrent, look = weights
    a_before, c_before = _one_later(s.h, before[0]), _one_later(s.cs, before[1])
    # What dc^<t> (three times) and da^<t> are multiplied with to give dz; the derivative of a by c;
    # the forget gate.
    factors = ops.stack(
        [
            s.i * (1 - s.i) * s.ci,
            s.i * (1 - ops.square(s.ci)),
            s.f * (1 - s.f) * c_before,
            s.o * (1 - s.o) * s.co,
            s.o * (1 - ops.square(s.co)),
            s.f,
        ],
        axis=2,
    )
    dz = _through_time(upstream, factors, recurrent, look, peeps)
    rows = ops.reshape(dz, (-1, dz.shape[-1]))
    d_kernel = ops.matmul(ops.transpose(ops.reshape(x, (-1, x.shape[-1]))), rows)
    d_recurrent = ops.matmul(ops.transpose(ops.reshape(a_before, (-1, a_before.shape[-1]))), rows)
    update, _, forget, output = ops.split(dz, 4, axis=-1)
    d_look = ops.stack(
        [
            ops.sum(update * c_before, (0, 1)),
            ops.sum(forget * c_before, (0, 1)),
            ops.sum(output * s.cs, (0, 1)),
        ]
    )
    return (
        ops.matmul(dz, ops.transpose(kernel)),
        d_kernel,
        d_recurrent,
        ops.sum(rows, axis=0),
        d_look if peeps else None,
    )


def _one_later(states: Tensor, first: Tensor) -> Tensor:
    """The states that each timestep found: `first`, then that of the timestep before."""
    return ops.concatenate([first[None], states[:-1]], axis=0)


def _through_time(
    upstream: Tensor, factors: Tensor, recurrent: Tensor, look: Tensor, peeps: bool
) -> Tensor:
    """The gradient of all pre-activations z (T, B, 4U), from the last timestep to the first."""
    import tensorflow

    times, units, backwards = ops.shape(upstream)[0], recurrent.shape[0], ops.transpose(recurrent)
    zero = ops.zeros_like(upstream[0])
    steps = tensorflow.TensorArray(upstream.dtype, times, element_shape=(None, 4 * units))

    def body(t: Tensor, da: Tensor, dc: Tensor, steps: Any) -> tuple[Any, ...]:
        factor, da = factors[t], da + upstream[t]
        d_output = factor[:, 3] * da
        dc = dc + factor[:, 4] * da + (d_output * look[2] if peeps else 0.0)
        dz = ops.concatenate(
            [ops.reshape(factor[:, :3] * dc[:, None], (-1, 3 * units)), d_output], axis=-1
        )
        dc = factor[:, 5] * dc
        if peeps:
            dc = dc + dz[:, :units] * look[0] + dz[:, 2 * units : 3 * units] * look[1]
        return t - 1, ops.matmul(dz, backwards), dc, steps.write(t, dz)

    *_, steps = tensorflow.while_loop(lambda t, *_: t >= 0, body, (times - 1, zero, zero, steps))
    return steps.stack()
