"""From emission scores to tags and to probabilities: one exact decoder for every runtime, in NumPy.

Axes: B batch, T time, K tags, M all tokens of a batch, N those of one time, S segments.

The distribution over the tag sequences y of a sentence of n tokens is that of a linear chain:

    p(y)  ∝  exp( start[y_1] + Σ_t emissions[t, y_t] + Σ_t transitions[y_t, y_t+1] + end[y_n] )

A constrained softmax has scores 0 (allowed) and -inf (forbidden); a conditional random field has
learnt ones.

How it works. Let departures[t, i] be the total of all ways from tag i at time t to the end of the
sentence:

    departures[t] = emissions[t] + transitions ⊗ departures[t+1]        (at the last token: + end)

where ⊗ is a matrix product with (max, +) in place of (+, ×) for the best path (Viterbi 1967), and
with (log-sum-exp, +) for the sum over paths (Rabiner 1989). The best path is then read off by
walking forwards: at every token the best tag given the one before. Two facts make it fast. Tags
with equal rows of `transitions` share one reduction, and forbidden entries cost nothing: in IOBES
all of O, E-x and S-x have one row, and B-x and I-x have one, so a step takes about K operations
instead of K². And the tokens of a batch are packed, (K, M): all first tokens, all second ones, and
so on, each time the longest sentence first. So no padding is touched, every operation runs over
adjacent tokens, and the sentences that go on come first. All is float64: it costs little here, and
keeps sums over 10,000 tokens exact to many digits.
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
# (G, P, N) -> (G, N), over the middle axis; may overwrite its argument.
Reduction = Callable[[Floats], Floats]
# A run of tags: (index of the sentence in the batch, first position, the tag ids from there on).
Segment = tuple[int, int, Sequence[int] | Integers]
# A product is done in parts of at most so many entries a sentence, lest a dense table outgrow the
# cache.
PART = 512


@dataclass(frozen=True, eq=False)
class Transitions:
    """Scores of the first tag, of every pair of neighbours, and of the last tag; -inf forbids.

    start: (K,); transitions: (K, K), `transitions[i, j]` scores i -> j; end: (K,). Kept as
    read-only float64. Raises ValueError for shapes that do not agree, and for nan or +inf.
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
                    f"{name} holds nan or +inf; expected finite scores, or -inf to forbid"
                )
            scores.flags.writeable = False
            object.__setattr__(self, name, scores)

    @classmethod
    def constrained(cls, start: Booleans, transitions: Booleans, end: Booleans) -> "Transitions":
        """What a scheme allows, as boolean tables (K,), (K, K), (K,): 0 where true, forbidden where
        false.
        """
        return cls(*(np.where(allowed, 0.0, -np.inf) for allowed in (start, transitions, end)))

    @classmethod
    def free(cls, tags: int) -> "Transitions":
        """Everything allowed between `tags` tags: every token is then decoded by itself."""
        return cls(np.zeros(tags), np.zeros((tags, tags)), np.zeros(tags))

    @cached_property
    def _forwards(self) -> "_Product":
        return _Product(self.transitions.T)

    @cached_property
    def _backwards(self) -> "_Product":
        return _Product(self.transitions)


def viterbi(
    emissions: Floats, lengths: Integers, transitions: Transitions
) -> npt.NDArray[np.int32]:
    """The most probable tag sequence of every sentence (Viterbi 1967): (B, T), padded positions -1.

    emissions: (B, T, K) log-probabilities or any scores, right-padded with anything; lengths: (B,)
    >= 0. Of equally good sequences, the one with the lower tag id where they first differ. Raises
    ValueError for shapes that disagree, and, naming the sentence, for nan or +inf within one and
    for one that has no allowed path with a finite score.
    """
    batch = _pack(emissions, lengths, transitions)
    departures, _ = _backward(batch, transitions, _maximum)
    # Row K leads from what comes before the first token.
    onwards = np.vstack([transitions.transitions, transitions.start])
    previous = np.full(len(lengths), len(transitions.start))
    path = np.empty(len(batch.time), dtype=np.int32)
    for begin, end in pairwise(batch.offsets):
        scores = onwards[previous[: end - begin]] + departures[:, begin:end].T
        path[begin:end] = previous = np.argmax(scores, axis=1)
    tags = np.full(np.shape(emissions)[:2], -1, dtype=np.int32)
    tags[batch.sentence, batch.time] = path
    return tags


def log_partition(emissions: Floats, lengths: Integers, transitions: Transitions) -> Floats:
    """The logarithm of the sum of exp(score) over all tag sequences: (B,), 0 for an empty sentence.

    Arguments and errors are those of `viterbi`.
    """
    return _backward(_pack(emissions, lengths, transitions), transitions, _log_sum_exp)[1]


