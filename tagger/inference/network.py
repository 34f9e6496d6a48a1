"""The network of a tagger in ONNX Runtime, which runs the graphs of `tagger.export.tagger`.

Axes: B batch, T time, D distinct words, C characters, X features of a word, S units of all encoders
of tokens, N rows of features, K tags.
"""

from __future__ import annotations

import numpy as np

from tagger.bundles.tagger import INT8, SENTENCES, Bundle, graph_names
from tagger.errors import BundleError
from tagger.export.session import open_graph
from tagger.export.word_session import WordSession
from tagger.inference import chunks

__all__ = ["FLOAT32", "PRECISIONS", "OnnxTagger", "precision_of"]

FLOAT32 = "float32"
PRECISIONS = (FLOAT32, "int8")
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
        if precision != FLOAT32 and _FILES[precision] not in graph_names(bundle.config.model):
            raise BundleError(
                f"has no {_FILES[precision]}, which only models with LSTM cells have; use {FLOAT32}"
            )
        self._sentences = open_graph(bundle, _FILES[precision])
        self._chunks = chunks.ChunkedRuns(self._sentences, bundle.config.model)
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
        if len(tokens) == 1 and lengths[0] > chunks.CHUNK_TOKENS:
            sentence = {"tokens": tokens[:, : lengths[0]], **optional}
            outputs = self._chunks.run(
                features, sentence, lambda length: {"emissions": (1, length, self._tags)}
            )
            return np.concatenate([emissions for (emissions,) in outputs], axis=1)
        inputs = {"features": features, "tokens": tokens, "lengths": lengths, **optional}
        return self._sentences.run({"emissions": (*tokens.shape, self._tags)}, inputs)[0]
