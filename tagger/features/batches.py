"""Length buckets with a token budget: sentences of like length share a batch, so that little of it is padding.

Axes: B batch, T time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from tagger.features.encode import Features
from tagger.features.vocabulary import PAD

__all__ = ["Batch", "batch_up", "bucket", "shuffled_buckets"]

_SHAPE_STEP = 8  # where each new shape costs a compilation: time is rounded up to multiples of this


@dataclass(frozen=True)
class Batch:
    """Right-padded arrays of some sentences.

    ``indices`` (B,) says which sentences; ``lengths`` (B,) are in tokens; ``inputs`` maps input names to (B, T, ...).
    ``tags`` (B, T) int32 are the targets where there are any. Rows beyond ``len(indices)`` are padding.
    """

    indices: np.ndarray
    lengths: np.ndarray
    inputs: dict[str, np.ndarray]
    tags: np.ndarray | None = None

    @property
    def tokens(self) -> int:
        return int(self.lengths.sum())


def bucket(lengths: Sequence[int] | np.ndarray, order: np.ndarray, token_budget: int) -> Iterator[np.ndarray]:
    """Cut `order` (sentence indices, sorted by length or nearly) into batches of at most `token_budget` padded tokens.

    A sentence that is longer than the budget is a batch of its own: nothing is ever cut.
    """
    lengths = np.asarray(lengths)
    first, longest = 0, 0
    for position, index in enumerate(order):
        longest_with = max(longest, int(lengths[index]), 1)
        if position > first and longest_with * (position - first + 1) > token_budget:
            yield order[first:position]
            first, longest_with = position, max(int(lengths[index]), 1)
        longest = longest_with
    if first < len(order):
        yield order[first:]


def shuffled_buckets(lengths: Sequence[int] | np.ndarray, token_budget: int, seed: Sequence[int]) -> list[np.ndarray]:
    """One epoch's batches in random order, determined by `seed` (for example run seed and epoch) alone.

    Sentences are sorted by length and, within a length, at random, so that each epoch puts others together while the shapes and
    the number of batches stay. The longest batch comes first, so that a lack of memory shows at once, and the shortest
    second, so that a graph sees at once how shapes vary.
    """
    random = np.random.default_rng(seed)
    order = np.lexsort((random.random(len(lengths)), np.asarray(lengths)))
    batches = list(bucket(lengths, order, token_budget))
    middle = [batches[index] for index in random.permutation(np.arange(1, len(batches) - 1))]
    return [*batches[-1:], *batches[: len(batches) > 1], *middle]


def batch_up(
    indices: np.ndarray,
    features: Sequence[Features],
    tags: Sequence[np.ndarray] | None = None,
    *,
    token_budget: int = 0,
) -> Batch:
    """Pad the sentences `indices` to one batch.

    With a `token_budget` the shape is rounded up to one of few, (budget // T, T): for backends that compile every shape.
    """
    lengths = np.array([len(features[index]["words"]) for index in indices], dtype=np.int32)
    rows, time = len(indices), max(int(lengths.max(initial=0)), 1)
    if token_budget:
        time = -(-time // _SHAPE_STEP) * _SHAPE_STEP
        rows = max(rows, token_budget // time)
    names = features[indices[0]] if rows and len(indices) else {}
    return Batch(
        indices=indices,
        lengths=lengths,
        inputs={name: _padded([features[index][name] for index in indices], rows, time) for name in names},
        tags=None if tags is None else _padded([tags[index] for index in indices], rows, time),
    )


def _padded(arrays: Sequence[np.ndarray], rows: int, time: int) -> np.ndarray:
    padded = np.full((rows, time, *arrays[0].shape[1:]), PAD, dtype=arrays[0].dtype)
    for row, array in enumerate(arrays):
        padded[row, : len(array)] = array
    return padded
