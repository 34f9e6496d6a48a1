"""Scores of predicted tags against gold tags: conlleval, strict scores, and a fast F1 of spans.

conlleval and strict are precision, recall and F1 of exact spans. They differ only in which tags
form a span: see `conlleval` and `strict`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from tagger.evaluation.calibration import Calibration
from tagger.evaluation.confusion import Confusion, confusion
from tagger.evaluation.conlleval import conlleval
from tagger.evaluation.figures import (
    LabelScore,
    Score,
    Tags,
    columns,
    percentages,
    with_spans,
)
from tagger.evaluation.schemas import Interval, SchemaScore, schemas
from tagger.evaluation.strict import ENOUGH_SPANS, strict
from tagger.text.schemes import SchemeError
from tagger.text.spans import Span

__all__ = [
    "ENOUGH_SPANS",
    "LabelScore",
    "Score",
    "Scores",
    "conlleval",
    "scores",
    "span_f1",
    "strict",
]

Spans = Iterable[Iterable[Span]]
"""The spans of each sentence."""


@dataclass(frozen=True, slots=True)
class Scores:
    """Both readings of two columns of tags.

    Attributes:
        conlleval: The scores of the script conlleval.
        strict: The strict scores. If no scheme fits the gold tags, both columns are read in IOB1;
            None if they cannot be read in IOB1 either.
        problem: Why no scheme fits the gold tags; else empty.
        schemas: The scores of `evaluation.schemas`, by name; empty for plain tags and columns of
            tags.
        confusion: Counts of spans by gold and predicted label, where there are schemas.
        cutting: Number of gold spans that cut a token, and count as missed.
        calibration: The calibration of span probabilities, if it was asked for.
        curve: The counts at every threshold, if they were asked for; see
            `operating_points.counts_at`.
        promises: The precision and recall on dev at each threshold that was chosen for a target.
    """

    conlleval: Score
    strict: Score | None
    problem: str = ""
    schemas: dict[str, SchemaScore] = field(default_factory=dict)
    confusion: Confusion | None = None
    cutting: int = 0
    calibration: Calibration | None = None
    curve: dict[str, Any] | None = None
    promises: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return ``{"conlleval": {...}, "strict": {...}}``; ``strict`` may be None.

        If they are available, ``schemas`` has the scores of each schema, ``confusion`` the counts
        by gold and predicted label, and ``cutting`` the number of gold spans that cut a token.
        ``calibration`` and ``curve`` are added if they were asked for.
        """
        more = {
            "calibration": self.calibration and self.calibration.as_json(),
            "curve": self.curve,
        }
        found: dict[str, Any] = {
            "conlleval": self.conlleval.as_json(),
            "strict": self.strict and self.strict.as_json(),
            **{name: value for name, value in more.items() if value is not None},
        }
        if self.schemas:
            found["schemas"] = {name: score.as_json() for name, score in self.schemas.items()}
            found["confusion"] = self.confusion and self.confusion.as_json()
            found["cutting"] = self.cutting
        return found

    def with_spans(
        self,
        gold: Sequence[Sequence[Interval]],
        predicted: Sequence[Sequence[Interval]],
        extra: Sequence[Counter[str]] = (Counter(), Counter(), Counter()),
    ) -> Scores:
        """Return these scores with the schemas, the confusion, and spans that cut a token.

        Args:
            gold: All gold spans of each text or sentence.
            predicted: All predicted spans of the same texts or sentences.
            extra: Gold, predicted and correct spans per label that the tags do not have, since they
                cut a token.
        """
        return replace(
            self,
            conlleval=with_spans(self.conlleval, extra) if any(extra) else self.conlleval,
            strict=self.strict and (with_spans(self.strict, extra) if any(extra) else self.strict),
            schemas=schemas(gold, predicted),
            confusion=confusion(gold, predicted),
            cutting=extra[0].total(),
        )


def scores(gold: Tags, predicted: Tags, scheme: str | None = None) -> Scores:
    """Compute the conlleval and strict scores of the same sentences.

    conlleval accepts any tags, so its scores are returned even if strict finds no scheme, which is
    then reported as ``problem``.

    Args:
        gold: The gold tags.
        predicted: The predicted tags, of the same lengths.
        scheme: Tagging scheme of both columns, or "plain". Detected if omitted; see `strict`.

    Returns:
        Both scores.

    Raises:
        ValueError: The columns differ in length, or the scheme is unknown.
        SchemeError: The tags do not fit a declared `scheme`.
    """
    gold, predicted = columns(gold, predicted)
    by_script = conlleval(gold, predicted)
    try:
        return Scores(by_script, strict(gold, predicted, scheme))
    except SchemeError as error:
        if scheme is not None:
            raise
        problem = str(error)
    with suppress(SchemeError):
        return Scores(by_script, strict(gold, predicted, "IOB1"), problem)
    return Scores(by_script, None, problem)


def span_f1(gold: Spans, predicted: Spans) -> tuple[float, float, float]:
    """Compute precision, recall and F1 of spans; a span is correct if start, end and label match.

    Args:
        gold: The gold spans of each sentence.
        predicted: The predicted spans of each sentence.

    Returns:
        Precision, recall and F1 as fractions, 0 to 1.

    Raises:
        ValueError: The columns differ in their number of sentences.
    """
    gold_count, predicted_count, correct = 0, 0, 0
    for gold_spans, predicted_spans in zip(map(set, gold), map(set, predicted), strict=True):
        gold_count += len(gold_spans)
        predicted_count += len(predicted_spans)
        correct += len(gold_spans & predicted_spans)
    precision, recall, f1 = percentages(gold_count, predicted_count, correct)
    return precision / 100, recall / 100, f1 / 100
