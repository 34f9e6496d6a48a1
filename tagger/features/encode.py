"""Encoding of words as features, once per distinct word.

A word's features (id, vector, characters, shape) do not depend on its context, and are those of the
normalized word; see `features.normalization`.

Axes: B batch, T time, D distinct words of a batch (the first is padding), C characters, F dimension
of a vector, N any number of words.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain
from pathlib import Path

import numpy as np

from tagger.features.inputs import INPUTS
from tagger.features.inputs.base import Input, Store
from tagger.features.inputs.token_states import TokenStatesInput
from tagger.features.inputs.words import WordsInput
from tagger.features.normalization import normalized
from tagger.features.vocabulary import Vocabulary

__all__ = ["WordEncoder", "WordFeatures", "consistency_key"]


@dataclass(frozen=True)
class WordFeatures:
    """The inputs of a network.

    Args:
        inputs: Inputs by name, in the order of `features.inputs.INPUTS`; always with ``words``.
        unescapes: Whether escapes of the Penn Treebank are read as their characters.
    """

    inputs: dict[str, Input]
    unescapes: bool = False

    @classmethod
    def of(cls, *inputs: Input, unescapes: bool = False) -> WordFeatures:
        """Create features from inputs in any order, which must include ``words``."""
        named = {one.name: one for one in inputs}
        return cls({name: named[name] for name in INPUTS if name in named}, unescapes)

    def files(self) -> dict[str, bytes]:
        """Return the contents of the small files of all inputs in a bundle, by name."""
        return {name: data for one in self.inputs.values() for name, data in one.files().items()}

    def save(self, folder: Path) -> list[str]:
        """Write the large files of all inputs to the folder of a bundle, and return their names."""
        return [name for one in self.inputs.values() for name in one.save(folder)]

    def normalized(self, words: Iterable[str]) -> list[str]:
        """Return the forms of words from which their features are computed.

        Args:
            words: Tokens as in the input.

        Returns:
            One normalized word per token.
        """
        return normalized(words, unescapes=self.unescapes)

    @property
    def words(self) -> Vocabulary:
        """Return the vocabulary of the training set's words."""
        words = self.inputs["words"]
        assert isinstance(words, WordsInput)
        return words.vocabulary

    @property
    def context(self) -> int:
        """Return S, the number of state units at each token; 0 without token states."""
        states = self.inputs.get("context")
        return states.states if isinstance(states, TokenStatesInput) else 0


class WordEncoder:
    """An encoder that assigns ids to words and computes the features of each distinct word once.

    Word ids count the distinct words in the order of their first occurrence, from 1; 0 is padding.
    They are not vocabulary ids. The encoder grows with each new word until `clear` is called. It is
    not thread-safe: `word_ids`, `tokens` and `clear` must not run at the same time as other
    methods.

    Args:
        features: Inputs of the network.
    """

    def __init__(self, features: WordFeatures) -> None:
        self.features = features
        self.clear()

    def __len__(self) -> int:
        """Return the number of word ids, padding included."""
        return len(self._numbers) + 1

    @property
    def longest(self) -> dict[str, int]:
        """Return the size of the longest word, at least 1, by name of the ragged inputs."""
        inputs = self.features.inputs
        return {
            name: store.longest for name, store in self._stores.items() if inputs[name].is_ragged
        }

    def clear(self) -> None:
        """Remove all words, which invalidates all word ids."""
        self._numbers: dict[str, int] = {}
        self._stores: dict[str, Store] = {
            name: one.store() for name, one in self.features.inputs.items() if not one.is_of_tokens
        }
        self._keys = np.full(1, -1, dtype=np.int64)
        self._key_numbers: dict[str, int] = {}

    def word_ids(self, sentences: Iterable[Sequence[str]]) -> list[np.ndarray]:
        """Return the word ids of sentences; new words are added.

        Training calls this once, not in every epoch.

        Args:
            sentences: Tokens of each sentence.

        Returns:
            Word ids (T,) int32 of each sentence, which are views of one array.
        """
        sentences = list(sentences)
        ends = list(accumulate(map(len, sentences)))
        tokens = self.tokens(sentences)
        return [
            tokens[end - len(sentence) : end] for sentence, end in zip(sentences, ends, strict=True)
        ]

    def tokens(self, sentences: Sequence[Sequence[str]]) -> np.ndarray:
        """Return the word ids of all tokens in one array; new words are added.

        Args:
            sentences: Tokens of each sentence.

        Returns:
            (N,) int32, sentence after sentence.
        """
        find = self._numbers
        words = list(chain.from_iterable(sentences))
        if new := [word for word in dict.fromkeys(words) if word not in find]:
            find.update(zip(new, range(len(self), len(self) + len(new)), strict=True))
            self._encode(new)
        return np.fromiter(map(find.__getitem__, words), dtype=np.int32, count=len(words))

    def _encode(self, new: list[str]) -> None:
        """Append the features and consistency keys of new words."""
        new = self.features.normalized(new)
        for store in self._stores.values():
            store.add(new)
        keys = self._key_numbers
        key_ids = [
            keys.setdefault(key, len(keys)) if key else -1 for key in map(consistency_key, new)
        ]
        self._keys = np.concatenate([self._keys, np.array(key_ids, dtype=np.int64)])

    def inputs(self, numbers: np.ndarray) -> dict[str, np.ndarray]:
        """Return the network's inputs for a batch, except those of tokens ("context").

        Args:
            numbers: (B, T) word ids, 0 where padded.

        Returns:
            "tokens" (B, T) int32, the index of each token's word among the D distinct words of the
            batch, of which the first is padding; "words" (D,) int32 vocabulary ids; and, if they
            are features, "characters" (D, C) int32, "shapes" (D,) int32 and "vectors" (D, F)
            float32.
        """
        present, tokens = np.unique(np.append(numbers, 0), return_inverse=True)
        return {
            "tokens": tokens[:-1].reshape(numbers.shape).astype(np.int32),
            **self.words(present),
        }

    def consistency_keys(self, numbers: np.ndarray) -> np.ndarray:
        """Return the ids of the words' consistency keys; see `consistency_key`.

        Args:
            numbers: (N,) word ids.

        Returns:
            (N,) int64: words with equal keys share evidence within a document; a word with -1 takes
            no part.
        """
        return np.asarray(self._keys[numbers])

    def lengths(self, numbers: np.ndarray) -> np.ndarray:
        """Return the sizes of words in the ragged inputs, such as their numbers of characters.

        Args:
            numbers: (D,) word ids.

        Returns:
            (D,) int64, summed over the ragged inputs; 0 if there are none.
        """
        lengths = np.zeros(len(numbers), dtype=np.int64)
        for store in self._stores.values():
            lengths += store.lengths(numbers)
        return lengths

    def words(self, present: np.ndarray) -> dict[str, np.ndarray]:
        """Return the features of words: the network's inputs that depend on the word alone.

        Args:
            present: (D,) word ids.

        Returns:
            Arrays (D, ...) by name, as `inputs` returns them without "tokens".
        """
        return {name: store.rows(present) for name, store in self._stores.items()}


def consistency_key(word: str) -> str:
    """Return the key that groups the occurrences of a word within a document.

    Args:
        word: A token.

    Returns:
        The word in lower case; empty for punctuation and for lower-case words of up to three
        letters, such as "of", whose occurrences say nothing about each other.
    """
    return (
        word.lower()
        if any(map(str.isalnum, word)) and (len(word) > 3 or not word.islower())
        else ""
    )
