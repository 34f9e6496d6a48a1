"""Sampling of text from a language model, unit by unit.

Axes: V vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tagger.features.vocabulary import UNK
from tagger.language_models import model as models
from tagger.language_models.model import LanguageModel, log_softmax
from tagger.language_models.text import EOS, name_of

__all__ = ["Sample", "SamplingConfig", "distribution", "sample", "samples"]


@dataclass(frozen=True)
class SamplingConfig:
    """Settings of sampling.

    Attributes:
        temperature: Divisor of the logits: below 1 prefers probable units, above 1 improbable ones.
        top_k: Number of most probable units to draw from; 0: all.
        max_length: Maximum number of words or characters to draw if <EOS> is not drawn before.
    """

    temperature: float = 1.0
    top_k: int = 0
    max_length: int = 200


class Sample(NamedTuple):
    """A text that was drawn from a language model.

    Attributes:
        text: The text, tokens separated by blanks, with the prefix.
        label: The label on which it is conditional; None for a model without labels.
        is_complete: Whether <EOS> was drawn, so that the maximum length did not end the text.
    """

    text: str
    label: str | None
    is_complete: bool

    def as_dict(self) -> dict[str, Any]:
        """Return a dict for JSON: ``text``, ``label`` of a conditional model, ``complete``."""
        label = {} if self.label is None else {"label": self.label}
        return {"text": self.text, **label, "complete": self.is_complete}


def distribution(logits: np.ndarray, drawing: SamplingConfig) -> np.ndarray:
    """Compute the distribution from which the next unit is drawn.

    <UNK> has probability 0, which is equivalent to drawing again whenever it is drawn.

    Args:
        logits: (V,) of the model.
        drawing: Temperature and top_k.

    Returns:
        (V,) float64 probabilities.
    """
    logits = np.asarray(logits, dtype=np.float64).copy()
    logits[UNK] = -np.inf
    if 0 < drawing.top_k < len(logits):
        logits[np.argsort(-logits, kind="stable")[drawing.top_k :]] = -np.inf
    return np.asarray(np.exp(log_softmax(logits / drawing.temperature)))


def samples(
    run: str | Path,
    drawing: SamplingConfig,
    *,
    count: int = 1,
    prefix: str = "",
    seed: int | None = None,
    label: str | None = None,
) -> Iterator[Sample]:
    """Draw texts from the language model in a folder.

    Args:
        run: The folder of the model.
        drawing: The settings of sampling.
        count: The number of texts.
        prefix: Tokens, separated by blanks, that each text begins with, or ends with if the model
            reads backward.
        seed: Seed of the draws; equal seeds yield equal texts. Default: a random one.
        label: The label of the texts, of a conditional model.

    Returns:
        An iterator, which draws each text when it is asked for it.

    Raises:
        BundleError: The folder is not a language model, or was damaged.
        TaggerError: As `LanguageModel.border`.
    """
    model, random = models.load(run), np.random.default_rng(seed)
    model.border(label)
    return (sample(model, drawing, random, prefix.split(), label) for _ in range(count))


def sample(
    model: LanguageModel,
    drawing: SamplingConfig,
    random: np.random.Generator,
    prefix: Sequence[str] = (),
    label: str | None = None,
) -> Sample:
    """Draw a text from a model.

    Sampling begins with the zero state and x^<1>, the zero vector or that of the label; then each
    unit drawn is the next input: x^<t> = ŷ^<t-1>.

    Args:
        model: The language model.
        drawing: The settings of sampling.
        random: The generator of random numbers.
        prefix: Tokens that the text begins with, or ends with if the model reads backward.
        label: The label of the text, of a conditional model.

    Returns:
        The text.

    Raises:
        TaggerError: As `LanguageModel.border`.
    """
    vocabulary, level = model.bundle.vocabulary, model.bundle.config.model.level
    read = model.ids(prefix)
    logits, states = model.logits(np.append(model.border(label), read))
    drawn: list[int] = []
    is_complete = False
    while len(drawn) < drawing.max_length:
        number = int(random.choice(len(vocabulary), p=distribution(logits, drawing)))
        if is_complete := number == EOS:
            break
        drawn.append(number)
        logits, states = model.logits(np.array([number]), states)
    words = [name_of(number, vocabulary) for number in drawn]
    glue = "" if level == "characters" else " "
    given, new = " ".join(prefix), glue.join(words[::-1] if model.backward else words)
    between = glue if given and new else ""
    text = new + between + given if model.backward else given + between + new
    return Sample(text, label, is_complete)
