"""Words to numbers: each distinct word once. What a word is does not depend on its place, only what
it means does.

Axes: B batch, T time, D distinct words of a batch (the first stands for padding), C characters, F
numbers of a vector.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain

import numpy as np

from tagger.features.inputs import INPUTS
from tagger.features.inputs.base import Input, Store
from tagger.features.inputs.token_states import TokenStatesInput
from tagger.features.inputs.words import WordsInput
from tagger.features.vocabulary import Vocabulary

__all__ = ["WordEncoder", "WordFeatures", "consistency_key"]


@dataclass(frozen=True)
class WordFeatures:
    """The inputs of a network by name; see `features.inputs`. Every network has ``words``."""

    inputs: dict[str, Input]

    @classmethod
    def of(cls, *inputs: Input) -> WordFeatures:
        """Return the features that consist of these inputs, in the order of the table."""
        named = {one.name: one for one in inputs}
        return cls({name: named[name] for name in INPUTS if name in named})

    @property
    def words(self) -> Vocabulary:
        """The words of the training set."""
        words = self.inputs["words"]
        assert isinstance(words, WordsInput)
        return words.vocabulary

    @property
    def context(self) -> int:
        """The number of states that are read at each token; 0 if there are none."""
        states = self.inputs.get("context")
        return states.states if isinstance(states, TokenStatesInput) else 0


class WordEncoder:
    """The distinct words met so far, each encoded once; a sentence is a row of their numbers, and 0
    is padding.
    """

    def __init__(self, features: WordFeatures) -> None:
        self.features = features
        self.clear()

    def __len__(self) -> int:
        return len(self._numbers) + 1

    @property
    def longest(self) -> dict[str, int]:
        """Of each ragged input the size of the longest word, at least 1."""
        inputs = self.features.inputs
        return {
            name: store.longest for name, store in self._stores.items() if inputs[name].is_ragged
        }

    def clear(self) -> None:
        """Forget all words; numbers given before are no longer valid."""
        self._numbers: dict[str, int] = {}
        self._stores: dict[str, Store] = {
            name: one.store() for name, one in self.features.inputs.items() if not one.is_of_tokens
        }
        self._keys = np.full(1, -1, dtype=np.int64)
        self._key_numbers: dict[str, int] = {}

    def word_ids(self, sentences: Iterable[Sequence[str]]) -> list[np.ndarray]:
        """Each sentence as numbers (T,) int32 of this lexicon, which learns its new words. Done
        once, not once an epoch.
        """
        sentences = list(sentences)
        ends = list(accumulate(map(len, sentences)))
        tokens = self.tokens(sentences)
        return [
            tokens[end - len(sentence) : end] for sentence, end in zip(sentences, ends, strict=True)
        ]

    def tokens(self, sentences: Sequence[Sequence[str]]) -> np.ndarray:
        """The numbers of all sentences' tokens in one row, int32; new words are learnt."""
        find = self._numbers
        words = list(chain.from_iterable(sentences))
        if new := [word for word in dict.fromkeys(words) if word not in find]:
            find.update(zip(new, range(len(self), len(self) + len(new)), strict=True))
            self._encode(new)
        return np.fromiter(map(find.__getitem__, words), dtype=np.int32, count=len(words))

    def _encode(self, new: list[str]) -> None:
        for store in self._stores.values():
            store.add(new)
        keys = self._key_numbers
        found = [
            keys.setdefault(key, len(keys)) if key else -1 for key in map(consistency_key, new)
        ]
        self._keys = np.concatenate([self._keys, np.array(found, dtype=np.int64)])

    def inputs(self, numbers: np.ndarray) -> dict[str, np.ndarray]:
        """The network's inputs for numbers (B, T), padded with 0.

        ``tokens`` (B, T) int32 point at the distinct words, which stand in ``words`` (D,) int32
        and, as far as they are features, ``characters`` (D, C) int32, ``shapes`` (D,) int32 and
        ``vectors`` (D, F) float32. Word 0 is padding.
        """
        present, tokens = np.unique(np.append(numbers, 0), return_inverse=True)
        return {
            "tokens": tokens[:-1].reshape(numbers.shape).astype(np.int32),
            **self.words(present),
        }

    def consistency_keys(self, numbers: np.ndarray) -> np.ndarray:
        """By what other occurrences of words with these numbers (N,) are known, int64; -1: by
        nothing. See `consistency_key`.
        """
        return np.asarray(self._keys[numbers])

    def lengths(self, numbers: np.ndarray) -> np.ndarray:
        """Return the sizes (D,) of these words in the ragged inputs, such as their characters; 0 if
        there are no such inputs.
        """
        lengths = np.zeros(len(numbers), dtype=np.int64)
        for store in self._stores.values():
            lengths += store.lengths(numbers)
        return lengths

    def words(self, present: np.ndarray) -> dict[str, np.ndarray]:
        """Return the arrays of the words with these numbers (D,): the inputs of the network but for
        ``tokens`` and those of tokens.
        """
        return {name: store.rows(present) for name, store in self._stores.items()}


def consistency_key(word: str) -> str:
    """What an occurrence of a word in a document shares with others, which may tell something of
    it; capitals are no matter.

    Empty for short words in small letters and for punctuation: "of" is not the same thing wherever
    it stands.
    """
    return (
        word.lower()
        if any(map(str.isalnum, word)) and (len(word) > 3 or not word.islower())
        else ""
    )
