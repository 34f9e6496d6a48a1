"""All probable spans of emissions with their exact probabilities, and the best set of them.

In IOBES a span of label l is S_l or B_l, I_l, …, I_l, E_l, so its probability is that of these
tags, summed over the tags elsewhere. The probability that a span of label l begins at a token and
goes on for at least n tokens only falls with n: once it is below the floor, no longer span can
reach it. At most 1 / floor such beginnings survive at a token, so the search is exact and takes
time linear in the number of tokens.

Axes: B batch, M tokens of a batch, L labels, S spans.
"""

from collections.abc import Iterator, Sequence
from itertools import chain, repeat
from typing import NamedTuple

import numpy as np

from tagger import decoding, scheme_decoding
from tagger.decoding import Booleans, Floats, Integers, Packing, Transitions
from tagger.scheme_decoding import IobesBatch

__all__ = ["Spans", "best_set", "span_probabilities", "span_probabilities_in_states"]


class Spans(NamedTuple):
    """Spans of a batch, sorted by sentence, start, end and label.

    Attributes:
        sentence: (S,) index of the sentence.
        start: (S,) first token.
        end: (S,) token after the last one.
        label: (S,) index of the label.
        probability: (S,) float64.
    """

    sentence: Integers
    start: Integers
    end: Integers
    label: Integers
    probability: Floats

    def where(self, chosen: Integers | Booleans) -> "Spans":
        """Return the spans that a mask or indices choose."""
        sentence, start, end, label = (column[chosen] for column in self.places)
        return Spans(sentence, start, end, label, self.probability[chosen])

    @property
    def places(self) -> tuple[Integers, Integers, Integers, Integers]:
        """Return the columns without the probability."""
        return self.sentence, self.start, self.end, self.label


# First token, last token, label and log-probability of spans.
_Part = tuple[Integers, Integers, Integers, Floats]


class _Ways(NamedTuple):
    """Log-scores of the ways through each token and label, (M, L) unless said otherwise.

    Attributes:
        single: All tag sequences with S.
        through_begin: All tag sequences with B.
        begin: All ways from the start of the sentence to B, the emission included.
        inside: The emission of I.
        from_inside: All ways from I to the end of the sentence, the emission included.
        from_end: The same from E.
        steps: (2, 2, L) transition scores from B and from I, to I and to E.
        log_total: (B,) log partition functions.
        packing: The order of the tokens.
    """

    single: Floats
    through_begin: Floats
    begin: Floats
    inside: Floats
    from_inside: Floats
    from_end: Floats
    steps: Floats
    log_total: Floats
    packing: Packing


def span_probabilities(
    emissions: Floats,
    lengths: Integers,
    transitions: Transitions,
    tags: Integers,
    floor: float,
) -> Spans:
    """Return every span whose probability is at least `floor`.

    Args:
        emissions: (B, T, K) as for `decoding.viterbi`.
        lengths: (B,) as for `decoding.viterbi`.
        transitions: Scores of tag sequences over the same K tags, -inf where IOBES forbids a pair.
        tags: (L, 4) ids of B, I, E and S of each label; -1 for a tag that does not exist.
        floor: Minimum probability, above 0.

    Returns:
        The spans with their exact probabilities.

    Raises:
        ValueError: As for `decoding.viterbi`, or `floor` is not above 0 and at most 1.
    """
    variables = decoding.forward_backward(emissions, lengths, transitions)
    begin, inside, end, single = np.asarray(tags).T
    alpha, beta, scores = (
        np.vstack([one, np.full((1, one.shape[1]), -np.inf)])  # row -1: a tag that does not exist
        for one in (variables.alpha, variables.beta, variables.scores)
    )
    steps = [[transitions.transitions[a, b] for b in (inside, end)] for a in (begin, inside)]
    ways = _Ways(
        (alpha[single] + beta[single]).T,
        (alpha[begin] + beta[begin]).T,
        (alpha[begin] + scores[begin]).T,
        scores[inside].T,
        beta[inside].T,
        beta[end].T,
        np.array(steps),
        variables.log_total,
        variables.packing,
    )
    return _spans(ways, floor)


def span_probabilities_in_states(batch: IobesBatch, floor: float) -> Spans:
    """Return every span whose probability is at least `floor`, without learned transitions.

    Args:
        batch: B sentences.
        floor: Minimum probability, above 0.

    Returns:
        The spans; the same as `span_probabilities` returns.

    Raises:
        ValueError: As for `scheme_decoding.viterbi`, or `floor` is not above 0 and at most 1.
    """
    before, after, log_total = scheme_decoding.states(batch)
    closed_before, closed_after = before.closed[:, None], after.closed[:, None]
    ways = _Ways(
        closed_before + batch.single + closed_after,
        closed_before + batch.begin + after.open,
        closed_before + batch.begin,
        batch.inside,
        batch.inside + after.open,
        batch.end + closed_after,
        np.zeros((2, 2, batch.begin.shape[1])),
        log_total,
        batch.packing,
    )
    return _spans(ways, floor)


