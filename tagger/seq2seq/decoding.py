"""From sources to targets: batches of sources, encoded and searched.

Axes: B batch, X source time, F features of the encoder's output, U units of the decoder, V target
vocabulary, S states of all decoder layers, M hypotheses.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np

from tagger.features.batches import MASKED, bucket, collate
from tagger.features.encode import WordEncoder, WordFeatures
from tagger.features.vocabulary import PAD
from tagger.seq2seq.search import Hypothesis, search

__all__ = ["Engine", "Memory", "decode", "limit_of", "mask_of"]

_SYMBOLS = 2048  # hypotheses times symbols of a batch of sources, with padding


class Memory(NamedTuple):
    """Encoded sources as arrays; all are None without attention.

    Attributes:
        keys: (B, X, U) float32.
        values: (B, X, F) float32.
        mask: (B, X) float32, 0 at symbols and `MASKED` at padding.
    """

    keys: np.ndarray | None = None
    values: np.ndarray | None = None
    mask: np.ndarray | None = None

    def rows(self, indices: np.ndarray) -> Memory:
        """Return the memory of some sources, which may be repeated."""
        return Memory(*(None if part is None else part[indices] for part in self))


class Engine(Protocol):
    """A network that computes with NumPy arrays: in ONNX Runtime, or in Keras while training."""

    def read(self, inputs: dict[str, np.ndarray]) -> tuple[np.ndarray, Memory]:
        """Encode sources.

        Args:
            inputs: Arrays of the sources, as of `features.encode.WordEncoder.inputs`.

        Returns:
            The initial states (S, B, U) of the decoder, and its memory.
        """

    def step(
        self, previous: np.ndarray, states: np.ndarray, memory: Memory
    ) -> tuple[np.ndarray, np.ndarray]:
        """Run one timestep of the decoder.

        Args:
            previous: (M,) int32 ids y^<t-1>.
            states: (S, M, U).
            memory: The encoded source of each hypothesis.

        Returns:
            Logits (M, V), and the states (S, M, U) after the timestep.
        """


def limit_of(length: int) -> int:
    """Return the maximum number of target symbols for a source of `length` symbols."""
    return 2 * length + 10


def decode(
    engine: Engine,
    features: WordFeatures,
    sources: Sequence[Sequence[str]],
    *,
    beam: int = 1,
    count: int = 1,
) -> list[list[Hypothesis]]:
    """Find the most probable targets of sources.

    Args:
        engine: The network.
        features: Inputs of its encoder.
        sources: Symbols of each source, in any number.
        beam, count: See `search.search`.

    Returns:
        The targets of each source, the most probable first; none of an empty source.
    """
    found: list[list[Hypothesis]] = [[] for _ in sources]
    encoder = WordEncoder(features)
    ids = encoder.word_ids(sources)
    lengths = np.array([len(one) for one in ids], dtype=np.int64)
    order = np.argsort(lengths, kind="stable")
    order = order[lengths[order] > 0]
    for indices in (
        bucket(lengths, order, max(_SYMBOLS // beam, 1), padding=4) if len(order) else ()
    ):
        inputs = collate(indices, encoder, ids).inputs
        states, memory = engine.read(inputs)
        hypotheses = search(
            _Stepper(engine, memory),
            states,
            [limit_of(int(lengths[index])) for index in indices],
            beam=beam,
            count=count,
        )
        for index, targets in zip(indices, hypotheses, strict=True):
            found[index] = targets
    return found


def mask_of(inputs: dict[str, np.ndarray]) -> np.ndarray:
    """Return the mask (B, X) of sources."""
    return np.where(inputs["tokens"] == PAD, MASKED, 0.0).astype(np.float32)


class _Stepper:
    """The step of a search, which gathers the memory of hypotheses only when they change."""

    def __init__(self, engine: Engine, memory: Memory) -> None:
        self.engine = engine
        self.memory = memory
        self._rows = np.zeros(0, dtype=np.int64)
        self._gathered = Memory()

    def __call__(
        self, previous: np.ndarray, states: np.ndarray, rows: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Run a timestep for hypotheses of the sources `rows` (M,)."""
        if not np.array_equal(rows, self._rows):
            self._rows, self._gathered = rows, self.memory.rows(rows)
        return self.engine.step(previous, states, self._gathered)
