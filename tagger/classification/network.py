"""The network of a classifier in ONNX Runtime, which runs the graphs of `tagger.export.classifier`.

Axes: B batch, T time, X features of a word, N rows of features, F features of the encoder's output,
K labels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tagger.bundles.classifier import TEXTS, ClassifierBundle
from tagger.export.session import open_graph
from tagger.export.word_session import WordSession
from tagger.inference import chunks

__all__ = ["OnnxClassifier"]


class OnnxClassifier:
    """The sessions of one classifier in ONNX Runtime.

    Any number of threads may use them at once; each run takes the calling thread only.

    Attributes:
        words: The features of distinct words.

    Args:
        bundle: The classifier, with its graphs.

    Raises:
        BundleError: The bundle lacks a graph, or a graph was created from other weights or cannot
            be run.
    """

    def __init__(self, bundle: ClassifierBundle) -> None:
        self.words = WordSession(bundle)
        self._model = bundle.config.model
        self._labels = len(bundle.labels)
        self._texts = open_graph(bundle, TEXTS)
        self._chunks = chunks.ChunkedRuns(self._texts, self._model)
        weights, hidden = bundle.weights, range(1, len(self._model.hidden) + 1)
        self._head = [
            (weights[f"head/{name}/kernel"], weights[f"head/{name}/bias"])
            for name in (*(f"hidden_{number}" for number in hidden), "labels")
        ]

    def logits(
        self,
        features: np.ndarray,
        tokens: np.ndarray,
        lengths: np.ndarray,
        context: np.ndarray | None = None,
    ) -> np.ndarray:
        """Compute the logits of a batch; a single very long text is run in chunks.

        Args:
            features: (N, X) float32, or ids (N,) int32 of one-hot words.
            tokens: (B, T) int32 rows of `features`, any row where padded.
            lengths: (B,) int32 in tokens.
            context: (B, T, S) float32 states of the language models, if the model has any.

        Returns:
            (B, K) float32.
        """
        optional = {} if context is None else {"context": context}
        if len(tokens) == 1 and lengths[0] > chunks.CHUNK_TOKENS:
            return self._in_chunks(features, {"tokens": tokens[:, : lengths[0]], **optional})
        inputs = {"features": features, "tokens": tokens, "lengths": lengths, **optional}
        return self._texts.run({"logits": (len(tokens), self._labels)}, inputs)[0]

    def _in_chunks(self, features: np.ndarray, text: Mapping[str, np.ndarray]) -> np.ndarray:
        """Compute the logits (1, K) of one very long text, given by inputs (1, T, ...)."""
        width = self._model.units * (1 + self._model.bidirectional)
        shapes = {"pooled": (1, width)}
        outputs = self._chunks.run(features, text, lambda length: shapes)
        vector = self._combined([pooled for (pooled,) in outputs], text["tokens"].shape[1])
        for kernel, bias in self._head[:-1]:
            vector = np.tanh(vector @ kernel + bias)
        kernel, bias = self._head[-1]
        return np.asarray(vector @ kernel + bias)

    def _combined(self, pooled: Sequence[np.ndarray], tokens: int) -> np.ndarray:
        """Combine the vectors (1, F) of the chunks of a text to that of the whole text."""
        if self._model.pooling == "maximum":
            return np.asarray(np.max(pooled, axis=0))
        if self._model.pooling == "mean":
            sizes = np.full(len(pooled), chunks.CHUNK_TOKENS, dtype=np.float64)
            sizes[-1] = tokens - sizes[:-1].sum()
            return np.asarray(np.average(pooled, axis=0, weights=sizes), dtype=np.float32)
        # The forward direction ends in the last chunk, the backward one in the first.
        units = self._model.units
        return np.concatenate([pooled[-1][:, :units], pooled[0][:, units:]], axis=1)
