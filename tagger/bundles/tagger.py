"""A trained tagger as plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tagger.bundles.language_model import Bundle as LanguageModel
from tagger.config.tagger import Config
from tagger.features.encode import WordFeatures
from tagger.text import schemes

__all__ = ["Bundle"]


@dataclass(frozen=True)
class Bundle:
    """A trained model as plain data.

    ``tags[k]`` is the tag with number k: IOBES tags, or plain tags where ``scheme`` is ``plain``.
    ``scheme`` is that of the training corpus, in which predictions are written. ``graphs`` are the
    files of `runtime.export`, made of ``weights``: a bundle with other weights must leave them out,
    or is refused when it is used. ``language_models`` are those that it reads with.
    """

    config: Config
    tags: tuple[str, ...]
    scheme: str
    features: WordFeatures
    weights: dict[str, np.ndarray]
    metrics: dict[str, Any]
    graphs: dict[str, bytes] = field(default_factory=dict, repr=False)
    language_models: tuple[LanguageModel, ...] = field(default=(), repr=False)

    @property
    def labels(self) -> list[str]:
        """The labels of the spans that the model predicts, or its plain tags."""
        if self.scheme == schemes.PLAIN:
            return list(self.tags)
        return sorted({schemes.split(tag)[1] for tag in self.tags} - {""})
