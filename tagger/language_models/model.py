"""A trained language model at work, in ONNX Runtime: probabilities, and the states that a tagger
can read.

Axes: B batch, T time, N places, U units, V vocabulary, S states of all layers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tagger.bundles import language_model as bundles
from tagger.bundles.language_model import GRAPH_FLOAT32, GRAPH_INT8, Bundle
from tagger.cells import CELLS
from tagger.errors import BundleError, TaggerError
from tagger.export.session import session_of
from tagger.language_models.states import places_of
from tagger.language_models.text import EOS, units_of

__all__ = ["LanguageModel", "bucketed_batches", "load", "log_softmax"]

BATCH = 32  # sequences side by side: more do not fit the cache beside a layer of 1,024 units
# timesteps of all rows that are run at once: memory does not grow with the length of a text
CHUNK_TIMESTEPS = 1024
_SOFTMAX = 1 << 20  # logits that are formed at once


def load(folder: str | Path, *, quantized: bool = False) -> LanguageModel:
    """A model from its folder; errors are those of `bundle.load`."""
    return LanguageModel(bundles.load(folder), quantized=quantized)


class Piece(NamedTuple):
    """What a piece of a text gives: which of the places are in it (n,), their activations, the
    states (S, B, U) after it.
    """

    here: np.ndarray
    activations: np.ndarray
    states: np.ndarray


class LanguageModel:
    """A model; its graphs run on a thread. ``quantized`` computes activations with recurrent layers
    in int8, probabilities never.

    It is a `tagger.features.token_states.TokenEncoder`, and any number of threads may use it.
    """

    def __init__(self, bundle: Bundle, *, quantized: bool = False) -> None:
        self.bundle = bundle
        self.quantized = quantized
        self.backward = bundle.config.model.direction == "backward"
        self.units = bundle.config.model.units
        self._sessions: dict[str, Any] = {}

    @property
    def digest(self) -> str:
        """Identify the model and its precision."""
        return self.bundle.digest[:32] + ("-int8" if self.quantized else "")

    @property
    def width(self) -> int:
        """Return the number of units U of a state."""
        return self.units

    def encode(self, sentences: Sequence[Sequence[str]]) -> list[np.ndarray]:
        """Return the states (T, U) float32 at the tokens of each tokenized sentence, each of which
        is read from the zero state. Errors are those of `activations`.
        """
        states = [np.zeros((0, self.units), dtype=np.float32)] * len(sentences)
        level = self.bundle.config.model.level
        full = [index for index, tokens in enumerate(sentences) if len(tokens)]
        for rows, numbers, _ in bucketed_batches(
            [self.numbers(sentences[index]) for index in full]
        ):
            places = [
                places_of(sentences[full[row]], level=level, backward=self.backward) * len(rows)
                + column
                for column, row in enumerate(rows)
            ]
            parts = np.split(
                self.activations(numbers, np.concatenate(places)),
                np.cumsum([len(part) for part in places])[:-1],
            )
            for row, part in zip(rows, parts, strict=True):
                states[full[row]] = part
        return states

    def numbers(self, tokens: Sequence[str]) -> np.ndarray:
        """A sentence's words or characters as numbers, in the order of reading, without borders."""
        numbers = self.bundle.vocabulary.ids(units_of(tokens, self.bundle.config.model.level))
        return numbers[::-1] if self.backward else numbers

    def activations(self, numbers: np.ndarray, places: np.ndarray) -> np.ndarray:
        """The last layer's activations (N, U) at `places`, t · B + b, of input numbers (T, B); the
        states begin as zero.

        The first timestep is the border, which is not asked for. It may stand elsewhere as padding
        alone.

        Raises:
            BundleError: The graph is missing, is not of the weights, or cannot be run.
            TaggerError: The model is to be int8, and its cell has no such operator.
        """
        found = np.zeros((len(places), self.units), dtype=np.float32)
        if self.quantized:
            pieces = self._pieces(GRAPH_INT8, numbers[1:], places - numbers.shape[1])
        else:
            pieces = self._pieces(GRAPH_FLOAT32, numbers, places)
        for piece in pieces:
            found[piece.here] = piece.activations
        return found

    def logits(
        self, numbers: np.ndarray, states: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """The softmax' logits (V,) after the input numbers (T,), and the states then, to go on
        with.
        """
        for piece in self._pieces(
            GRAPH_FLOAT32, numbers[:, None], np.array([len(numbers) - 1]), states
        ):
            found, states = piece.activations, piece.states
        assert states is not None
        return self._softmax(found)[0], states

    def log_probabilities(self, sequences: Sequence[np.ndarray]) -> list[np.ndarray]:
        """For each sequence of numbers, without borders, log p(y^<t> | y^<1> ... y^<t-1>) in nats,
        <EOS> last: float64.
        """
        found: list[np.ndarray] = [np.zeros(0)] * len(sequences)
        for indices, numbers, lengths in bucketed_batches(sequences):
            rows = np.repeat(np.arange(len(indices)), lengths + 1)
            times = np.concatenate([np.arange(length + 1) for length in lengths])
            targets = np.concatenate([np.append(sequences[index], EOS) for index in indices])
            values, _ = self._log_probabilities(numbers, times * len(indices) + rows, targets)
            for index, part in zip(
                indices, np.split(values, np.cumsum(lengths + 1)[:-1]), strict=True
            ):
                found[index] = part
        return found

    def carried(
        self, numbers: np.ndarray, states: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """As `log_probabilities` for one sequence that begins in `states` (S, 1, U), zero if None;
        and the states after it.
        """
        places = np.arange(len(numbers) + 1)
        return self._log_probabilities(
            np.append(EOS, numbers)[:, None], places, np.append(numbers, EOS), states
        )

    def _log_probabilities(
        self,
        numbers: np.ndarray,
        places: np.ndarray,
        targets: np.ndarray,
        states: np.ndarray | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Of the target (N,) of each place, in float64; and the states in the end."""
        values, rows = np.zeros(len(places)), max(_SOFTMAX // len(self.bundle.vocabulary), 1)
        for piece in self._pieces(GRAPH_FLOAT32, numbers, places, states):
            states = piece.states
            for first in range(0, len(piece.here), rows):
                here = piece.here[first : first + rows]
                logits = self._softmax(piece.activations[first : first + rows])
                values[here] = log_softmax(logits)[np.arange(len(here)), targets[here]]
        assert states is not None
        return values, states

    def _softmax(self, activations: np.ndarray) -> np.ndarray:
        """Logits (N, V) of activations (N, U)."""
        weights = self.bundle.weights
        kernel = (
            weights["embedding/embeddings"].T
            if self.bundle.config.model.tied
            else weights["softmax/kernel"]
        )
        return np.asarray(activations @ kernel + weights["softmax/bias"])

    def _pieces(
        self, name: str, numbers: np.ndarray, places: np.ndarray, states: np.ndarray | None = None
    ) -> Iterator[Piece]:
        """Run a graph over the numbers (T, B), piece by piece of the timesteps; the states go from
        each to the next.
        """
        session, batch = self._session(name), numbers.shape[1]
        steps = max(CHUNK_TIMESTEPS // batch, 1)
        for first in range(0, len(numbers), steps):
            here = np.flatnonzero((places >= first * batch) & (places < (first + steps) * batch))
            inputs = {
                "numbers": numbers[first : first + steps].astype(np.int32),
                "places": (places[here] - first * batch).astype(np.int32),
            }
            if states is not None:
                inputs["states"] = states
            activations, states = session.run(None, inputs)
            yield Piece(here, activations, states)

    def _session(self, name: str) -> Any:
        if name not in self._sessions:
            cell = self.bundle.config.model.cell
            if name == GRAPH_INT8 and not CELLS[cell].has_int8:
                able = " and ".join(name for name, spec in CELLS.items() if spec.has_int8)
                raise TaggerError(f"there is no int8 operator for the cell {cell}, only for {able}")
            if name not in self.bundle.graphs:
                raise BundleError(f"has no {name}; make it: tagger export RUN")
            self._sessions[name] = session_of(
                self.bundle.graphs[name], name, self.bundle.weights_digest
            )
        return self._sessions[name]


def bucketed_batches(
    sequences: Sequence[np.ndarray],
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Batches of sequences of like length: which (B,), what the model reads (T, B), a border and
    then all, and their lengths.
    """
    sizes = np.array([len(sequence) for sequence in sequences], dtype=np.int64)
    order = np.argsort(sizes, kind="stable")
    rising, first = sizes[order], 0
    while first < len(order):
        like = int(
            np.searchsorted(rising, 2 * rising[first] + BATCH, side="right")
        )  # none is padded to a multiple
        indices = order[first : min(first + BATCH, like)]
        numbers = np.full((int(sizes[indices].max()) + 1, len(indices)), EOS, dtype=np.int32)
        for row, index in enumerate(indices):
            numbers[1 : sizes[index] + 1, row] = sequences[index]
        yield indices, numbers, sizes[indices]
        first += len(indices)


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """Along the last axis, in float64."""
    logits = logits.astype(np.float64)
    logits -= logits.max(axis=-1, keepdims=True)
    logits -= np.log(np.exp(logits).sum(axis=-1, keepdims=True))
    return logits
