"""Exact decoding without learned transitions, in time and memory linear in the number of tags.

`tagger.decoding` is general: it needs a table of all pairs of tags, which is too large for hundreds
of labels. The results here are the same.

In IOBES a sentence is in a state between two tokens: no span is open, or a span of one label is.
With ⊕ for log-sum-exp or maximum, and with the emissions O, B_l, I_l, E_l and S_l of a token, the
scores of all ways from before the token to the end of the sentence, while no span is open (c) and
while one of label l is (o_l), follow from those after the token (c', o'_l):

    c    =  (O + c')  ⊕  (S_1 + c')  ⊕  (B_1 + o'_1)  ⊕  (S_2 + c')  ⊕  (B_2 + o'_2)  ⊕  …
    o_l  =  (I_l + o'_l)  ⊕  (E_l + c')

The scores of all ways from the start of the sentence are the same forward, with B and E swapped.

Axes: B batch, T time, K tags, L labels, M tokens of a batch, N tokens of one time step, S segments.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from tagger.decoding import Floats, Integers, Packing, Segment, check_totals, flatten, pack

__all__ = [
    "IobesBatch",
    "States",
    "free_log_partition",
    "free_marginals",
    "free_viterbi",
    "log_partition",
    "marginals",
    "pack_iobes",
    "segment_log_probabilities",
    "states",
    "viterbi",
]

Number = TypeVar("Number", bound=np.generic)


class IobesBatch(NamedTuple):
    """The packed emissions of a batch, float64, by the prefix of the tag.

    The tags are those of `schemes.tag_set`: O, then B, I, E and S of each label.
    """

    outside: Floats  # (M,)
    begin: Floats  # (M, L)
    inside: Floats
    end: Floats
    single: Floats
    packing: Packing
    shape: tuple[int, int, int]  # B, T, K
    lengths: Integers  # (B,)


class States(NamedTuple):
    """Scores before or after every token, while no span is open and while one of a label is."""

    closed: Floats  # (M,)
    open: Floats  # (M, L)


class _Semiring(NamedTuple):
    """The operation ⊕."""

    add: Callable[[Floats, Floats], Floats]  # elementwise
    reduce: Callable[[Floats], Floats]  # (N, L) to (N,); may overwrite its argument


def pack_iobes(emissions: Floats, lengths: Integers, tags: int) -> IobesBatch:
    """Check a batch and pack its tokens without padding.

    Args:
        emissions: (B, T, K) log-probabilities or any other scores, right-padded with any values.
        lengths: (B,) numbers of tokens, integers from 0 to T.
        tags: K, one more than four times the number of labels, of which there is at least one.

    Returns:
        The batch.

    Raises:
        ValueError: The shapes disagree; or a sentence, which the message names, has an emission of
            nan or +inf.
    """
    scores, packing = pack(emissions, lengths, tags)
    begin, inside, end, single = (scores[:, first::4].astype(np.float64) for first in range(1, 5))
    outside = scores[:, 0].astype(np.float64)
    shape = np.shape(emissions)
    return IobesBatch(outside, begin, inside, end, single, packing, shape, np.asarray(lengths))


def viterbi(batch: IobesBatch) -> npt.NDArray[np.int32]:
    """Return the most probable tag sequence of every sentence.

    Args:
        batch: B sentences.

    Returns:
        (B, T) int32 tag ids, -1 at padded positions; the same as `decoding.viterbi` returns, also
        of equally probable sequences.

    Raises:
        ValueError: A sentence, which the message names, has no allowed path with a finite score.
    """
    after = _backward(batch, _MAXIMUM)[0]
    path = np.empty(len(batch.outside), dtype=np.int32)
    state = np.zeros(len(batch.lengths), dtype=np.intp)  # 0: closed; l + 1: a span of label l
    for first, last in pairwise(batch.packing.offsets):
        now, rows = slice(first, last), np.arange(last - first)
        closed, state = after.closed[now, None], state[: last - first]
        # Of a closed state: O, the best B and the best S. (N, 3) tag ids and their scores.
        begin, single = batch.begin[now] + after.open[now], batch.single[now] + closed
        begins, singles = begin.argmax(axis=1), single.argmax(axis=1)
        tags = np.stack([np.zeros_like(rows), 4 * begins + 1, 4 * singles + 4], axis=1)
        scores = np.stack(
            [batch.outside[now] + closed[:, 0], begin[rows, begins], single[rows, singles]], axis=1
        )
        # Of equal scores the lowest tag id wins.
        tags[scores < scores.max(axis=1, keepdims=True)] = batch.shape[2]
        label = np.maximum(state - 1, 0)
        goes_on = batch.inside[now][rows, label] + after.open[now][rows, label]
        ends = batch.end[now][rows, label] + closed[:, 0]
        path[now] = np.where(
            state, np.where(goes_on >= ends, 4 * label + 2, 4 * label + 3), tags.min(axis=1)
        )
        # After B and I, the first two tags of a label, a span is open.
        label, prefix = np.divmod(path[now] - 1, 4)
        state = np.where((path[now] > 0) & (prefix < 2), label + 1, 0)
    return _padded(path, batch.packing, np.full(batch.shape[:2], -1, dtype=np.int32))


def marginals(batch: IobesBatch) -> Floats:
    """Return the exact marginal probability of every tag by forward-backward.

    Args:
        batch: B sentences.

    Returns:
        (B, T, K) float64, which sum to 1 over the tags of a token; 0 at padded positions.

    Raises:
        ValueError: As for `viterbi`.
    """
    after, _ = _backward(batch, _LOG_SUM_EXP)
    before = _forward(batch)
    joint = np.empty((len(batch.outside), batch.shape[2]))
    joint[:, 0] = before.closed + batch.outside + after.closed
    joint[:, 1::4] = before.closed[:, None] + batch.begin + after.open
    joint[:, 2::4] = before.open + batch.inside + after.open
    joint[:, 3::4] = before.open + batch.end + after.closed[:, None]
    joint[:, 4::4] = before.closed[:, None] + batch.single + after.closed[:, None]
    return _padded(_softmax(joint), batch.packing, np.zeros(batch.shape))


def states(batch: IobesBatch) -> tuple[States, States, Floats]:
    """Return the log-scores of all ways before and after each token, and of all ways (B,).

    Args:
        batch: B sentences.

    Raises:
        ValueError: As for `viterbi`.
    """
    after, log_total = _backward(batch, _LOG_SUM_EXP)
    return _forward(batch), after, log_total


def log_partition(batch: IobesBatch) -> Floats:
    """Return the log of the sum of exp(score) over all allowed tag sequences.

    Args:
        batch: B sentences.

    Returns:
        (B,) float64; 0 for an empty sentence.

    Raises:
        ValueError: As for `viterbi`.
    """
    return _backward(batch, _LOG_SUM_EXP)[1]


def segment_log_probabilities(batch: IobesBatch, segments: Sequence[Segment]) -> Floats:
    """Return the exact log-probability of each segment's tags, summed over the other tags' values.

    Args:
        batch: B sentences.
        segments: S triples `(sentence, start, tags)` as for `decoding.segment_log_probabilities`.

    Returns:
        (S,) float64, at most 0.

    Raises:
        ValueError: As for `viterbi`; also if a segment has no tags, extends beyond its sentence, or
            contains an unknown tag id.
    """
    if not len(segments):
        return np.zeros(0)
    sentence, first, last, tags, token = flatten(
        segments, batch.lengths, batch.shape[2], batch.packing
    )
    before, after, log_total = states(batch)
    label, prefix = np.divmod(tags - 1, 4)  # prefix: 0 to 3 for B, I, E, S, also 3 for O
    prefixes = (batch.begin, batch.inside, batch.end, batch.single)
    is_outside = tags == 0
    # States before and after each tag, as in `viterbi`.
    needs = np.where(~is_outside & ((prefix == 1) | (prefix == 2)), label + 1, 0)
    leads = np.where(~is_outside & (prefix < 2), label + 1, 0)
    scores = np.choose(prefix, [one[token, label] for one in prefixes])
    scores[is_outside] = batch.outside[token[is_outside]]
    scores[:-1][(leads[:-1] != needs[1:]) & ~np.isin(np.arange(len(tags) - 1), last)] = -np.inf
    scores[first] += _at(before, token[first], needs[first])
    scores[last] += _at(after, token[last], leads[last])
    return np.minimum(np.add.reduceat(scores, first) - log_total[sentence], 0.0)


def free_viterbi(emissions: Floats, lengths: Integers, tags: int) -> npt.NDArray[np.int32]:
    """Return the most probable tags where every sequence of tags is allowed.

    Args:
        emissions: As for `pack_iobes`.
        lengths: As for `pack_iobes`.
        tags: K.

    Returns:
        (B, T) int32 tag ids, -1 at padded positions; the first of equally probable ones.

    Raises:
        ValueError: As for `pack_iobes`; or all emissions of a token are -inf.
    """
    scores, packing = pack(emissions, lengths, tags)
    _check_free(scores, packing)
    return _padded(
        scores.argmax(axis=1), packing, np.full(np.shape(emissions)[:2], -1, dtype=np.int32)
    )


def free_marginals(emissions: Floats, lengths: Integers, tags: int) -> Floats:
    """Return the probability of every tag where every sequence of tags is allowed: the softmax.

    Args:
        emissions: As for `pack_iobes`.
        lengths: As for `pack_iobes`.
        tags: K.

    Returns:
        (B, T, K) float64, 0 at padded positions.

    Raises:
        ValueError: As for `free_viterbi`.
    """
    scores, packing = pack(emissions, lengths, tags)
    _check_free(scores, packing)
    return _padded(_softmax(scores.astype(np.float64)), packing, np.zeros(np.shape(emissions)))


def free_log_partition(emissions: Floats, lengths: Integers, tags: int) -> Floats:
    """Return the log of the sum of exp(score) where every sequence of tags is allowed.

    Args:
        emissions: As for `pack_iobes`.
        lengths: As for `pack_iobes`.
        tags: K.

    Returns:
        (B,) float64; 0 for an empty sentence.

    Raises:
        ValueError: As for `free_viterbi`.
    """
    scores, packing = pack(emissions, lengths, tags)
    _check_free(scores, packing)
    totals = np.zeros(len(lengths))
    np.add.at(totals, packing.sentence, _log_sum_exp(scores.astype(np.float64)))
    return totals


def _check_free(scores: Floats, packing: Packing) -> None:
    """Raise ValueError if all scores (M, K) of a token are -inf."""
    totals = np.zeros(len(packing.order))
    np.minimum.at(totals, packing.sentence, scores.max(axis=1))
    check_totals(totals)


def _backward(batch: IobesBatch, plus: _Semiring) -> tuple[States, Floats]:
    """Compute the scores of all ways from after each token on, and the totals (B,)."""
    offsets, labels = batch.packing.offsets, batch.begin.shape[1]
    after = States(np.zeros(len(batch.outside)), np.full((len(batch.outside), labels), -np.inf))
    closed: Floats = np.zeros(0)
    opened: Floats = np.zeros((0, labels))
    for last, first in pairwise(reversed(offsets)):
        # The sentences that end at this time step are the last rows.
        now, going_on = slice(first, last), slice(first, first + len(closed))
        after.closed[going_on], after.open[going_on] = closed, opened
        emissions = (batch.outside, batch.begin, batch.inside, batch.end, batch.single)
        closed, opened = _step(plus, after, now, emissions)
    totals = np.zeros(len(batch.lengths))
    totals[batch.packing.order[: len(closed)]] = closed
    check_totals(totals)
    return after, totals


def _forward(batch: IobesBatch) -> States:
    """Compute the scores of all ways from the start of the sentence to before each token."""
    offsets, labels = batch.packing.offsets, batch.begin.shape[1]
    before = States(np.zeros(len(batch.outside)), np.full((len(batch.outside), labels), -np.inf))
    for first, middle, last in zip(offsets, offsets[1:], offsets[2:], strict=False):
        # The previous tokens of the sentences that continue at this time step.
        previous = slice(first, first + last - middle)
        emissions = (batch.outside, batch.end, batch.inside, batch.begin, batch.single)
        before.closed[middle:last], before.open[middle:last] = _step(
            _LOG_SUM_EXP, before, previous, emissions
        )
    return before


def _step(
    plus: _Semiring, states: States, now: slice, emissions: tuple[Floats, ...]
) -> tuple[Floats, Floats]:
    """Extend the ways of N tokens by their own emissions.

    Args:
        plus: The semiring.
        states: The scores beyond each of M tokens.
        now: The N tokens among these.
        emissions: Of M tokens, O, B, I, E and S backward; O, E, I, B and S forward.

    Returns:
        The scores with the emissions, (N,) and (N, L).
    """
    outside, towards_open, inside, from_open, single = (one[now] for one in emissions)
    closed, opened = states.closed[now], states.open[now]
    through_single = plus.reduce(single + closed[:, None])
    through_open = plus.reduce(towards_open + opened)
    return (
        plus.add(plus.add(outside + closed, through_single), through_open),
        plus.add(inside + opened, from_open + closed[:, None]),
    )


def _maximum(scores: Floats) -> Floats:
    """Reduce (N, L) to (N,) by the maximum."""
    return np.asarray(scores.max(axis=1))


@np.errstate(divide="ignore")  # log(0) = -inf: no path
def _log_sum_exp(scores: Floats) -> Floats:
    """Reduce (N, L) to (N,) by log-sum-exp; overwrites its argument."""
    # The floor makes -inf - highest -inf, not nan, where no path exists.
    highest = scores.max(axis=1, initial=np.finfo(np.float64).min)
    scores -= highest[:, None]
    return np.asarray(np.log(np.exp(scores, out=scores).sum(axis=1)) + highest)


def _log_add_exp(one: Floats, other: Floats) -> Floats:
    """Return log(exp(one) + exp(other)); may overwrite its arguments."""
    highest = np.maximum(one, other)
    lowest = np.minimum(one, other)
    # As in `_log_sum_exp`.
    lowest -= np.maximum(highest, np.finfo(np.float64).min)
    highest += np.log1p(np.exp(lowest, out=lowest), out=lowest)
    return highest


_MAXIMUM = _Semiring(np.maximum, _maximum)
_LOG_SUM_EXP = _Semiring(_log_add_exp, _log_sum_exp)


def _at(states: States, token: Integers, state: Integers) -> Floats:
    """Return the scores (S,) of tokens (S,) in states (S,), 0 for closed and l + 1 for label l."""
    return np.where(state, states.open[token, np.maximum(state - 1, 0)], states.closed[token])


def _softmax(scores: Floats) -> Floats:
    """Return the softmax over the tags of scores (M, K), which are overwritten."""
    scores -= scores.max(axis=1, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=1, keepdims=True)
    return scores


def _padded(
    values: npt.NDArray[Number], packing: Packing, padded: npt.NDArray[Number]
) -> npt.NDArray[Number]:
    """Write the values of tokens (M, …) to a padded array (B, T, …), and return that."""
    padded[packing.sentence, packing.time] = values
    return padded
