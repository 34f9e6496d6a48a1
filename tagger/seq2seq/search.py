"""Greedy and beam search for the most probable targets, in NumPy.

Axes: N sources, M hypotheses of all sources, V target vocabulary, S states of all decoder layers,
U units.

The log-probability of a target y is log p(y | x) = Σ_t log p(y^<t> | x, y^<1>, …, y^<t-1>), with
<EOS> as its last symbol, under the distribution of the network: nothing is renormalized. <UNK> is
never produced: targets that contain it are left out of the search, and keep their probability.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np

from tagger.features.vocabulary import UNK

__all__ = ["EOS", "Hypothesis", "Step", "search"]

EOS = 0


class Hypothesis(NamedTuple):
    """A target that was found.

    Attributes:
        ids: Ids of its symbols, without <EOS>.
        log_probability: log p(y | x) in nats, <EOS> included.
        at_limit: Whether the target has the maximum length, so that a longer one may be more
            probable.
    """

    ids: tuple[int, ...]
    log_probability: float
    at_limit: bool


class Step(Protocol):
    """One timestep of a decoder for some hypotheses."""

    def __call__(
        self, previous: np.ndarray, states: np.ndarray, rows: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Run the timestep.

        Args:
            previous: (M,) int32 ids y^<t-1>, `EOS` at the first timestep.
            states: (S, M, U) before the timestep.
            rows: (M,) the source of each hypothesis.

        Returns:
            Logits (M, V), and the states (S, M, U) after the timestep.
        """


def search(
    step: Step, states: np.ndarray, limits: Sequence[int], *, beam: int = 1, count: int = 1
) -> list[list[Hypothesis]]:
    """Find the most probable targets of sources.

    At each timestep the `beam` most probable continuations of a source are kept, of which those
    that end in <EOS> are complete. Probabilities only fall from timestep to timestep, so a source
    is done as soon as no continuation is more probable than the last of its `count` targets. With
    a beam of 1 this is greedy search; with one that is never full, it is exact.

    Args:
        step: The decoder.
        states: (S, N, U) its initial states.
        limits: Maximum number of symbols of each source's target, <EOS> not counted.
        beam: Number of continuations that are kept per source.
        count: Number of targets per source, at most `beam`.

    Returns:
        The targets of each source, the most probable first; fewer than `count` if the search found
        no more.
    """
    sources = [_Source(limit, beam, count) for limit in limits]
    rows = np.arange(len(sources))
    previous = np.full(len(sources), EOS, dtype=np.int32)
    while len(rows):
        logits, states = step(previous, states, rows)
        values = log_probabilities(logits)
        parents, kept, chosen = list[int](), list[int](), list[int]()
        ends = np.searchsorted(rows, np.arange(len(sources) + 1))
        for row in np.unique(rows).tolist():
            first, last = ends[row], ends[row + 1]
            for parent, symbol in sources[row].advance(values[first:last]):
                parents.append(first + parent)
                kept.append(row)
                chosen.append(symbol)
        rows, previous = np.array(kept, dtype=np.int64), np.array(chosen, dtype=np.int32)
        states = states[:, np.array(parents, dtype=np.int64)]
    return [source.best() for source in sources]


def log_probabilities(logits: np.ndarray) -> np.ndarray:
    """Return the log-probabilities (M, V) float64 of logits (M, V); that of <UNK> is -inf."""
    values = logits.astype(np.float64)
    values -= values.max(axis=-1, keepdims=True)
    values -= np.log(np.exp(values).sum(axis=-1, keepdims=True))
    values[:, UNK] = -np.inf
    return values


class _Source:
    """The search for the targets of one source.

    Args:
        limit: Maximum number of symbols.
        beam, count: See `search`.
    """

    def __init__(self, limit: int, beam: int, count: int) -> None:
        self.limit = limit
        self.beam = beam
        self.count = count
        self.prefixes: list[tuple[int, ...]] = [()]
        self.scores = np.zeros(1)  # (hypotheses,) log-probabilities of the prefixes
        self.found: list[Hypothesis] = []

    def advance(self, values: np.ndarray) -> list[tuple[int, int]]:
        """Go on by one timestep.

        Args:
            values: (hypotheses, V) log-probabilities of the next symbols.

        Returns:
            The prefix and the symbol of each continuation that is kept; none if the search is done.
        """
        length = len(self.prefixes[0])
        if length == self.limit:  # only <EOS> may follow
            values = np.where(np.arange(values.shape[1]) == EOS, values, -np.inf)
        totals = self.scores[:, None] + values
        continuations, scores = list[tuple[int, int]](), list[float]()
        for index in _largest(totals.reshape(-1), self.beam):
            parent, symbol = divmod(index, values.shape[1])
            score = float(totals[parent, symbol])
            if symbol == EOS:
                at_limit = length == self.limit
                self.found.append(Hypothesis(self.prefixes[parent], score, at_limit))
            else:
                continuations.append((parent, symbol))
                scores.append(score)
        if self._is_done(scores):
            return []
        self.prefixes = [(*self.prefixes[parent], symbol) for parent, symbol in continuations]
        self.scores = np.array(scores)
        return continuations

    def _is_done(self, scores: Sequence[float]) -> bool:
        """Return whether no continuation can be among the most probable targets."""
        if not scores:
            return True
        found = self.best()
        return len(found) == self.count and found[-1].log_probability >= max(scores)

    def best(self) -> list[Hypothesis]:
        """Return the most probable targets that were found."""
        return sorted(self.found, key=lambda one: -one.log_probability)[: self.count]


def _largest(values: np.ndarray, count: int) -> list[int]:
    """Return the indices of the largest finite values, the largest first."""
    indices = np.arange(len(values))
    if count < len(values):
        indices = np.sort(np.argpartition(-values, count - 1)[:count])
    order = indices[np.argsort(-values[indices], kind="stable")]
    return [int(index) for index in order if values[index] > -np.inf]
