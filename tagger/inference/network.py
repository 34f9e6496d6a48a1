"""A trained network in ONNX Runtime: the graphs that `tagger.export.tagger` writes, run on NumPy
arrays.

Axes: B batch, T time, D distinct words, C characters, X numbers of a word, S numbers of a place, N
words in all, K tags.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tagger.bundles.tagger import INT8, SENTENCES, WORDS, Bundle, graph_names
from tagger.bundles.tagger_weights import width_of
from tagger.errors import BundleError
from tagger.export.sentences import backward_state_mask
from tagger.export.session import session_of

__all__ = ["FLOAT32", "PRECISIONS", "OnnxTagger", "precision_of"]

FLOAT32 = "float32"
PRECISIONS = (FLOAT32, "int8")
CHUNK_TOKENS = 4096  # tokens of a very long sentence that are run at once
_FILES = {FLOAT32: SENTENCES, "int8": INT8}


def precision_of(bundle: Bundle) -> str:
    """That of a model's predictions if nobody wishes another: float32, or int8 where it was found
    to lose nothing.
    """
    return str(bundle.metrics.get("precision", FLOAT32))


class OnnxTagger:
    """The sessions of one model. Any number of threads may use them at once: each run takes one
    thread.

    Raises:
        BundleError: The bundle lacks a graph, or a graph is not of its weights or cannot be run.
    """

    def __init__(self, bundle: Bundle, precision: str = FLOAT32) -> None:
        self.precision = precision
        self.one_hot = bundle.config.model.input == "one-hot"
        self.width = 1 if self.one_hot else width_of(bundle.config.model, bundle.features)
        self._units = bundle.config.model.units
        self._backwards = backward_state_mask(bundle.config.model)
        self._sweeps = bundle.config.model.layers + 1 if self._backwards.any() else 1
        self._sentences = _session(bundle, _FILES[precision])
        self._words = None if self.one_hot else _session(bundle, WORDS)
        self._wanted = (
            set() if self._words is None else {value.name for value in self._words.get_inputs()}
        )

    def features(self, inputs: Mapping[str, np.ndarray]) -> np.ndarray:
        """What the network makes of distinct words (D, X) float32, from those inputs of
        `Lexicon.words` that it wants; of one-hot words their numbers (D,) int32."""
        if self._words is None:
            return inputs["words"]
        found: np.ndarray = self._words.run(None, {name: inputs[name] for name in self._wanted})[0]
        return found

    def emissions(
        self,
        features: np.ndarray,
        tokens: np.ndarray,
        lengths: np.ndarray,
        context: np.ndarray | None = None,
    ) -> np.ndarray:
        """Scores (B, T, K) of sentences whose tokens (B, T) int32 are rows of `features`, (N, X) or
        (N,); lengths (B,) int32.

        A model that reads with language models wants what they know, `context` (B, T, S) float32.
        """
        told = {} if context is None else {"context": context}
        if len(tokens) == 1 and lengths[0] > CHUNK_TOKENS:
            return self._in_chunks(features, {"tokens": tokens[:, : lengths[0]], **told})
        inputs = {"features": features, "tokens": tokens, "lengths": lengths, **told}
        found: np.ndarray = self._sentences.run(["emissions"], inputs)[0]
        return found

    def _in_chunks(self, features: np.ndarray, sentence: Mapping[str, np.ndarray]) -> np.ndarray:
        """The scores (1, T, K) of one very long sentence, given by inputs (1, T, ...), in memory
        that its length hardly touches.

        A sweep goes over all pieces and hands states from each to the next; those that come from
        the other side are of the sweep before. The first, forwards, gets the forward states of the
        first layer right. Each later sweep goes the other way and gets right the states of its
        direction in the layer whose both inputs now are right: after one sweep more than there are
        layers nothing is left to change.
        """
        starts = range(0, sentence["tokens"].shape[1], CHUNK_TOKENS)
        pieces = [
            {name: array[:, first : first + CHUNK_TOKENS] for name, array in sentence.items()}
            for first in starts
        ]
        into = np.zeros(
            (len(pieces) + 2, len(self._backwards), 1, self._units), dtype=np.float32
        )  # [p + 1]: those of piece p
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
                emissions[number], after = self._sentences.run(
                    ["emissions", "states_after"], inputs
                )
                into[number + 2, ~self._backwards] = after[~self._backwards]
                into[number, self._backwards] = after[self._backwards]
        return np.concatenate(emissions, axis=1)


def _session(bundle: Bundle, name: str) -> Any:
    if name not in bundle.graphs:
        hint = (
            f"which only models of LSTM cells have; predict in {FLOAT32}"
            if name not in graph_names(bundle.config.model)
            else "make it: tagger export RUN"
        )
        raise BundleError(f"has no {name}, {hint}")
    return session_of(bundle.graphs[name], name, bundle.weights_digest)
