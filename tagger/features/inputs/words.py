"""Words as ids of the training set's vocabulary: an embedding, or one-hot vectors.

Axes: D distinct words, V ids of the vocabulary.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np

from tagger.features.inputs.base import (
    Column,
    Config,
    Files,
    Input,
    Settings,
    Shapes,
    Sources,
    replace_rare,
)
from tagger.features.vocabulary import PAD, Vocabulary

__all__ = ["WordsInput"]

_FILE = "vocabulary/words.json"


class WordsInput(Input):
    """The input of vocabulary ids: array ``words`` (D,) int32.

    Every model has this input. Without an embedding its words may be one-hot vectors, whose product
    with the kernel is part of the first recurrent layer.

    Args:
        vocabulary: Words of the training set.
    """

    name = "words"

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary

    @classmethod
    def build(cls, settings: Settings, words: Vocabulary, sources: Sources) -> Input:
        """Build the input, whatever the settings."""
        return cls(words)

    @classmethod
    def load(cls, settings: Settings, files: Files, sources: Sources) -> Input:
        """Load the input, whatever the settings."""
        return cls(files.parsed(_FILE, Vocabulary.from_json))

    def files(self) -> dict[str, bytes]:
        """Return the vocabulary as a file."""
        return {_FILE: self.vocabulary.to_json().encode()}

    def store(self) -> Column:
        """Create an empty store of vocabulary ids."""
        return Column(self.vocabulary.ids, PAD)

    @cached_property
    def _rare(self) -> np.ndarray:
        """Return which ids belong to words seen once, (V,) bool."""
        return self.vocabulary.rare(1)

    def mask_unknown(
        self, array: np.ndarray, random: np.random.Generator, probability: float
    ) -> np.ndarray:
        """Replace some words seen once by <UNK>; see `Input.mask_unknown`."""
        return replace_rare(array, self._rare, probability, random)

    def layer(self, model: Mapping[str, Any], inputs: Mapping[str, Input]) -> Config | None:
        """Return the sizes of the embedding; None without one, or with pretrained vectors."""
        if "vectors" in inputs or not model["embedding"]:
            return None
        return {"vocabulary_size": len(self.vocabulary), "dimension": model["embedding"]}

    @staticmethod
    def shapes(config: Config) -> Shapes:
        """Return the weight shape of the embedding."""
        return {"embeddings": (config["vocabulary_size"], config["dimension"])}

    @staticmethod
    def width(config: Config) -> int:
        """Return the dimension of the embedding."""
        return int(config["dimension"])

    def describe(self, config: Config) -> str:
        """Return the description of the input on the model card."""
        return f"trained embedding of {config['dimension']}"
