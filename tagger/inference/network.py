"""The network of a tagger in ONNX Runtime, which runs the graphs of `tagger.export.tagger`.

Axes: B batch, T time, D distinct words, C characters, X features of a word, S units of all encoders
of tokens, N rows of features, K tags.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tagger.bundles.tagger import INT8, SENTENCES, Bundle, graph_names
from tagger.errors import BundleError
from tagger.export.encoder import backward_state_mask
from tagger.export.session import open_graph
from tagger.export.word_session import WordSession

__all__ = ["FLOAT32", "PRECISIONS", "OnnxTagger", "precision_of"]

FLOAT32 = "float32"
PRECISIONS = (FLOAT32, "int8")
CHUNK_TOKENS = 4096  # tokens per chunk of a very long sentence
_FILES = {FLOAT32: SENTENCES, "int8": INT8}


def precision_of(bundle: Bundle) -> str:
    """Return the default precision of a model, as recorded in its metrics; float32 if none is.

    Training records int8 if it costs no more than a small tolerance on dev.
    """
    return str(bundle.metrics.get("precision", FLOAT32))


class OnnxTagger:
    """The sessions of one model in ONNX Runtime.

    Any number of threads may use them at once; each run takes the calling thread only.

    Args:
        bundle: The model, with its graphs.
        precision: float32 or int8.

    Attributes:
        words: The features of distinct words.

    Raises:
        BundleError: The bundle lacks a graph, or a graph was created from other weights or cannot
            be run.
    """

    def __init__(self, bundle: Bundle, precision: str = FLOAT32) -> None:
        self.precision = precision
        self._tags = len(bundle.tags)
        self._units = bundle.config.model.units
        self._backwards = backward_state_mask(bundle.config.model)
        self._sweeps = bundle.config.model.layers + 1 if self._backwards.any() else 1
        if precision != FLOAT32 and _FILES[precision] not in graph_names(bundle.config.model):
            raise BundleError(
                f"has no {_FILES[precision]}, which only models with LSTM cells have; use {FLOAT32}"
            )
        self._sentences = open_graph(bundle, _FILES[precision])
        self.words = WordSession(bundle)

    def emissions(
        self,
        features: np.ndarray,
        tokens: np.ndarray,
        lengths: np.ndarray,
        context: np.ndarray | None = None,
    ) -> np.ndarray:
        """Compute the emissions of a batch; a single very long sentence is run in chunks.

        Args:
            features: (N, X) float32, or ids (N,) int32 of one-hot words.
            tokens: (B, T) int32 rows of `features`, any row where padded.
            lengths: (B,) int32 in tokens.
            context: (B, T, S) float32 states of the language models, if the model has any.

        Returns:
            (B, T, K) float32, undefined where padded.
        """
        optional = {} if context is None else {"context": context}
        if len(tokens) == 1 and lengths[0] > CHUNK_TOKENS:
            return self._in_chunks(features, {"tokens": tokens[:, : lengths[0]], **optional})
        inputs = {"features": features, "tokens": tokens, "lengths": lengths, **optional}
        return self._sentences.run({"emissions": (*tokens.shape, self._tags)}, inputs)[0]

    def _in_chunks(self, features: np.ndarray, sentence: Mapping[str, np.ndarray]) -> np.ndarray:
        """Compute the emissions (1, T, K) of one very long sentence, given by inputs (1, T, ...).

        Memory hardly depends on its length. A sweep runs over all chunks and passes the states from
        each to the next; states of the other direction are those of the previous sweep. The first
        sweep, forward, makes the forward states of the first layer exact. Each later sweep runs in
        the other direction, and makes the states of its direction exact in the next layer, whose
        inputs of both directions now are exact. After one sweep more than there are layers, all
        states are exact.
        """
        starts = range(0, sentence["tokens"].shape[1], CHUNK_TOKENS)
        pieces = [
            {name: array[:, first : first + CHUNK_TOKENS] for name, array in sentence.items()}
            for first in starts
        ]
        # into[p + 1]: the initial states (S, 1, U) of chunk p, S states of all layers and U units.
        into = np.zeros((len(pieces) + 2, len(self._backwards), 1, self._units), dtype=np.float32)
        emissions = [np.empty(0)] * len(pieces)
        for sweep in range(self._sweeps):
            order = range(len(pieces)) if sweep % 2 == 0 else reversed(range(len(pieces)))
            for number in order:
                piece = pieces[number]
                length = np.array([piece["tokens"].shape[1]], dtype=np.int32)
                inputs = {
                    "features": features,
                    "lengths": length,
                    "states": into[number + 1],
                    **piece,
                }
                shapes = {
                    "emissions": (*piece["tokens"].shape, self._tags),
                    "states_after": into.shape[1:],
                }
                emissions[number], after = self._sentences.run(shapes, inputs)
                into[number + 2, ~self._backwards] = after[~self._backwards]
                into[number, self._backwards] = after[self._backwards]
        return np.concatenate(emissions, axis=1)
