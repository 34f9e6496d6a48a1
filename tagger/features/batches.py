"""Batches of sentences of similar length, with a token budget, so that little is padding.

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
    "MASKED",
    "Batch",
    "bucket",
    "collate",
    "round_up_shapes",
    "shuffled_buckets",
]

MASKED = -1e9
"""Score that is added to a padded timestep, whose weight after a softmax then is 0 in float32."""

# Times and word lengths are rounded up to multiples of this where each new shape is compiled.
_SHAPE_STEP = 8


@dataclass(frozen=True)
class Batch:
    """A batch of sentences as right-padded arrays.

    Args:
        indices: (number of sentences,) indices of the sentences in their corpus.
        lengths: (number of sentences,) int32 numbers of tokens.
        inputs: Arrays of `WordEncoder.inputs` and, with token states, "context" (B, T, S); rows
            after the sentences are padding.
        tags: (B, T) int32 target tag ids, 0 where padded; None without targets.
    """

    indices: np.ndarray
    lengths: np.ndarray
    inputs: dict[str, np.ndarray]
    tags: np.ndarray | None = None

    @property
    def tokens(self) -> int:
        """Return the number of tokens without padding."""
        return int(self.lengths.sum())


def bucket(
    lengths: Sequence[int] | np.ndarray,
    order: np.ndarray,
    token_budget: int,
    padding: float = math.inf,
) -> Iterator[np.ndarray]:
    """Split sentences into batches by a token budget; sentences are never cut.

    Args:
        lengths: Numbers of tokens of all sentences; 0 counts as 1.
        order: Sentence indices, sorted by length at least approximately.
        token_budget: Maximum number of tokens per batch, padding included. A longer sentence is a
            batch of its own.
        padding: Maximum padding per batch, in sentences of the batch's length T; unlimited by
            default.

    Yields:
        Consecutive parts of `order`, one per batch.
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
    """Return the batches of one epoch in random order.

    Sentences are sorted by length, and shuffled among those of equal length: each epoch combines
    other sentences, while the number and the shapes of the batches are the same. The longest batch
    is the first, so that a lack of memory is noticed immediately, and the shortest the second, so
    that a traced graph is generalized to varying shapes immediately.

    Args:
        lengths: Numbers of tokens of all sentences.
        token_budget: Maximum number of tokens per batch, padding included.
        seed: Seed that determines the result, for example run seed and epoch.

    Returns:
        Sentence indices, one array per batch.
    """
    random = np.random.default_rng(seed)
    order = np.lexsort((random.random(len(lengths)), np.asarray(lengths)))
    batches = list(bucket(lengths, order, token_budget))
    middle = [batches[index] for index in random.permutation(np.arange(1, len(batches) - 1))]
    return [*batches[-1:], *batches[: len(batches) > 1], *middle]


def collate(
    indices: np.ndarray,
    word_encoder: WordEncoder,
    numbers: Sequence[np.ndarray],
    tags: Sequence[np.ndarray] | None = None,
    *,
    contexts: TokenStates | None = None,
    token_budget: int = 0,
) -> Batch:
    """Collate sentences to one right-padded batch.

    Args:
        indices: Indices of the sentences.
        word_encoder: Encoder that assigned the word ids.
        numbers: Word ids (T,) of every sentence of the corpus.
        tags: Tag ids (T,) of every sentence of the corpus, if available.
        contexts: Token states of every sentence of the corpus, if the network has such an input.
        token_budget: If above 0, round shapes up to one of a few, for backends that compile each
            shape; B then depends on the budget.

    Returns:
        The batch, with T of at least 1.
    """
    lengths = np.array([len(numbers[index]) for index in indices], dtype=np.int32)
    rows, time = len(indices), max(int(lengths.max(initial=0)), 1)
    if token_budget:
        time = -(-time // _SHAPE_STEP) * _SHAPE_STEP
        rows = 1 << (max(rows, token_budget // time) - 1).bit_length()
    inputs = word_encoder.inputs(_padded([numbers[index] for index in indices], rows, time))
    if contexts is not None:
        inputs["context"] = contexts.padded(indices, rows, time)
    return Batch(
        indices=indices,
        lengths=lengths,
        inputs=round_up_shapes(inputs) if token_budget else inputs,
        tags=None if tags is None else _padded([tags[index] for index in indices], rows, time),
    )


def round_up_shapes(inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Pad arrays so that few different shapes occur.

    Args:
        inputs: Arrays of `WordEncoder.inputs` and "context".

    Returns:
        The arrays, with sentences and distinct words padded to powers of two, times and characters
        to multiples of 8.
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
    """Right-pad arrays (T,) to (rows, time) int32."""
    padded = np.full((rows, time), PAD, dtype=np.int32)
    for row, array in enumerate(arrays):
        padded[row, : len(array)] = array
    return padded
