"""The choice, on dev, of how probabilities of spans are computed and which spans are predicted.

Two decisions are made: the temperature by which all scores are divided, which maximizes the
likelihood of dev's annotation under the constrained distribution (Guo et al. 2017, "On Calibration
of Modern Neural Networks"), and the threshold above which spans are predicted, if dev supports
that; see docs/explanation/expected-f1.md. The counts of dev at many thresholds are recorded for
operating points.

Axes: B batch, T time, K tags, L labels, S spans, N sentences.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from tagger.evaluation.calibration import calibration
from tagger.evaluation.figures import percentages
from tagger.evaluation.scores import span_f1
from tagger.inference.decoder import Decoder
from tagger.inference.operating_points import GRID, counts_at
from tagger.span_decoding import Spans, best_set
from tagger.text import schemes
from tagger.text.spans import Sentence, Span
from tagger.training.export import hiding
from tagger.training.export.lattices import Lattice

__all__ = [
    "ENTRIES",
    "LEAST_SPANS",
    "all_spans",
    "annotated_in",
    "best_sequence_f1",
    "choose_threshold",
    "decided",
    "fit_temperature",
    "minimum",
    "smoothed",
]

ENTRIES = ("calibration", "reliability", "decoding", "operating_points", "redaction")
"""The entries of the metrics that `decided` returns."""
LEAST_SPANS = 100
"""Annotated spans of dev without which nothing is decided: a few would decide at random."""
# The logarithm of the temperature has this standard deviation before dev is seen, so that a small
# dev set that is predicted without an error does not make it 0.
PRIOR = 0.5
RANGE = (0.2, 5.0)  # temperatures that are considered
FOLDS = 10
THRESHOLDS = np.arange(10, 91, 2) / 100
SMOOTHING = 2  # neighboring thresholds on either side over which F1 is averaged


def decided(
    sentences: Sequence[Sentence],
    batches: Sequence[Lattice],
    decoder: Decoder,
) -> dict[str, Any]:
    """Decide on dev how probabilities are computed and which spans are predicted.

    Args:
        sentences: Annotated sentences of dev.
        batches: Their batches.
        decoder: The decoder, of any temperature.

    Returns:
        The entries `ENTRIES` of the bundle's metrics; none if dev has fewer than `LEAST_SPANS`
        annotated spans.
    """
    gold = sum(len(sentence.spans or ()) for sentence in sentences)
    if gold < LEAST_SPANS:
        return {}
    temperature = round(fit_temperature(sentences, batches, decoder), 3)
    before, spans = (all_spans(batches, decoder.at(each)) for each in (1.0, temperature))
    found = {
        name: calibration(one.probability, annotated_in(one, sentences, decoder), gold)
        for name, one in (("before", before), ("after", spans))
    }
    correct = annotated_in(spans, sentences, decoder)
    threshold, score = choose_threshold(spans, correct, sentences, len(decoder.labels))
    without = best_sequence_f1(batches, decoder, sentences)
    helps = round(score, 2) > round(without, 2)
    by_label = Counter(span.label for sentence in sentences for span in sentence.spans or ())
    return {
        "calibration": {
            "temperature": temperature,
            "spans": gold,
            "ece": found["after"].ece,
            "ece_before": found["before"].ece,
            "brier": found["after"].brier,
            "brier_before": found["before"].brier,
        },
        "reliability": {name: [list(one) for one in each.bins] for name, each in found.items()},
        "decoding": {
            "threshold": threshold if helps else 0.0,
            "score": round(score, 2),
            "without": round(without, 2),
        },
        "operating_points": counts_at(spans, correct, decoder.labels, by_label),
        "redaction": hiding.hidden_at(spans, sentences, decoder.labels),
    }


def fit_temperature(
    sentences: Sequence[Sentence], batches: Sequence[Lattice], decoder: Decoder
) -> float:
    """Return the temperature under which the annotation of dev is most probable.

    The negative log-likelihood is convex in 1 / temperature. Sentences with a label that the model
    does not have are left out.

    Args:
        sentences: Annotated sentences.
        batches: Their batches.
        decoder: The decoder, of any temperature.

    Returns:
        The temperature, within `RANGE`.
    """
    known = _with_gold(sentences, batches, decoder)
    total = sum(float(scores.sum()) for _, scores in known)

    def loss(log_temperature: float) -> float:
        temperature = math.exp(log_temperature)
        at = decoder.at(temperature)
        partition = sum(
            float(at.log_partition(batch.emissions, batch.lengths).sum()) for batch, _ in known
        )
        return partition - total / temperature + (log_temperature / PRIOR) ** 2 / 2

    return math.exp(minimum(loss, *map(math.log, RANGE)))


def _with_gold(
    sentences: Sequence[Sentence], batches: Sequence[Lattice], decoder: Decoder
) -> list[tuple[Lattice, np.ndarray]]:
    """Return the sentences whose labels are all known in batches, and the scores of their tags."""
    ids = {tag: number for number, tag in enumerate(decoder.tags)}
    found = []
    for batch in batches:
        paths = np.zeros(batch.emissions.shape[:2], dtype=np.int64)
        for row, index in enumerate(batch.indices):
            one = sentences[index]
            tags = schemes.encode(one.spans or (), len(one), schemes.TRAINING_SCHEME)
            paths[row, : len(one)] = [ids.get(tag, -1) for tag in tags]
        known = (paths >= 0).all(axis=1)
        kept = Lattice(batch.indices[known], batch.lengths[known], batch.emissions[known])
        found.append((kept, decoder.path_scores(kept.emissions, kept.lengths, paths[known])))
    return found


def minimum(function: Callable[[float], float], low: float, high: float) -> float:
    """Return where a function with a single minimum is lowest, by golden sections.

    Args:
        function: The function.
        low, high: The range that is searched.

    Returns:
        The place, to 0.003.
    """
    ratio = (math.sqrt(5) - 1) / 2
    places = [high - ratio * (high - low), low + ratio * (high - low)]
    values = [function(place) for place in places]
    while high - low > 0.003:
        if values[0] < values[1]:
            high, places, values = places[1], [0.0, places[0]], [0.0, values[0]]
            places[0] = high - ratio * (high - low)
            values[0] = function(places[0])
        else:
            low, places, values = places[0], [places[1], 0.0], [values[1], 0.0]
            places[1] = low + ratio * (high - low)
            values[1] = function(places[1])
    return (low + high) / 2


def all_spans(batches: Iterable[Lattice], decoder: Decoder, floor: float = GRID[0]) -> Spans:
    """Return all spans of dev with a probability of at least `floor`, sorted.

    Args:
        batches: The batches of dev.
        decoder: The decoder.
        floor: Minimum probability.

    Returns:
        The spans, whose sentences are indices of dev sentences.
    """
    parts = []
    for batch in batches:
        spans = decoder.spans(batch.emissions, batch.lengths, floor)
        parts.append(spans._replace(sentence=batch.indices[spans.sentence]))
    columns = [np.concatenate([part[place] for part in parts]) for place in range(5)]
    spans = Spans(*columns)
    return spans.where(np.lexsort((spans.label, spans.end, spans.start, spans.sentence)))


def annotated_in(spans: Spans, sentences: Sequence[Sentence], decoder: Decoder) -> np.ndarray:
    """Return whether each span is annotated.

    Args:
        spans: Spans of dev.
        sentences: Annotated sentences of dev.
        decoder: The decoder, for its labels.

    Returns:
        (S,) bool.
    """
    places = {label: place for place, label in enumerate(decoder.labels)}
    gold = {
        (number, span.start, span.end, places.get(span.label, -1))
        for number, sentence in enumerate(sentences)
        for span in sentence.spans or ()
    }
    rows = zip(*(column.tolist() for column in spans.places), strict=True)
    return np.fromiter((row in gold for row in rows), dtype=bool, count=len(spans.start))


def choose_threshold(
    spans: Spans, correct: np.ndarray, sentences: Sequence[Sentence], labels: int
) -> tuple[float, float]:
    """Choose the threshold of spans that maximizes F1, by cross-validation.

    Dev is cut into `FOLDS` parts of consecutive sentences. For each part, the threshold is chosen
    on the others, by an F1 that is averaged over neighboring thresholds.

    Args:
        spans: All spans of dev.
        correct: (S,) whether each is annotated.
        sentences: Annotated sentences of dev, N.
        labels: Number of labels of the decoder, L.

    Returns:
        The mean of the parts' thresholds, and the F1 of all parts together, each at its own
        threshold, in percent.
    """
    fold = np.arange(len(sentences)) * FOLDS // max(len(sentences), 1)
    gold = np.bincount(fold, [len(sentence.spans or ()) for sentence in sentences], minlength=FOLDS)
    counts = np.empty((len(THRESHOLDS), 2, FOLDS))
    for place, threshold in enumerate(THRESHOLDS):
        chosen = best_set(spans, np.full(labels, threshold))
        for column, some in enumerate((chosen, chosen[correct[chosen]])):
            counts[place, column] = np.bincount(fold[spans.sentence[some]], minlength=FOLDS)
    places, predicted, right = [], 0.0, 0.0
    for part in range(FOLDS):
        others = counts.sum(axis=2) - counts[:, :, part]
        # F1 is 2 · correct / (predicted + gold).
        f1 = 2 * others[:, 1] / np.maximum(others[:, 0] + gold.sum() - gold[part], 1)
        best = int(np.argmax(smoothed(f1)))
        places.append(best)
        predicted += counts[best, 0, part]
        right += counts[best, 1, part]
    score = percentages(int(gold.sum()), int(predicted), int(right))[2]
    return round(float(THRESHOLDS[places].mean()), 3), score


def best_sequence_f1(
    batches: Sequence[Lattice], decoder: Decoder, sentences: Sequence[Sentence]
) -> float:
    """Score the spans of the most probable tag sequences.

    Args:
        batches: The scores of the sentences.
        decoder: The decoder.
        sentences: The annotated sentences.

    Returns:
        The F1 in percent.
    """
    predicted: list[list[Span]] = [[] for _ in sentences]
    for batch in batches:
        found = decoder.decode(batch.emissions, batch.lengths, scores=False).spans
        for row, start, end, label, _ in found:
            predicted[batch.indices[row]].append(Span(start, end, decoder.labels[label]))
    return 100 * span_f1((one.spans or () for one in sentences), predicted)[2]


def smoothed(values: np.ndarray) -> np.ndarray:
    """Compute a moving average over `SMOOTHING` values on either side; ends count repeatedly.

    Args:
        values: (S,).

    Returns:
        (S,).
    """
    padded = np.pad(values, SMOOTHING, mode="edge")
    return np.convolve(padded, np.full(2 * SMOOTHING + 1, 1 / (2 * SMOOTHING + 1)), mode="valid")
