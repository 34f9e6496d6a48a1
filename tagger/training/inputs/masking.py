"""Changes of a batch's inputs in training: unknown words, and the shapes of the first batch.

Axes: B batch, T time, D distinct words of a batch.
"""

from __future__ import annotations

import numpy as np

from tagger.features.encode import WordEncoder, WordFeatures
from tagger.features.vocabulary import PAD, UNK

__all__ = ["mask_unknown", "widened"]


def mask_unknown(
    inputs: dict[str, np.ndarray],
    features: WordFeatures,
    random: np.random.Generator,
    unknown_probability: float,
    word_dropout: float = 0.0,
) -> dict[str, np.ndarray]:
    """Replace some words and characters by <UNK>, so that its embedding is trained.

    The draw is per distinct word of the batch: all its occurrences share it.

    Args:
        inputs: Arrays of a batch by name.
        features: Inputs of the network.
        random: Random generator.
        unknown_probability: Probability of replacing a word or character that train contains once.
        word_dropout: Probability of replacing any word.

    Returns:
        A shallow copy of `inputs` with some arrays replaced.
    """
    inputs = dict(inputs)
    for name, one in features.inputs.items():
        if not one.is_of_tokens:
            inputs[name] = one.mask_unknown(inputs[name], random, unknown_probability)
    if word_dropout:
        words = inputs["words"]
        hidden = (random.random(len(words)) < word_dropout) & (words > UNK)
        inputs["words"] = np.where(hidden, UNK, words).astype(words.dtype)
    return inputs


def widened(inputs: dict[str, np.ndarray], word_encoder: WordEncoder) -> dict[str, np.ndarray]:
    """Pad the first batch more than any other.

    On TensorFlow, Keras treats an axis as fixed if the first two batches agree in its size.

    Args:
        inputs: Arrays of the batch by name.
        word_encoder: Encoder of the words of all batches.

    Returns:
        The arrays, with one more timestep and longer words.
    """
    wider = {"tokens": np.pad(inputs["tokens"], ((0, 0), (0, 1)), constant_values=PAD)}
    for name, longest in word_encoder.longest.items():
        more = longest + 1 - inputs[name].shape[1]
        wider[name] = np.pad(inputs[name], ((0, 0), (0, more)), constant_values=PAD)
    for name, one in word_encoder.features.inputs.items():
        if one.is_of_tokens:
            wider[name] = np.pad(inputs[name], ((0, 0), (0, 1), (0, 0)))
    return {**inputs, **wider}
