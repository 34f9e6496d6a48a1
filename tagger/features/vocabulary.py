"""Vocabularies, which map tokens to ids.

The lectures' one-hot vector of a token is the row of the identity matrix with its id; that matrix
is never materialized.

Axes: V ids of a vocabulary, N tokens.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

__all__ = ["PAD", "UNK", "Vocabulary"]

# The ids of padding and of tokens that are not in the vocabulary.
PAD, UNK = 0, 1
_RESERVED = ("<PAD>", "<UNK>")


class Vocabulary:
    """A vocabulary with training counts: id 0 is padding, 1 is <UNK>, and words start at 2.

    The word with the id ``i + 2`` is ``words[i]``. The reserved ids have no entries in ``words``,
    so a token "<UNK>" in a text is an ordinary word.

    Args:
        words: Distinct words in the order of their ids.
        counts: Number of occurrences of each word in the training set.

    Raises:
        ValueError: A word is repeated, or the numbers of words and counts differ.
    """

    def __init__(self, words: Sequence[str], counts: Sequence[int]) -> None:
        if len(words) != len(counts):
            raise ValueError(f"{len(words)} words but {len(counts)} counts")
        self.words = list(words)
        self.counts = list(counts)
        self._ids = {word: number for number, word in enumerate(self.words, len(_RESERVED))}
        if len(self._ids) != len(self.words):
            raise ValueError("a word is repeated in the vocabulary")

    @classmethod
    def build(
        cls, sentences: Iterable[Iterable[str]], *, minimum_count: int = 1, maximum_size: int = 0
    ) -> Vocabulary:
        """Build a vocabulary from the tokens of the training set.

        Args:
            sentences: Tokens of each sentence.
            minimum_count: Minimum number of occurrences of a word.
            maximum_size: Maximum number of words, the most frequent ones; 0 means no limit.

        Returns:
            The vocabulary, sorted by descending count and then by first occurrence.

        >>> Vocabulary.build([["a", "b"], ["b"]]).ids(["a", "b", "c"])
        array([3, 2, 1], dtype=int32)
        """
        counter: Counter[str] = Counter()
        for tokens in sentences:
            counter.update(tokens)
        kept = [
            (word, count)
            for word, count in counter.most_common(maximum_size or None)
            if count >= minimum_count
        ]
        return cls([word for word, _ in kept], [count for _, count in kept])

    def __len__(self) -> int:
        """Return V, the number of ids, PAD and <UNK> included: the rows of an embedding."""
        return len(self.words) + len(_RESERVED)

    def __contains__(self, word: object) -> bool:
        """Return whether a word has an id of its own."""
        return word in self._ids

    def __eq__(self, other: object) -> bool:
        """Return whether another vocabulary has the same words and counts in the same order."""
        return isinstance(other, Vocabulary) and (self.words, self.counts) == (
            other.words,
            other.counts,
        )

    __hash__ = None  # type: ignore[assignment]

    def ids(self, tokens: Iterable[str]) -> np.ndarray:
        """Return the ids of tokens.

        Args:
            tokens: N tokens; a string is a sequence of characters.

        Returns:
            (N,) int32, the id of <UNK> for tokens out of vocabulary.
        """
        find = self._ids.get
        return np.array([find(token, UNK) for token in tokens], dtype=np.int32)

    def rare(self, count: int) -> np.ndarray:
        """Return which ids are rare in the training set.

        Args:
            count: Maximum number of occurrences of a rare word.

        Returns:
            (V,) bool, False for PAD and <UNK>.
        """
        return np.array([False, False, *(seen <= count for seen in self.counts)], dtype=bool)

    def to_json(self) -> str:
        """Return the vocabulary as a JSON object with the lists ``words`` and ``counts``."""
        return json.dumps({"words": self.words, "counts": self.counts}, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Vocabulary:
        """Create a vocabulary from the text that `to_json` returned.

        Args:
            text: JSON object with the lists ``words`` and ``counts``.

        Returns:
            The vocabulary.

        Raises:
            ValueError: The text is not such an object.
        """
        data: Any = json.loads(text)
        if (
            not isinstance(data, dict)
            or not isinstance(data.get("words"), list)
            or not isinstance(data.get("counts"), list)
        ):
            raise ValueError('expected a JSON object with the lists "words" and "counts"')
        return cls(data["words"], data["counts"])
