"""The part of bundles that all networks with an encoder of sentences share: inputs and weights.

The names of weights equal those of the Keras layers in `tagger.networks.sentence_encoder`. Their
shapes are computed from the settings, without Keras.

Axes: V vocabulary, X features of a word, F features of the encoder's output, U units.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Protocol

from tagger.bundles import folder as folders
from tagger.bundles.kinds import Files
from tagger.bundles.language_model import LanguageModelBundle
from tagger.bundles.weights import Weights
from tagger.cells import recurrent_shapes
from tagger.config.encoder import EncoderSettings
from tagger.features.encode import WordFeatures
from tagger.features.inputs import INPUTS
from tagger.features.inputs.base import Sources

__all__ = [
    "EncoderBundle",
    "encoder_shapes",
    "input_configs",
    "load_features",
    "sources_of",
    "width_of",
]


class EncoderBundle(Protocol):
    """The contents that bundles of all networks with an encoder of sentences share."""

    @property
    def config(self) -> Any:
        """All settings; ``config.model`` is an `EncoderSettings`."""

    @property
    def features(self) -> WordFeatures:
        """The vocabularies and vectors that encode words."""

    @property
    def weights(self) -> Weights:
        """Arrays by their path in the network."""

    @property
    def weights_digest(self) -> str:
        """The SHA-256 of the weights, which graphs record to prove that they match."""

    @property
    def graphs(self) -> dict[str, bytes]:
        """The serialized graphs by file name."""

    @property
    def language_models(self) -> Sequence[LanguageModelBundle]:
        """The language models whose states the network receives."""


def encoder_shapes(
    model: EncoderSettings, features: WordFeatures
) -> tuple[dict[str, tuple[int, ...]], int]:
    """Return the shapes of the weights of an encoder of sentences, by name.

    Args:
        model: The settings of the network.
        features: The vocabularies and vectors, which determine the shapes of the inputs.

    Returns:
        The shape of each array by its path in the network, such as ``encoder/forward_1/kernel``,
        and the number F of features of the encoder's output.
    """
    configs = input_configs(model, features)
    shapes = {
        f"{name}/{weight}": shape
        for name, config in configs.items()
        for weight, shape in INPUTS[name].shapes(config).items()
    }
    width = sum(INPUTS[name].width(config) for name, config in configs.items())
    width = len(features.words) if model.input == "one-hot" else width
    for depth in range(1, model.layers + 1):
        for direction in ("forward", "backward")[: 1 + model.bidirectional]:
            shapes |= recurrent_shapes(
                f"encoder/{direction}_{depth}", model.cell, width, model.units
            )
        width = model.units * (1 + model.bidirectional)
    return shapes, width


def input_configs(model: EncoderSettings, features: WordFeatures) -> dict[str, dict[str, Any]]:
    """Return the configurations of the input layers of a network, by name.

    Args:
        model: The settings of the network.
        features: The inputs by name.

    Returns:
        The configuration of each input that has a layer of its own. Empty for one-hot words, whose
        weights are the kernel of the first recurrent layer.
    """
    if model.input == "one-hot":
        return {}
    settings, inputs = asdict(model), features.inputs
    configs = {name: one.layer(settings, inputs) for name, one in inputs.items()}
    return {name: config for name, config in configs.items() if config is not None}


def width_of(model: EncoderSettings, features: WordFeatures) -> int:
    """Return the number X of features of a word: the widths of all inputs of words together."""
    return sum(
        INPUTS[name].width(config)
        for name, config in input_configs(model, features).items()
        if not INPUTS[name].is_of_tokens
    )


def load_features(
    config: Any, files: Files, sources: Sources = (), *, unescapes: bool = False
) -> WordFeatures:
    """Read the vocabularies and vectors of the inputs that the settings of a bundle ask for.

    Args:
        config: All settings; ``config.model`` is an `EncoderSettings`.
        files: The files of the bundle.
        sources: Its language models; see `sources_of`.
        unescapes: Whether escapes of the Penn Treebank are read as their characters.

    Returns:
        The inputs.

    Raises:
        BundleError: A file is missing, damaged or ill-formed.
    """
    names = ["words"] if config.model.input == "one-hot" else list(INPUTS)
    settings = asdict(config)
    inputs = [
        folders.parse(files.folder, lambda name: INPUTS[name].load(settings, files, sources), name)
        for name in names
    ]
    return WordFeatures.of(*(one for one in inputs if one is not None), unescapes=unescapes)


def sources_of(models: Sequence[LanguageModelBundle]) -> list[tuple[str, int]]:
    """Return the description of each language model, such as "forward characters", and its width.

    The width is the number of units of its states, U.
    """
    return [(f"{one.config.model.direction} {one.config.model.level}", one.units) for one in models]