def _spans(ways: _Ways, floor: float) -> Spans:
    """Return the spans whose probability is at least `floor`, sorted."""
    if not 0 < floor <= 1:
        raise ValueError(f"expected a floor above 0 and at most 1, got {floor}")
    packing, least = ways.packing, float(np.log(floor))
    log_total = ways.log_total[packing.sentence]
    token, label = np.nonzero(ways.single >= least + log_total[:, None])
    parts: list[_Part] = [(token, token, label, ways.single[token, label] - log_total[token])]
    for start, here, names, value in _long_spans(ways, log_total, least):
        ended = value >= least
        parts.append((start[ended], here[ended], names[ended], value[ended]))
    first, last, labels = (np.concatenate([part[column] for part in parts]) for column in range(3))
    probability = np.exp(np.minimum(np.concatenate([part[3] for part in parts]), 0.0))
    sentence, begin, end = packing.sentence[first], packing.time[first], packing.time[last] + 1
    order = np.lexsort((labels, end, begin, sentence))
    return Spans(sentence, begin, end, labels, probability).where(order)


def _long_spans(ways: _Ways, log_total: Floats, least: float) -> Iterator[_Part]:
    """Yield spans of two tokens, then of three and so on, as far as they can be probable enough.

    Args:
        ways: The ways through each token.
        log_total: (M,) log partition function of each token's sentence.
        least: Minimum log-probability.

    Yields:
        First token, last token, label and log-probability of each span.
    """
    following = _following(ways.packing)
    start, label = np.nonzero(ways.through_begin >= least + log_total[:, None])
    # Log-score of the ways from the start of the sentence through all tags of the span so far.
    inside: Floats = ways.begin[start, label] - log_total[start]
    here: Integers = start
    from_begin, from_inside = ways.steps
    for to_inside, to_end in chain([from_begin], repeat(from_inside)):
        here = following[here]
        active = here >= 0
        start, label, here, inside = start[active], label[active], here[active], inside[active]
        if not len(here):
            return
        yield start, here, label, inside + to_end[label] + ways.from_end[here, label]
        inside = inside + to_inside[label]
        active = inside + ways.from_inside[here, label] >= least
        inside = inside + ways.inside[here, label]
        start, label, here, inside = start[active], label[active], here[active], inside[active]


def _following(packing: Packing) -> Integers:
    """Return the index of the next token of each token's sentence (M,), -1 after the last one."""
    offsets = np.append(packing.offsets, packing.offsets[-1])
    place = np.arange(len(packing.time)) - offsets[packing.time]
    following = offsets[packing.time + 1] + place
    return np.where(following < offsets[packing.time + 2], following, -1)


def best_set(spans: Spans, thresholds: Floats | Sequence[float]) -> Integers:
    """Return the set of spans that do not overlap with the largest sum of p minus threshold.

    With one threshold for all labels, t, this is the set that maximizes the expected number of
    correct spans minus t for each span; see docs/explanation/expected-f1.md. Weighted interval
    scheduling by dynamic programming.

    Args:
        spans: Spans of a batch, as `span_probabilities` returns them.
        thresholds: (L,) threshold of each label.

    Returns:
        Increasing indices of the chosen spans.
    """
    weight = spans.probability - np.asarray(thresholds)[spans.label]
    useful = np.flatnonzero(weight >= 0)
    sentence, start, end = (column[useful] for column in spans.places[:3])
    # Spans of a group are adjacent or overlap, directly or through others; groups are independent.
    stride = int(end.max(initial=0)) + 1
    reach = np.maximum.accumulate(sentence * stride + end) if len(useful) else end
    begins = np.append(True, sentence[1:] * stride + start[1:] >= reach[:-1])[: len(useful)]
    firsts = np.flatnonzero(begins)
    sizes = np.diff(np.append(firsts, len(useful)))
    chosen = [useful[firsts[sizes == 1]]]
    for first, size in zip(firsts[sizes > 1].tolist(), sizes[sizes > 1].tolist(), strict=True):
        group = slice(first, first + size)
        places = _scheduled(start[group].tolist(), end[group].tolist(), weight[useful[group]])
        chosen.append(useful[first + np.array(places, dtype=int)])
    return np.sort(np.concatenate(chosen))


def _scheduled(start: list[int], end: list[int], weight: Floats) -> list[int]:
    """Return the indices of the intervals that do not overlap with the largest sum of weights."""
    order = sorted(range(len(start)), key=lambda place: (end[place], start[place]))
    ends = [end[place] for place in order]
    best: list[tuple[float, tuple[int, ...]]] = [(0.0, ())]
    for number, place in enumerate(order):
        compatible = int(np.searchsorted(ends[:number], start[place], side="right"))
        total, members = best[compatible]
        taken = (total + float(weight[place]), (*members, place))
        best.append(max(taken, best[-1], key=lambda one: one[0]))
    return list(best[-1][1])
