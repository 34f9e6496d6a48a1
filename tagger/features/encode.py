"""Tokens to numbers, and <UNK> in training."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from tagger.features.vocabulary import UNK, Vocabulary

__all__ = ["Features", "encode", "replace_rare"]

Features = dict[str, np.ndarray]
"""A sentence as arrays by input name, time first: ``words`` (T,) int32. Later inputs stand beside it."""


def encode(sentences: Iterable[Sequence[str]], vocabulary: Vocabulary) -> list[Features]:
    """Each sentence's features. Done once a corpus, not once an epoch."""
    return [{"words": vocabulary.numbers(tokens)} for tokens in sentences]


def replace_rare(words: np.ndarray, rare: np.ndarray, probability: float, random: np.random.Generator) -> np.ndarray:
    """`words` (any shape) with each occurrence of a rare word made <UNK> with `probability`.

    Otherwise <UNK> would never occur in training and its vector would stay as it was drawn. `rare` (V,) marks the numbers
    of the words seen once (Lample et al. 2016, section 4.1, with one half as the probability).
    """
    if probability <= 0:
        return words
    return np.where(rare[words] & (random.random(words.shape) < probability), UNK, words).astype(words.dtype)
