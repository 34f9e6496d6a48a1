"""Scores of a classifier on files of labeled texts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tagger.classification.classifier import Classifier, load
from tagger.classification.prediction import Prediction
from tagger.classification.scores import TextScores, text_scores
from tagger.corpora.texts import TextCorpus, read_all
from tagger.text.labeled import LabeledText

__all__ = ["Evaluation", "evaluate", "evaluated"]


@dataclass(frozen=True)
class Evaluation:
    """A classifier on labeled texts.

    Attributes:
        corpus: The texts.
        predictions: The prediction of each.
        scores: The scores.
    """

    corpus: TextCorpus
    predictions: list[Prediction]
    scores: TextScores

    def errors(self) -> list[tuple[LabeledText, Prediction]]:
        """Return the texts with wrong labels, the least probable gold labels first."""
        pairs = zip(self.corpus.texts, self.predictions, strict=True)
        wrong = [pair for pair in pairs if {*pair[0].labels} != {*pair[1].labels}]
        return sorted(wrong, key=lambda pair: _doubt(*pair), reverse=True)


def _doubt(text: LabeledText, prediction: Prediction) -> float:
    """Return the highest probability that a wrong decision on a label had."""
    scores = prediction.probabilities
    missed = [1 - scores.get(label, 0.0) for label in text.labels if label not in prediction.labels]
    added = [scores[label] for label in prediction.labels if label not in text.labels]
    return max([*missed, *added])


def evaluate(
    model: Classifier | str | Path,
    files: str | Path | Sequence[str | Path],
    *,
    text_column: str | None = None,
    label_column: str | None = None,
    label_separator: str | None = None,
    encoding: str = "auto",
    threshold: float | None = None,
    on_corpus: Callable[[TextCorpus], None] | None = None,
) -> TextScores:
    """Score a classifier on files of labeled texts, taken together.

    Args:
        model: An open classifier, which stays open; or the folder of one.
        files: One file of labeled texts, or several: JSON Lines, tables, Parquet or Arrow.
        text_column: Name of the column or key with the text. Default: as in training.
        label_column: Name of the column or key with the label. Default: as in training.
        label_separator: What separates several labels in a cell of a table. Default: as in
            training.
        encoding: Encoding of the files. Default: UTF-8, or that of a byte order mark.
        threshold: Probability from which a label is predicted, with several per text. Default:
            what training decided on dev.
        on_corpus: Called with the texts once they are read, to show how they were understood.

    Returns:
        Accuracy, averages, scores per label, confusion matrix and calibration.

    Raises:
        DataError: A file is ill-formed, or a record has no text or label.
        TaggerError: The model cannot be opened.
        ValueError: The threshold is impossible.
    """
    return evaluated(
        model,
        files,
        text_column=text_column,
        label_column=label_column,
        label_separator=label_separator,
        encoding=encoding,
        threshold=threshold,
        on_corpus=on_corpus,
    ).scores


def evaluated(
    model: Classifier | str | Path,
    files: str | Path | Sequence[str | Path],
    *,
    text_column: str | None = None,
    label_column: str | None = None,
    label_separator: str | None = None,
    encoding: str = "auto",
    threshold: float | None = None,
    on_corpus: Callable[[TextCorpus], None] | None = None,
) -> Evaluation:
    """Return the scores of a classifier with the texts and predictions; see `evaluate`."""
    paths = [files] if isinstance(files, str | Path) else list(files)
    if not paths:
        raise ValueError("expected at least one file of labeled texts")
    with ExitStack() as stack:
        opened = model if isinstance(model, Classifier) else stack.enter_context(load(model))
        trained = opened.bundle.config.data.reading
        options = replace(
            trained,
            encoding=encoding,
            text=trained.text if text_column is None else text_column,
            label=trained.label if label_column is None else label_column,
            separator=trained.separator if label_separator is None else label_separator,
        )
        corpus = read_all(paths, options)
        if on_corpus is not None:
            on_corpus(corpus)
        tokens = (text.tokens for text in corpus.texts)
        predictions = list(opened.predict(tokens, threshold=threshold))
        bundle = opened.bundle
    scores = text_scores(
        [text.labels for text in corpus.texts],
        [prediction.labels for prediction in predictions],
        np.array([prediction.scores for prediction in predictions]),
        bundle.labels,
        multi_label=bundle.is_multi_label,
    )
    return Evaluation(corpus, predictions, scores)
