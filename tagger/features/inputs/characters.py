"""The characters of words, which a convolution or a recurrent network reads.

Axes: D distinct words, C characters.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np

from tagger.cells import dense_shapes, recurrent_shapes
from tagger.features.inputs.base import (
    Config,
    Files,
    Input,
    Settings,
    Shapes,
    Sources,
    replace_rare,
)
from tagger.features.vocabulary import PAD, Vocabulary

__all__ = ["EMBEDDING", "CharactersInput", "directions"]

EMBEDDING = 30
"""The dimension of the embedding of characters (Ma and Hovy 2016)."""

RARE = 5
"""A character seen at most so often in distinct words is replaced by <UNK> now and then."""

_FILE = "vocabulary/characters.json"


class CharactersInput(Input):
    """The ids of characters: array ``characters`` (D, C) int32, 0 behind a word's end."""

    name = "characters"
    is_ragged = True

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary

    @classmethod
    def build(cls, settings: Settings, words: Vocabulary, sources: Sources) -> Input | None:
        return cls(Vocabulary.build(words.words)) if settings["model"]["characters"] else None

    @classmethod
    def load(cls, settings: Settings, files: Files, sources: Sources) -> Input | None:
        if not settings["model"]["characters"]:
            return None
        return cls(files.parsed(_FILE, Vocabulary.from_json))

    def files(self) -> dict[str, bytes]:
        return {_FILE: self.vocabulary.to_json().encode()}

    def store(self) -> Ragged:
        return Ragged(self.vocabulary)

    @cached_property
    def _rare(self) -> np.ndarray:
        return self.vocabulary.rare(RARE)

    def disguised(
        self, array: np.ndarray, random: np.random.Generator, probability: float
    ) -> np.ndarray:
        return replace_rare(array, self._rare, probability, random)

    def layer(self, model: Mapping[str, Any], inputs: Mapping[str, Input]) -> Config | None:
        if not model["characters"]:
            return None
        return {
            "vocabulary_size": len(self.vocabulary),
            "units": model["characters"],
            "encoder": model["character_encoder"],
            "cell": model["cell"],
            "dropout": model["input_dropout"],
        }

    @staticmethod
    def shapes(config: Config) -> Shapes:
        shapes: Shapes = {"embedding/embeddings": (config["vocabulary_size"], EMBEDDING)}
        if config["encoder"] == "cnn":
            return shapes | dense_shapes("convolution", 3 * EMBEDDING, config["units"])
        for direction, units in directions(config["units"]).items():
            shapes |= recurrent_shapes(direction, config["cell"], EMBEDDING, units)
        return shapes

    @staticmethod
    def width(config: Config) -> int:
        units = config["units"]
        return int(units if config["encoder"] == "cnn" else sum(directions(units).values()))

    def describe(self, config: Config) -> str:
        return f"characters ({config['encoder']}, {config['units']} units)"


def directions(units: int) -> dict[str, int]:
    """Return the units of each direction of a recurrent encoder with so many in all; each has at
    least one.
    """
    return {"forward": units - units // 2, "backward": max(units // 2, 1)}


class Ragged:
    """A store of the words' characters, one after another."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        # Word d has the characters from _ends[d - 1] to _ends[d].
        self._ends = np.zeros(1, dtype=np.int64)
        self._characters = np.zeros(0, dtype=np.int32)

    def add(self, words: list[str]) -> None:
        lengths = np.array([len(word) for word in words], dtype=np.int64)
        self._ends = np.concatenate([self._ends, self._ends[-1] + np.cumsum(lengths)])
        numbers = self._vocabulary.ids("".join(words))
        self._characters = np.concatenate([self._characters, numbers])

    @property
    def longest(self) -> int:
        return max(int(np.diff(self._ends).max(initial=0)), 1)

    def lengths(self, present: np.ndarray) -> np.ndarray:
        return np.asarray(self._ends[present] - self._ends[np.maximum(present - 1, 0)])

    def rows(self, present: np.ndarray) -> np.ndarray:
        """Return (D, C), as wide as the longest word: none is ever cut."""
        lengths = self.lengths(present)
        begins = self._ends[present] - lengths
        place = np.arange(max(int(lengths.max()), 1))
        inside = place < lengths[:, None]
        padded = np.full(inside.shape, PAD, dtype=np.int32)
        padded[inside] = self._characters[(begins[:, None] + place)[inside]]
        return padded
