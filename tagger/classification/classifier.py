"""The public interface of trained classifiers: `load` opens one, and `Classifier` classifies text.

Axes: N texts, K labels.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from tagger.bundles import classifier as bundles
from tagger.bundles.classifier import ClassifierBundle
from tagger.classification.network import OnnxClassifier
from tagger.classification.prediction import Prediction
from tagger.classification.probabilities import predicted_labels, probabilities
from tagger.errors import BundleError, TaggerError
from tagger.inference.arguments import check_tokens, shown
from tagger.inference.member import batches_of, encoders_of, window_tokens
from tagger.inference.network import FLOAT32
from tagger.inference.word_cache import WordCache
from tagger.language_models.states import states_of
from tagger.text import tokenizers

__all__ = ["Classifier", "load", "logits_of"]

_logger = logging.getLogger(__name__)
_TEXTS = 4096  # texts per window, which may all be empty


def load(folder: str | Path) -> Classifier:
    """Open the classifier in a folder.

    Args:
        folder: A bundle, as `tagger classify train` writes it.

    Returns:
        The model.

    Raises:
        BundleError: The folder is not a classifier, was damaged, or its weights do not fit its
            settings.
        TypeError: The folder is not a path.
    """
    if not isinstance(folder, str | os.PathLike):
        raise TypeError(f"expected the path of a folder, got {shown(folder)}")
    bundle = bundles.load(folder)
    try:
        model = Classifier(bundle)
    except BundleError as error:
        raise BundleError(f"{folder}: {error}") from error
    _logger.info("opened %s: %s labels", folder, len(bundle.labels))
    return model


class Classifier:
    """An open classifier. Any number of threads may use it at once.

    Args:
        bundle: The bundle, with its graphs.

    Raises:
        BundleError: A graph is missing, was created from other weights or cannot be run.
    """

    def __init__(self, bundle: ClassifierBundle) -> None:
        self.bundle = bundle
        network = OnnxClassifier(bundle)
        self._network: OnnxClassifier | None = network
        self._words = WordCache(bundle, network.words)
        self._encoders = encoders_of(bundle, FLOAT32)

    def __repr__(self) -> str:
        return repr(self.bundle).replace("ClassifierBundle", "Classifier", 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release the network; the model cannot be used afterwards."""
        self._network = None

    @property
    def labels(self) -> tuple[str, ...]:
        """Return the labels by id."""
        return self.bundle.labels

    def classify(self, text: str, *, threshold: float | None = None) -> Prediction:
        """Classify a raw text of any length, tokenized with the tokenizer of the training.

        Args:
            text: The text.
            threshold: As for `predict`.

        Returns:
            Its label or labels, with their probabilities.

        Raises:
            TypeError: `text` is not a string.
            TaggerError: The model is closed.
            ValueError: As for `predict`.
        """
        if not isinstance(text, str):
            raise TypeError(f"expected a text of type str, got {shown(text)}")
        return next(self.classify_many([text], threshold=threshold))

    def classify_many(
        self, texts: Iterable[str], *, threshold: float | None = None
    ) -> Iterator[Prediction]:
        """Classify raw texts lazily and in bounded memory, many at once; see `classify`.

        Args:
            texts: The texts.
            threshold: As for `predict`.

        Returns:
            An iterator over the predictions, in order.

        Raises:
            TypeError: `texts` is a string, or one of them is not a string.
            TaggerError: The model is closed.
            ValueError: As for `predict`.
        """
        if isinstance(texts, str) or not isinstance(texts, Iterable):
            raise TypeError(f"expected texts of type str, got {shown(texts)}")
        return self.predict(self._tokenized(texts), threshold=threshold)

    def _tokenized(self, texts: Iterable[str]) -> Iterator[tuple[str, ...]]:
        """Yield the tokens of texts."""
        tokenize = tokenizers.get(self.bundle.config.data.tokenizer)
        for text in texts:
            if not isinstance(text, str):
                raise TypeError(f"expected a text of type str, got {shown(text)}")
            yield tuple(text[start:end] for part in tokenize(text) for start, end in part)

    def predict(
        self, texts: Iterable[Sequence[str]], *, threshold: float | None = None
    ) -> Iterator[Prediction]:
        """Classify tokenized texts lazily and in bounded memory.

        Args:
            texts: The tokens of each text, of any number; none is a text, too.
            threshold: Probability from which a label is predicted, with several per text. Default:
                what training decided on dev.

        Returns:
            An iterator over the predictions, in order.

        Raises:
            TypeError: `texts` are not sequences of strings.
            TaggerError: The model is closed.
            ValueError: The threshold is not a probability, or the model predicts exactly one label
                per text.
        """
        if threshold is not None and not self.bundle.is_multi_label:
            raise ValueError("the model predicts exactly one label per text; leave out threshold")
        if threshold is not None and not 0 < threshold <= 1:
            raise ValueError(f"expected a threshold above 0 and up to 1, got {threshold!r}")
        if self._network is None:
            raise TaggerError(
                "the classifier is closed; open it again with tagger.classification.load"
            )
        chosen = self.bundle.threshold if threshold is None else threshold
        return self._predictions(texts, chosen)

    def _predictions(
        self, texts: Iterable[Sequence[str]], threshold: float
    ) -> Iterator[Prediction]:
        """Yield the predictions of texts, window by window."""
        bundle = self.bundle
        for logits in logits_of(texts, len(bundle.labels), self._logits):
            scores = probabilities(logits, bundle.temperatures, multi_label=bundle.is_multi_label)
            chosen = predicted_labels(
                scores, multi_label=bundle.is_multi_label, threshold=threshold
            )
            for row, mask in zip(scores, chosen, strict=True):
                ids = np.flatnonzero(mask)
                order = ids[np.argsort(-row[ids], kind="stable")]
                yield Prediction(tuple(bundle.labels[one] for one in order), bundle.labels, row)

    def logits(self, texts: Iterable[Sequence[str]]) -> np.ndarray:
        """Compute the logits of tokenized texts, before any calibration.

        Args:
            texts: The tokens of each text, N.

        Returns:
            (N, K) float32.
        """
        found = list(logits_of(texts, len(self.bundle.labels), self._logits))
        return np.concatenate(found) if found else np.zeros((0, len(self.bundle.labels)))

    def _logits(self, texts: list[tuple[str, ...]]) -> np.ndarray:
        """Compute the logits (N, K) of the texts of a window."""
        network = self._network
        if network is None:
            raise TaggerError(
                "the classifier is closed; open it again with tagger.classification.load"
            )
        encoded = self._words.encode(texts)
        context = None
        if self._encoders:
            digests = [encoder.digest for encoder in self._encoders]
            context = states_of(self._encoders, texts).rows(digests)
        logits = np.empty((len(texts), len(self.bundle.labels)), dtype=np.float32)
        for batch in batches_of(texts, len(self.bundle.labels)):
            for _, part in batch.micro_batches():
                logits[part.indices] = network.logits(
                    encoded.features,
                    part.gather(encoded.tokens),
                    part.lengths,
                    None if context is None else part.gather(context),
                )
        return logits


