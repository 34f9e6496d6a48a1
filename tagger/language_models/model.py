"""A trained language model at work, in ONNX Runtime: probabilities, and the states that a tagger can read.

Axes: B batch, T time, N places, U units, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tagger.language_models import bundle as bundles
from tagger.language_models import graph
from tagger.language_models.bundle import Bundle
from tagger.language_models.text import EOS, units_of

__all__ = ["LanguageModel", "State", "load"]

State = tuple[np.ndarray, ...]
_BATCH = 32  # sequences side by side: more do not fit the cache beside a layer of 1,024 units


def load(folder: str | Path, *, quantized: bool = False) -> LanguageModel:
    """A model from its folder; errors are those of `bundle.load`."""
    return LanguageModel(bundles.load(folder), quantized=quantized)


class LanguageModel:
    """A model that runs on one thread. ``quantized`` computes activations with recurrent layers in int8, probabilities never."""

    def __init__(self, bundle: Bundle, *, quantized: bool = False) -> None:
        self.bundle = bundle
        self.quantized = quantized
        self.backward = bundle.config.model.direction == "backward"
        self.units = bundle.config.model.units
        self._sessions: dict[str, Any] = {}

    def numbers(self, tokens: Sequence[str]) -> np.ndarray:
        """A sentence's words or characters as numbers, in the order of reading, without borders."""
        numbers = self.bundle.vocabulary.numbers(units_of(tokens, self.bundle.config.model.level))
        return numbers[::-1] if self.backward else numbers

    def start(self, batch: int = 1) -> State:
        """The state before the first timestep: zero vectors."""
        shape = (1, batch, self.units)
        return tuple(np.zeros(shape, dtype=np.float32) for _ in range(graph.states_of(self.bundle.config.model)))

    def activations(self, numbers: np.ndarray, places: np.ndarray) -> np.ndarray:
        """The last layer's activations (N, U) at `places`, t · B + b, of input numbers (T, B); the state begins as zero.

        The first timestep is the border, which is not asked for. It may stand elsewhere as padding alone.

        Raises:
            TaggerError: the model is to be int8 and its cell has no such operator.
        """
        batch = numbers.shape[1]
        if not self.quantized:
            return self._run("activations", numbers, places, self.start(batch))[0]
        _, state = self.logits(np.array([[EOS]]), np.array([0]))
        state = tuple(np.repeat(part, batch, axis=1) for part in state)
        return self._run("int8", numbers[1:], places - batch, state)[0]

    def logits(self, numbers: np.ndarray, places: np.ndarray, state: State | None = None) -> tuple[np.ndarray, State]:
        """The softmax' logits (N, V) at `places` of input numbers (T, B), and the state after the last timestep."""
        return self._run("logits", numbers, places, state or self.start(numbers.shape[1]))

    def _run(self, kind: str, numbers: np.ndarray, places: np.ndarray, state: State) -> tuple[np.ndarray, State]:
        if kind not in self._sessions:
            built = graph.build(self.bundle, head=kind == "logits", quantized=kind == "int8")
            self._sessions[kind] = _session(built)
        inputs = {"numbers": numbers.astype(np.int64), "places": places.astype(np.int64)}
        inputs |= {f"state_{number}": part for number, part in enumerate(state)}
        found, *after = self._sessions[kind].run(None, inputs)
        return found, tuple(after)

    def log_probabilities(self, sequences: Sequence[np.ndarray]) -> list[np.ndarray]:
        """For each sequence of numbers, without borders, log p(y^<t> | y^<1> ... y^<t-1>) in nats, <EOS> last: float64."""
        found: list[np.ndarray] = [np.zeros(0)] * len(sequences)
        for indices, numbers, lengths in padded(sequences):
            rows = np.repeat(np.arange(len(indices)), lengths + 1)
            times = np.concatenate([np.arange(length + 1) for length in lengths])
            logits, _ = self.logits(numbers, times * len(indices) + rows)
            targets = np.concatenate([np.append(sequences[index], EOS) for index in indices])
            chosen = log_softmax(logits)[np.arange(len(targets)), targets]
            for index, values in zip(indices, np.split(chosen, np.cumsum(lengths + 1)[:-1]), strict=True):
                found[index] = values
        return found


def padded(sequences: Sequence[np.ndarray]) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Batches of sequences of like length: which (B,), what the model reads (T, B), a border and then all, and their lengths."""
    sizes = np.array([len(sequence) for sequence in sequences], dtype=np.int64)
    order = np.argsort(sizes, kind="stable")
    for first in range(0, len(order), _BATCH):
        indices = order[first : first + _BATCH]
        numbers = np.full((int(sizes[indices].max()) + 1, len(indices)), EOS, dtype=np.int64)
        for row, index in enumerate(indices):
            numbers[1 : sizes[index] + 1, row] = sequences[index]
        yield indices, numbers, sizes[indices]


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """Along the last axis, in float64."""
    logits = logits.astype(np.float64)
    logits -= logits.max(axis=-1, keepdims=True)
    logits -= np.log(np.exp(logits).sum(axis=-1, keepdims=True))
    return logits


def _session(serialized: bytes) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(serialized, options, providers=["CPUExecutionProvider"])
