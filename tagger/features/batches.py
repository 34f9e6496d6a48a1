"""Length buckets with a token budget: sentences of like length share a batch, so that little of it
is padding.

Axes: B batch, T time.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from tagger.features.encode import WordEncoder
from tagger.features.inputs import INPUTS
from tagger.features.token_states import TokenStates
from tagger.features.vocabulary import PAD

__all__ = [
    "Batch",
    "bucket",
    "collate",
    "round_up_shapes",
    "shuffled_buckets",
]

_SHAPE_STEP = 8  # where each new shape costs a compilation: time is rounded up to multiples of this


@dataclass(frozen=True)
class Batch:
    """Right-padded arrays of some sentences.

    ``indices`` (B,) says which sentences; ``lengths`` (B,) are in tokens; ``inputs`` are those of
    `Lexicon.inputs`. ``tags`` (B, T) int32 are the targets where there are any. Rows beyond
    ``len(indices)`` are padding.
    """

    indices: np.ndarray
    lengths: np.ndarray
    inputs: dict[str, np.ndarray]
    tags: np.ndarray | None = None

    @property
    def tokens(self) -> int:
        return int(self.lengths.sum())


def bucket(
    lengths: Sequence[int] | np.ndarray,
    order: np.ndarray,
    token_budget: int,
    padding: float = math.inf,
) -> Iterator[np.ndarray]:
    """Cut `order` (sentence indices, sorted by length or nearly) into batches of at most
    `token_budget` padded tokens.

    Of these no more is padding than `padding` sentences of the batch's length have tokens. A
    sentence that is longer than the budget is a batch of its own: nothing is ever cut.
    """
    lengths = np.maximum(lengths, 1).tolist()
    first, longest, tokens = 0, 0, 0
    for position, index in enumerate(order.tolist()):
        longest, tokens = max(longest, lengths[index]), tokens + lengths[index]
        padded = longest * (position - first + 1)
        if position > first and (padded > token_budget or padded - tokens > padding * longest):
            yield order[first:position]
            first, longest, tokens = position, lengths[index], lengths[index]
    if first < len(order):
        yield order[first:]


def shuffled_buckets(
    lengths: Sequence[int] | np.ndarray, token_budget: int, seed: Sequence[int]
) -> list[np.ndarray]:
    """One epoch's batches in random order, determined by `seed` (for example run seed and epoch)
    alone.

    Sentences are sorted by length and, within a length, at random, so that each epoch puts others
    together while the shapes and the number of batches stay. The longest batch comes first, so that
    a lack of memory shows at once, and the shortest second, so that a graph sees at once how shapes
    vary.
    """
    random = np.random.default_rng(seed)
    order = np.lexsort((random.random(len(lengths)), np.asarray(lengths)))
    batches = list(bucket(lengths, order, token_budget))
    middle = [batches[index] for index in random.permutation(np.arange(1, len(batches) - 1))]
    return [*batches[-1:], *batches[: len(batches) > 1], *middle]


def collate(
    indices: np.ndarray,
    lexicon: WordEncoder,
    numbers: Sequence[np.ndarray],
    tags: Sequence[np.ndarray] | None = None,
    *,
    contexts: TokenStates | None = None,
    token_budget: int = 0,
) -> Batch:
    """Pad the sentences `indices` to one batch; they are given as numbers of a lexicon, and what
    language models know of them.

    With a `token_budget` all shapes are rounded up to one of few: for backends that compile every
    shape.
    """
    lengths = np.array([len(numbers[index]) for index in indices], dtype=np.int32)
    rows, time = len(indices), max(int(lengths.max(initial=0)), 1)
    if token_budget:
        time = -(-time // _SHAPE_STEP) * _SHAPE_STEP
        rows = 1 << (max(rows, token_budget // time) - 1).bit_length()
    inputs = lexicon.inputs(_padded([numbers[index] for index in indices], rows, time))
    if contexts is not None:
        inputs["context"] = contexts.padded(indices, rows, time)
    return Batch(
        indices=indices,
        lengths=lengths,
        inputs=round_up_shapes(inputs) if token_budget else inputs,
        tags=None if tags is None else _padded([tags[index] for index in indices], rows, time),
    )


def round_up_shapes(inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Inputs whose sizes are rounded up, sentences and distinct words to powers of two, times and
    characters to eights.
    """
    enlarged = {}
    for name, array in inputs.items():
        more = [(0, (1 << (len(array) - 1).bit_length()) - len(array))] + [(0, 0)] * (
            array.ndim - 1
        )
        kind = INPUTS.get(name)
        if name == "tokens" or (kind is not None and (kind.is_ragged or kind.is_of_tokens)):
            more[1] = (0, -array.shape[1] % _SHAPE_STEP)
        enlarged[name] = np.pad(array, more, constant_values=PAD)
    return enlarged


def _padded(arrays: Sequence[np.ndarray], rows: int, time: int) -> np.ndarray:
    padded = np.full((rows, time), PAD, dtype=np.int32)
    for row, array in enumerate(arrays):
        padded[row, : len(array)] = array
    return padded
