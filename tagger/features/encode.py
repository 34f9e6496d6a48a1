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

from tagger.features.shapes import shape_of
from tagger.features.vectors import Vectors
from tagger.features.vocabulary import PAD, UNK, Vocabulary

__all__ = ["Lexicon", "WordFeatures", "key_of", "replace_rare"]


@dataclass(frozen=True)
class WordFeatures:
    """What the network is told of a word. ``words`` and ``characters`` come from train alone; None
    is left out.

    ``context`` is how many numbers it is told besides of a word's place in its sentence, by
    language models; 0: none.
    """

    words: Vocabulary
    characters: Vocabulary | None = None
    shapes: bool = False
    vectors: Vectors | None = None
    context: int = 0


class Lexicon:
    """The distinct words met so far, each encoded once; a sentence is a row of their numbers, and 0
    is padding.
    """

    def __init__(self, features: WordFeatures) -> None:
        self.features = features
        self.clear()

    def __len__(self) -> int:
        return len(self._numbers) + 1

    @property
    def longest(self) -> int:
        """The number of characters of the longest word, at least 1."""
        return max(int(np.diff(self._ends).max(initial=0)), 1)

    def clear(self) -> None:
        """Forget all words; numbers given before are no longer valid."""
        self._numbers: dict[str, int] = {}
        self._words = np.full(1, PAD, dtype=np.int32)
        self._shapes = np.full(1, PAD, dtype=np.int32)
        self._rows = np.full(1, -1, dtype=np.int32)
        self._keys = np.full(1, -1, dtype=np.int64)
        self._key_numbers: dict[str, int] = {}
        self._ends = np.zeros(
            1, dtype=np.int64
        )  # word d has the characters from _ends[d - 1] to _ends[d]
        self._characters = np.zeros(0, dtype=np.int32)

    def numbers(self, sentences: Iterable[Sequence[str]]) -> list[np.ndarray]:
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
        features, keys = self.features, self._key_numbers
        self._words = np.concatenate([self._words, features.words.numbers(new)])
        if features.characters is not None:
            lengths = np.array([len(word) for word in new], dtype=np.int64)
            self._ends = np.concatenate([self._ends, self._ends[-1] + np.cumsum(lengths)])
            self._characters = np.concatenate(
                [self._characters, features.characters.numbers("".join(new))]
            )
        if features.shapes:
            self._shapes = np.concatenate(
                [self._shapes, np.array([shape_of(word) for word in new], dtype=np.int32)]
            )
        if features.vectors is not None:
            self._rows = np.concatenate([self._rows, features.vectors.rows(new)])
        found = [keys.setdefault(key, len(keys)) if key else -1 for key in map(key_of, new)]
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

    def keys(self, numbers: np.ndarray) -> np.ndarray:
        """By what other occurrences of words with these numbers (N,) are known, int64; -1: by
        nothing. See `key_of`.
        """
        return np.asarray(self._keys[numbers])

    def lengths(self, numbers: np.ndarray) -> np.ndarray:
        """How many characters these words (D,) have; 0 where characters are no feature."""
        if self.features.characters is None:
            return np.zeros(len(numbers), dtype=np.int64)
        return np.asarray(self._ends[numbers] - self._ends[np.maximum(numbers - 1, 0)])

    def words(self, present: np.ndarray) -> dict[str, np.ndarray]:
        """What is known of the words with these numbers (D,): the inputs of the network but for
        ``tokens``.
        """
        inputs = {"words": self._words[present]}
        if self.features.characters is not None:
            inputs["characters"] = self._padded_characters(present)
        if self.features.shapes:
            inputs["shapes"] = self._shapes[present]
        if self.features.vectors is not None:
            inputs["vectors"] = self.features.vectors.vectors_of(self._rows[present])
        return inputs

    def _padded_characters(self, present: np.ndarray) -> np.ndarray:
        """(D, C), as wide as the longest word: none is ever cut."""
        lengths = self.lengths(present)
        begins = self._ends[present] - lengths
        place = np.arange(max(int(lengths.max()), 1))
        inside = place < lengths[:, None]
        padded = np.full(inside.shape, PAD, dtype=np.int32)
        padded[inside] = self._characters[(begins[:, None] + place)[inside]]
        return padded


def key_of(word: str) -> str:
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


def replace_rare(
    numbers: np.ndarray, rare: np.ndarray, probability: float, random: np.random.Generator
) -> np.ndarray:
    """`numbers` (any shape) with each rare one made <UNK> with `probability`.

    Otherwise <UNK> would never occur in training and its vector would stay as it was drawn. `rare`
    (V,) marks the numbers of what was seen once (Lample et al. 2016, section 4.1, with one half as
    the probability).
    """
    if probability <= 0:
        return numbers
    return np.where(
        rare[numbers] & (random.random(numbers.shape) < probability), UNK, numbers
    ).astype(numbers.dtype)
