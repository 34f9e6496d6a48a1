"""Precision and recall over the threshold of span probabilities, as counts and as a plot with a
reliability diagram.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tagger.errors import TaggerError, not_installed
from tagger.evaluation.calibration import Calibration
from tagger.files import atomic_write
from tagger.inference.operating_points import Counts, counts_at
from tagger.span_decoding import Spans
from tagger.text.spans import Sentence

__all__ = ["curve_of", "require_plots", "write_plot"]


def curve_of(
    gold: Sequence[Sentence], predicted: Sequence[Sentence], missed: Counter[str] | None = None
) -> dict[str, Any]:
    """Count the spans that are predicted and correct at every threshold.

    Args:
        gold: Annotated sentences.
        predicted: The same sentences with their candidates, of a probability of at least the lowest
            threshold of `operating_points.GRID`.
        missed: Numbers of further annotated spans by label, which cut a token.

    Returns:
        The counts by label, in the form of `operating_points.counts_at`.
    """
    counts = Counter(span.label for one in gold for span in one.spans or ())
    counts.update(missed or ())
    candidates = (span for one in predicted for span in one.candidates or ())
    labels = sorted(counts.keys() | {span.label for span in candidates})
    places = {label: place for place, label in enumerate(labels)}
    rows, correct = [], []
    for number, (one, other) in enumerate(zip(gold, predicted, strict=True)):
        annotated = set(one.spans or ())
        for span in other.candidates or ():
            rows.append((number, span.start, span.end, places[span.label]))
            correct.append(span in annotated)
    sentence, start, end, label = np.array(rows, dtype=np.int64).reshape(-1, 4).T
    scores = [span.score or 0.0 for one in predicted for span in one.candidates or ()]
    spans = Spans(sentence, start, end, label, np.array(scores, dtype=float))
    return counts_at(spans, np.array(correct, dtype=bool), labels, counts)


def require_plots() -> None:
    """Check that plots can be drawn.

    Raises:
        TaggerError: matplotlib is not installed.
    """
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise not_installed("a plot needs matplotlib", "search") from error


def write_plot(curve: Mapping[str, Any], path: str | Path, found: Calibration) -> None:
    """Draw precision, recall and F1 over the threshold, and beside them a reliability diagram.

    Args:
        curve: The result of `curve_of`.
        path: The image to write; its suffix determines the format, such as .png or .svg.
        found: The calibration of the same spans.

    Raises:
        TaggerError: matplotlib is not installed, the format is unknown, or the file cannot be
            written.
    """
    require_plots()
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    _draw_curve(left, curve)
    _draw_reliability(right, found)
    for axes in (left, right):
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1.02)
        axes.grid(alpha=0.3)
        axes.legend()
    kind = Path(path).suffix.lstrip(".").lower()
    if kind not in figure.canvas.get_supported_filetypes():
        raise TaggerError(f"{path}: a plot cannot be written as {kind!r}; expected .png or .svg")
    with atomic_write(Path(path), "wb") as stream:
        figure.savefig(stream, format=kind, dpi=120)


def _draw_curve(axes: Any, curve: Mapping[str, Any]) -> None:
    """Draw precision, recall and F1 of all labels together over the threshold."""
    counts = Counts(**curve["counts"][""])
    thresholds = np.array(curve["thresholds"])
    precision, recall = (
        np.array([function(place) for place in range(len(thresholds))])
        for function in (counts.precision, counts.recall)
    )
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    for values, name in ((precision, "precision"), (recall, "recall"), (f1, "F1")):
        axes.plot(thresholds, values, label=name)
    axes.set_xlabel("minimum probability of a span")


def _draw_reliability(axes: Any, found: Calibration) -> None:
    """Draw the share of correct spans over their mean probability, in tenths."""
    bins = [one for one in found.bins if one.spans]
    axes.plot([0, 1], [0, 1], linestyle=":", color="gray", label="calibrated")
    axes.plot(
        [one.probability for one in bins],
        [one.correct for one in bins],
        marker="o",
        label=f"spans (ECE {found.ece:.4f})",
    )
    axes.set_xlabel("mean probability of spans")
    axes.set_ylabel("share that is correct")
