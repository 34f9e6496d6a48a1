"""The classifier that a conditional language model implies, by Bayes' rule.

    P(y | x) ∝ P(x | y) P(y)

P(x | y) is the product over the sentences of the text x, each read from the label y and the zero
state; P(y) is the share of the label among the texts of train. All texts are scored with every
label, so the work grows with the number of labels.

Axes: N texts, L labels.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from tagger.errors import TaggerError
from tagger.language_models.labeled import LabeledSentence
from tagger.language_models.model import LanguageModel, log_softmax

__all__ = ["TextScore", "require_labels", "score_texts", "text_score"]

_AT_ONCE = 512  # sentences that are scored together, at least


@dataclass(frozen=True)
class TextScore:
    """The log-probabilities of a text with each label.

    Attributes:
        labels: The L labels of the model, in its order.
        log_likelihoods: (L,) log P(x | y) in nats, with the <EOS> of each sentence.
        log_posteriors: (L,) log P(y | x) in nats.
        steps: Number of predicted words or characters, <EOS> included.
        gold: The label of the text in its file; "" if it has none.
    """

    labels: tuple[str, ...]
    log_likelihoods: np.ndarray
    log_posteriors: np.ndarray
    steps: int
    gold: str = ""

    @property
    def label(self) -> str:
        """Return the most probable label; of several, the first in the order of the model."""
        return self.labels[int(self.log_posteriors.argmax())]


def require_labels(model: LanguageModel) -> None:
    """Check that a model is conditional.

    Raises:
        TaggerError: It has no labels.
    """
    if not model.bundle.labels:
        raise TaggerError(
            f"{model.bundle.folder or 'the language model'}: was trained without labels, so it "
            'implies no classifier; train it on JSON Lines with "text" and "label"'
        )


def text_score(
    model: LanguageModel, sentences: Sequence[Sequence[str]], gold: str = ""
) -> TextScore:
    """Score one text with every label.

    Args:
        model: A conditional language model.
        sentences: The tokens of each sentence of the text.
        gold: Its label, if known.

    Returns:
        The scores.

    Raises:
        TaggerError: The model has no labels.
    """
    require_labels(model)
    return _scores(model, [(list(sentences), gold)])[0]


def score_texts(model: LanguageModel, sentences: Iterable[LabeledSentence]) -> Iterator[TextScore]:
    """Score texts with every label, lazily and in bounded memory.

    Args:
        model: A conditional language model.
        sentences: The sentences of the texts, in order.

    Yields:
        The scores of each text.

    Raises:
        TaggerError: The model has no labels.
    """
    require_labels(model)
    group: list[tuple[list[Sequence[str]], str]] = []
    count = 0
    for each in sentences:
        if each.begins_text and count >= _AT_ONCE:
            yield from _scores(model, group)
            group, count = [], 0
        if each.begins_text:
            group.append(([], each.label))
        group[-1][0].append(each.tokens)
        count += 1
    yield from _scores(model, group)


def _scores(
    model: LanguageModel, texts: Sequence[tuple[list[Sequence[str]], str]]
) -> list[TextScore]:
    """Return the scores of texts, each as its sentences and its label."""
    labels = model.bundle.labels
    sequences = [model.ids(tokens) for sentences, _ in texts for tokens in sentences]
    ends = [0, *itertools.accumulate(len(sentences) for sentences, _ in texts)]
    places = list(itertools.pairwise(ends))  # of the sequences of each text
    likelihoods = np.zeros((len(texts), len(labels)))
    for column, label in enumerate(labels.names):
        values = model.log_probabilities(sequences, [label] * len(sequences))
        totals = [float(steps.sum()) for steps in values]
        likelihoods[:, column] = [sum(totals[start:end]) for start, end in places]
    posteriors = log_softmax(likelihoods + labels.log_prior())  # (N, L)
    steps = [sum(len(ids) + 1 for ids in sequences[start:end]) for start, end in places]
    return [
        TextScore(labels.names, likelihood, posterior, count, gold)
        for likelihood, posterior, count, (_, gold) in zip(
            likelihoods, posteriors, steps, texts, strict=True
        )
    ]
