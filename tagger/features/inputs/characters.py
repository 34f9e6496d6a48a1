"""The characters of words, encoded by a convolution or a recurrent network.

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
"""The dimension of the character embedding (Ma and Hovy 2016)."""

RARE = 5
"""The maximum number of occurrences, in distinct words, of a rare character; see `replace_rare`."""

_FILE = "vocabulary/characters.json"


class CharactersInput(Input):
    """The input of character ids: array ``characters`` (D, C) int32, right-padded with 0.

    Args:
        vocabulary: Characters of the training set's distinct words.
    """

    name = "characters"
    is_ragged = True

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary

    @classmethod
    def build(cls, settings: Settings, words: Vocabulary, sources: Sources) -> Input | None:
        """Build the input if ``model.characters`` is above 0."""
        return cls(Vocabulary.build(words.words)) if settings["model"]["characters"] else None

    @classmethod
    def load(cls, settings: Settings, files: Files, sources: Sources) -> Input | None:
        """Load the input if ``model.characters`` is above 0."""
        if not settings["model"]["characters"]:
            return None
        return cls(files.parsed(_FILE, Vocabulary.from_json))

    def files(self) -> dict[str, bytes]:
        """Return the vocabulary of characters as a file."""
        return {_FILE: self.vocabulary.to_json().encode()}

    def store(self) -> Ragged:
        """Create an empty store of character ids."""
        return Ragged(self.vocabulary)

    @cached_property
    def _rare(self) -> np.ndarray:
        """Return which character ids are rare, (V,) bool."""
        return self.vocabulary.rare(RARE)

    def mask_unknown(
        self, array: np.ndarray, random: np.random.Generator, probability: float
    ) -> np.ndarray:
        """Replace some rare characters by <UNK>; see `Input.mask_unknown`."""
        return replace_rare(array, self._rare, probability, random)

    def layer(self, model: Mapping[str, Any], inputs: Mapping[str, Input]) -> Config | None:
        """Return the configuration of the character encoder."""
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
        """Return the weight shapes of the embedding and of the character encoder."""
        shapes: Shapes = {"embedding/embeddings": (config["vocabulary_size"], EMBEDDING)}
        if config["encoder"] == "cnn":
            return shapes | dense_shapes("convolution", 3 * EMBEDDING, config["units"])
        for direction, units in directions(config["units"]).items():
            shapes |= recurrent_shapes(direction, config["cell"], EMBEDDING, units)
        return shapes

    @staticmethod
    def width(config: Config) -> int:
        """Return the dimension of a word's representation, in both directions together."""
        units = config["units"]
        return int(units if config["encoder"] == "cnn" else sum(directions(units).values()))

    def describe(self, config: Config) -> str:
        """Return the description of the input on the model card."""
        return f"characters ({config['encoder']}, {config['units']} units)"


def directions(units: int) -> dict[str, int]:
    """Split the units of a bidirectional encoder.

    Args:
        units: Number of units of both directions together.

    Returns:
        Units by direction, at least 1 each, so `units` of 1 makes 2 units in all.
    """
    return {"forward": units - units // 2, "backward": max(units // 2, 1)}


class Ragged:
    """A store of the words' character ids in one flat array.

    Args:
        vocabulary: Vocabulary of characters.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        # Word d has the characters from _ends[d - 1] to _ends[d]; padding, word 0, has none.
        self._ends = np.zeros(1, dtype=np.int64)
        self._characters = np.zeros(0, dtype=np.int32)

    def add(self, words: list[str]) -> None:
        """Append new words, which receive the next ids."""
        lengths = np.array([len(word) for word in words], dtype=np.int64)
        self._ends = np.concatenate([self._ends, self._ends[-1] + np.cumsum(lengths)])
        ids = self._vocabulary.ids("".join(words))
        self._characters = np.concatenate([self._characters, ids])

    @property
    def longest(self) -> int:
        """Return the number of characters of the longest word, at least 1."""
        return max(int(np.diff(self._ends).max(initial=0)), 1)

    def lengths(self, present: np.ndarray) -> np.ndarray:
        """Return the numbers of characters (D,) of word ids (D,)."""
        return np.asarray(self._ends[present] - self._ends[np.maximum(present - 1, 0)])

    def rows(self, present: np.ndarray) -> np.ndarray:
        """Return the character ids (D, C) int32 of word ids (D,), where C fits the longest word."""
        lengths = self.lengths(present)
        begins = self._ends[present] - lengths
        place = np.arange(max(int(lengths.max()), 1))
        inside = place < lengths[:, None]  # (D, C)
        padded = np.full(inside.shape, PAD, dtype=np.int32)
        padded[inside] = self._characters[(begins[:, None] + place)[inside]]
        return padded
