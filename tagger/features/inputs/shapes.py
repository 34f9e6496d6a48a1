"""The shapes of words, their capitals and digits, as an embedding."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from tagger.features.inputs.base import Column, Config, Files, Input, Settings, Shapes, Sources
from tagger.features.shapes import SHAPES, shape_of
from tagger.features.vocabulary import PAD, Vocabulary

__all__ = ["ShapesInput"]


class ShapesInput(Input):
    """The ids of shapes: array ``shapes`` (D,) int32."""

    name = "shapes"

    @classmethod
    def build(cls, settings: Settings, words: Vocabulary, sources: Sources) -> Input | None:
        return cls() if settings["model"]["shape"] else None

    @classmethod
    def load(cls, settings: Settings, files: Files, sources: Sources) -> Input | None:
        return cls() if settings["model"]["shape"] else None

    def store(self) -> Column:
        return Column(_shapes_of, PAD)

    def layer(self, model: Mapping[str, Any], inputs: Mapping[str, Input]) -> Config | None:
        return {"dimension": model["shape"]} if model["shape"] else None

    @staticmethod
    def shapes(config: Config) -> Shapes:
        return {"embeddings": (SHAPES, config["dimension"])}

    @staticmethod
    def width(config: Config) -> int:
        return int(config["dimension"])

    def describe(self, config: Config) -> str:
        return "shape"


def _shapes_of(words: Iterable[str]) -> np.ndarray:
    return np.array([shape_of(word) for word in words], dtype=np.int32)
