"""From a network's scores to spans with probabilities, or to plain tags: what the tags and their
scheme allow.

Axes: B batch, T time, K tags.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tagger.bundles.tagger import Bundle
from tagger.decoding import Transitions, segment_log_probabilities, viterbi
from tagger.errors import BundleError
from tagger.heads import HEADS
from tagger.text import schemes
from tagger.text.spans import Span

__all__ = ["Decoded", "Decoder"]


class Decoded(NamedTuple):
    """What a batch holds: the tag numbers (B, T), -1 where padded; and its spans in order, each
    ``(row, start, end, label, score)``: the sentence's row, tokens (half-open), the number of the
    label, the probability or None."""

    paths: np.ndarray
    spans: list[tuple[int, int, int, int, float | None]]


class Decoder:
    """Emissions to the best allowed tags.

    ``scores``, if given, are what a CRF head has learnt: the three tables of
    `decoding.Transitions`. ``labels`` are the spans'.
    """

    def __init__(
        self, tags: Sequence[str], *, plain_tags: bool, scores: Sequence[np.ndarray] | None = None
    ) -> None:
        self.tags = tuple(tags)
        self.plain_tags = plain_tags
        allowed = (
            Transitions.free(len(self.tags))
            if plain_tags
            else Transitions.constrained(
                *schemes.transition_table(self.tags, schemes.TRAINING_SCHEME)
            )
        )
        self.allowed = (allowed.start, allowed.transitions, allowed.end)
        self.transitions = self._learnt(scores) if scores is not None else allowed
        parts = [("", "") if plain_tags else schemes.split(tag) for tag in self.tags]
        self.labels = sorted({label for _, label in parts})
        # By tag number, and once more for the -1 of padding, which opens and closes nothing.
        self._opens = np.array([prefix in ("B", "S") for prefix, _ in parts] + [False])
        self._closes = np.array([prefix in ("E", "S") for prefix, _ in parts] + [False])
        self._label = np.array([self.labels.index(label) for _, label in parts])

    @classmethod
    def of(cls, bundle: Bundle) -> Decoder:
        """The decoder of a trained model.

        Raises:
            BundleError: the learned scores do not fit the tags.
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

    def _learnt(self, scores: Sequence[np.ndarray]) -> Transitions:
        """The learnt scores of what is allowed."""
        return Transitions(
            *(allowed + learnt for allowed, learnt in zip(self.allowed, scores, strict=True))
        )

    def paths(self, emissions: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """The best tag ids (B, T), -1 where padded."""
        return viterbi(emissions, lengths, self.transitions)

    def decode(self, emissions: np.ndarray, lengths: np.ndarray, *, scores: bool = True) -> Decoded:
        """The best path of each sentence and its spans; with `scores` each span's exact
        probability.

        That is the summed probability, under the constrained distribution, of all tag sequences
        that hold this span.
        """
        paths = self.paths(emissions, lengths)
        # The best path is a valid one of IOBES: the k-th token that opens a span belongs to the
        # k-th that closes one.
        rows, starts = np.nonzero(self._opens[paths])
        ends = np.nonzero(self._closes[paths])[1] + 1
        segments = list(zip(rows.tolist(), starts.tolist(), ends.tolist(), strict=True))
        labels = self._label[paths[rows, starts]].tolist()
        found: list[float] | list[None] = [None] * len(segments)
        if scores:
            inside = [(row, start, paths[row, start:end]) for row, start, end in segments]
            logs = segment_log_probabilities(emissions, lengths, self.transitions, inside)
            found = np.exp(np.minimum(logs, 0)).tolist()  # 1 + 1e-7 is no probability
        return Decoded(
            paths,
            [(*segment, *more) for segment, *more in zip(segments, labels, found, strict=True)],
        )

    def spans_of(self, path: np.ndarray) -> list[Span]:
        """The spans of one valid path of tag ids."""
        return (
            schemes.decode([self.tags[number] for number in path], schemes.TRAINING_SCHEME)
            if path.any()
            else []
        )
