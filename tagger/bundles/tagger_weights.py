"""The names and shapes of the weights of a tagger, computed from its settings without Keras.

The names equal those of the Keras layers in `tagger.networks`.

Axes: V vocabulary, F features, U units, K tags.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from tagger.bundles.tagger import Bundle
from tagger.bundles.weights import describe_mismatch
from tagger.cells import dense_shapes, recurrent_shapes
from tagger.config.tagger import ModelConfig
from tagger.errors import BundleError
from tagger.features.encode import WordFeatures
from tagger.features.inputs import INPUTS
from tagger.heads import HEADS

__all__ = ["check", "expected", "input_configs", "width_of"]


def check(bundle: Bundle, path: Path) -> None:
    """Check that the weights of a bundle fit its settings; `tagger_files.load` does so once.

    Args:
        bundle: The bundle.
        path: The path of its weights, for errors.

    Raises:
        BundleError: A weight is missing, unexpected, wrongly shaped or not float32.
    """
    if wrong := describe_mismatch(
        bundle.weights, expected(bundle.config.model, bundle.features, len(bundle.tags))
    ):
        raise BundleError(
            f"{path}: does not fit config.toml and the vocabulary: {wrong}; copy the whole "
            "folder again"
        )


def expected(model: ModelConfig, features: WordFeatures, tags: int) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the weights of a network, by name.

    Args:
        model: The settings of the network.
        features: The vocabularies and vectors, which determine the shapes of the inputs.
        tags: The number of tags K.

    Returns:
        The shape of each array by its path in the network, such as ``head/tags/kernel``.
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
    for number, units in enumerate(model.hidden, 1):
        shapes |= dense_shapes(f"head/hidden_{number}", width, units)
        width = units
    shapes |= dense_shapes("head/tags", width, tags)
    own = HEADS[model.head].shapes(tags)
    return shapes | {f"head/{name}": shape for name, shape in own.items()}


def input_configs(model: ModelConfig, features: WordFeatures) -> dict[str, dict[str, Any]]:
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


def width_of(model: ModelConfig, features: WordFeatures) -> int:
    """Return the number X of features of a word: the widths of all inputs of words together."""
    return sum(
        INPUTS[name].width(config)
        for name, config in input_configs(model, features).items()
        if not INPUTS[name].is_of_tokens
    )
