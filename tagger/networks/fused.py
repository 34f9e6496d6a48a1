"""The LSTM's whole sequence in one kernel, where the backend has one: TensorFlow's BlockLSTM, with its gradient.

Axes: B batch, T time, F features, U units.
"""

from __future__ import annotations

import keras
from keras import ops

from tagger.networks.cells import Tensor

__all__ = ["available", "lstm"]

CELLS = ("lstm", "lstm-peephole")


def available(cell: str) -> bool:
    """Whether `lstm` runs this cell on this backend."""
    return keras.backend.backend() == "tensorflow" and cell in CELLS


def lstm(x: Tensor, kernel: Tensor, recurrent: Tensor, bias: Tensor, peepholes: Tensor | None) -> Tensor:
    """Activations (B, T, U) of `x` (B, T, F), forwards; equal to the scan over `cells` up to rounding.

    Weights are as in `recurrent.Recurrent`, whose blocks (u, c, f, o) are in the order that this kernel wants (its
    successor, BlockLSTMV2, has another).
    """
    import tensorflow

    units = recurrent.shape[0]
    zero = ops.zeros((ops.shape(x)[0], units), dtype=x.dtype)
    look = ops.zeros((3, units), dtype=x.dtype) if peepholes is None else ops.convert_to_tensor(peepholes)
    activations = tensorflow.raw_ops.BlockLSTM(
        seq_len_max=ops.cast(ops.shape(x)[1], "int64"),
        x=ops.transpose(x, (1, 0, 2)),
        cs_prev=zero,
        h_prev=zero,
        w=ops.concatenate([kernel, recurrent], axis=0),
        wci=look[0],
        wcf=look[1],
        wco=look[2],
        b=bias,
        forget_bias=0.0,  # ours is in `bias`
        cell_clip=-1.0,  # none
        use_peephole=peepholes is not None,
    ).h
    return ops.transpose(activations, (1, 0, 2))
