"""Probabilities of sentences under a language model: the product of its steps, <EOS> included."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tagger.features.vocabulary import UNK
from tagger.language_models import model as models
from tagger.language_models import text
from tagger.language_models.labeled import checked, labeled_sentences
from tagger.language_models.model import LanguageModel
from tagger.language_models.text import EOS, name_of, units_of
from tagger.text.opening import AUTO
from tagger.text.options import ReadOptions

__all__ = ["CorpusScore", "SentenceScore", "reading", "score", "score_files"]

_AT_ONCE = 1024  # sentences that are grouped into batches of similar length


@dataclass(frozen=True)
class SentenceScore:
    """The log-probabilities of a sentence, step by step.

    Attributes:
        text: The tokens, separated by blanks.
        names: The words or characters in the order of reading, unknown ones as <UNK>, and <EOS>.
        values: (steps,) float64 log-probabilities in nats, one per name.
        label: The label on which they are conditional; None for a model without labels.
    """

    text: str
    names: tuple[str, ...]
    values: np.ndarray
    label: str | None = None

    @property
    def log_probability(self) -> float:
        """Return the log-probability of the sentence in nats, <EOS> included."""
        return float(self.values.sum())

    @property
    def perplexity(self) -> float:
        """Return the perplexity per word or character, <EOS> included."""
        return float(np.exp(-self.values.mean()))

    @property
    def unknown(self) -> int:
        """Return the number of <UNK>."""
        return self.names.count("<UNK>")

    def as_dict(self) -> dict[str, Any]:
        """Return a dict for JSON, whose ``tokens`` are pairs of a name and its log-probability.

        It has a ``label`` if the model is conditional.
        """
        return {
            "text": self.text,
            **({} if self.label is None else {"label": self.label}),
            "log_probability": self.log_probability,
            "perplexity": self.perplexity,
            "tokens": [
                [name, float(value)] for name, value in zip(self.names, self.values, strict=True)
            ],
        }


@dataclass
class CorpusScore:
    """Totals over many sentences.

    Attributes:
        sentences: Number of sentences.
        steps: Number of predicted words or characters, <EOS> included.
        characters: Number of characters, counting blanks between tokens and the end of each
            sentence.
        unknown: Number of <UNK>.
        log_probability: Sum of log-probabilities, in nats.
    """

    sentences: int = 0
    steps: int = 0
    characters: int = 0
    unknown: int = 0
    log_probability: float = 0.0

    def add(self, scored: SentenceScore) -> None:
        """Add a sentence to the totals."""
        self.sentences += 1
        self.steps += len(scored.values)
        self.characters += len(scored.text) + 1
        self.unknown += scored.unknown
        self.log_probability += scored.log_probability

    @property
    def perplexity(self) -> float:
        """Return the inverse of the geometric mean of the steps' probabilities."""
        return float(np.exp(-self.log_probability / self.steps))

    @property
    def bits_per_character(self) -> float:
        """Return the cross-entropy in bits per character of ``characters``."""
        return -self.log_probability / float(np.log(2)) / self.characters

    def as_dict(self) -> dict[str, Any]:
        """Return a dict for JSON; without sentences, it contains the counts only."""
        if not self.sentences:
            return asdict(self)
        return {
            **asdict(self),
            "perplexity": self.perplexity,
            "bits_per_character": self.bits_per_character,
        }

    def sentence(self) -> str:
        """Return the totals in words, on one line."""
        if not self.sentences:
            return "no sentences"
        sentences = "1 sentence" if self.sentences == 1 else f"{self.sentences:,} sentences"
        return (
            f"{sentences}, {self.steps:,} steps, {100 * self.unknown / self.steps:.2f} % unknown: "
            f"log-probability {self.log_probability:.4f}, perplexity {self.perplexity:.4f}, "
            f"{self.bits_per_character:.4f} bits per character"
        )


