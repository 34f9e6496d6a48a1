"""Pooling over time: from the activations of a sequence to one vector.

Axes: B batch, T time, F features of the encoder's output.
"""

from __future__ import annotations

from keras import ops

from tagger.networks.cells import Tensor

__all__ = ["pool"]


def pool(activations: Tensor, lengths: Tensor, pooling: str, *, bidirectional: bool) -> Tensor:
    """Reduce the activations of each sequence to one vector.

    Args:
        activations: (B, T, F), any finite values where padded; F is twice the units if there are
            two directions, forward first.
        lengths: (B,) number of real timesteps per row.
        pooling: ``last``: the state in which each direction ends, a^<T_x> of the forward one and
            a^<1> of the backward one; ``mean`` or ``maximum`` of each feature over all timesteps.
        bidirectional: Whether there are two directions.

    Returns:
        (B, F); zeros for a row of length 0.

    Raises:
        ValueError: `pooling` is unknown.
    """
    lengths = ops.cast(lengths, "int32")
    size = ops.cast(ops.expand_dims(lengths, -1), activations.dtype)  # (B, 1)
    if pooling == "last":
        return _ends(activations, lengths, bidirectional) * ops.minimum(size, 1)
    times = ops.arange(ops.shape(activations)[1], dtype="int32")
    real = ops.expand_dims(times[None, :] < lengths[:, None], -1)  # (B, T, 1)
    if pooling == "mean":
        total = ops.sum(activations * ops.cast(real, activations.dtype), axis=1)
        return total / ops.maximum(size, 1)
    if pooling == "maximum":
        highest = ops.max(ops.where(real, activations, -1e30), axis=1)
        return ops.where(size > 0, highest, 0.0)
    raise ValueError(f"unknown pooling {pooling!r}; expected last, mean or maximum")


def _ends(activations: Tensor, lengths: Tensor, bidirectional: bool) -> Tensor:
    """Gather the activations with which each direction ends: (B, F)."""
    batch, times = ops.shape(activations)[0], ops.shape(activations)[1]
    width = activations.shape[-1]
    rows = times * ops.arange(batch, dtype="int32") + ops.maximum(lengths - 1, 0)  # into B·T
    last = ops.take(ops.reshape(activations, (-1, width)), rows, axis=0)
    if not bidirectional:
        return last
    half = width // 2
    return ops.concatenate([last[:, :half], activations[:, 0, half:]], axis=-1)