def marginals(emissions: Floats, lengths: Integers, transitions: Transitions) -> Floats:
    """The exact probability of every tag at every token, by forward-backward (Rabiner 1989): (B, T,
    K).

    They sum to 1 over the tags; padded positions are 0. Arguments and errors are those of
    `viterbi`.
    """
    batch = _pack(emissions, lengths, transitions)
    departures, _ = _backward(batch, transitions, _log_sum_exp)
    joint = _forward(batch, transitions) + departures
    # Normalised at every token, not by the partition: rounding cannot build up over a long text.
    weights = np.exp(joint - joint.max(axis=0))
    probabilities = np.zeros(np.shape(emissions))
    probabilities[batch.sentence, batch.time] = (weights / weights.sum(axis=0)).T
    return probabilities


def segment_log_probabilities(
    emissions: Floats, lengths: Integers, transitions: Transitions, segments: Sequence[Segment]
) -> Floats:
    """The exact log-probability that a sentence has precisely these tags here, whatever the rest:
    (S,).

    In IOBES the tags of an entity delimit it, so this is the log-probability of a span. One
    forward-backward pass serves all segments, each `(sentence, start, tags)`; for spans on the path
    that `viterbi` found: `[(b, span.start, path[b, span.start : span.end]) for b, spans in
    enumerate(batch) for span in spans]`. Other arguments and errors are those of `viterbi`;
    ValueError also for a segment without tags, one that leaves its sentence, and an unknown tag id.
    """
    batch = _pack(emissions, lengths, transitions)
    if not len(segments):
        return np.zeros(0)
    sentence, start, count, tags = _flatten(segments, np.asarray(lengths), len(transitions.start))
    last = np.cumsum(count) - 1
    first = last + 1 - count
    time = np.arange(len(tags)) + np.repeat(start - first, count)
    token = np.array(batch.offsets)[time] + np.repeat(np.argsort(batch.order)[sentence], count)
    arrivals = _forward(batch, transitions)
    departures, log_total = _backward(batch, transitions, _log_sum_exp)
    # Token by token: all ways to arrive at the first tag, the steps between, all ways on from the
    # last tag.
    scores = batch.scores[tags, token]
    scores[:-1] += transitions.transitions[tags[:-1], tags[1:]]
    scores[last] = departures[tags[last], token[last]]
    scores[first] += arrivals[tags[first], token[first]]
    return np.minimum(np.add.reduceat(scores, first) - log_total[sentence], 0.0)


def path_log_probability(
    emissions: Floats, lengths: Integers, transitions: Transitions, tags: Integers
) -> Floats:
    """The log-probability of one tag sequence a sentence: (B,); -inf if forbidden, 0 for an empty
    sentence.

    tags: (B, T), padding is not read. Other arguments and errors are those of
    `segment_log_probabilities`.
    """
    if np.shape(tags) != np.shape(emissions)[:2]:
        raise ValueError(f"tags have shape {np.shape(tags)}; expected {np.shape(emissions)[:2]}")
    filled = np.flatnonzero(lengths)
    result = np.zeros(len(tags))
    paths = [(int(b), 0, tags[b, : lengths[b]]) for b in filled]
    result[filled] = segment_log_probabilities(emissions, lengths, transitions, paths)
    return result