def score_files(
    run: str | Path,
    files: Sequence[str],
    *,
    tokenizer: str | None = None,
    wrapped: bool = False,
    encoding: str = AUTO,
    carry: bool = False,
    label: str | None = None,
) -> Iterator[SentenceScore]:
    """Score the sentences of files with the language model in a folder.

    Args:
        run: The folder of the model.
        files: Text, CoNLL columns or JSON Lines; ``-`` is standard input.
        tokenizer: Tokenizer of raw text. Default: that of the model's training.
        wrapped: Whether only a blank line ends a paragraph of raw text.
        encoding: Encoding of the files. Default: UTF-8, or that of a byte order mark.
        carry: Whether each sentence continues in the final states of the previous one; see `score`.
        label: The label that all texts are scored with, of a conditional model. Default: the label
            of each text in the files.

    Returns:
        An iterator over the scores of all sentences, in order.

    Raises:
        TaggerError: The folder is not a language model, the label is unknown or the model has no
            labels; or, while iterating, a file is ill-formed, or a text has no label or an unknown
            one.
    """
    model = models.load(run)
    labels, key = model.bundle.labels, model.bundle.config.data.label
    options = reading(model, tokenizer=tokenizer, wrapped=wrapped, encoding=encoding)
    if label is not None or not labels:
        model.border(label)
        return score(model, text.sentences(files, options), carry=carry, label=label)
    advice = ", or choose the label of all texts with --label"
    read = labeled_sentences(files, options, key)
    return _score(
        model, ((each.tokens, checked(each, labels, key, advice)) for each in read), carry
    )


def reading(
    model: LanguageModel, *, tokenizer: str | None, wrapped: bool, encoding: str
) -> ReadOptions:
    """Return the options of reading files for a model.

    Args:
        model: The language model.
        tokenizer: Tokenizer of raw text. Default: that of the model's training.
        wrapped: Whether only a blank line ends a paragraph of raw text.
        encoding: Encoding of the files, which need not be that of the training.
    """
    own = model.bundle.config.data.reading
    return replace(own, tokenizer=tokenizer or own.tokenizer, wrapped=wrapped, encoding=encoding)


def score(
    model: LanguageModel,
    sentences: Iterable[Sequence[str]],
    *,
    carry: bool = False,
    label: str | None = None,
) -> Iterator[SentenceScore]:
    """Score tokenized sentences, lazily and in bounded memory.

    Args:
        model: The language model.
        sentences: The tokens of each sentence.
        carry: Whether each sentence begins in the final states of the previous one, so that all are
            read as one text (a backward model still reads each sentence from its end). By default
            each begins in the zero state.
        label: The label of the sentences, of a conditional model.

    Returns:
        An iterator over the scores of the sentences, in order.

    Raises:
        TaggerError: As `LanguageModel.border`, while iterating.
    """
    return _score(model, ((tokens, label) for tokens in sentences), carry)


def _score(
    model: LanguageModel, labeled: Iterable[tuple[Sequence[str], str | None]], carry: bool
) -> Iterator[SentenceScore]:
    """Yield the scores of sentences with their labels."""
    if carry:
        yield from _carried(model, labeled)
        return
    labeled = iter(labeled)
    while group := list(itertools.islice(labeled, _AT_ONCE)):
        sequences = [model.ids(tokens) for tokens, _ in group]
        values = model.log_probabilities(sequences, [label for _, label in group])
        for (tokens, label), ids, steps in zip(group, sequences, values, strict=True):
            yield _scored(model, tokens, ids, steps, label)


def _carried(
    model: LanguageModel, labeled: Iterable[tuple[Sequence[str], str | None]]
) -> Iterator[SentenceScore]:
    """Yield the scores of sentences that are read as one text."""
    states = None
    for tokens, label in labeled:
        ids = model.ids(tokens)
        values, states = model.score_continuation(ids, states, label)
        yield _scored(model, tokens, ids, values, label)


def _scored(
    model: LanguageModel,
    tokens: Sequence[str],
    ids: np.ndarray,
    values: np.ndarray,
    label: str | None,
) -> SentenceScore:
    """Return the score of a sentence from its ids (T,) and log-probabilities (T + 1,)."""
    units = list(units_of(tokens, model.bundle.config.model.level))
    shown = [
        unit if number != UNK else name_of(UNK, model.bundle.vocabulary)
        for unit, number in zip(units[::-1] if model.backward else units, ids, strict=True)
    ]
    names = (*shown, name_of(EOS, model.bundle.vocabulary))
    return SentenceScore(" ".join(tokens), names, values, label)
