"""The k best tag sequences of each sentence, by list Viterbi decoding.

For every token and tag, the k best ways from there to the end of the sentence are kept instead of
the best one (Seshadri and Sundberg 1994, "List Viterbi decoding algorithms with applications").
Tags after which the same tags may follow, with the same scores, share one list.

Axes: B batch, T time, K tags, G groups of P tags that may follow, N tokens of one time step.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from tagger.decoding import Floats, Integers, Transitions, check_totals, pack

__all__ = [
    "Followers",
    "Sequences",
    "best_sequences",
    "followers_in_free",
    "followers_in_iobes",
    "followers_of",
]


@dataclass(frozen=True, eq=False)
class Followers:
    """The tags that may follow each tag, in groups that several tags share.

    Attributes:
        tags: For each group, the ids (P,) of its tags, increasing.
        scores: For each group, the transition scores (P,) to these.
        group: (K + 1,) index of the group that follows each tag; the last one is that of the first
            tag of a sentence.
        end: (K,) scores of the last tag of a sentence, -inf if forbidden.
    """

    tags: tuple[Integers, ...]
    scores: tuple[Floats, ...]
    group: Integers
    end: Floats


class Sequences(NamedTuple):
    """The best tag sequences of a batch, best first.

    Attributes:
        tags: (B, k, T) int32 tag ids, -1 at padded positions and where there are fewer than k.
        scores: (B, k) unnormalized log-scores, -inf where there are fewer than k.
    """

    tags: Integers
    scores: Floats


def followers_of(transitions: Transitions) -> Followers:
    """Return the followers of each tag under any transition scores."""
    table = np.vstack([transitions.transitions, transitions.start])
    rows, group = np.unique(table, axis=0, return_inverse=True)
    tags = tuple(np.flatnonzero(np.isfinite(row)) for row in rows)
    scores = tuple(row[ids] for row, ids in zip(rows, tags, strict=True))
    return Followers(tags, scores, group.reshape(-1), transitions.end)


def followers_in_iobes(labels: int) -> Followers:
    """Return the followers of each tag of `schemes.tag_set`, without a table of all pairs.

    Args:
        labels: Number of labels, at least one; the tags are O, then B, I, E and S of each.
    """
    count = 4 * labels + 1
    first = np.arange(1, count, 4)
    closed = np.sort(np.concatenate([[0], first, first + 3]))
    tags = (closed, *(np.array([begin + 1, begin + 2]) for begin in first))
    group = np.zeros(count + 1, dtype=int)
    end = np.zeros(count)
    for prefix in (0, 1):  # after B and I the span of the label is open
        group[first + prefix] = np.arange(1, labels + 1)
        end[first + prefix] = -np.inf
    return Followers(tags, tuple(np.zeros(len(ids)) for ids in tags), group, end)


def followers_in_free(tags: int) -> Followers:
    """Return the followers of each of `tags` plain tags, which are all of them."""
    every = np.arange(tags)
    return Followers((every,), (np.zeros(tags),), np.zeros(tags + 1, dtype=int), np.zeros(tags))


def best_sequences(
    emissions: Floats, lengths: Integers, followers: Followers, count: int
) -> Sequences:
    """Return the `count` most probable tag sequences of every sentence.

    Of equally probable sequences, those with the lower tag id where they first differ come first.

    Args:
        emissions: (B, T, K) as for `decoding.viterbi`.
        lengths: (B,) as for `decoding.viterbi`.
        followers: The tags that may follow each tag.
        count: k, at least 1.

    Returns:
        The sequences. An empty sentence has one, of score 0.

    Raises:
        ValueError: As for `decoding.viterbi`.
    """
    packed, packing = pack(emissions, lengths, len(followers.end))
    lists = _Lists(packed.astype(np.float64), packing.offsets, followers, count)
    tags = np.full((len(lengths), count, np.shape(emissions)[1]), -1, dtype=np.int32)
    scores = np.full((len(lengths), count), -np.inf)
    scores[:, 0] = 0.0
    filled = packing.offsets[1] if len(packing.offsets) > 1 else 0
    order = packing.order[:filled]
    scores[order] = lists.scores
    totals = np.zeros(len(lengths))
    totals[order] = scores[order, 0]
    check_totals(totals)
    # Per sentence, longest first, and rank: the last tag and the rank of what follows it.
    tag = np.full((filled, count), len(followers.end))
    rank = np.tile(np.arange(count), (filled, 1))
    exists = np.isfinite(lists.scores)
    for time, (begin, end) in enumerate(pairwise(packing.offsets)):
        rows = np.arange(end - begin)
        tag, rank, exists = (one[: end - begin] for one in (tag, rank, exists))
        choice = lists.choices[time][rows[:, None], followers.group[tag], rank]  # (N, k)
        tag, rank = np.divmod(choice, count)
        tag = np.where(exists, tag, 0)
        tags[packing.sentence[begin:end], :, time] = np.where(exists, tag, -1)
    return Sequences(tags, scores)


def _parts(followers: Followers) -> list[tuple[Integers, Integers, Floats]]:
    """Stack groups with equally many tags: their indices (G,), tags (G, P) and scores (G, P)."""
    sizes = np.array([len(tags) for tags in followers.tags])
    parts: list[tuple[Integers, Integers, Floats]] = []
    for size in np.unique(sizes[sizes > 0]):
        groups = np.flatnonzero(sizes == size)
        tags = np.stack([followers.tags[number] for number in groups])
        scores = np.stack([followers.scores[number] for number in groups])
        parts.append((groups, tags, scores))
    return parts


class _Lists:
    """The k best continuations of each group of followers at each time step, from the last one on.

    Attributes:
        choices: For each time step, the first tag · k + the rank of its continuation, of each
            group's best continuations: (N, groups, k).
        scores: (N, k) of the first time step, for the group of the first tag.
    """

    def __init__(
        self, emissions: Floats, offsets: list[int], followers: Followers, count: int
    ) -> None:
        self.choices: list[Integers] = []
        self._followers, self._count = followers, count
        self._parts = _parts(followers)
        later: Floats = np.zeros((0, len(followers.tags), count))
        for end, begin in pairwise(reversed(offsets)):
            # Continuations after each tag: those of its followers, or the end of the sentence.
            after = np.full((end - begin, len(followers.end), count), -np.inf)
            after[: len(later)] = later[:, followers.group[:-1]]
            after[len(later) :, :, 0] = followers.end
            later, choices = self._best(after + emissions[begin:end, :, None])
            self.choices.insert(0, choices)
        self.scores = later[:, followers.group[-1]]

    def _best(self, scores: Floats) -> tuple[Floats, Integers]:
        """Return the best scores of each group (N, groups, k) and their choices."""
        shape = (len(scores), len(self._followers.tags), self._count)
        best, choices = np.full(shape, -np.inf), np.zeros(shape, dtype=np.int64)
        for groups, tags, own in self._parts:
            terms = own[:, :, None] + scores[:, tags]  # (N, G, P, k)
            terms = terms.reshape(*terms.shape[:2], -1)
            top = np.argsort(-terms, axis=-1, kind="stable")[:, :, : self._count]
            found = slice(None, top.shape[-1])
            place, rank = np.divmod(top, self._count)
            tag = np.take_along_axis(np.broadcast_to(tags, (len(scores), *tags.shape)), place, -1)
            best[:, groups, found] = np.take_along_axis(terms, top, axis=-1)
            choices[:, groups, found] = tag * self._count + rank
        return best, choices
