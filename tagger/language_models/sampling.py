"""Text drawn from a model, token by token."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tagger.features.vocabulary import UNK
from tagger.language_models import model as models
from tagger.language_models.model import LanguageModel, log_softmax
from tagger.language_models.text import EOS, name_of

__all__ = ["SamplingConfig", "distribution", "sample", "samples"]


@dataclass(frozen=True)
class SamplingConfig:
    """How to draw. ``temperature`` below 1 prefers what is probable, above 1 what is not; ``top_k``
    leaves the k most probable (0: all); ``max_length`` is how many tokens are drawn at most, if
    <EOS> does not come before."""

    temperature: float = 1.0
    top_k: int = 0
    max_length: int = 200


def distribution(logits: np.ndarray, drawing: SamplingConfig) -> np.ndarray:
    """The probabilities (V,) with which a token is drawn, given the model's logits (V,).

    To draw again whenever <UNK> comes is to draw from the distribution without <UNK>, which is what
    this gives.
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
) -> Iterator[str]:
    """Yield texts drawn from the language model in a folder.

    Args:
        run: the folder.
        drawing: how to draw.
        count: how many texts.
        prefix: tokens, with blanks between them, that each text begins with, or ends with if the
            model reads backwards.
        seed: the same seed draws the same texts.

    Raises:
        BundleError: the folder is no language model.
    """
    model, random = models.load(run), np.random.default_rng(seed)
    return (sample(model, drawing, random, prefix.split()) for _ in range(count))


def sample(
    model: LanguageModel,
    drawing: SamplingConfig,
    random: np.random.Generator,
    prefix: Sequence[str] = (),
) -> str:
    """A text that begins with the tokens `prefix`, or ends with them if the model reads backwards.

    It begins with the zero vector and state, then every token drawn is the next one's input: x^<t>
    = ŷ^<t-1>.
    """
    vocabulary, level = model.bundle.vocabulary, model.bundle.config.model.level
    read = model.numbers(prefix)
    logits, states = model.logits(np.append(EOS, read))
    drawn: list[int] = []
    while len(drawn) < drawing.max_length:
        number = int(random.choice(len(vocabulary), p=distribution(logits, drawing)))
        if number == EOS:
            break
        drawn.append(number)
        logits, states = model.logits(np.array([number]), states)
    words = [name_of(number, vocabulary) for number in drawn]
    glue = "" if level == "characters" else " "
    given, new = " ".join(prefix), glue.join(words[::-1] if model.backward else words)
    between = glue if given and new else ""
    return new + between + given if model.backward else given + between + new
