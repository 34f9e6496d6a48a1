"""Encoding of tokens with a cache of word features: each distinct word is encoded once.

Axes: N tokens, W words encoded so far, D words, X features of a word.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tagger.bundles.encoder import EncoderBundle
from tagger.export.word_session import WordSession
from tagger.features.batches import bucket
from tagger.features.encode import WordEncoder
from tagger.inference.long_words import features_of_long_word, reads_in_pieces

__all__ = ["WINDOW_TOKENS", "EncodedTokens", "WordCache"]

# Tokens that are encoded at once. The cache of words can grow by as many words before it is
# cleared.
WINDOW_TOKENS = 1 << 13
LEXICON = 100_000  # distinct words in the cache, so that memory does not grow with the input
LEXICON_BYTES = 1 << 25  # bytes of features in the cache
# Padded characters of new words that are encoded at once; a longer word is read in pieces.
CHARACTERS = 1 << 14


class EncodedTokens(NamedTuple):
    """The encoded tokens of a window, which no later call of `encode` or `clear_cache` changes.

    Attributes:
        features: (W, X) float32 features of all words encoded so far; ids (W,) int32 of one-hot
            words.
        tokens: (N,) int32 row of each token in `features`.
        keys: (N,) int64, equal for tokens that inform each other within a document; see
            `tagger.features.encode.consistency_key`.
    """

    features: np.ndarray
    tokens: np.ndarray
    keys: np.ndarray


class WordCache:
    """The encoder of a model's tokens, with the features of the words that it has seen.

    Any number of threads may use it at once: `encode` and `clear` take a lock once per call, and
    the rows that `encode` returns are never changed.

    Args:
        bundle: A bundle whose network has an encoder of sentences.
        words: Its features of words in ONNX Runtime.
    """

    def __init__(self, bundle: EncoderBundle, words: WordSession) -> None:
        self.bundle = bundle
        self.words = words
        self.word_encoder = WordEncoder(bundle.features)
        self._reads_in_pieces = reads_in_pieces(bundle)
        self._lock = threading.RLock()
        self.clear()

    def clear(self) -> None:
        """Clear the cache of encoded words."""
        with self._lock:
            self.word_encoder.clear()
            self._known = 0
            rows = self._limit + WINDOW_TOKENS
            shape, dtype = (
                ((rows,), np.int32)
                if self.words.is_one_hot
                else ((rows, self.words.width), np.float32)
            )
            # (W, X); the operating system assigns memory only to rows that are written.
            self._features = np.empty(shape, dtype=dtype)

    @property
    def _limit(self) -> int:
        """Return the capacity of the cache in words, beyond which it is cleared."""
        return min(LEXICON, LEXICON_BYTES // (4 * self.words.width))

    def encode(self, sentences: Sequence[Sequence[str]]) -> EncodedTokens:
        """Encode the tokens of sentences; words that are not in the cache are encoded once.

        An error, such as a lack of memory, clears the cache, so that no partly encoded word
        remains.

        Args:
            sentences: The tokens of each sentence, N in all.

        Returns:
            The encoded tokens, whose features are a view of the cache.
        """
        with self._lock:
            try:
                return self._encode(sentences)
            except BaseException:
                self.clear()
                raise

    def _encode(self, sentences: Sequence[Sequence[str]]) -> EncodedTokens:
        """Encode the tokens of sentences, under the lock."""
        if len(self.word_encoder) > self._limit:
            self.clear()
        tokens = self.word_encoder.tokens(sentences)
        if len(self.word_encoder) > len(self._features):
            larger = np.empty(
                (2 * len(self.word_encoder), *self._features.shape[1:]), dtype=self._features.dtype
            )
            larger[: self._known] = self._features[: self._known]
            self._features = larger
        new = np.arange(self._known, len(self.word_encoder))
        lengths = self.word_encoder.lengths(new)
        for chosen in bucket(lengths, np.argsort(lengths, kind="stable"), CHARACTERS):
            self._features[new[chosen]] = self._word_features(new[chosen], lengths[chosen].max())
        self._known = len(self.word_encoder)
        return EncodedTokens(
            self._features[: self._known], tokens, self.word_encoder.consistency_keys(tokens)
        )

    def _word_features(self, ids: np.ndarray, longest: int) -> np.ndarray:
        """Compute the features (D, X) of words (D,) of at most `longest` characters."""
        if longest > CHARACTERS and self._reads_in_pieces:
            return features_of_long_word(self.words, self.bundle, self.word_encoder.words(ids))
        # A single word would be encoded by other instructions, whose last bits differ, but the
        # features of a word must not depend on which other words are new.
        twice = np.resize(ids, max(len(ids), 2))
        return self.words.features(self.word_encoder.words(twice))[: len(ids)]
