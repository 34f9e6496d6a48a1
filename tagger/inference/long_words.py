"""Features of words too long for the graph of words, in bounded memory, in NumPy.

The graph keeps dozens of numbers per character. The convolution needs none of them for longer than
a step over its neighbors, so a word of a million characters is read in pieces.

Axes: C characters, V ids of the vocabulary, X features of a word, U units of the convolution.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tagger.bundles.encoder import EncoderBundle, input_configs
from tagger.bundles.weights import Weights, layer_weights
from tagger.export.word_session import WordSession
from tagger.features.inputs import INPUTS

__all__ = ["convolution", "features_of_long_word", "reads_in_pieces"]

_PIECE = 1 << 14  # characters that are convolved at once


def reads_in_pieces(bundle: EncoderBundle) -> bool:
    """Return whether the characters of a bundle's words are encoded by a convolution."""
    config = input_configs(bundle.config.model, bundle.features).get("characters")
    return config is not None and config["encoder"] == "cnn"


def features_of_long_word(
    words: WordSession, bundle: EncoderBundle, inputs: Mapping[str, np.ndarray]
) -> np.ndarray:
    """Compute the features of one word of any length.

    Args:
        words: The session that computes all features but those of characters.
        bundle: Its bundle, for which `reads_in_pieces` is true.
        inputs: The arrays of `WordEncoder.words` by name, one word each.

    Returns:
        (1, X) float32.
    """
    characters = inputs["characters"]  # (1, C)
    # Twice, and of a single character; see `WordCache._word_features`.
    short = {**inputs, "characters": characters[:, :1]}
    twice = {name: np.repeat(array, 2, axis=0) for name, array in short.items()}
    features = words.features(twice)[:1].copy()
    first = 0
    for name, config in input_configs(bundle.config.model, bundle.features).items():
        if INPUTS[name].is_of_tokens:
            continue
        width = INPUTS[name].width(config)
        if name == "characters":
            weights = layer_weights(bundle.weights, name)
            features[0, first : first + width] = convolution(characters[0], weights)
        first += width
    return features


def convolution(characters: np.ndarray, weights: Weights) -> np.ndarray:
    """Encode the characters of a word by the convolution of width 3, as the graph does.

    Args:
        characters: (C,) character ids, without padding.
        weights: The weights of the character encoder by name.

    Returns:
        (U,) float32, the maximum over all positions.
    """
    embedding, kernel = weights["embedding/embeddings"], weights["convolution/kernel"]
    bias = weights["convolution/bias"]
    # (3, V + 1, U): what each character contributes to its right neighbor, to itself and to its
    # left neighbor; the last row, zero, is that of the blank around the word.
    table = embedding @ kernel.reshape(3, embedding.shape[1], -1)
    table = np.pad(table, ((0, 0), (0, 1), (0, 0)))
    around = np.pad(characters, 1, constant_values=len(embedding))
    highest = np.zeros_like(bias)  # of ReLUs
    for first in range(0, len(characters), _PIECE):
        piece = around[first : first + _PIECE + 2]
        sums = table[0][piece[:-2]] + table[1][piece[1:-1]] + table[2][piece[2:]]
        np.maximum(highest, sums.max(axis=0) + bias, out=highest)
    return highest
