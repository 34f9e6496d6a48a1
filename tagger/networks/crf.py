"""The CRF head: a linear-chain conditional random field over tag sequences.

Axes: B batch, T time, F features, K tags.

In addition to the logits of every token, it learns scores of the first tag, of every pair of
neighboring tags and of the last tag. The probability of a sequence y of n tags is (Lafferty,
McCallum and Pereira 2001; on top of a neural network, Collobert et al. 2011)

    p(y)  ∝  exp( start[y_1] + Σ_t logits[t, y_t] + Σ_t transitions[y_t, y_t+1] + end[y_n] ),

which is the distribution that `tagger.decoding` decodes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from tagger.networks.cells import Tensor
from tagger.networks.heads import SoftmaxHead

__all__ = ["CRFHead"]

FORBIDDEN = -1e4
"""Score of forbidden tags and transitions.

In float32 its exponential is 0, while differences and gradients stay finite.
"""


@keras.saving.register_keras_serializable(package="tagger")
class CRFHead(SoftmaxHead):
    """The feed-forward network of `SoftmaxHead`, with scores of tag sequences instead of a softmax.

    Weights, initialized to zero: ``start`` (K,), ``transitions`` (K, K), where `transitions[i, j]`
    scores tag j after tag i, and ``end`` (K,).

    Args:
        tags: K.
        hidden, dropout: See `SoftmaxHead`.
        allowed: Boolean tables of the shapes of ``start``, ``transitions`` and ``end``, as defined
            by the tagging scheme; everything is allowed by default. False entries have probability
            0 in training and decoding; the weights there are never read and receive no gradient.

    Raises:
        ValueError: The tables have other shapes.
    """

    def __init__(
        self,
        tags: int,
        *,
        hidden: tuple[int, ...] = (),
        dropout: float = 0.0,
        allowed: Sequence[Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(tags, hidden=hidden, dropout=dropout, **kwargs)
        self.allowed = (
            None if allowed is None else tuple(np.asarray(table, dtype=bool) for table in allowed)
        )
        shapes = [(tags,), (tags, tags), (tags,)]
        if (
            self.allowed is not None
            and (actual := [table.shape for table in self.allowed]) != shapes
        ):
            raise ValueError(
                f"allowed has tables of shapes {actual}; expected {shapes} for {tags} tags"
            )

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        super().build(input_shape)
        self.start = self.add_weight(name="start", shape=(self.tags,), initializer="zeros")
        self.transitions = self.add_weight(
            name="transitions", shape=(self.tags, self.tags), initializer="zeros"
        )
        self.end = self.add_weight(name="end", shape=(self.tags,), initializer="zeros")

    @staticmethod
    def emissions(logits: Tensor) -> Tensor:
        """Return the logits (B, T, K) unchanged: the decoder combines them with `scores`."""
        return logits

    def scores(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the learned scores of tag sequences for the decoder.

        Returns:
            NumPy copies of ``start`` (K,), ``transitions`` (K, K) and ``end`` (K,), float32, with
            -inf where not allowed.
        """
        weights = [
            np.array(ops.convert_to_numpy(weight))
            for weight in (self.start, self.transitions, self.end)
        ]
        for weight, table in zip(weights, self.allowed or (), strict=False):
            weight[~table] = -np.inf
        start, transitions, end = weights
        return start, transitions, end

    def loss(self, logits: Tensor, tags: Tensor, mask: Tensor) -> Tensor:
        """Return -log p of the gold tag sequences, summed and divided by the number of real tokens.

        This is a mean over tokens like the loss of `SoftmaxHead`, and equal to it if everything is
        allowed and ``start``, ``transitions`` and ``end`` are zero. Padding and empty sequences do
        not contribute. A forbidden gold sequence costs about 10,000 per forbidden step.

        All scores are taken relative to the gold path, token by token: the recursion then
        accumulates the loss itself and never a small difference of large numbers.

        Args:
            logits: (B, T, K), T >= 1.
            tags: (B, T) tag ids; any values where padded.
            mask: (B, T) 1 for real tokens; padding is on the right.

        Returns:
            A scalar in nats per token.
        """
        real = ops.cast(mask, "bool")
        lengths = ops.sum(ops.cast(real, "int32"), axis=1)  # (B,)
        # (B, T), true at the last real token of each row
        last = ops.arange(ops.shape(real)[1], dtype="int32")[None, :] == lengths[:, None] - 1
        tags = ops.where(real, ops.cast(tags, "int32"), 0)
        logits = ops.where(real[:, :, None], ops.cast(logits, self.variable_dtype), 0.0)
        scores = self._finite_scores()
        gold = ops.where(real, _gold(logits, tags, last, scores), 0.0)  # (B, T)
        # (T, B), nonzero only at the last tokens
        each = ops.where(ops.transpose(last), _log_sums(logits - gold[:, :, None], scores), 0.0)
        return ops.sum(each) / ops.cast(ops.maximum(ops.sum(lengths), 1), each.dtype)

    def _finite_scores(self) -> list[Tensor]:
        """Return start (K,), transitions (K, K) and end (K,); `FORBIDDEN` where not allowed."""
        weights = [
            ops.convert_to_tensor(weight) for weight in (self.start, self.transitions, self.end)
        ]
        if self.allowed is None:
            return weights
        return [
            ops.where(table, weight, FORBIDDEN)
            for table, weight in zip(self.allowed, weights, strict=True)
        ]

    def get_config(self) -> dict[str, Any]:
        allowed = None if self.allowed is None else [table.tolist() for table in self.allowed]
        return {**super().get_config(), "allowed": allowed}


