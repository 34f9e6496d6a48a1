"""Counts of spans and the percentages that follow from them, however the spans are found.

Percentages are rounded to two decimals, as conlleval prints them; a quotient by zero is 0.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import zip_longest
from typing import Any

__all__ = [
    "Column",
    "LabelScore",
    "Score",
    "Tags",
    "columns",
    "percentages",
    "score_of",
    "with_spans",
]

Tags = Iterable[Sequence[str]]
"""A column of tags: one tag per token, sentence by sentence."""
Column = list[list[str]]
"""A column of tags in memory."""


@dataclass(frozen=True, slots=True)
class LabelScore:
    """Counts of the spans of one label (tokens, for plain tags), and percentages.

    Attributes:
        gold: Spans in the gold column.
        predicted: Spans in the predicted column.
        correct: Spans in both.
        precision: 0 to 100.
        recall: 0 to 100.
        f1: 0 to 100.
    """

    gold: int
    predicted: int
    correct: int
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, slots=True)
class Score:
    """The scores of a corpus: counts of spans, micro averages in percent, and scores per label.

    With plain tags each tag is a label and each token a span.

    Attributes:
        tokens: Number of tokens.
        gold: Spans in the gold column.
        predicted: Spans in the predicted column.
        correct: Spans in both.
        accuracy: Percentage of tokens, O included, with the same tag in both columns.
        precision: Micro average, 0 to 100.
        recall: Micro average, 0 to 100.
        f1: Micro average, 0 to 100.
        labels: The scores of each label that occurs in either column.
        macro: Precision, recall and F1 averaged over these labels.
        scheme: The scheme in which the columns were compared; empty for conlleval, which uses none.
    """

    tokens: int
    gold: int
    predicted: int
    correct: int
    accuracy: float
    precision: float
    recall: float
    f1: float
    labels: dict[str, LabelScore]
    macro: tuple[float, ...]
    scheme: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return counts, percentages and ``labels`` as a dict for ``json.dumps``.

        The keys are a public format, also written by ``tagger evaluate --json``. Labels have all
        three counts, or in conlleval's scores the one that the script prints.
        """
        names = ("tokens", "gold", "predicted", "correct", "accuracy", "precision", "recall", "f1")
        # The script prints no other counts per label.
        more = ("gold", "correct") if self.scheme else ()
        keys = ("precision", "recall", "f1", "predicted", *more)
        labels = {
            name: {key: getattr(figures, key) for key in keys}
            for name, figures in self.labels.items()
        }
        return {**{name: getattr(self, name) for name in names}, "labels": labels}


def columns(gold: Tags, predicted: Tags) -> tuple[Column, Column]:
    """Return both columns as lists, after checking that their sentences have the same lengths.

    Args:
        gold: The gold tags.
        predicted: The predicted tags.

    Returns:
        The gold and the predicted column.

    Raises:
        ValueError: A sentence differs in length.
    """
    gold_column = [list(tags) for tags in gold]
    predicted_column = [list(tags) for tags in predicted]
    pairs = zip_longest(gold_column, predicted_column, fillvalue=())
    for number, (gold_tags, predicted_tags) in enumerate(pairs, start=1):
        if len(gold_tags) != len(predicted_tags):
            raise ValueError(
                f"sentence {number} has {len(gold_tags)} gold tags but {len(predicted_tags)} "
                "predicted ones"
            )
    return gold_column, predicted_column


def score_of(
    column: Column, matching: int, counts: Sequence[Counter[str]], scheme: str = ""
) -> Score:
    """Compute a score from counts.

    Args:
        column: The gold column, or the predicted one: only the number of tokens is read.
        matching: Number of tokens with the same tag in both columns.
        counts: Gold, predicted and correct spans per label.
        scheme: The scheme in which the columns were compared.

    Returns:
        The score, with percentages rounded to two decimals.
    """
    gold, predicted, correct = counts
    names = sorted(gold | predicted)  # labels without a span are dropped
    labels = {name: _figures(gold[name], predicted[name], correct[name]) for name in names}
    exact = [percentages(gold[name], predicted[name], correct[name]) for name in names]
    macro = tuple(round(sum(row) / len(names), 2) for row in zip(*exact, strict=True)) or (
        0.0,
        0.0,
        0.0,
    )
    micro, tokens = asdict(_figures(*(count.total() for count in counts))), sum(map(len, column))
    accuracy = round(100 * matching / (tokens or 1), 2)
    return Score(
        **micro, tokens=tokens, accuracy=accuracy, labels=labels, macro=macro, scheme=scheme
    )


def with_spans(score: Score, counts: Sequence[Counter[str]]) -> Score:
    """Return a score that also counts spans that are not spans of tokens.

    Args:
        score: The score of the spans of tokens.
        counts: Gold, predicted and correct further spans per label.

    Returns:
        The score of all spans; tokens and accuracy are unchanged.
    """
    own = [
        Counter({label: getattr(figures, kind) for label, figures in score.labels.items()})
        for kind in ("gold", "predicted", "correct")
    ]
    total = [one + more for one, more in zip(own, counts, strict=True)]
    return replace(
        score_of([], 0, total, score.scheme), tokens=score.tokens, accuracy=score.accuracy
    )


def _figures(gold: int, predicted: int, correct: int) -> LabelScore:
    """Return the counts with their percentages, rounded to two decimals."""
    precision, recall, f1 = (round(value, 2) for value in percentages(gold, predicted, correct))
    return LabelScore(gold, predicted, correct, precision, recall, f1)


def percentages(gold: int, predicted: int, correct: int) -> tuple[float, float, float]:
    """Compute precision, recall and F1 from counts of spans.

    Args:
        gold: Spans in the gold column.
        predicted: Spans in the predicted column.
        correct: Spans in both.

    Returns:
        Precision, recall and F1 in percent, not rounded; a quotient by zero is 0.
    """
    # 100 comes first, and F1 is computed from percentages: in another order of operations the last
    # digit can differ from that of the script.
    precision = 100 * correct / predicted if predicted else 0.0
    recall = 100 * correct / gold if gold else 0.0
    return precision, recall, 2 * precision * recall / ((precision + recall) or 1)
