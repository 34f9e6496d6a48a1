"""A trained tagger as plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from tagger.bundles.language_model import LanguageModelBundle
from tagger.bundles.weights import digest
from tagger.cells import CELLS
from tagger.config.tagger import Config, ModelConfig
from tagger.features.encode import WordFeatures
from tagger.text import schemes

__all__ = ["INT8", "SENTENCES", "WORDS", "Bundle", "graph_names"]

_LABELS = 8  # labels that `repr` lists

WORDS, SENTENCES, INT8 = "words.onnx", "sentences.onnx", "sentences.int8.onnx"


def graph_names(model: ModelConfig) -> list[str]:
    """Return the file names of the graphs of a bundle with these settings."""
    words = [] if model.input == "one-hot" else [WORDS]
    return [*words, SENTENCES, *([INT8] if CELLS[model.cell].has_int8 else [])]


@dataclass(frozen=True)
class Bundle:
    """A trained tagger as plain data.

    Attributes:
        config: All settings.
        tags: The tags by id: IOBES tags, or plain tags if ``scheme`` is ``plain``.
        scheme: The tagging scheme of the training corpus, in which predictions are written.
        features: The vocabularies and vectors that encode words.
        weights: float32 arrays by their path in the network; see `tagger.bundles.tagger_weights`.
        metrics: The contents of metrics.json.
        graphs: The serialized graphs of `tagger.export.tagger` by file name. They must have been
            created from ``weights``; others are rejected on use. They are only missing in a bundle
            that is not yet complete.
        language_models: The language models whose states the tagger receives, in order.
    """

    config: Config
    tags: tuple[str, ...]
    scheme: str
    features: WordFeatures
    weights: dict[str, np.ndarray]
    metrics: dict[str, Any]
    graphs: dict[str, bytes] = field(default_factory=dict, repr=False)
    language_models: tuple[LanguageModelBundle, ...] = field(default=(), repr=False)

    def __repr__(self) -> str:
        labels = ", ".join(self.labels[:_LABELS])
        more = f", … ({len(self.labels)})" if len(self.labels) > _LABELS else ""
        model, count = self.config.model, sum(array.size for array in self.weights.values())
        return f"<Bundle: {labels}{more}; {model.cell}, {model.units} units, {count:,} parameters>"

    @cached_property
    def weights_digest(self) -> str:
        """Return the SHA-256 of the weights, which graphs record to prove that they match."""
        return digest(self.weights)

    @property
    def labels(self) -> list[str]:
        """Return the labels of the spans that the model predicts, sorted, or its plain tags."""
        if self.scheme == schemes.PLAIN:
            return list(self.tags)
        return sorted({schemes.split(tag)[1] for tag in self.tags} - {""})
