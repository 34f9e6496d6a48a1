"""A trained tagger as plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from tagger.bundles.language_model import Bundle as LanguageModel
from tagger.bundles.weights import digest
from tagger.cells import CELLS
from tagger.config.tagger import Config, ModelConfig
from tagger.features.encode import WordFeatures
from tagger.text import schemes

__all__ = ["INT8", "SENTENCES", "WORDS", "Bundle", "graph_names"]

WORDS, SENTENCES, INT8 = "words.onnx", "sentences.onnx", "sentences.int8.onnx"


def graph_names(model: ModelConfig) -> list[str]:
    """Return the names of the graphs that a bundle with these settings has."""
    words = [] if model.input == "one-hot" else [WORDS]
    return [*words, SENTENCES, *([INT8] if CELLS[model.cell].has_int8 else [])]


@dataclass(frozen=True)
class Bundle:
    """A trained model as plain data.

    ``tags[k]`` is the tag with number k: IOBES tags, or plain tags where ``scheme`` is ``plain``.
    ``scheme`` is that of the training corpus, in which predictions are written. ``graphs`` are the
    files of `tagger.export.tagger`, made of ``weights``: with others they are refused when they are
    used. They are only missing in a bundle that is not yet complete. ``language_models`` are those
    that it reads with.
    """

    config: Config
    tags: tuple[str, ...]
    scheme: str
    features: WordFeatures
    weights: dict[str, np.ndarray]
    metrics: dict[str, Any]
    graphs: dict[str, bytes] = field(default_factory=dict, repr=False)
    language_models: tuple[LanguageModel, ...] = field(default=(), repr=False)

    @cached_property
    def weights_digest(self) -> str:
        """SHA-256 of the weights, by which the graphs are known to be made of them."""
        return digest(self.weights)

    @property
    def labels(self) -> list[str]:
        """The labels of the spans that the model predicts, or its plain tags."""
        if self.scheme == schemes.PLAIN:
            return list(self.tags)
        return sorted({schemes.split(tag)[1] for tag in self.tags} - {""})
