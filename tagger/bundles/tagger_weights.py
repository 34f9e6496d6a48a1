"""The weights that a bundle's settings ask for, by name and shape: told without Keras, which names
them in the same way.

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
    """Check that a bundle's weights are those of its settings; done once, when it is loaded.

    Args:
        bundle: The bundle.
        path: The path of its weights, for errors.

    Raises:
        BundleError: They are not.
    """
    if wrong := describe_mismatch(
        bundle.weights, expected(bundle.config.model, bundle.features, len(bundle.tags))
    ):
        raise BundleError(
            f"{path}: does not fit config.toml and the vocabulary: {wrong}; copy the whole "
            "folder again"
        )


def expected(model: ModelConfig, features: WordFeatures, tags: int) -> dict[str, tuple[int, ...]]:
    """Return the shape of each weight."""
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
    """Return what determines the part of each input in the network, by name; nothing where words
    are one-hot, which are part of the first recurrent layer.
    """
    if model.input == "one-hot":
        return {}
    settings, inputs = asdict(model), features.inputs
    configs = {name: one.layer(settings, inputs) for name, one in inputs.items()}
    return {name: config for name, config in configs.items() if config is not None}


def width_of(model: ModelConfig, features: WordFeatures) -> int:
    """Return how many numbers the network makes of a word, X."""
    return sum(
        INPUTS[name].width(config)
        for name, config in input_configs(model, features).items()
        if not INPUTS[name].is_of_tokens
    )
