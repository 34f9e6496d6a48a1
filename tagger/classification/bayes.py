"""Evaluation of the classifier that a conditional language model implies: a check of the model.

A model that generates texts of each label ought to recognize them. See `language_models.bayes`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tagger.classification import report as reports
from tagger.classification.scores import TextScores, text_scores
from tagger.errors import DataError
from tagger.language_models import model as models
from tagger.language_models.bayes import TextScore, require_labels, score_texts
from tagger.language_models.labeled import LabeledSentence, checked, labeled_sentences
from tagger.language_models.model import LanguageModel
from tagger.language_models.scoring import reading
from tagger.text.opening import AUTO

__all__ = ["BayesScores", "evaluate", "report", "scores_of"]


@dataclass(frozen=True)
class BayesScores:
    """The scores of the implied classifier, and of always predicting train's most frequent label.

    Attributes:
        scores: The scores of the classifier.
        majority: Those of the baseline, whose probabilities are certain.
        majority_label: The most frequent label of train.
        steps: Number of predicted words or characters, <EOS> included.
        log_likelihood: Sum of log P(x | y) with the gold label y, in nats.
    """

    scores: TextScores
    majority: TextScores
    majority_label: str
    steps: int
    log_likelihood: float

    @property
    def perplexity(self) -> float:
        """Return the perplexity of the texts given their gold labels."""
        return float(np.exp(-self.log_likelihood / self.steps))

    def as_json(self) -> dict[str, Any]:
        """Return all figures as a dict for ``json.dumps``: those of a classifier, and more."""
        return {
            **self.scores.as_json(),
            "majority": {
                "label": self.majority_label,
                "accuracy": self.majority.score.accuracy,
                "macro_f1": self.majority.score.macro[2],
            },
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
        The scores, rounded.
    """
    labels = texts[0].labels
    posteriors = np.exp([text.log_posteriors for text in texts])  # (N, L)
    certain = np.tile([float(label == majority) for label in labels], (len(texts), 1))
    likelihoods = [text.log_likelihoods[labels.index(text.gold)] for text in texts]

    def scores(probabilities: np.ndarray) -> TextScores:
        predicted = [[labels[k]] for k in probabilities.argmax(axis=1)]
        gold = [[text.gold] for text in texts]
        return text_scores(gold, predicted, probabilities, labels, multi_label=False)

    return BayesScores(
        scores=scores(posteriors),
        majority=scores(certain),
        majority_label=majority,
        steps=sum(text.steps for text in texts),
        log_likelihood=float(sum(likelihoods)),
    )


def report(scores: BayesScores) -> str:
    """Format scores as those of a classifier, followed by the baseline and the perplexity.

    Args:
        scores: The scores.

    Returns:
        Lines without a final newline.
    """
    baseline = scores.majority.score
    return (
        f"{reports.report(scores.scores)}\n\n"
        f"always {scores.majority_label}: accuracy {baseline.accuracy:.2f}, macro F1 "
        f"{baseline.macro[2]:.2f}\n"
        f"perplexity {scores.perplexity:.4f} given the labels, in {scores.steps:,} steps"
    )
