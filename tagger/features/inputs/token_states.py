"""The hidden states of frozen language models at each token.

Axes: B batch, T time, S units of all models.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tagger.cells import dense_shapes
from tagger.features.inputs.base import Config, Files, Input, Settings, Shapes, Sources
from tagger.features.vocabulary import Vocabulary

__all__ = ["TokenStatesInput"]


class TokenStatesInput(Input):
    """The input of language-model states, concatenated: array ``context`` (B, T, S) float32.

    The language models themselves are not part of the input.

    Args:
        sources: Description and number of units of each language model.
    """

    name = "context"
    is_of_tokens = True

    def __init__(self, sources: Sources) -> None:
        self.sources = sources

    @property
    def states(self) -> int:
        """Return S, the number of units of all models."""
        return sum(width for _, width in self.sources)

    @classmethod
    def build(cls, settings: Settings, words: Vocabulary, sources: Sources) -> Input | None:
        """Build the input if there are language models."""
        return cls(sources) if sources else None

    @classmethod
    def load(cls, settings: Settings, files: Files, sources: Sources) -> Input | None:
        """Load the input if there are language models; it has no files."""
        return cls(sources) if sources else None

    def layer(self, model: Mapping[str, Any], inputs: Mapping[str, Input]) -> Config:
        """Return S and the dimension of the projection, 0 for none."""
        return {"width": self.states, "projection": model["projection"]}

    @staticmethod
    def shapes(config: Config) -> Shapes:
        """Return the weight shapes of the projection, if there is one."""
        if not config["projection"]:
            return {}
        return dense_shapes("", config["width"], config["projection"])

    @staticmethod
    def width(config: Config) -> int:
        """Return the dimension after the projection, or S without one."""
        return int(config["projection"] or config["width"])

    def describe(self, config: Config) -> str:
        """Return the description of the input on the model card."""
        models = " and ".join(description for description, _ in self.sources)
        return f"language models ({models}, {config['width']:,} numbers)"
