"""The choice of what is returned of a decoded batch: spans, candidates, and best sequences.

Axes: B batch, T time, K tags, L labels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from tagger.bundles.tagger import Bundle
from tagger.errors import TaggerError
from tagger.inference.decoder import Decoded, Decoder
from tagger.inference.operating_points import BEST_SEQUENCE, thresholds_of
from tagger.span_decoding import Spans, best_set

__all__ = ["Selected", "Selection", "select", "selection_of", "temperature_of", "threshold_of"]

Row = tuple[int, int, int, int, float]
"""A span: the row of its sentence, start, end, index of the label, and probability."""


@dataclass(frozen=True)
class Selection:
    """A selection of what is returned of each sentence.

    Attributes:
        thresholds: (L,) minimum probability of a span of each label of `Decoder.labels`; None for
            the spans of the most probable tag sequence.
        scores: Whether spans of the most probable sequence have their probabilities.
        candidates: Minimum probability of candidate spans; 0 for none.
        best: Number of most probable sequences.
        promises: What dev promises for the thresholds, in words.
    """

    thresholds: tuple[float, ...] | None = None
    scores: bool = True
    candidates: float = 0.0
    best: int = 0
    promises: tuple[str, ...] = ()


class Selected(NamedTuple):
    """The result of a batch.

    Attributes:
        decoded: The tags and spans; with thresholds there are no tags.
        candidates: All candidate spans, which may overlap, sorted; None if none were wanted.
        best: Tag ids (B, k, T) and probabilities (B, k) of the best sequences, or None.
    """

    decoded: Decoded
    candidates: list[Row] | None
    best: tuple[np.ndarray, np.ndarray] | None


def temperature_of(bundles: Sequence[Bundle]) -> float:
    """Return the temperature of a model that dev decided, the mean of several models'.

    An average of models was not measured on dev, but needs about the temperature of its members;
    see docs/results/log.md.
    """
    found = [float(one.metrics.get("calibration", {}).get("temperature", 1)) for one in bundles]
    return float(np.mean(found))


def threshold_of(bundles: Sequence[Bundle]) -> float:
    """Return the threshold of spans that dev decided, the mean of several models'.

    It is 0 if the spans of the most probable sequence were as good for one of them.
    """
    found = [float(one.metrics.get("decoding", {}).get("threshold", 0)) for one in bundles]
    return float(np.mean(found)) if all(found) else 0.0


def selection_of(
    bundles: Sequence[Bundle],
    decoder: Decoder,
    *,
    scores: bool = True,
    decode: str | None = None,
    min_score: float | Mapping[str, float] | None = None,
    target: str | Sequence[str] | None = None,
    candidates: float | None = None,
    best: int = 0,
) -> Selection:
    """Return what the user asks for, by default the spans that the rule of dev selects.

    Args:
        bundles: The models.
        decoder: Their decoder.
        scores: As for `Selection`.
        decode: As for `DecodingOptions`, as are the following ones.
        min_score: Minimum probability of spans.
        target: Targets that the thresholds must reach on dev.
        candidates: Minimum probability of candidate spans.
        best: Number of most probable sequences.

    Returns:
        The selection.

    Raises:
        TaggerError: As for `thresholds_of`; or the model predicts plain tags, which have no spans.
        ValueError: A value is impossible, or options exclude each other.
    """
    if decode not in (None, BEST_SEQUENCE):
        raise ValueError(f"unknown decoding rule {decode!r}; expected {BEST_SEQUENCE}")
    acts = min_score is not None or bool(target)
    if decode and acts:
        raise ValueError(f"{BEST_SEQUENCE} has no thresholds; leave out min_score and target")
    if candidates is not None and not 0 < candidates <= 1:
        raise ValueError(
            f"candidates: expected a probability above 0 and at most 1, got {candidates}"
        )
    if type(best) is not int or best < 0:
        raise ValueError(f"best: expected a number of sequences, got {best!r}")
    if decoder.plain_tags:
        if acts or candidates is not None:
            raise TaggerError(
                "the model predicts plain tags, which have no spans; thresholds and candidates "
                "are for spans"
            )
        return Selection(scores=scores, best=best)
    rule, promises = threshold_of(bundles), tuple[str, ...]()
    thresholds = tuple(rule for _ in decoder.labels) if rule and not decode else None
    if acts:
        metrics = bundles[0].metrics if len(bundles) == 1 else None
        names = [label for label in decoder.labels if label]
        # Without a rule, spans above one half: they never overlap.
        chosen = thresholds_of(metrics, names, rule or 0.5, min_score, target)
        thresholds = tuple(chosen.by_label.get(label, chosen.other) for label in decoder.labels)
        promises = chosen.promises
    return Selection(thresholds, scores, candidates or 0.0, best, promises)


def select(
    emissions: np.ndarray, lengths: np.ndarray, *, decoder: Decoder, selection: Selection
) -> Selected:
    """Decode a batch and select what is returned.

    Args:
        emissions: (B, T, K).
        lengths: (B,) in tokens.
        decoder: The decoder.
        selection: What is returned.

    Returns:
        The result of the batch.
    """
    best = decoder.best(emissions, lengths, selection.best) if selection.best else None
    floors = [selection.candidates] if selection.candidates else []
    if selection.thresholds is not None:
        floors.append(min(selection.thresholds))
    if not floors:
        return Selected(decoder.decode(emissions, lengths, scores=selection.scores), None, best)
    spans = decoder.spans(emissions, lengths, min(floors))
    candidates = None
    if selection.candidates:
        candidates = _rows(spans.where(spans.probability >= selection.candidates))
    if selection.thresholds is None:
        decoded = decoder.decode(emissions, lengths, scores=selection.scores)
    else:
        decoded = Decoded(None, [*_rows(spans.where(best_set(spans, selection.thresholds)))])
    return Selected(decoded, candidates, best)


def _rows(spans: Spans) -> list[Row]:
    """Return spans as tuples."""
    return list(zip(*(column.tolist() for column in spans), strict=True))