def logits_of(
    texts: Iterable[Sequence[str]],
    labels: int,
    compute: Callable[[list[tuple[str, ...]]], np.ndarray],
) -> Iterator[np.ndarray]:
    """Yield the logits of texts in windows of bounded size.

    Args:
        texts: The tokens of each text, consumed lazily.
        labels: Number of labels, K.
        compute: Function from the texts of a window to their logits (N, K).

    Yields:
        The logits (N, K) of each window, in order.

    Raises:
        TypeError: A text is not a sequence of strings.
    """
    if isinstance(texts, str) or not isinstance(texts, Iterable):
        raise TypeError(f"expected texts, each a sequence of tokens, got {shown(texts)}")
    window: list[tuple[str, ...]] = []
    tokens, most = 0, window_tokens(labels)
    for text in texts:
        window.append(_checked(text))
        tokens += len(text)
        if tokens >= most or len(window) == _TEXTS:
            check_tokens(window)
            yield compute(window)
            window, tokens = [], 0
    if window:
        check_tokens(window)
        yield compute(window)


def _checked(text: Any) -> tuple[str, ...]:
    """Return the tokens of a text after a check of its type."""
    if isinstance(text, str) or not isinstance(text, Sequence):
        raise TypeError(
            f"expected each text as a sequence of tokens of type str, got {shown(text)}; classify "
            "raw text with classify"
        )
    return tuple(text)
