"""What a language model knows at each token of a sentence: its state where it has just read the
token, for a tagger to read.

The forward model has read the sentence up to the token's last character, the backward model from
the end down to its first.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from tagger.language_models.model import LanguageModel, padded

__all__ = ["places_of", "states", "states_of_each"]


def places_of(tokens: Sequence[str], *, level: str, backward: bool) -> np.ndarray:
    """The timestep, counted from the border at 0, after which each token (n,) has been read.

    The published code of Akbik et al. (2018) reads one step further, at the blank beside the token,
    where ours found no more.

    >>> places_of(["ab", "c"], level="characters", backward=False)
    array([2, 4])
    >>> places_of(["ab", "c"], level="characters", backward=True)
    array([4, 1])
    """
    lengths = np.array(
        [len(token) if level == "characters" else 1 for token in tokens], dtype=np.int64
    )
    between = 1 if level == "characters" else 0
    ends = np.cumsum(lengths + between) - between
    if backward:
        ends = int(lengths.sum()) + between * (len(tokens) - 1) - (ends - lengths)
    return ends


def states(model: LanguageModel, sentences: Sequence[Sequence[str]]) -> list[np.ndarray]:
    """For each tokenised sentence the model's states (n, U) float32 at its tokens, each sentence
    read from the zero state.
    """
    found = [np.zeros((0, model.units), dtype=np.float32)] * len(sentences)
    level = model.bundle.config.model.level
    full = [index for index, tokens in enumerate(sentences) if len(tokens)]
    read = [model.numbers(sentences[index]) for index in full]
    for rows, numbers, _ in padded(read):
        places = [
            places_of(sentences[full[row]], level=level, backward=model.backward) * len(rows)
            + column
            for column, row in enumerate(rows)
        ]
        parts = np.split(
            model.activations(numbers, np.concatenate(places)),
            np.cumsum([len(part) for part in places])[:-1],
        )
        for row, part in zip(rows, parts, strict=True):
            found[full[row]] = part
    return found


def states_of_each(
    models: Sequence[LanguageModel], sentences: Sequence[Sequence[str]]
) -> list[list[np.ndarray]]:
    """What `states` gives, for each of the models. Every model has a thread of its own."""
    with ThreadPoolExecutor(max(len(models), 1)) as pool:
        return list(pool.map(lambda model: states(model, sentences), models))
