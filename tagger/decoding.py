"""Exact decoding of emissions to tags and probabilities, in NumPy, shared by all runtimes.

Axes: B batch, T time, K tags, M tokens of a batch, N tokens of one time step, S segments; in a
matrix product G stacked rows, P finite entries of each.

The distribution over the tag sequences y of a sentence of n tokens is that of a linear chain:

    p(y)  ∝  exp( start[y_1] + Σ_t emissions[t, y_t] + Σ_t transitions[y_t, y_t+1] + end[y_n] )

In a constrained softmax the start, transition and end scores are 0 (allowed) or -inf (forbidden);
in a conditional random field they are learned.

The forward variables α and the backward variables β (Rabiner 1989, section III), in log space:

    β[n] = emissions[n] + end             β[t] = emissions[t] + transitions ⊗ β[t+1]
    α[1] = start                          α[t] = transitionsᵀ ⊗ (α[t-1] + emissions[t-1])

where ⊗ is a matrix product over (log-sum-exp, +) instead of (+, ×). α[t, i] sums over all paths
that reach tag i at time t, β[t, i] over all paths from there to the end of the sentence. Each
emission must be counted once: Rabiner's α includes the emission at t and his β does not; here it is
the other way around, so that β alone also serves for the best path. Over (max, +), β[t, i] is the
score of the best path from tag i at time t on (Viterbi 1967), and a walk forward, which takes the
best tag given the previous one, yields the best path.

Two properties make it fast. Tags with equal rows of `transitions` share one reduction, and
forbidden entries cost nothing: in IOBES all of O, E-x and S-x have the same row, and so have B-x
and I-x, so a step takes about K operations instead of K². And the tokens of a batch are packed, (K,
M): all first tokens, then all second ones, and so on, with the longest sentences first within each
time step. So no padding is processed, every operation runs over adjacent tokens, and the sentences
that continue come first. Everything is float64, which costs little here and keeps sums over 10,000
tokens exact to many digits.

All functions are pure: they copy what they modify and can be called from several threads.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]
Integers = npt.NDArray[np.integer[Any]]
Booleans = npt.NDArray[np.bool_]
# Reduces (G, P, N) over the middle axis to (G, N); may overwrite its argument.
Reduction = Callable[[Floats], Floats]
# Consecutive tags: (index of the sentence in the batch, position of the first tag, tag ids).
Segment = tuple[int, int, Sequence[int] | Integers]
# Maximum table entries per part of a product, so that the terms of a dense table stay in the cache.
PART = 512


@dataclass(frozen=True, eq=False)
class Transitions:
    """Scores of the first tag, of every pair of neighboring tags, and of the last tag.

    The arrays are copied and kept as read-only float64. A score of -inf forbids a tag or a pair.

    Args:
        start: (K,) scores of the first tag of a sentence.
        transitions: (K, K), where `transitions[i, j]` is the score of tag j after tag i.
        end: (K,) scores of the last tag of a sentence.

    Raises:
        ValueError: The shapes disagree, or a score is nan or +inf.
    """

    start: Floats
    transitions: Floats
    end: Floats

    def __post_init__(self) -> None:
        tags = np.size(self.start)
        for name, shape in (("start", (tags,)), ("transitions", (tags, tags)), ("end", (tags,))):
            scores = np.array(getattr(self, name), dtype=np.float64)
            if scores.shape != shape or not tags:
                raise ValueError(
                    f"{name} has shape {scores.shape}; expected (K,), (K, K), (K,), with K the same"
                )
            if not np.all(scores < np.inf):
                raise ValueError(
                    f"{name} contains nan or +inf; expected finite scores, or -inf to forbid"
                )
            scores.flags.writeable = False
            object.__setattr__(self, name, scores)

    @classmethod
    def constrained(cls, start: Booleans, transitions: Booleans, end: Booleans) -> "Transitions":
        """Return the constraints of a tagging scheme as scores, 0 where allowed and -inf elsewhere.

        Args:
            start: (K,) whether a sentence may begin with each tag.
            transitions: (K, K) whether tag j may follow tag i; see `schemes.transition_table`.
            end: (K,) whether a sentence may end with each tag.
        """
        return cls(*(np.where(allowed, 0.0, -np.inf) for allowed in (start, transitions, end)))

    @classmethod
    def free(cls, tags: int) -> "Transitions":
        """Return scores that allow any sequence of `tags` tags; each token is decoded alone."""
        return cls(np.zeros(tags), np.zeros((tags, tags)), np.zeros(tags))

    @cached_property
    def _forwards(self) -> "_Product":
        """Prepare the product of a step forward in time, by the transposed transitions."""
        return _Product(self.transitions.T)

    @cached_property
    def _backwards(self) -> "_Product":
        """Prepare the product of a step backward in time, by the transitions."""
        return _Product(self.transitions)


def viterbi(
    emissions: Floats, lengths: Integers, transitions: Transitions
) -> npt.NDArray[np.int32]:
    """Return the most probable tag sequence of every sentence (Viterbi 1967).

    Of equally probable sequences, the one with the lower tag id where they first differ is
    returned.

    Args:
        emissions: (B, T, K) log-probabilities or any other scores, right-padded with any values.
        lengths: (B,) numbers of tokens, integers from 0 to T.
        transitions: Scores of tag sequences over the same K tags.

    Returns:
        (B, T) int32 tag ids, -1 at padded positions.

    Raises:
        ValueError: The shapes disagree; or a sentence, which the message names, has an emission of
            nan or +inf or no allowed path with a finite score.
    """
    batch = _pack(emissions, lengths, transitions)
    beta, _ = _backward(batch, transitions, _maximum)
    # (K + 1, K): row K stands for the boundary before the first token.
    onwards = np.vstack([transitions.transitions, transitions.start])
    previous = np.full(len(lengths), len(transitions.start))
    path = np.empty(len(batch.time), dtype=np.int32)
    for begin, end in pairwise(batch.offsets):
        scores = onwards[previous[: end - begin]] + beta[:, begin:end].T  # (N, K)
        path[begin:end] = previous = np.argmax(scores, axis=1)
    tags = np.full(np.shape(emissions)[:2], -1, dtype=np.int32)
    tags[batch.sentence, batch.time] = path
    return tags


def log_partition(emissions: Floats, lengths: Integers, transitions: Transitions) -> Floats:
    """Return the log partition function, the log of the sum of exp(score) over all tag sequences.

    Args:
        emissions: (B, T, K) as for `viterbi`.
        lengths: (B,) as for `viterbi`.
        transitions: Scores of tag sequences over the same K tags.

    Returns:
        (B,) float64; 0 for an empty sentence.

    Raises:
        ValueError: As for `viterbi`.
    """
    return _backward(_pack(emissions, lengths, transitions), transitions, _log_sum_exp)[1]


def marginals(emissions: Floats, lengths: Integers, transitions: Transitions) -> Floats:
    """Return the exact marginal probability of every tag by forward-backward (Rabiner 1989).

    Args:
        emissions: (B, T, K) as for `viterbi`.
        lengths: (B,) as for `viterbi`.
        transitions: Scores of tag sequences over the same K tags.

    Returns:
        (B, T, K) float64, which sum to 1 over the tags of a token; 0 at padded positions.

    Raises:
        ValueError: As for `viterbi`.
    """
    batch = _pack(emissions, lengths, transitions)
    beta, _ = _backward(batch, transitions, _log_sum_exp)
    joint = _forward(batch, transitions) + beta  # (K, M)
    # Normalized per token, not by the partition function: rounding errors cannot accumulate.
    weights = np.exp(joint - joint.max(axis=0))
    probabilities = np.zeros(np.shape(emissions))
    probabilities[batch.sentence, batch.time] = (weights / weights.sum(axis=0)).T
    return probabilities


def segment_log_probabilities(
    emissions: Floats, lengths: Integers, transitions: Transitions, segments: Sequence[Segment]
) -> Floats:
    """Return the exact log-probability of each segment's tags, summed over the other tags' values.

    In IOBES the tags of an entity delimit it, so this is the log-probability of a span. One
    forward-backward pass serves all segments.

    Args:
        emissions: (B, T, K) as for `viterbi`.
        lengths: (B,) as for `viterbi`.
        transitions: Scores of tag sequences over the same K tags.
        segments: S triples `(sentence, start, tags)`. For the spans of a path that `viterbi`
            returned: `[(b, span.start, path[b, span.start : span.end]) for b, spans in
            enumerate(batch) for span in spans]`.

    Returns:
        (S,) float64, at most 0.

    Raises:
        ValueError: As for `viterbi`; also if a segment has no tags, extends beyond its sentence, or
            contains an unknown tag id.
    """
    batch = _pack(emissions, lengths, transitions)
    if not len(segments):
        return np.zeros(0)
    packing = Packing(*batch[1:])
    sentence, first, last, tags, token = flatten(segments, lengths, len(transitions.start), packing)
    alpha = _forward(batch, transitions)
    beta, log_total = _backward(batch, transitions, _log_sum_exp)
    # Per token of all segments: α at a segment's first tag, emissions and transitions within, β at
    # its last tag.
    scores = batch.scores[tags, token]
    scores[:-1] += transitions.transitions[tags[:-1], tags[1:]]
    scores[last] = beta[tags[last], token[last]]
    scores[first] += alpha[tags[first], token[first]]
    return np.minimum(np.add.reduceat(scores, first) - log_total[sentence], 0.0)


def path_log_probability(
    emissions: Floats, lengths: Integers, transitions: Transitions, tags: Integers
) -> Floats:
    """Return the log-probability of one given tag sequence per sentence.

    Args:
        emissions: (B, T, K) as for `viterbi`.
        lengths: (B,) as for `viterbi`.
        transitions: Scores of tag sequences over the same K tags.
        tags: (B, T) tag ids; padded positions are ignored.

    Returns:
        (B,) float64; -inf for a forbidden sequence, 0 for an empty sentence.

    Raises:
        ValueError: As for `segment_log_probabilities`, or `tags` has another shape.
    """
    if np.shape(tags) != np.shape(emissions)[:2]:
        raise ValueError(f"tags have shape {np.shape(tags)}; expected {np.shape(emissions)[:2]}")
    filled = np.flatnonzero(lengths)
    result = np.zeros(len(tags))
    paths = [(int(b), 0, tags[b, : lengths[b]]) for b in filled]
    result[filled] = segment_log_probabilities(emissions, lengths, transitions, paths)
    return result


class Chain(NamedTuple):
    """The forward and backward variables of a packed batch, and what they were computed from.

    Attributes:
        scores: (K, M) emissions as float64.
        alpha: (K, M) forward variables, emission at t excluded.
        beta: (K, M) backward variables, emission at t included.
        log_total: (B,) log partition functions.
        packing: The order of the tokens.
    """

    scores: Floats
    alpha: Floats
    beta: Floats
    log_total: Floats
    packing: "Packing"


def forward_backward(emissions: Floats, lengths: Integers, transitions: Transitions) -> Chain:
    """Return the forward and backward variables of a batch (Rabiner 1989).

    Args:
        emissions: (B, T, K) as for `viterbi`.
        lengths: (B,) as for `viterbi`.
        transitions: Scores of tag sequences over the same K tags.

    Raises:
        ValueError: As for `viterbi`.
    """
    batch = _pack(emissions, lengths, transitions)
    beta, log_total = _backward(batch, transitions, _log_sum_exp)
    return Chain(batch.scores, _forward(batch, transitions), beta, log_total, Packing(*batch[1:]))


class _Product:
    """The product `table ⊗ scores` of (K, K) by (K, N): reduce table[i, j] + scores[j] over j.

    Equal rows are reduced once, over their finite entries only. Rows with the same number of finite
    entries, P, are stacked, G at a time, into one operation. A scheme's table becomes two or three
    such parts; in a dense table, where all rows differ, nothing is shared and the loop computes the
    ordinary product.
    """

    def __init__(self, table: Floats) -> None:
        rows, row_of_tag = np.unique(table, axis=0, return_inverse=True)
        self.rows, self.row_of_tag = len(rows), row_of_tag.reshape(-1)
        # Row indices (G,), tags (G, P), scores (G, P, 1).
        self.parts: list[tuple[Integers, Integers, Floats]] = []
        finite = np.isfinite(rows)
        sizes = finite.sum(axis=1)
        for size in np.unique(sizes[sizes > 0]):
            stack = np.flatnonzero(sizes == size)
            for group in np.array_split(stack, -(-len(stack) * size // PART)):
                tags = np.nonzero(finite[group])[1].reshape(-1, size)
                self.parts.append((group, tags, rows[group[:, None], tags][:, :, None]))

    def __call__(self, scores: Floats, reduce: Reduction) -> Floats:
        result = np.full((self.rows, scores.shape[1]), -np.inf)
        for group, tags, row_scores in self.parts:
            terms = scores[tags]  # (G, P, N)
            terms += row_scores
            result[group] = reduce(terms)
        return result[self.row_of_tag]


_maximum: Reduction = partial(np.maximum.reduce, axis=1)


@np.errstate(divide="ignore")  # log(0) = -inf: no path
def _log_sum_exp(scores: Floats) -> Floats:
    """Reduce (G, P, N) to (G, N) by log-sum-exp; overwrites its argument."""
    # The floor makes -inf - highest -inf, not nan, where no path exists.
    highest = np.maximum(np.maximum.reduce(scores, axis=1), np.finfo(np.float64).min)
    scores -= highest[:, None]
    return np.asarray(np.log(np.add.reduce(np.exp(scores, out=scores), axis=1)) + highest)


class Packing(NamedTuple):
    """The order of the tokens of a batch: by time step, longest sentences first within each."""

    sentence: Integers  # (M,) index of each token's sentence
    time: Integers  # (M,) position of each token in its sentence
    order: Integers  # (B,) sentence indices, longest first
    # (T + 1,) index of the first token of each time step, and M; T is the length of the longest
    # sentence.
    offsets: list[int]


def pack(emissions: Floats, lengths: Integers, tags: int) -> tuple[Floats, Packing]:
    """Check a batch and pack its tokens without padding.

    Args:
        emissions: (B, T, K) as for `viterbi`.
        lengths: (B,) as for `viterbi`.
        tags: K.

    Returns:
        (M, K) emissions of the tokens, and their order.

    Raises:
        ValueError: The shapes disagree, or an emission is nan or +inf.
    """
    emissions, lengths = np.asarray(emissions), np.asarray(lengths)
    if emissions.ndim != 3 or emissions.shape[2] != tags:
        raise ValueError(
            f"emissions have shape {emissions.shape}; expected (B, T, {tags}) for {tags} tags"
        )
    if lengths.shape != emissions.shape[:1] or not np.issubdtype(lengths.dtype, np.integer):
        raise ValueError(
            f"lengths: {lengths.dtype} {lengths.shape}; expected integers ({len(emissions)},)"
        )
    if np.any((lengths < 0) | (lengths > emissions.shape[1])):
        raise ValueError(
            f"lengths: {lengths.min()} to {lengths.max()}; expected 0 to {emissions.shape[1]}"
        )
    order = np.argsort(-lengths.astype(np.int64), kind="stable")
    times = np.arange(lengths.max(initial=0))
    # (T,) number of sentences longer than each time.
    running = len(lengths) - np.searchsorted(lengths[order[::-1]], times, side="right")
    offsets = np.append(0, np.cumsum(running))
    time = np.repeat(times, running)
    sentence = order[np.arange(len(time)) - offsets[time]]
    scores = emissions[sentence, time]
    is_valid = scores < np.inf  # also false for nan
    if not is_valid.all():
        token, tag = np.argwhere(~is_valid)[0]
        where = f"sentence {sentence[token]}, token {time[token]}, tag {tag}"
        raise ValueError(
            f"{where}: emission is {scores[token, tag]}; expected a finite score or -inf"
        )
    return scores, Packing(sentence, time, order, offsets.tolist())


class _Batch(NamedTuple):
    """The packed emissions (K, M) of a batch as float64, with the order of their tokens."""

    scores: Floats
    sentence: Integers
    time: Integers
    order: Integers
    offsets: list[int]


def _pack(emissions: Floats, lengths: Integers, transitions: Transitions) -> _Batch:
    """Check and pack a batch, tags first."""
    scores, packing = pack(emissions, lengths, len(transitions.start))
    return _Batch(scores.T.astype(np.float64, order="C"), *packing)


def _backward(batch: _Batch, transitions: Transitions, reduce: Reduction) -> tuple[Floats, Floats]:
    """Compute the backward variables β (K, M), emission at t included, and the totals (B,)."""
    beta = batch.scores.copy()
    later = beta[:, :0]
    for end, begin in pairwise(reversed(batch.offsets)):
        now, continuing = beta[:, begin:end], later.shape[1]
        # The sentences that end at this time step are the last columns.
        now[:, continuing:] += transitions.end[:, None]
        if continuing:
            now[:, :continuing] += transitions._backwards(later, reduce)
        later = now
    totals = np.zeros(len(batch.order))
    totals[batch.order[: later.shape[1]]] = reduce((transitions.start[:, None] + later)[None])[0]
    check_totals(totals)
    return beta, totals


def check_totals(totals: Floats) -> None:
    """Raise ValueError if the log-sum or maximum (B,) over a sentence's tag sequences is -inf."""
    hopeless = np.flatnonzero(totals == -np.inf)
    if len(hopeless):
        raise ValueError(
            f"sentence {hopeless[0]}: none of the allowed tag sequences has a finite score"
        )


