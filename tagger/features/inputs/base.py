"""The interface of inputs on the host, and helpers that they share.

Axes: D distinct words, B batch, T time, F features, V ids of a vocabulary.
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
"""Settings of a training run by table and key."""

Config = dict[str, Any]
"""Sizes and names that determine an input's part of the network; serializable as JSON."""

Shapes = dict[str, tuple[int, ...]]
"""Weight shapes by name."""

Sources = Sequence[tuple[str, int]]
"""Language models whose hidden states are inputs: a description and the number of units of each."""

Reading = tuple[str, int, int, float]
"""A file of vectors: path, number of words, dimension, and share of the training tokens that it
contains, 0 to 1.
"""


class Store(Protocol):
    """The features of one input for all words of a `WordEncoder`, by word id; id 0 is padding."""

    def add(self, words: list[str]) -> None:
        """Append new words, which receive the next ids."""

    def rows(self, present: np.ndarray) -> np.ndarray:
        """Return the features (D, ...) of word ids (D,)."""

    def lengths(self, present: np.ndarray) -> np.ndarray | int:
        """Return the sizes (D,) of word ids (D,) in a ragged input, else 0."""

    @property
    def longest(self) -> int:
        """Return the size of the longest word, at least 1."""


class Column:
    """A store with one integer per word, such as a vocabulary id.

    Args:
        encode: Function from words to their integers (D,) int32.
        padding: Integer of padding.
        read: Function from integers (D,) to features (D, ...); None returns the integers.
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
        self._ids = np.full(1, padding, dtype=np.int32)

    def add(self, words: list[str]) -> None:
        """Append new words, which receive the next ids."""
        self._ids = np.concatenate([self._ids, self._encode(words)])

    def rows(self, present: np.ndarray) -> np.ndarray:
        """Return the features (D, ...) of word ids (D,)."""
        ids = self._ids[present]
        return ids if self._read is None else self._read(ids)

    def lengths(self, present: np.ndarray) -> int:
        """Return 0, since all words have the same size."""
        return 0


class Files(Protocol):
    """The files of a bundle, whose digests are verified before they are read."""

    def parsed(self, name: str, parse: Callable[[str], Any]) -> Any:
        """Read a text file and return the result of `parse`."""

    def path(self, name: str) -> Path:
        """Return the path of a file that is too large to be read completely."""


class Input:
    """An input of the network; the defaults are those of an input of words without files.

    Attributes:
        name: Key in `INPUTS`.
        is_of_tokens: Whether the features depend on the context: their array is (B, T, F) and not
            computed by the `WordEncoder`. Otherwise they depend on the word alone, and their array
            is (D, ...).
        is_ragged: Whether the second axis of the array is as long as the longest word.
        readings: Files of vectors that were read to build the input.
    """

    name: ClassVar[str]
    is_of_tokens: ClassVar[bool] = False
    is_ragged: ClassVar[bool] = False
    readings: Sequence[Reading] = ()

    @classmethod
    def build(cls, settings: Settings, words: Vocabulary, sources: Sources) -> Input | None:
        """Build the input of a new model.

        Args:
            settings: Settings of the training run.
            words: Vocabulary of the training set.
            sources: Language models of the model.

        Returns:
            The input, or None if the settings do not include it.

        Raises:
            TaggerError: A file cannot be read or is ill-formed.
        """
        raise NotImplementedError

    @classmethod
    def load(cls, settings: Settings, files: Files, sources: Sources) -> Input | None:
        """Load the input from a bundle.

        Args:
            settings: Settings of the bundle.
            files: Files of the bundle.
            sources: Language models of the bundle.

        Returns:
            The input, or None if the settings do not include it.

        Raises:
            BundleError: A file is missing, damaged or ill-formed.
        """
        raise NotImplementedError

    def files(self) -> dict[str, bytes]:
        """Return the contents of the input's small files in a bundle, by name."""
        return {}

    def save(self, folder: Path) -> list[str]:
        """Write the input's large files to the folder of a bundle, and return their names."""
        return []

    def store(self) -> Store:
        """Create an empty store of features, for an input of words."""
        raise NotImplementedError

    def mask_unknown(
        self, array: np.ndarray, random: np.random.Generator, probability: float
    ) -> np.ndarray:
        """Replace some rare ids of a training batch by <UNK>; see `replace_rare`.

        Args:
            array: The input's array of the batch.
            random: Random number generator.
            probability: Probability of replacing a rare id.

        Returns:
            A new array, or `array` itself if nothing is replaced, as by default.
        """
        return array

    def layer(self, model: Mapping[str, Any], inputs: Mapping[str, Input]) -> Config | None:
        """Return the configuration of the input's part of the network.

        Args:
            model: Settings of the network.
            inputs: All inputs by name.

        Returns:
            The configuration, or None if the network has no such part.
        """
        raise NotImplementedError

    @staticmethod
    def shapes(config: Config) -> Shapes:
        """Return the weight shapes of the input's part by name, relative to the input's name."""
        return {}

    @staticmethod
    def width(config: Config) -> int:
        """Return the dimension of the input's representation in the network."""
        raise NotImplementedError

    def describe(self, config: Config) -> str:
        """Return the description of the input on the model card."""
        return self.name


def replace_rare(
    ids: np.ndarray, rare: np.ndarray, probability: float, random: np.random.Generator
) -> np.ndarray:
    """Replace each rare id by <UNK> with a probability.

    Otherwise <UNK> would never occur in training, and its embedding would keep its initial value.
    The method is that of Lample et al. 2016, section 4.1, who replace words seen once with
    probability 0.5.

    Args:
        ids: Ids, of any shape.
        rare: (V,) bool, whether each id may be replaced.
        probability: Probability of replacing a rare id; each position is drawn independently.
        random: Random number generator.

    Returns:
        A new array of the same shape and dtype; `ids` itself if the probability is 0.
    """
    if probability <= 0:
        return ids
    return np.where(rare[ids] & (random.random(ids.shape) < probability), UNK, ids).astype(
        ids.dtype
    )
