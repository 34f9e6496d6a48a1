"""The states of models that read the whole sentence, such as language models, at each token."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tagger.cells import dense_shapes
from tagger.features.inputs.base import Config, Files, Input, Settings, Shapes, Sources
from tagger.features.vocabulary import Vocabulary

__all__ = ["TokenStatesInput"]


class TokenStatesInput(Input):
    """The states at each token, those of all models side by side: array ``context`` (B, T, S)
    float32. The models themselves are not part of the input.

    Args:
        sources: Of each model a description and the number of its states.
    """

    name = "context"
    is_of_tokens = True

    def __init__(self, sources: Sources) -> None:
        self.sources = sources

    @property
    def states(self) -> int:
        """The number of states of all models, S."""
        return sum(width for _, width in self.sources)

    @classmethod
    def build(cls, settings: Settings, words: Vocabulary, sources: Sources) -> Input | None:
        return cls(sources) if sources else None

    @classmethod
    def load(cls, settings: Settings, files: Files, sources: Sources) -> Input | None:
        return cls(sources) if sources else None

    def layer(self, model: Mapping[str, Any], inputs: Mapping[str, Input]) -> Config:
        return {"width": self.states, "projection": model["projection"]}

    @staticmethod
    def shapes(config: Config) -> Shapes:
        if not config["projection"]:
            return {}
        return dense_shapes("", config["width"], config["projection"])

    @staticmethod
    def width(config: Config) -> int:
        return int(config["projection"] or config["width"])

    def describe(self, config: Config) -> str:
        models = " and ".join(description for description, _ in self.sources)
        return f"language models ({models}, {config['width']:,} numbers)"
