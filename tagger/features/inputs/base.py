"""What all inputs have in common on the side of the host.

Axes: D distinct words, C characters, F numbers of a word.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np

from tagger.features.vocabulary import UNK, Vocabulary

__all__ = [
    "Column",
    "Config",
    "Files",
    "Input",
    "Reading",
    "Settings",
    "Shapes",
    "Sources",
    "Store",
    "replace_rare",
]

Settings = Mapping[str, Mapping[str, Any]]
"""The settings of a training by table and key."""

Config = dict[str, Any]
"""The numbers and names that determine an input's part of the network; survives JSON."""

Shapes = dict[str, tuple[int, ...]]
"""The shapes of weights by name."""

Sources = Sequence[tuple[str, int]]
"""The models whose states are read at each token: a description and the number of states."""

Reading = tuple[str, int, int, float]
"""A file of vectors: its name, its words, their dimension, and the share of train's tokens that it
contains, 0 to 1.
"""


class Store(Protocol):
    """An input's arrays of the distinct words met; the first stands for padding."""

    def add(self, words: list[str]) -> None:
        """Append new words."""

    def rows(self, present: np.ndarray) -> np.ndarray:
        """Return the array of the words with these ids (D,): (D, ...)."""

    def lengths(self, present: np.ndarray) -> np.ndarray | int:
        """Return the sizes (D,) of these words where they differ, else 0."""

    @property
    def longest(self) -> int:
        """The size of the longest word, at least 1."""


class Column:
    """A store with one number per word.

    Args:
        encode: From words to numbers (D,) int32.
        padding: The number of padding.
        read: From numbers (D,) to the array, if that is not the numbers themselves.
    """

    longest = 1

    def __init__(
        self,
        encode: Callable[[Iterable[str]], np.ndarray],
        padding: int,
        read: Callable[[np.ndarray], np.ndarray] | None = None,
    ) -> None:
        self._encode = encode
        self._read = read
        self._numbers = np.full(1, padding, dtype=np.int32)

    def add(self, words: list[str]) -> None:
        self._numbers = np.concatenate([self._numbers, self._encode(words)])

    def rows(self, present: np.ndarray) -> np.ndarray:
        numbers = self._numbers[present]
        return numbers if self._read is None else self._read(numbers)

    def lengths(self, present: np.ndarray) -> int:
        return 0


class Files(Protocol):
    """The files of a bundle, each checked before it is read."""

    def parsed(self, name: str, parse: Callable[[str], Any]) -> Any:
        """Return what `parse` makes of a file's text."""

    def path(self, name: str) -> Path:
        """Return the path of a file that is too large to be read at once."""


class Input:
    """One input of the network; the defaults are those of an input of words without files.

    Attributes:
        name: The key in `INPUTS`.
        is_of_tokens: Whether it differs from occurrence to occurrence, with an array (B, T, F) that
            is not made by the lexicon; otherwise it depends on the word alone, with an array (D,
            ...).
        is_ragged: Whether the array's second axis has as many entries as the longest word.
        readings: The files of vectors that were read to build it.
    """

    name: ClassVar[str]
    is_of_tokens: ClassVar[bool] = False
    is_ragged: ClassVar[bool] = False
    readings: Sequence[Reading] = ()

    @classmethod
    def build(cls, settings: Settings, words: Vocabulary, sources: Sources) -> Input | None:
        """Return the input that settings ask for, from the words of the training set; None if they
        ask for none.

        Raises:
            TaggerError: A file cannot be read or is ill-formed.
        """
        raise NotImplementedError

    @classmethod
    def load(cls, settings: Settings, files: Files, sources: Sources) -> Input | None:
        """Return the input as a bundle contains it; None if the settings ask for none.

        Raises:
            BundleError: A file is missing, damaged or makes no sense.
        """
        raise NotImplementedError

    def files(self) -> dict[str, bytes]:
        """Return the small files in a bundle that contain the input, by name."""
        return {}

    def save(self, folder: Path) -> list[str]:
        """Write the large files into the folder of a bundle; return their names."""
        return []

    def store(self) -> Store:
        """Return an empty store of the words' arrays."""
        raise NotImplementedError

    def disguised(
        self, array: np.ndarray, random: np.random.Generator, probability: float
    ) -> np.ndarray:
        """Return the array of a training batch, in which some of what is rare is unknown."""
        return array

    def layer(self, model: Mapping[str, Any], inputs: Mapping[str, Input]) -> Config | None:
        """Return what determines the input's part of the network; None if it has no part there.

        Args:
            model: The settings of the network.
            inputs: All inputs by name.
        """
        raise NotImplementedError

    @staticmethod
    def shapes(config: Config) -> Shapes:
        """Return the shapes of the weights by their names below the input's name."""
        return {}

    @staticmethod
    def width(config: Config) -> int:
        """Return how many numbers the network makes of the input."""
        raise NotImplementedError

    def describe(self, config: Config) -> str:
        """Return what the model card says of the input."""
        return self.name


def replace_rare(
    numbers: np.ndarray, rare: np.ndarray, probability: float, random: np.random.Generator
) -> np.ndarray:
    """Return `numbers` (any shape) with each rare one replaced by <UNK> with `probability`.

    Otherwise <UNK> would never occur in training and its vector would stay as it was drawn. `rare`
    (V,) marks the numbers of what was seen once (Lample et al. 2016, section 4.1, with one half as
    the probability).
    """
    if probability <= 0:
        return numbers
    return np.where(
        rare[numbers] & (random.random(numbers.shape) < probability), UNK, numbers
    ).astype(numbers.dtype)
