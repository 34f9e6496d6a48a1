"""A head that scores whole tag sequences: a linear-chain conditional random field.

Axes: B batch, T time, F features, K tags.

Beside the logits of every token it learns what the first tag, every pair of neighbours and the last
tag are worth; the probability of a sequence y of n tags is then (Lafferty, McCallum and Pereira
2001; on a neural network, Collobert et al. 2011)

    p(y)  ∝  exp( start[y_1] + Σ_t logits[t, y_t] + Σ_t transitions[y_t, y_t+1] + end[y_n] ),

the distribution that `tagger.decoding` decodes.
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
"""The score of what is not allowed: in float32 its exponential is 0, while differences and
gradients stay finite.
"""


@keras.saving.register_keras_serializable(package="tagger")
class CRFHead(SoftmaxHead):
    """The network of `SoftmaxHead`, and scores of tag sequences in place of its softmax.

    Weights, all zero at first: ``start`` (K,), ``transitions`` (K, K), `transitions[i, j]` scores i
    -> j, ``end`` (K,).

    ``allowed``, if given, are three boolean tables of these shapes, as a scheme has them. What is
    false has no probability, in training as in decoding; the weights at these entries are never
    read and get no gradient.

    Raises:
        ValueError: the tables have other shapes.
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
            and (found := [table.shape for table in self.allowed]) != shapes
        ):
            raise ValueError(
                f"allowed has tables of shapes {found}; expected {shapes} for {tags} tags"
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
        """The logits (B, T, K) as they are: with `scores`, what the decoder takes."""
        return logits

    def scores(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Scores of first tags (K,), of i -> j (K, K) and of last tags (K,) in NumPy; -inf where
        not allowed.
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
        """-log p of the gold tag sequences, the sum over sequences divided by the number of real
        tokens.

        So it is a mean over tokens like that of `SoftmaxHead`, and equals it where all sequences
        are allowed and the weights of this head are zero. Padding counts nowhere, nor does a
        sequence without tokens. A gold sequence that is not allowed costs about 10,000 for each of
        its forbidden steps.

        Everything is scored relative to the gold path, token by token, so that what the recursion
        sums up is the loss itself, never a small difference of large numbers.

        Args:
            logits: (B, T, K), T >= 1.
            tags: (B, T) tag ids; anything where padded.
            mask: (B, T) 1 for real tokens; padding is on the right.
        """
        real = ops.cast(mask, "bool")
        lengths = ops.sum(ops.cast(real, "int32"), axis=1)
        last = ops.arange(ops.shape(real)[1], dtype="int32")[None, :] == lengths[:, None] - 1
        tags = ops.where(real, ops.cast(tags, "int32"), 0)
        logits = ops.where(real[:, :, None], ops.cast(logits, self.variable_dtype), 0.0)
        scores = self._finite_scores()
        gold = ops.where(real, _gold(logits, tags, last, scores), 0.0)
        each = ops.where(ops.transpose(last), _log_sums(logits - gold[:, :, None], scores), 0.0)
        return ops.sum(each) / ops.cast(ops.maximum(ops.sum(lengths), 1), each.dtype)

    def _finite_scores(self) -> list[Tensor]:
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
    """What each token adds to the score of the path `tags`: its logit, the step to it and, at the
    last, the end (B, T).
    """
    start, transitions, end = scores
    chosen = ops.sum(ops.one_hot(tags, logits.shape[-1], dtype=logits.dtype) * logits, axis=-1)
    pairs = tags[:, :-1] * logits.shape[-1] + tags[:, 1:]
    steps = ops.concatenate(
        [ops.take(start, tags[:, :1]), ops.take(ops.reshape(transitions, (-1,)), pairs)], axis=1
    )
    return chosen + steps + ops.where(last, ops.take(end, tags), 0.0)


def _log_sums(logits: Tensor, scores: Sequence[Tensor]) -> Tensor:
    """The log of the sum of exp(score) over all paths that end at a token, for every token (T, B).

    The forward algorithm (Rabiner 1989). No mask enters it: it runs into the padding, and the
    caller takes the sum at the last token. Each step is a log-sum-exp over (B, K, K). A matrix
    product of exponentials would save a fifth of the loss's time at 17 tags, and three quarters at
    73, but it is wrong where the only allowed way to a tag comes from one that is e^88 times less
    likely than another: float32 has no smaller numbers.
    """
    start, transitions, end = scores
    into = ops.transpose(transitions)

    def step(arrivals: Tensor, logits_t: Tensor) -> tuple[Tensor, Tensor]:
        sums = arrivals + logits_t
        return ops.logsumexp(sums[:, None, :] + into, axis=-1), sums

    first = ops.broadcast_to(start, ops.shape(logits[:, 0]))
    _, sums = ops.scan(step, first, ops.transpose(logits, (1, 0, 2)))
    return ops.logsumexp(sums + end, axis=-1)
