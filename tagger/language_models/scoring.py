"""How probable sentences are: the product of a model's steps, <EOS> included."""

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
from tagger.language_models.model import LanguageModel
from tagger.language_models.text import EOS, name_of, units_of

__all__ = ["CorpusScore", "SentenceScore", "score", "score_files"]

_AT_ONCE = 1024  # sentences that are put together to batches of like length


@dataclass(frozen=True)
class SentenceScore:
    """A sentence and the log-probability, in nats, of each of its steps in the order of reading,
    <EOS> last.

    ``names`` are the words or characters as the model sees them: what it does not know is <UNK>.
    """

    text: str
    names: tuple[str, ...]
    values: np.ndarray

    @property
    def log_probability(self) -> float:
        return float(self.values.sum())

    @property
    def perplexity(self) -> float:
        return float(np.exp(-self.values.mean()))

    @property
    def unknown(self) -> int:
        return self.names.count("<UNK>")

    def as_dict(self) -> dict[str, Any]:
        """For JSON: ``tokens`` are pairs of a name and its log-probability."""
        return {
            "text": self.text,
            "log_probability": self.log_probability,
            "perplexity": self.perplexity,
            "tokens": [
                [name, float(value)] for name, value in zip(self.names, self.values, strict=True)
            ],
        }


@dataclass
class CorpusScore:
    """What many sentences come to."""

    sentences: int = 0
    steps: int = 0
    characters: int = 0
    unknown: int = 0
    log_probability: float = 0.0

    def add(self, scored: SentenceScore) -> None:
        self.sentences += 1
        self.steps += len(scored.values)
        self.characters += len(scored.text) + 1
        self.unknown += scored.unknown
        self.log_probability += scored.log_probability

    @property
    def perplexity(self) -> float:
        """The inverse of the geometric mean of the steps' probabilities."""
        return float(np.exp(-self.log_probability / self.steps))

    @property
    def bits_per_character(self) -> float:
        """Blanks between tokens and the end of each sentence count as characters."""
        return -self.log_probability / float(np.log(2)) / self.characters

    def as_dict(self) -> dict[str, Any]:
        """For JSON; of nothing, the counts alone."""
        if not self.sentences:
            return asdict(self)
        return {
            **asdict(self),
            "perplexity": self.perplexity,
            "bits_per_character": self.bits_per_character,
        }

    def sentence(self) -> str:
        """In words."""
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
    carry: bool = False,
) -> Iterator[SentenceScore]:
    """Yield the scores of all sentences of files, in order, to the language model in a folder.

    Args:
        run: the folder.
        files: text, CoNLL columns or JSON Lines; ``-`` is standard input.
        tokenizer: of raw text; by default that of the model's training.
        wrapped: whether only a blank line ends a paragraph of raw text.
        carry: whether each sentence goes on where the one before it ended; see `score`.

    Raises:
        TaggerError: the folder is no language model, or a file is ill-formed.
    """
    model = models.load(run)
    reading = model.bundle.config.data.reading
    reading = replace(reading, tokenizer=tokenizer or reading.tokenizer, wrapped=wrapped)
    return score(model, text.sentences(files, reading), carry=carry)


def score(
    model: LanguageModel, sentences: Iterable[Sequence[str]], *, carry: bool = False
) -> Iterator[SentenceScore]:
    """The tokenised sentences' scores, in their order; memory does not grow with their number.

    Every sentence begins with the zero state; with ``carry`` with the state in which the one before
    it ended, so that they are read as one text, one after another (a backward model still reads
    each sentence from its end).
    """
    if carry:
        yield from _carried(model, sentences)
        return
    sentences = iter(sentences)
    while group := list(itertools.islice(sentences, _AT_ONCE)):
        sequences = [model.numbers(tokens) for tokens in group]
        for tokens, numbers, values in zip(
            group, sequences, model.log_probabilities(sequences), strict=True
        ):
            yield _scored(model, tokens, numbers, values)


def _carried(model: LanguageModel, sentences: Iterable[Sequence[str]]) -> Iterator[SentenceScore]:
    states = None
    for tokens in sentences:
        numbers = model.numbers(tokens)
        values, states = model.carried(numbers, states)
        yield _scored(model, tokens, numbers, values)


def _scored(
    model: LanguageModel, tokens: Sequence[str], numbers: np.ndarray, values: np.ndarray
) -> SentenceScore:
    units = list(units_of(tokens, model.bundle.config.model.level))
    shown = [
        unit if number != UNK else name_of(UNK, model.bundle.vocabulary)
        for unit, number in zip(units[::-1] if model.backward else units, numbers, strict=True)
    ]
    return SentenceScore(" ".join(tokens), (*shown, name_of(EOS, model.bundle.vocabulary)), values)
