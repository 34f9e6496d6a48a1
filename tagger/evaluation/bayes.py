"""Evaluation of the classifier that a conditional language model implies: a check of the model.

A model that generates texts of each label ought to recognize them. See `language_models.bayes`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tagger.errors import DataError
from tagger.evaluation.figures import Score, score_of
from tagger.language_models import model as models
from tagger.language_models.bayes import TextScore, require_labels, score_texts
from tagger.language_models.labeled import LabeledSentence, checked, labeled_sentences
from tagger.language_models.model import LanguageModel
from tagger.language_models.scoring import reading
from tagger.text.opening import AUTO

__all__ = ["BayesScores", "evaluate", "report", "scores_of"]

_COUNTED = "labels"  # the `Score.scheme` of scores whose counts are complete
_WIDEST = 12  # columns of a confusion matrix that is printed


@dataclass(frozen=True)
class BayesScores:
    """The scores of the implied classifier, and of always predicting train's most frequent label.

    Attributes:
        labels: The labels of the model.
        score: Accuracy, averages and scores per label in percent; its tokens are texts.
        majority: The same for the baseline.
        majority_label: The most frequent label of train.
        confusion: Number of texts by gold and predicted label.
        steps: Number of predicted words or characters, <EOS> included.
        log_likelihood: Sum of log P(x | y) with the gold label y, in nats.
    """

    labels: tuple[str, ...]
    score: Score
    majority: Score
    majority_label: str
    confusion: dict[tuple[str, str], int]
    steps: int
    log_likelihood: float

    @property
    def perplexity(self) -> float:
        """Return the perplexity of the texts given their gold labels."""
        return float(np.exp(-self.log_likelihood / self.steps))

    def as_json(self) -> dict[str, Any]:
        """Return all figures as a dict for ``json.dumps``; accuracies and F1 are percentages."""
        found = self.score.as_json()
        confusion: dict[str, dict[str, int]] = {}
        for (gold, predicted), count in sorted(self.confusion.items()):
            confusion.setdefault(gold, {})[predicted] = count
        return {
            "texts": self.score.tokens,
            "accuracy": self.score.accuracy,
            "macro_f1": self.score.macro[2],
            "majority": {
                "label": self.majority_label,
                "accuracy": self.majority.accuracy,
                "macro_f1": self.majority.macro[2],
            },
            "labels": found["labels"],
            "confusion": confusion,
            "steps": self.steps,
            "log_likelihood": self.log_likelihood,
            "perplexity": self.perplexity,
        }


def evaluate(
    run: str | Path,
    files: Sequence[str],
    *,
    tokenizer: str | None = None,
    encoding: str = AUTO,
) -> BayesScores:
    """Score the classifier that the conditional language model in a folder implies.

    Args:
        run: The folder of the model.
        files: JSON Lines whose texts have labels, taken together; ``-`` is standard input.
        tokenizer: Tokenizer of raw text. Default: that of the model's training.
        encoding: Encoding of the files. Default: UTF-8, or that of a byte order mark.

    Returns:
        The scores.

    Raises:
        TaggerError: The folder is not a conditional language model.
        DataError: A file is ill-formed or has no text, or a text has no label or an unknown one.
    """
    model = models.load(run)
    require_labels(model)
    options = reading(model, tokenizer=tokenizer, wrapped=False, encoding=encoding)
    key = model.bundle.config.data.label
    read = _checked(labeled_sentences(files, options, key), model, key)
    scored = list(score_texts(model, read))
    if not scored:
        raise DataError(", ".join(files), None, "no text in it")
    return scores_of(scored, majority=_most_frequent(model))


def _checked(
    sentences: Iterable[LabeledSentence], model: LanguageModel, key: str
) -> Iterator[LabeledSentence]:
    """Yield sentences whose labels the model has; raise DataError for others."""
    for sentence in sentences:
        checked(sentence, model.bundle.labels, key)
        yield sentence


def _most_frequent(model: LanguageModel) -> str:
    """Return the most frequent label of train; of several, the first."""
    labels = model.bundle.labels
    return labels.names[labels.counts.index(max(labels.counts))]


def scores_of(texts: Sequence[TextScore], majority: str) -> BayesScores:
    """Compute the scores of texts with gold labels.

    Args:
        texts: The scores of at least one text, by the same model.
        majority: The label that the baseline always predicts.

    Returns:
        The scores, with percentages rounded to two decimals.
    """
    gold = [text.gold for text in texts]
    predicted = [text.label for text in texts]
    labels = texts[0].labels
    likelihoods = [text.log_likelihoods[labels.index(text.gold)] for text in texts]
    return BayesScores(
        labels=labels,
        score=_score(gold, predicted),
        majority=_score(gold, [majority] * len(gold)),
        majority_label=majority,
        confusion=dict(Counter(zip(gold, predicted, strict=True))),
        steps=sum(text.steps for text in texts),
        log_likelihood=float(sum(likelihoods)),
    )


def _score(gold: Sequence[str], predicted: Sequence[str]) -> Score:
    """Return the score of one predicted label per text."""
    correct = Counter(one for one, other in zip(gold, predicted, strict=True) if one == other)
    counts = (Counter(gold), Counter(predicted), correct)
    return score_of([["text"] for _ in gold], correct.total(), counts, _COUNTED)


def report(scores: BayesScores) -> str:
    """Format scores as tables: per label, averages beside the baseline, and the confusion matrix.

    Args:
        scores: The scores.

    Returns:
        Lines without a final newline. The matrix is omitted with more than twelve labels.
    """
    score, baseline = scores.score, scores.majority
    width = max(map(len, ["macro F1", *score.labels]))
    head = ("precision", "recall", "F1", "gold", "predicted", "correct")
    lines = [" " * width + "".join(f"{name:>11}" for name in head)]
    for name, row in score.labels.items():
        shares = "".join(f"{value:>11.2f}" for value in (row.precision, row.recall, row.f1))
        counts = "".join(f"{count:>11,}" for count in (row.gold, row.predicted, row.correct))
        lines.append(f"{name:<{width}}{shares}{counts}")
    lines += ["", f"{'':<{width}}{'by Bayes':>11}{'always ' + scores.majority_label:>22}"]
    for name, mine, its in [
        ("accuracy", score.accuracy, baseline.accuracy),
        ("macro F1", score.macro[2], baseline.macro[2]),
    ]:
        lines.append(f"{name:<{width}}{mine:>11.2f}{its:>22.2f}")
    lines += [
        "",
        f"{score.tokens:,} texts, {scores.steps:,} steps: perplexity {scores.perplexity:.4f} given "
        "the labels",
    ]
    return "\n".join([*lines, *_matrix(scores, width)])


def _matrix(scores: BayesScores, width: int) -> list[str]:
    """Return the confusion matrix after a blank line: gold labels down, predicted ones across."""
    if len(scores.labels) > _WIDEST:
        return []
    size = max(7, *(len(name) + 2 for name in scores.labels))
    lines = ["", f"{'gold':<{width}}" + "".join(f"{name:>{size}}" for name in scores.labels)]
    for gold in scores.labels:
        counts = (scores.confusion.get((gold, label), 0) for label in scores.labels)
        lines.append(f"{gold:<{width}}" + "".join(f"{count:>{size},}" for count in counts))
    return lines
