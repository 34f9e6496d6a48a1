"""The scores of dev in batches, which several decisions at the end of a training share.

Axes: B batch, T time, K tags, N sentences.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from tagger.inference.member import batches_of
from tagger.text.spans import Sentence

__all__ = ["Lattice", "lattices"]

MOST_SCORES = 1 << 25  # scores of dev that are kept in memory; the rest of dev is not used


class Lattice(NamedTuple):
    """A batch of dev sentences.

    Attributes:
        indices: (B,) indices of the sentences.
        lengths: (B,) in tokens.
        emissions: (B, T, K) scores that are decoded.
    """

    indices: np.ndarray
    lengths: np.ndarray
    emissions: np.ndarray


def lattices(scored: Iterable[tuple[Sentence, np.ndarray]]) -> tuple[list[Sentence], list[Lattice]]:
    """Collect the scores of sentences in batches of similar length, as far as memory allows.

    Args:
        scored: Sentences and their scores (T, K), as `Predictor.emissions` computes them.

    Returns:
        The sentences, N, and their batches.
    """
    sentences, rows, total = [], [], 0
    for sentence, scores in scored:
        sentences.append(sentence)
        rows.append(scores)
        total += scores.size
        if total > MOST_SCORES:
            break
    found = []
    tags = rows[0].shape[-1] if rows else 1
    for batch in batches_of([sentence.tokens for sentence in sentences], tags):
        shape = (len(batch.lengths), max(int(batch.lengths.max(initial=0)), 1), tags)
        emissions = np.zeros(shape, dtype=np.float64)
        for place, (index, length) in enumerate(zip(batch.indices, batch.lengths, strict=True)):
            emissions[place, :length] = rows[index]
        found.append(Lattice(batch.indices, batch.lengths, emissions))
    return sentences, found