class _Product:
    """`table ⊗ scores`: (K, K) by (K, N) -> (K, N), result[i] = reduce over j of table[i, j] +
    scores[j].

    Equal rows are reduced once, over their finite entries alone; rows with equally many of them, P,
    are stacked, G at a time, into one operation. A scheme's table becomes two or three such parts;
    in a dense one, where all rows differ, nothing is shared and the same loop is the ordinary
    product.
    """

    def __init__(self, table: Floats) -> None:
        rows, row_of_tag = np.unique(table, axis=0, return_inverse=True)
        self.rows, self.row_of_tag = len(rows), row_of_tag.reshape(-1)
        # Row numbers (G,), tags (G, P), scores (G, P, 1).
        self.parts: list[tuple[Integers, Integers, Floats]] = []
        finite = np.isfinite(rows)
        sizes = finite.sum(axis=1)
        for size in np.unique(sizes[sizes > 0]):
            stack = np.flatnonzero(sizes == size)
            for numbers in np.array_split(stack, -(-len(stack) * size // PART)):
                tags = np.nonzero(finite[numbers])[1].reshape(-1, size)
                self.parts.append((numbers, tags, rows[numbers[:, None], tags][:, :, None]))

    def __call__(self, scores: Floats, reduce: Reduction) -> Floats:
        result = np.full((self.rows, scores.shape[1]), -np.inf)
        for numbers, tags, row_scores in self.parts:
            terms = scores[tags]
            terms += row_scores
            result[numbers] = reduce(terms)
        return result[self.row_of_tag]


_maximum: Reduction = partial(np.maximum.reduce, axis=1)


@np.errstate(divide="ignore")  # log(0) = -inf: no path
def _log_sum_exp(scores: Floats) -> Floats:
    # The floor makes -inf, not nan, of -inf - highest where no path exists.
    highest = np.maximum(np.maximum.reduce(scores, axis=1), np.finfo(np.float64).min)
    scores -= highest[:, None]
    return np.asarray(np.log(np.add.reduce(np.exp(scores, out=scores), axis=1)) + highest)


class _Batch(NamedTuple):
    """The tokens of a batch, packed: time by time, each time the longest sentence first."""

    scores: Floats  # (K, M) emissions, float64
    sentence: Integers  # (M,) where each token comes from
    time: Integers  # (M,)
    order: Integers  # (B,) the sentences, longest first
    offsets: list[
        int
    ]  # (T + 1,) where the tokens of each time begin, and M; T is the greatest length here


def _pack(emissions: Floats, lengths: Integers, transitions: Transitions) -> _Batch:
    emissions, lengths, tags = np.asarray(emissions), np.asarray(lengths), len(transitions.start)
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
    running = len(lengths) - np.searchsorted(lengths[order[::-1]], times, side="right")
    offsets = np.append(0, np.cumsum(running))
    time = np.repeat(times, running)
    sentence = order[np.arange(len(time)) - offsets[time]]
    scores = emissions[sentence, time].T.astype(np.float64, order="C")
    sound = scores < np.inf  # nan is not
    if not sound.all():
        tag, token = np.argwhere(~sound)[0]
        where = f"sentence {sentence[token]}, token {time[token]}, tag {tag}"
        raise ValueError(
            f"{where}: emission is {scores[tag, token]}; expected a finite score or -inf"
        )
    return _Batch(scores, sentence, time, order, offsets.tolist())


def _backward(batch: _Batch, transitions: Transitions, reduce: Reduction) -> tuple[Floats, Floats]:
    """All ways on from a tag, its own emission included, (K, M); all ways through a sentence,
    (B,).
    """
    table = batch.scores.copy()
    later = table[:, :0]
    for end, begin in pairwise(reversed(batch.offsets)):
        now, going_on = table[:, begin:end], later.shape[1]
        now[:, going_on:] += transitions.end[:, None]
        if going_on:
            now[:, :going_on] += transitions._backwards(later, reduce)
        later = now
    totals = np.zeros(len(batch.order))
    totals[batch.order[: later.shape[1]]] = reduce((transitions.start[:, None] + later)[None])[0]
    hopeless = np.flatnonzero(totals == -np.inf)
    if len(hopeless):
        raise ValueError(
            f"sentence {hopeless[0]}: none of the allowed tag sequences has a finite score"
        )
    return table, totals


def _forward(batch: _Batch, transitions: Transitions) -> Floats:
    """All ways to come to a tag, its own emission not included: (K, M)."""
    table = np.empty_like(batch.scores)
    table[:, : batch.offsets[:2][-1]] = transitions.start[:, None]
    for before, begin, end in zip(
        batch.offsets, batch.offsets[1:], batch.offsets[2:], strict=False
    ):
        so_far = slice(before, before + end - begin)
        table[:, begin:end] = transitions._forwards(
            table[:, so_far] + batch.scores[:, so_far], _log_sum_exp
        )
    return table


def _flatten(segments: Sequence[Segment], lengths: Integers, tags: int) -> tuple[Integers, ...]:
    """Sentence, start and number of tags of every segment, each (S,), and all their tag ids in one
    row.
    """
    sentence, start, count = np.array([(b, first, len(ids)) for b, first, ids in segments]).T
    inside = (sentence >= 0) & (sentence < len(lengths)) & (start >= 0) & (count > 0)
    inside[inside] &= (start + count)[inside] <= lengths[sentence[inside]]
    if not inside.all():
        wrong = int(np.argmin(inside))
        raise ValueError(
            f"segment {wrong}, {segments[wrong]}: expected one tag or more, within a sentence"
        )
    ids = np.concatenate([np.asarray(segment[2]) for segment in segments])
    known = (ids >= 0) & (ids < tags)
    if not known.all():
        wrong = int(np.searchsorted(np.cumsum(count), np.argmin(known), side="right"))
        raise ValueError(
            f"segment {wrong}, {segments[wrong]}: expected tag ids from 0 to {tags - 1}"
        )
    return sentence, start, count, ids
