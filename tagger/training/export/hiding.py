"""Counts on dev of what `tagger redact` hides at many thresholds.

Axes: S spans, N sentences, M tokens of all sentences, G annotated spans.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from tagger.inference.operating_points import GRID, MOST_LABELS
from tagger.span_decoding import Spans
from tagger.text.spans import Sentence

__all__ = ["hidden_at"]


def hidden_at(spans: Spans, sentences: Sequence[Sentence], labels: Sequence[str]) -> dict[str, Any]:
    """Count what hiding every span, overlapping or not, hides at every threshold of `GRID`.

    Args:
        spans: All spans of dev.
        sentences: Annotated sentences of dev, N.
        labels: Labels by index.

    Returns:
        The entry "redaction" of the metrics: "thresholds"; "spans", the number of annotated spans;
        at each threshold "hidden", the number of these of which every token is hidden, "tokens",
        the number of hidden tokens, and "right", those of them in an annotated span; and "labels",
        the same counts of each label alone, as if no other label existed, of the most frequent ones
        on dev.
    """
    lengths = np.fromiter(map(len, sentences), dtype=np.int64, count=len(sentences))
    first = np.cumsum(lengths) - lengths
    annotated = [
        (span.label, position + span.start, position + span.end)
        for position, sentence in zip(first.tolist(), sentences, strict=True)
        for span in sentence.spans or ()
    ]
    names = np.array([label for label, _, _ in annotated])
    gold = np.array([ends for _, *ends in annotated], dtype=np.int64).reshape(-1, 2)
    start, end = first[spans.sentence] + spans.start, first[spans.sentence] + spans.end
    found = np.stack([start, end], axis=1)  # (S, 2) positions among all tokens
    tokens = int(lengths.sum())
    by_label: dict[str, dict[str, Any]] = {}
    counted = Counter(label for label, _, _ in annotated)
    frequent = {label for label, _ in counted.most_common(MOST_LABELS)}
    for place, label in enumerate(labels):
        if label in frequent:
            mine = spans.label == place
            right = gold[names == label]
            by_label[label] = _counts(found[mine], spans.probability[mine], right, tokens)
    counts = _counts(found, spans.probability, gold, tokens)
    return {"thresholds": list(GRID), **counts, "labels": by_label}


def _counts(
    found: np.ndarray, probability: np.ndarray, gold: np.ndarray, tokens: int
) -> dict[str, Any]:
    """Count what is hidden at every threshold.

    Args:
        found: (S, 2) first token of each span and the token after its last one, from 0 to `tokens`.
        probability: (S,) their probabilities.
        gold: (G, 2) the same as `found` of annotated spans.
        tokens: Number of tokens, M.

    Returns:
        The number of annotated spans, and the counts at each threshold.
    """
    is_gold = _covered(gold, tokens)
    counts: dict[str, list[int]] = {"hidden": [], "tokens": [], "right": []}
    for threshold in GRID:
        hidden = _covered(found[probability >= threshold], tokens)
        sums = np.append(0, np.cumsum(hidden))
        whole = sums[gold[:, 1]] - sums[gold[:, 0]] == gold[:, 1] - gold[:, 0]
        counts["hidden"].append(int(whole.sum()))
        counts["tokens"].append(int(hidden.sum()))
        counts["right"].append(int((hidden & is_gold).sum()))
    return {"spans": len(gold), **counts}


def _covered(ranges: np.ndarray, tokens: int) -> np.ndarray:
    """Return which of the tokens are within at least one of some ranges (S, 2): (M,) bool."""
    opened, closed = (np.bincount(ranges[:, side], minlength=tokens + 1) for side in (0, 1))
    return np.asarray(np.cumsum(opened - closed)[:tokens] > 0)
