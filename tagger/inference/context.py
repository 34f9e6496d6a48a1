"""What language models know at the tokens of a text, for the taggers that read with them.

Axes: N tokens in all, U units of a language model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from tagger.bundles.tagger import Bundle
from tagger.cells import CELLS
from tagger.language_models.model import LanguageModel
from tagger.language_models.states import states_of_each

__all__ = ["Key", "Known", "Read", "models_of", "reading"]


class Key(NamedTuple):
    """By what equal language models are known: several taggers that read with one have it read
    once.
    """

    digest: str
    quantized: bool


Known = Mapping[Key, np.ndarray]
"""Of each language model its states (N, U) at the tokens of some sentences, in one row."""

Read = Callable[[Sequence[Sequence[str]]], Known]


def models_of(bundle: Bundle, precision: str) -> dict[Key, LanguageModel]:
    """The language models of a tagger in their order; in int8 those that have it."""
    found = {}
    for model in bundle.language_models:
        quantized = precision == "int8" and CELLS[model.config.model.cell].has_int8
        found[Key(model.digest, quantized)] = LanguageModel(model, quantized=quantized)
    return found


def reading(models: Mapping[Key, LanguageModel]) -> Read:
    """The function that lets the models read."""

    def read(sentences: Sequence[Sequence[str]]) -> Known:
        each = states_of_each(list(models.values()), sentences)
        rows = (
            np.concatenate([np.zeros((0, model.units), dtype=np.float32), *found])
            for model, found in zip(models.values(), each, strict=True)
        )
        return dict(zip(models, rows, strict=True))

    return read