def _gold(logits: Tensor, tags: Tensor, last: Tensor, scores: Sequence[Tensor]) -> Tensor:
    """Return each token's contribution (B, T) to the score of the path `tags` (B, T).

    It is the token's logit, the score of the transition to it (of the start for the first token)
    and, for the last token, the score of the end.
    """
    start, transitions, end = scores
    chosen = ops.sum(ops.one_hot(tags, logits.shape[-1], dtype=logits.dtype) * logits, axis=-1)
    # (B, T-1), indices into the K·K transitions
    pairs = tags[:, :-1] * logits.shape[-1] + tags[:, 1:]
    # (B, 1) and (B, T-1) -> (B, T)
    steps = ops.concatenate(
        [ops.take(start, tags[:, :1]), ops.take(ops.reshape(transitions, (-1,)), pairs)], axis=1
    )
    return chosen + steps + ops.where(last, ops.take(end, tags), 0.0)


def _log_sums(logits: Tensor, scores: Sequence[Tensor]) -> Tensor:
    """Return, for every token, the log of Σ exp(score) over all paths that end there: (T, B).

    This is the forward algorithm (Rabiner 1989). It needs no mask: it runs on into the padding, and
    the caller picks the value at the last real token. Each step is a log-sum-exp over (B, K, K). A
    matrix product of exponentials would save a fifth of the loss's time at 17 tags, and three
    quarters at 73, but is wrong where the only allowed transition to a tag comes from a tag that is
    e^88 times less likely than another: float32 has no smaller numbers.
    """
    start, transitions, end = scores
    into = ops.transpose(transitions)  # (K, K), indexed [to, from]

    def step(predicted: Tensor, logits_t: Tensor) -> tuple[Tensor, Tensor]:
        forward = predicted + logits_t  # log α^<t>, (B, K)
        # (B, 1, K) + (K, K) -> (B, K, K), summed over the tag before -> (B, K)
        return ops.logsumexp(forward[:, None, :] + into, axis=-1), forward

    first = ops.broadcast_to(start, ops.shape(logits[:, 0]))  # (K,) -> (B, K)
    _, forward = ops.scan(step, first, ops.transpose(logits, (1, 0, 2)))  # (T, B, K)
    return ops.logsumexp(forward + end, axis=-1)
