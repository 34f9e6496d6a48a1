"""Words by their ids in the vocabulary of the training set: an embedding, or one-hot vectors."""

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
    """The ids of words: array ``words`` (D,) int32. Every model has them; what the network makes of
    one-hot words is part of its first recurrent layer.
    """

    name = "words"

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary

    @classmethod
    def build(cls, settings: Settings, words: Vocabulary, sources: Sources) -> Input:
        return cls(words)

    @classmethod
    def load(cls, settings: Settings, files: Files, sources: Sources) -> Input:
        return cls(files.parsed(_FILE, Vocabulary.from_json))

    def files(self) -> dict[str, bytes]:
        return {_FILE: self.vocabulary.to_json().encode()}

    def store(self) -> Column:
        return Column(self.vocabulary.ids, PAD)

    @cached_property
    def _rare(self) -> np.ndarray:
        return self.vocabulary.rare(1)

    def disguised(
        self, array: np.ndarray, random: np.random.Generator, probability: float
    ) -> np.ndarray:
        return replace_rare(array, self._rare, probability, random)

    def layer(self, model: Mapping[str, Any], inputs: Mapping[str, Input]) -> Config | None:
        """Return the sizes of the embedding; pretrained vectors take its place."""
        if "vectors" in inputs or not model["embedding"]:
            return None
        return {"vocabulary_size": len(self.vocabulary), "dimension": model["embedding"]}

    @staticmethod
    def shapes(config: Config) -> Shapes:
        return {"embeddings": (config["vocabulary_size"], config["dimension"])}

    @staticmethod
    def width(config: Config) -> int:
        return int(config["dimension"])

    def describe(self, config: Config) -> str:
        return f"trained embedding of {config['dimension']}"
