"""The decoder as one would explain it: write down every allowed path of one sentence, with its
score.

With the tables of transitions and the small batches on which the test compares the two.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tagger.decoding import Transitions

Path = tuple[int, ...]
Array = npt.NDArray[Any]


def path_score(emissions: Array, transitions: Transitions, path: Path) -> float:
    """Emissions (T, K) of one sentence, without padding; 0 for the empty path."""
    if not path:
        return 0.0
    score = float(transitions.start[path[0]] + transitions.end[path[-1]])
    score += sum(float(emissions[t, tag]) for t, tag in enumerate(path))
    return score + sum(float(transitions.transitions[pair]) for pair in itertools.pairwise(path))


def all_paths(emissions: Array, transitions: Transitions) -> dict[Path, float]:
    """Every path that has a finite score, in the order of its tag ids."""
    time, tags = emissions.shape
    scores = {
        path: path_score(emissions, transitions, path)
        for path in itertools.product(range(tags), repeat=time)
    }
    return {path: score for path, score in scores.items() if score > -math.inf}


def best_path(emissions: Array, transitions: Transitions) -> Path:
    """The first of the best, in the order of the tag ids."""
    scores = all_paths(emissions, transitions)
    return max(scores, key=lambda path: scores[path])


def log_sum(scores: Sequence[float]) -> float:
    """log Σ exp(score); -inf for none."""
    highest = max(scores, default=-math.inf)
    if highest == -math.inf:
        return highest
    return highest + math.log(math.fsum(math.exp(score - highest) for score in scores))


def log_partition(emissions: Array, transitions: Transitions) -> float:
    """Over every path."""
    return log_sum(list(all_paths(emissions, transitions).values()))


def segment_log_probability(
    emissions: Array, transitions: Transitions, start: int, segment: Sequence[int] | Array
) -> float:
    """Over the paths that have the tags of `segment` from `start` on, in proportion to all."""
    scores = all_paths(emissions, transitions)
    through = [
        s for path, s in scores.items() if path[start : start + len(segment)] == tuple(segment)
    ]
    return log_sum(through) - log_sum(list(scores.values()))


def marginals(emissions: Array, transitions: Transitions) -> Array:
    """(T, K): every path gives its probability to each of its tags."""
    scores = all_paths(emissions, transitions)
    total = log_sum(list(scores.values()))
    result = np.zeros(emissions.shape)
    for path, score in scores.items():
        for t, tag in enumerate(path):
            result[t, tag] += math.exp(score - total)
    return result


def iobes(tags: list[str]) -> Transitions:
    """The boolean tables of IOBES, tag by tag."""
    goes_on = [tag[0] in "BI" for tag in tags]
    begins = [tag[0] in "OBS" for tag in tags]
    pairs = [
        [b[0] in "IE" and a[1:] == b[1:] if a[0] in "BI" else b[0] in "OBS" for b in tags]
        for a in tags
    ]
    return Transitions.constrained(np.array(begins), np.array(pairs), ~np.array(goes_on))


def iob2(tags: list[str]) -> Transitions:
    """The boolean tables of IOB2: an I- only after a B- or I- of its label."""
    begins = [tag[0] != "I" for tag in tags]
    pairs = [[b[0] != "I" or (a[0] in "BI" and a[1:] == b[1:]) for b in tags] for a in tags]
    return Transitions.constrained(
        np.array(begins), np.array(pairs), np.ones(len(tags), dtype=bool)
    )


def real(generator: np.random.Generator, tags: int, forbidden: float = 0.0) -> Transitions:
    """Arbitrary scores, of which a fraction is forbidden."""
    tables = []
    for shape in ((tags,), (tags, tags), (tags,)):
        scores = generator.normal(scale=2.0, size=shape)
        tables.append(np.where(generator.random(shape) < forbidden, -np.inf, scores))
    return Transitions(*tables)


@dataclass(frozen=True)
class Case:
    """A batch with garbage as padding."""

    emissions: Array
    lengths: Array
    transitions: Transitions

    @property
    def arguments(self) -> tuple[Array, Array, Transitions]:
        return self.emissions, self.lengths, self.transitions

    @property
    def sentences(self) -> list[Array]:
        """The emissions of each sentence, without padding, as float64."""
        return [e[:n].astype(np.float64) for e, n in zip(self.emissions, self.lengths, strict=True)]

    def only(self, sentences: Any) -> "Case":
        return Case(self.emissions[sentences], self.lengths[sentences], self.transitions)


def make_case(
    seed: int, kind: str, lengths: list[int], padding: float, impossible: float = 0.0
) -> Case:
    """`impossible` is the fraction of emissions that are -inf."""
    generator = np.random.default_rng(seed)
    transitions = {
        "IOBES": iobes(["O", "B-x", "I-x", "E-x", "S-x"]),
        "IOB2": iob2(["O", "B-x", "I-x", "B-y", "I-y"]),
        "real": real(generator, tags=int(seed % 4) + 1),
        "real with holes": real(generator, tags=4, forbidden=0.3),
        "free": Transitions.free(4),
    }[kind]
    shape = (len(lengths), max(lengths, default=0) + int(seed % 2), len(transitions.start))
    emissions = generator.normal(scale=3.0, size=shape).astype(np.float32)
    emissions[generator.random(shape) < impossible] = -np.inf
    emissions[np.arange(shape[1]) >= np.array(lengths, dtype=int)[:, None]] = padding
    return Case(emissions, np.array(lengths, dtype=np.int32), transitions)


def large_case(kind: str) -> Case:
    """Lengths as they come, in no order, some zero; nan as padding."""
    generator = np.random.default_rng(5)
    tags = ["O", *(f"{prefix}-{label}" for label in "uvwxyz" for prefix in "BIES")]
    transitions = iobes(tags) if kind == "IOBES" else real(generator, len(tags))
    lengths = generator.poisson(8, size=60) * generator.integers(0, 2, size=60)
    emissions = generator.normal(scale=2.0, size=(60, lengths.max() + 3, len(tags))).astype(
        np.float32
    )
    emissions[np.arange(emissions.shape[1]) >= lengths[:, None]] = np.nan
    return Case(emissions, lengths, transitions)


def spans_of(path: Path, tags: list[str]) -> list[tuple[int, int, str]]:
    """The spans (start, end, label) of a valid sequence of IOBES tags."""
    found, start = [], 0
    for place, number in enumerate(path):
        prefix, _, label = tags[number].partition("-")
        if prefix in ("B", "S"):
            start = place
        if prefix in ("E", "S"):
            found.append((start, place + 1, label))
    return found


def span_probabilities(
    emissions: Array, transitions: Transitions, tags: list[str]
) -> dict[tuple[int, int, str], float]:
    """Every path gives its probability to each of its spans."""
    scores = all_paths(emissions, transitions)
    total = log_sum(list(scores.values()))
    found: dict[tuple[int, int, str], float] = {}
    for path, score in scores.items():
        for span in spans_of(path, tags):
            found[span] = found.get(span, 0.0) + math.exp(score - total)
    return found


def best_sets(
    spans: dict[tuple[int, int, str], float], thresholds: dict[str, float]
) -> tuple[float, list[set[tuple[int, int, str]]]]:
    """The largest sum of p - t over sets of spans without overlap, and the sets that reach it."""
    best, sets = 0.0, [set[tuple[int, int, str]]()]
    for size in range(1, len(spans) + 1):
        for chosen in itertools.combinations(sorted(spans), size):
            if any(one[1] > other[0] for one, other in itertools.pairwise(chosen)):
                continue
            total = math.fsum(spans[span] - thresholds[span[2]] for span in chosen)
            if total > best + 1e-12:
                best, sets = total, [set(chosen)]
            elif total > best - 1e-12:
                sets.append(set(chosen))
    return best, sets
