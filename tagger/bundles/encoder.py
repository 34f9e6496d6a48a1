"""The part of bundles that all networks with an encoder of sentences share: inputs and weights.

The names of weights equal those of the Keras layers in `tagger.networks.sentence_encoder`. Their
shapes are computed from the settings, without Keras.

Axes: V vocabulary, X features of a word, F features of the encoder's output, U units.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

from tagger.bundles import folder as folders
from tagger.bundles import language_model as language_models
from tagger.bundles.folder import MANIFEST
from tagger.bundles.kinds import Contents, Files
from tagger.bundles.language_model import LanguageModelBundle
from tagger.bundles.weights import Weights
from tagger.cells import dense_shapes, recurrent_shapes
from tagger.config.encoder import EncoderSettings
from tagger.features.encode import WordFeatures
from tagger.features.inputs import INPUTS
from tagger.features.inputs.base import Sources

__all__ = [
    "EncoderBundle",
    "describe_inputs",
    "describe_layers",
    "encoder_shapes",
    "head_shapes",
    "input_configs",
    "load_features",
    "load_inputs",
    "save_inputs",
    "sources_of",
    "width_of",
]

_MODELS = "language_models"


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


def head_shapes(
    output: str, hidden: Sequence[int], width: int, size: int
) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the weights of a feed-forward head, by name.

    Args:
        output: Name of the output layer.
        hidden: Units of the hidden layers.
        width: Number F of features of the encoder's output.
        size: Number of outputs.
    """
    shapes: dict[str, tuple[int, ...]] = {}
    for number, units in enumerate(hidden, 1):
        shapes |= dense_shapes(f"head/hidden_{number}", width, units)
        width = units
    return shapes | dense_shapes(f"head/{output}", width, size)


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


def describe_inputs(model: EncoderSettings, features: WordFeatures) -> str:
    """Return the inputs of a network in words."""
    if model.input == "one-hot":
        return "one-hot"
    configs = input_configs(model, features)
    return ", ".join(features.inputs[name].describe(config) for name, config in configs.items())


def describe_layers(model: EncoderSettings) -> str:
    """Return the recurrent layers of a network in words."""
    directions = "both directions" if model.bidirectional else "forward only"
    return f"{model.cell}, {model.layers} x {model.units} units, {directions}"


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


def save_inputs(bundle: EncoderBundle, folder: Path) -> list[str]:
    """Write the language models and the large files of the inputs of a bundle to its folder.

    Args:
        bundle: The bundle; its language models are hard-linked where possible.
        folder: The folder.

    Returns:
        The names of the files that the manifest of the bundle lists: those of the inputs, and the
        manifests of the language models.

    Raises:
        TaggerError: A file cannot be written.
    """
    names = []
    for number, model in enumerate(bundle.language_models, 1):
        language_models.save_linked(folder / _MODELS / str(number), model)
        names.append(f"{_MODELS}/{number}/{MANIFEST}")
    return names + bundle.features.save(folder)


def load_inputs(contents: Contents[Any]) -> tuple[WordFeatures, tuple[LanguageModelBundle, ...]]:
    """Read the inputs and the language models of a bundle.

    The bundle's manifest lists the manifests of the language models, and each of these lists the
    files of its folder.

    Args:
        contents: The contents of the bundle.

    Returns:
        The inputs, and the language models in order.

    Raises:
        BundleError: A file is missing, damaged or ill-formed; or a subfolder is not a language
            model.
    """
    data = contents.config.data
    names = [f"{_MODELS}/{number}" for number in range(1, len(data.language_models) + 1)]
    for name in names:
        contents.files.bytes(f"{name}/{MANIFEST}")
    models = tuple(language_models.load(contents.folder / name) for name in names)
    features = load_features(
        contents.config, contents.files, sources_of(models), unescapes=data.unescape
    )
    return features, models


def sources_of(models: Sequence[LanguageModelBundle]) -> list[tuple[str, int]]:
    """Return the description of each language model, such as "forward characters", and its width.

    The width is the number of units of its states, U.
    """
    return [(f"{one.config.model.direction} {one.config.model.level}", one.units) for one in models]