def _forward(batch: _Batch, transitions: Transitions) -> Floats:
    """Compute the forward variables α (K, M), emission at t excluded."""
    alpha = np.empty_like(batch.scores)
    alpha[:, : batch.offsets[:2][-1]] = transitions.start[:, None]
    for before, begin, end in zip(
        batch.offsets, batch.offsets[1:], batch.offsets[2:], strict=False
    ):
        # The previous tokens of the sentences that continue at this time step.
        previous = slice(before, before + end - begin)
        alpha[:, begin:end] = transitions._forwards(
            alpha[:, previous] + batch.scores[:, previous], _log_sum_exp
        )
    return alpha


def flatten(
    segments: Sequence[Segment], lengths: Integers, tags: int, packing: Packing
) -> tuple[Integers, ...]:
    """Check segments and concatenate their tags.

    Args:
        segments: S triples as for `segment_log_probabilities`, at least one.
        lengths: (B,) as for `viterbi`.
        tags: K.
        packing: The order of the batch's tokens.

    Returns:
        The sentence of each segment (S,); the index of its first and of its last tag (S,) in the
        tag ids of all segments, which follow; and the index of each tag's token in the packed
        batch.

    Raises:
        ValueError: A segment is ill-formed; see `segment_log_probabilities`.
    """
    sentence, start, count = np.array([(b, first, len(ids)) for b, first, ids in segments]).T
    lengths = np.asarray(lengths)
    inside = (sentence >= 0) & (sentence < len(lengths)) & (start >= 0) & (count > 0)
    inside[inside] &= (start + count)[inside] <= lengths[sentence[inside]]
    if not inside.all():
        wrong = int(np.argmin(inside))
        raise ValueError(
            f"segment {wrong}, {segments[wrong]}: expected one tag or more, within a sentence"
        )
    ids = np.concatenate([np.asarray(segment[2]) for segment in segments])
    is_valid = (ids >= 0) & (ids < tags)
    if not is_valid.all():
        wrong = int(np.searchsorted(np.cumsum(count), np.argmin(is_valid), side="right"))
        raise ValueError(
            f"segment {wrong}, {segments[wrong]}: expected tag ids from 0 to {tags - 1}"
        )
    last = np.cumsum(count) - 1
    first = last + 1 - count
    time = np.arange(len(ids)) + np.repeat(start - first, count)
    place = np.repeat(np.argsort(packing.order)[sentence], count)
    return sentence, first, last, ids, np.array(packing.offsets)[time] + place
