"""Vocabularies: every known token has a number; PAD and <UNK> come first.

The lectures' one-hot vector of a token is a row of the identity matrix at this number; nothing here
or later ever writes that matrix down.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

__all__ = ["PAD", "UNK", "Vocabulary"]

PAD, UNK = 0, 1
_RESERVED = ("<PAD>", "<UNK>")


class Vocabulary:
    """The known tokens with their training counts. Number 0 is padding, 1 is <UNK>, then by count
    and by first sight.

    ``words[i]`` and ``counts[i]`` belong to the number ``i + 2``; a text that really holds the
    token "<UNK>" is safe, as the reserved numbers have no entry of their own.
    """

    def __init__(self, words: Sequence[str], counts: Sequence[int]) -> None:
        if len(words) != len(counts):
            raise ValueError(f"{len(words)} words but {len(counts)} counts")
        self.words = list(words)
        self.counts = list(counts)
        self._numbers = {word: number for number, word in enumerate(self.words, len(_RESERVED))}
        if len(self._numbers) != len(self.words):
            raise ValueError("a word stands twice in the vocabulary")

    @classmethod
    def build(
        cls, sentences: Iterable[Iterable[str]], *, minimum_count: int = 1, maximum_size: int = 0
    ) -> Vocabulary:
        """Count the tokens of the training set; keep those seen `minimum_count` times, the
        `maximum_size` commonest (0: all).

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
        """How many numbers there are, PAD and <UNK> included: the rows of an embedding."""
        return len(self.words) + len(_RESERVED)

    def __contains__(self, word: object) -> bool:
        return word in self._numbers

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vocabulary) and (self.words, self.counts) == (
            other.words,
            other.counts,
        )

    __hash__ = None  # type: ignore[assignment]

    def ids(self, tokens: Iterable[str]) -> np.ndarray:
        """The tokens' numbers, int32, <UNK> for those out of vocabulary."""
        find = self._numbers.get
        return np.array([find(token, UNK) for token in tokens], dtype=np.int32)

    def rare(self, count: int) -> np.ndarray:
        """For each number whether its word was seen at most `count` times in training; false for
        PAD and <UNK>.
        """
        return np.array([False, False, *(seen <= count for seen in self.counts)], dtype=bool)

    def to_json(self) -> str:
        """A JSON object with the lists ``words`` and ``counts``."""
        return json.dumps({"words": self.words, "counts": self.counts}, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Vocabulary:
        """Read what `to_json` wrote.

        Raises:
            ValueError: it is something else.
        """
        data: Any = json.loads(text)
        if (
            not isinstance(data, dict)
            or not isinstance(data.get("words"), list)
            or not isinstance(data.get("counts"), list)
        ):
            raise ValueError('expected a JSON object with the lists "words" and "counts"')
        return cls(data["words"], data["counts"])
