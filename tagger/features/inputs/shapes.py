"""The shapes of words, their capitalization and digits, as an embedding.

Axes: D distinct words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from tagger.features.inputs.base import Column, Config, Files, Input, Settings, Shapes, Sources
from tagger.features.shapes import SHAPES, shape_of
from tagger.features.vocabulary import PAD, Vocabulary

__all__ = ["ShapesInput"]


class ShapesInput(Input):
    """The input of shape ids: array ``shapes`` (D,) int32."""

    name = "shapes"

    @classmethod
    def build(cls, settings: Settings, words: Vocabulary, sources: Sources) -> Input | None:
        """Build the input if ``model.shape`` is above 0."""
        return cls() if settings["model"]["shape"] else None

    @classmethod
    def load(cls, settings: Settings, files: Files, sources: Sources) -> Input | None:
        """Load the input if ``model.shape`` is above 0; it has no files."""
        return cls() if settings["model"]["shape"] else None

    def store(self) -> Column:
        """Create an empty store of shape ids."""
        return Column(_shapes_of, PAD)

    def layer(self, model: Mapping[str, Any], inputs: Mapping[str, Input]) -> Config | None:
        """Return the configuration of the embedding."""
        return {"dimension": model["shape"]} if model["shape"] else None

    @staticmethod
    def shapes(config: Config) -> Shapes:
        """Return the weight shape of the embedding."""
        return {"embeddings": (SHAPES, config["dimension"])}

    @staticmethod
    def width(config: Config) -> int:
        """Return the dimension of the embedding."""
        return int(config["dimension"])

    def describe(self, config: Config) -> str:
        """Return the description of the input on the model card."""
        return "shape"


def _shapes_of(words: Iterable[str]) -> np.ndarray:
    """Return the shape ids (D,) int32 of words."""
    return np.array([shape_of(word) for word in words], dtype=np.int32)
