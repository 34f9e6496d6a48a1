"""Decoding of emissions into spans with probabilities, or into plain tags, under a scheme.

Axes: B batch, T time, K tags.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, partial
from typing import NamedTuple

import numpy as np

from tagger import best_sequences, decoding, scheme_decoding, span_decoding
from tagger.best_sequences import Followers
from tagger.bundles.tagger import Bundle
from tagger.decoding import Transitions
from tagger.errors import BundleError
from tagger.heads import HEADS
from tagger.span_decoding import Spans
from tagger.text import schemes
from tagger.text.spans import Span

__all__ = ["Decoded", "Decoder"]

# Tags from which on `scheme_decoding` is used, unless transition scores were learned: with fewer,
# `decoding` is as fast.
MANY_TAGS = 100


class Decoded(NamedTuple):
    """The decoded tags and spans of a batch.

    Attributes:
        paths: (B, T) tag ids, -1 where padded; None if spans were chosen one by one.
        spans: Tuples ``(row, start, end, label, score)`` in order of row and start: the row of the
            sentence, the tokens (end exclusive), the index of the label in `Decoder.labels`, and
            the probability or None.
    """

    paths: np.ndarray | None
    spans: list[tuple[int, int, int, int, float | None]]


class Decoder:
    """A decoder of emissions into the best tags that the scheme allows.

    It is immutable, so that any number of threads may use it.

    All scores are divided by the temperature before probabilities are computed from them. The best
    sequence does not depend on it.

    Args:
        tags: The tags by id: IOBES tags, or plain tags.
        plain_tags: Whether the tags are plain, so that all sequences are allowed.
        scores: The learned transition scores of a CRF head, the three tables of
            `tagger.decoding.Transitions`. Default: none.
        temperature: The temperature, above 0.

    Raises:
        ValueError: The scores do not fit the tags.
    """

    def __init__(
        self,
        tags: Sequence[str],
        *,
        plain_tags: bool,
        scores: Sequence[np.ndarray] | None = None,
        temperature: float = 1.0,
    ) -> None:
        self.tags = tuple(tags)
        self.plain_tags = plain_tags
        self.temperature = temperature
        self._scores = scores
        self._learned = None if scores is None else self._with_constraints(scores)
        parts = [("", "") if plain_tags else schemes.split(tag) for tag in self.tags]
        self.labels = sorted({label for _, label in parts})
        # By tag id; the last element is that of padding, -1, which opens and closes nothing.
        self._opens = np.array([prefix in ("B", "S") for prefix, _ in parts] + [False])
        self._closes = np.array([prefix in ("E", "S") for prefix, _ in parts] + [False])
        places = {label: place for place, label in enumerate(self.labels)}
        self._label = np.array([places[label] for _, label in parts])

    @classmethod
    def of(cls, bundle: Bundle) -> Decoder:
        """Create the decoder of a trained model.

        Args:
            bundle: The model.

        Returns:
            A decoder with the learned transitions, if the model has a CRF head.

        Raises:
            BundleError: The learned scores do not fit the tags.
        """
        scores = None
        if transitions := HEADS[bundle.config.model.head].transitions:
            scores = [bundle.weights[f"head/{name}"] for name in transitions]
        try:
            return cls(bundle.tags, plain_tags=bundle.scheme == schemes.PLAIN, scores=scores)
        except ValueError as error:
            raise BundleError(
                f"weights.npz does not fit tags.json: {error}; copy the whole folder again"
            ) from error

    def at(self, temperature: float) -> Decoder:
        """Return a decoder of the same tags with another temperature."""
        if temperature == self.temperature:
            return self
        return Decoder(
            self.tags, plain_tags=self.plain_tags, scores=self._scores, temperature=temperature
        )

    @property
    def allowed(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the booleans of `schemes.transition_table`; all are true for plain tags."""
        if self.plain_tags:
            count = len(self.tags)
            return np.ones(count, bool), np.ones((count, count), bool), np.ones(count, bool)
        return schemes.transition_table(self.tags, schemes.TRAINING_SCHEME)

    @cached_property
    def transitions(self) -> Transitions:
        """Return the scores of all pairs of tags, which `decode` needs for a CRF or few tags only.

        They are 0 where the scheme allows the pair, if no scores were learned, and -inf elsewhere.
        """
        return self._learned or Transitions.constrained(*self.allowed)

    @cached_property
    def _tempered(self) -> Transitions:
        """Return the transition scores divided by the temperature."""
        if self._learned is None or self.temperature == 1:
            return self.transitions
        tables = (self.transitions.start, self.transitions.transitions, self.transitions.end)
        return Transitions(*(table / self.temperature for table in tables))

    def _cooled(self, emissions: np.ndarray) -> np.ndarray:
        """Return emissions divided by the temperature."""
        return emissions if self.temperature == 1 else emissions / np.float64(self.temperature)

    @cached_property
    def in_states(self) -> bool:
        """Return whether `scheme_decoding` is used."""
        labels = [label for label in self.labels if label]
        complete = schemes.tag_set(labels, schemes.TRAINING_SCHEME)
        return (
            self._learned is None
            and len(self.tags) >= MANY_TAGS
            and (self.plain_tags or (bool(labels) and self.tags == complete))
        )

    def _with_constraints(self, scores: Sequence[np.ndarray]) -> Transitions:
        """Return the learned scores, -inf for transitions that the scheme does not allow."""
        return Transitions(
            *(
                np.where(allowed, learned, -np.inf)
                for allowed, learned in zip(self.allowed, scores, strict=True)
            )
        )

    def paths(self, emissions: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """Decode the best allowed tag sequences with the Viterbi algorithm.

        Args:
            emissions: (B, T, K).
            lengths: (B,) in tokens.

        Returns:
            (B, T) tag ids, -1 where padded.
        """
        if not self.in_states:
            return decoding.viterbi(emissions, lengths, self.transitions)
        if self.plain_tags:
            return scheme_decoding.free_viterbi(emissions, lengths, len(self.tags))
        return scheme_decoding.viterbi(
            scheme_decoding.pack_iobes(emissions, lengths, len(self.tags))
        )

    def marginals(self, emissions: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """Compute the exact probability of every tag under the distribution over allowed sequences.

        Args:
            emissions: (B, T, K).
            lengths: (B,) in tokens.

        Returns:
            (B, T, K) float64, 0 where padded.
        """
        emissions = self._cooled(emissions)
        if not self.in_states:
            return decoding.marginals(emissions, lengths, self._tempered)
        if self.plain_tags:
            return scheme_decoding.free_marginals(emissions, lengths, len(self.tags))
        return scheme_decoding.marginals(
            scheme_decoding.pack_iobes(emissions, lengths, len(self.tags))
        )

    def decode(self, emissions: np.ndarray, lengths: np.ndarray, *, scores: bool = True) -> Decoded:
        """Decode the best tag sequence of each sentence and its spans.

        The score of a span is its exact probability: that of all tag sequences with this span
        together, under the distribution over allowed sequences.

        Args:
            emissions: (B, T, K).
            lengths: (B,) in tokens.
            scores: Whether to compute the scores of spans, which takes more time.

        Returns:
            The tags and spans of the batch.
        """
        if self.in_states and not self.plain_tags:
            batch = scheme_decoding.pack_iobes(emissions, lengths, len(self.tags))
            paths = scheme_decoding.viterbi(batch)
            if self.temperature != 1:
                batch = self._packed(emissions, lengths)
            log_probabilities = partial(scheme_decoding.segment_log_probabilities, batch)
        else:
            paths = self.paths(emissions, lengths)
            log_probabilities = partial(self._log_probabilities, self._cooled(emissions), lengths)
        # The best path is valid in IOBES: the k-th opening token belongs to the k-th closing one.
        rows, starts = np.nonzero(self._opens[paths])
        ends = np.nonzero(self._closes[paths])[1] + 1
        segments = list(zip(rows.tolist(), starts.tolist(), ends.tolist(), strict=True))
        labels = self._label[paths[rows, starts]].tolist()
        probabilities: list[float] | list[None] = [None] * len(segments)
        if scores and segments:
            inside = [(row, start, paths[row, start:end]) for row, start, end in segments]
            probabilities = np.exp(log_probabilities(inside)).tolist()
        spans = [
            (*segment, *more)
            for segment, *more in zip(segments, labels, probabilities, strict=True)
        ]
        return Decoded(paths, spans)

    def _log_probabilities(
        self, emissions: np.ndarray, lengths: np.ndarray, segments: Sequence[decoding.Segment]
    ) -> np.ndarray:
        """Return `decoding.segment_log_probabilities` under the model's transitions."""
        return decoding.segment_log_probabilities(emissions, lengths, self._tempered, segments)

    def _packed(self, emissions: np.ndarray, lengths: np.ndarray) -> scheme_decoding.IobesBatch:
        """Return a batch for `scheme_decoding`, divided by the temperature."""
        return scheme_decoding.pack_iobes(self._cooled(emissions), lengths, len(self.tags))

    def log_partition(self, emissions: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """Compute the log partition function of each sentence, for IOBES tags.

        Args:
            emissions: (B, T, K).
            lengths: (B,) in tokens.

        Returns:
            (B,) float64.
        """
        if self.in_states:
            return scheme_decoding.log_partition(self._packed(emissions, lengths))
        return decoding.log_partition(self._cooled(emissions), lengths, self._tempered)

    def path_scores(
        self, emissions: np.ndarray, lengths: np.ndarray, paths: np.ndarray
    ) -> np.ndarray:
        """Compute the scores of given tag sequences, at a temperature of 1.

        Args:
            emissions: (B, T, K).
            lengths: (B,) in tokens.
            paths: (B, T) tag ids, any where padded.

        Returns:
            (B,) float64, unnormalized.
        """
        mask = np.arange(paths.shape[1]) < lengths[:, None]
        scores = np.take_along_axis(emissions, paths[:, :, None], axis=2)[:, :, 0]
        totals = np.where(mask, scores, 0.0).sum(axis=1)
        if self._learned is not None:
            pairs = self._learned.transitions[paths[:, :-1], paths[:, 1:]]
            totals += np.where(mask[:, 1:], pairs, 0.0).sum(axis=1)
            rows = np.flatnonzero(lengths)
            last = paths[rows, lengths[rows] - 1]
            totals[rows] += self._learned.start[paths[rows, 0]] + self._learned.end[last]
        return np.asarray(totals)

    def spans(self, emissions: np.ndarray, lengths: np.ndarray, floor: float) -> Spans:
        """Compute every span whose exact probability is at least `floor`; they may overlap.

        Args:
            emissions: (B, T, K).
            lengths: (B,) in tokens.
            floor: Minimum probability, above 0.

        Returns:
            The spans, whose labels are indices in `labels`. Plain tags have none.
        """
        if self.plain_tags:
            none = np.zeros(0, dtype=int)
            return Spans(none, none, none, none, np.zeros(0))
        if not self.in_states:
            return span_decoding.span_probabilities(
                self._cooled(emissions), lengths, self._tempered, self._span_tags, floor
            )
        spans = span_decoding.span_probabilities_in_states(self._packed(emissions, lengths), floor)
        return spans._replace(label=spans.label + 1)  # the first one is "", the label of O

    @cached_property
    def _span_tags(self) -> np.ndarray:
        """Return the ids of B, I, E and S of each label (L, 4), -1 for a tag that is missing."""
        ids = {tag: number for number, tag in enumerate(self.tags)}
        return np.array(
            [[ids.get(f"{prefix}-{label}", -1) for prefix in "BIES"] for label in self.labels]
        )

    def best(
        self, emissions: np.ndarray, lengths: np.ndarray, count: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Decode the most probable tag sequences of each sentence.

        Args:
            emissions: (B, T, K).
            lengths: (B,) in tokens.
            count: Number of sequences, k.

        Returns:
            (B, k, T) tag ids, -1 where padded, and (B, k) probabilities, best first; 0 where there
            are fewer.
        """
        cooled = self._cooled(emissions)
        found = best_sequences.best_sequences(cooled, lengths, self._followers, count)
        if self.in_states and self.plain_tags:
            totals = scheme_decoding.free_log_partition(cooled, lengths, len(self.tags))
        else:
            totals = self.log_partition(emissions, lengths)
        return found.tags, np.exp(np.minimum(found.scores - totals[:, None], 0.0))

    @cached_property
    def _followers(self) -> Followers:
        """Return the tags that may follow each tag."""
        if not self.in_states:
            return best_sequences.followers_of(self._tempered)
        if self.plain_tags:
            return best_sequences.followers_in_free(len(self.tags))
        return best_sequences.followers_in_iobes(len(self.tags) // 4)

    def spans_of(self, path: np.ndarray) -> list[Span]:
        """Return the spans of a valid sequence of tag ids (T,), without scores."""
        return (
            schemes.decode([self.tags[number] for number in path], schemes.TRAINING_SCHEME)
            if path.any()
            else []
        )
