"""Inference with a language model in ONNX Runtime: probabilities, and hidden states for a tagger.

Ids are those of the vocabulary; a place is a flat index t · B + b into ids (T, B).

Axes: B batch, T time, N places, U units, V vocabulary, S states of all layers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tagger.bundles import language_model as bundles
from tagger.bundles.language_model import GRAPH_FLOAT32, GRAPH_INT8, LanguageModelBundle
from tagger.cells import CELLS
from tagger.errors import BundleError, TaggerError, did_you_mean
from tagger.export.session import Session
from tagger.features.normalization import normalized
from tagger.language_models.states import places_of
from tagger.language_models.text import EOS, units_of

__all__ = ["LanguageModel", "bucketed_batches", "load", "log_softmax"]

# Sequences per batch: more do not fit into the cache together with a layer of 1,024 units.
BATCH = 32
# Timesteps of all rows together that run at once, so that memory does not grow with the text.
CHUNK_TIMESTEPS = 1024
_SOFTMAX = 1 << 20  # logits computed at once


def load(folder: str | Path, *, quantized: bool = False) -> LanguageModel:
    """Open the language model in a folder.

    Args:
        folder: The folder of its bundle.
        quantized: Whether activations are computed in int8; see `LanguageModel`.

    Returns:
        The model.

    Raises:
        BundleError: As `tagger.bundles.language_model.load`.
    """
    return LanguageModel(bundles.load(folder), quantized=quantized)


class Piece(NamedTuple):
    """The outputs for a chunk of a text.

    Attributes:
        here: (n,) indices of the requested places that lie in the chunk.
        activations: (n, U) of the last layer at these places.
        states: (S, B, U) after the chunk.
    """

    here: np.ndarray
    activations: np.ndarray
    states: np.ndarray


class LanguageModel:
    """A language model in ONNX Runtime, which is also a `TokenEncoder` for taggers.

    Any number of threads may use a model at once; each run takes the calling thread only. Graphs
    are opened when they are first used.

    Args:
        bundle: The model, with its graphs.
        quantized: Whether recurrent layers are int8 in `encode` and `activations`. Logits and
            probabilities are always float32.
    """

    def __init__(self, bundle: LanguageModelBundle, *, quantized: bool = False) -> None:
        self.bundle = bundle
        self.quantized = quantized
        self.backward = bundle.config.model.direction == "backward"
        self.units = bundle.config.model.units
        self._states = bundle.config.model.layers * CELLS[bundle.config.model.cell].states
        self._sessions: dict[str, Session] = {}

    def border(self, label: str | None = None) -> int:
        """Return the id that a text begins with, whose vector is x^<1>.

        Args:
            label: The label of the text, of a conditional model.

        Returns:
            The id of the label; the border, with the zero vector, of other models.

        Raises:
            TaggerError: The model is conditional and the label is missing or unknown, or it is not
                and there is a label.
        """
        labels, name = self.bundle.labels, self.bundle.folder or "the language model"
        if not labels and label is not None:
            raise TaggerError(
                f"{name}: was trained without labels, so that a label changes nothing; omit it, or "
                "train on JSON Lines with one"
            )
        if not labels:
            return EOS
        if label is None:
            raise TaggerError(
                f"{name}: is conditional on a label, which is missing; expected one of "
                f"{', '.join(labels.names)}"
            )
        if label not in labels:
            raise TaggerError(
                f"{name}: unknown label {label!r}; {did_you_mean(label, labels.names)}"
            )
        return labels.id_of(label, len(self.bundle.vocabulary))

    @property
    def digest(self) -> str:
        """Return a string that identifies the model and its precision, as a key of caches."""
        return self.bundle.digest[:32] + ("-int8" if self.quantized else "")

    @property
    def width(self) -> int:
        """Return the number of units U of a state."""
        return self.units

    def encode(self, sentences: Sequence[Sequence[str]]) -> list[np.ndarray]:
        """Compute the hidden states at the tokens of sentences, each read from the zero state.

        Args:
            sentences: The tokens of each sentence; a sentence may be empty.

        Returns:
            (T, U) float32 for each sentence, where T is its number of tokens.

        Raises:
            BundleError: As `activations`.
            TaggerError: As `activations`; or the model is conditional, so that its states depend on
                a label.
        """
        self.border()
        sentences = [normalized(tokens) for tokens in sentences]  # their lengths determine places
        states = [np.zeros((0, self.units), dtype=np.float32)] * len(sentences)
        level = self.bundle.config.model.level
        full = [index for index, tokens in enumerate(sentences) if len(tokens)]
        for rows, ids, _ in bucketed_batches([self.ids(sentences[index]) for index in full]):
            places = [
                places_of(sentences[full[row]], level=level, backward=self.backward) * len(rows)
                + column
                for column, row in enumerate(rows)
            ]
            parts = np.split(
                self.activations(ids, np.concatenate(places)),
                np.cumsum([len(part) for part in places])[:-1],
            )
            for row, part in zip(rows, parts, strict=True):
                states[full[row]] = part
        return states

    def ids(self, tokens: Sequence[str]) -> np.ndarray:
        """Encode a sentence as ids of words or characters.

        Args:
            tokens: The tokens of the sentence.

        Returns:
            (T,) ids in the order of reading, reversed for a backward model, without borders.
        """
        ids = self.bundle.vocabulary.ids(units_of(tokens, self.bundle.config.model.level))
        return ids[::-1] if self.backward else ids

    def activations(self, ids: np.ndarray, places: np.ndarray) -> np.ndarray:
        """Compute the activations of the last layer at some places, from the zero state.

        Args:
            ids: (T, B) ids. The first timestep is the border or a label; the border occurs
                elsewhere only as padding.
            places: (N,) flat indices t · B + b with t > 0.

        Returns:
            (N, U) float32.

        Raises:
            BundleError: The graph is missing, was created from other weights, or cannot be run.
            TaggerError: The model is quantized, and its cell has no int8 operator.
        """
        activations = np.zeros((len(places), self.units), dtype=np.float32)
        if self.quantized:
            pieces = self._pieces(GRAPH_INT8, ids[1:], places - ids.shape[1])
        else:
            pieces = self._pieces(GRAPH_FLOAT32, ids, places)
        for piece in pieces:
            activations[piece.here] = piece.activations
        return activations

    def logits(
        self, ids: np.ndarray, states: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Compute the logits of the unit that follows a sequence.

        Args:
            ids: (T,) ids, T at least 1; a new text begins with `border`.
            states: (S, 1, U) before the sequence. Default: zeros.

        Returns:
            The logits (V,) after the last id, and the states (S, 1, U) there.
        """
        for piece in self._pieces(GRAPH_FLOAT32, ids[:, None], np.array([len(ids) - 1]), states):
            activations, states = piece.activations, piece.states
        assert states is not None
        return self._softmax(activations)[0], states

    def log_probabilities(
        self, sequences: Sequence[np.ndarray], labels: Sequence[str | None] | None = None
    ) -> list[np.ndarray]:
        """Compute log p(y^<t> | y^<1> ... y^<t-1>) of each step of sequences.

        Args:
            sequences: The ids (T,) of each sequence, without borders.
            labels: The label of each sequence, of a conditional model, whose probabilities are
                conditional on it, too.

        Returns:
            (T + 1,) float64 for each sequence, in nats; the last step is <EOS>.

        Raises:
            TaggerError: As `border`.
        """
        results: list[np.ndarray] = [np.zeros(0)] * len(sequences)
        borders = [self.border(label) for label in labels or [None] * len(sequences)]
        for indices, ids, lengths in bucketed_batches(sequences):
            ids[0] = np.array(borders)[indices]
            rows = np.repeat(np.arange(len(indices)), lengths + 1)
            times = np.concatenate([np.arange(length + 1) for length in lengths])
            targets = np.concatenate([np.append(sequences[index], EOS) for index in indices])
            values, _ = self._log_probabilities(ids, times * len(indices) + rows, targets)
            for index, part in zip(
                indices, np.split(values, np.cumsum(lengths + 1)[:-1]), strict=True
            ):
                results[index] = part
        return results

    def score_continuation(
        self, ids: np.ndarray, states: np.ndarray | None, label: str | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Compute the log-probabilities of a sequence that continues an earlier one.

        Args:
            ids: (T,) ids of the sequence, without borders.
            states: (S, 1, U) after the earlier sequence; None for zeros.
            label: The label of the sequence, of a conditional model.

        Returns:
            The log-probabilities (T + 1,) as of `log_probabilities`, and the states (S, 1, U) after
            the sequence.

        Raises:
            TaggerError: As `border`.
        """
        places = np.arange(len(ids) + 1)
        return self._log_probabilities(
            np.append(self.border(label), ids)[:, None], places, np.append(ids, EOS), states
        )

    def _log_probabilities(
        self,
        ids: np.ndarray,
        places: np.ndarray,
        targets: np.ndarray,
        states: np.ndarray | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the log-probability (N,) of the target at each place, and the final states."""
        values, rows = np.zeros(len(places)), max(_SOFTMAX // len(self.bundle.vocabulary), 1)
        for piece in self._pieces(GRAPH_FLOAT32, ids, places, states):
            states = piece.states
            for first in range(0, len(piece.here), rows):
                here = piece.here[first : first + rows]
                logits = self._softmax(piece.activations[first : first + rows])
                values[here] = log_softmax(logits)[np.arange(len(here)), targets[here]]
        assert states is not None
        return values, states

    def _softmax(self, activations: np.ndarray) -> np.ndarray:
        """Return the logits (N, V) of activations (N, U)."""
        weights = self.bundle.weights
        kernel = (
            weights["embedding/embeddings"][: len(self.bundle.vocabulary)].T
            if self.bundle.config.model.tied
            else weights["softmax/kernel"]
        )
        return np.asarray(activations @ kernel + weights["softmax/bias"])

    def _pieces(
        self, name: str, ids: np.ndarray, places: np.ndarray, states: np.ndarray | None = None
    ) -> Iterator[Piece]:
        """Run a graph over ids (T, B) chunk by chunk, passing on the states."""
        session, batch = self._session(name), ids.shape[1]
        steps = max(CHUNK_TIMESTEPS // batch, 1)
        for first in range(0, len(ids), steps):
            here = np.flatnonzero((places >= first * batch) & (places < (first + steps) * batch))
            inputs = {
                "numbers": ids[first : first + steps].astype(np.int32),
                "places": (places[here] - first * batch).astype(np.int32),
            }
            if states is not None:
                inputs["states"] = states
            shapes = {
                "activations": (len(here), self.units),
                "states_after": (self._states, batch, self.units),
            }
            activations, states = session.run(shapes, inputs)
            yield Piece(here, activations, states)

    def _session(self, name: str) -> Session:
        """Return the session of a graph, opened on first use."""
        if name not in self._sessions:
            cell = self.bundle.config.model.cell
            if name == GRAPH_INT8 and not CELLS[cell].has_int8:
                able = " and ".join(name for name, spec in CELLS.items() if spec.has_int8)
                raise TaggerError(f"there is no int8 operator for the cell {cell}, only for {able}")
            if name not in self.bundle.graphs:
                raise BundleError(f"has no {name}; create it: tagger export RUN")
            self._sessions[name] = Session(
                self.bundle.graphs[name], name, self.bundle.weights_digest
            )
        return self._sessions[name]


def bucketed_batches(
    sequences: Sequence[np.ndarray],
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Group sequences of similar length into batches.

    Args:
        sequences: The ids (t,) of each sequence, without borders.

    Yields:
        Indices into `sequences` (B,), inputs (T, B) int32, and lengths (B,) without borders. Inputs
        are the border, then the sequence, then padding, where T is the greatest length plus 1.
    """
    sizes = np.array([len(sequence) for sequence in sequences], dtype=np.int64)
    order = np.argsort(sizes, kind="stable")
    rising, first = sizes[order], 0
    while first < len(order):
        # At most twice the shortest length, and `BATCH` more, so that little is padding.
        end = int(np.searchsorted(rising, 2 * rising[first] + BATCH, side="right"))
        indices = order[first : min(first + BATCH, end)]
        ids = np.full((int(sizes[indices].max()) + 1, len(indices)), EOS, dtype=np.int32)
        for row, index in enumerate(indices):
            ids[1 : sizes[index] + 1, row] = sequences[index]
        yield indices, ids, sizes[indices]
        first += len(indices)


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """Compute the log-softmax along the last axis.

    Args:
        logits: (..., V).

    Returns:
        (..., V) float64, a new array.
    """
    logits = logits.astype(np.float64)
    logits -= logits.max(axis=-1, keepdims=True)
    logits -= np.log(np.exp(logits).sum(axis=-1, keepdims=True))
    return logits
