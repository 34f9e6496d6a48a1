"""Construction of a tagger's Keras network from settings or from a bundle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tagger.bundles.encoder import input_configs
from tagger.bundles.tagger import Bundle
from tagger.config.encoder import EncoderSettings
from tagger.config.schema import common_values
from tagger.config.tagger import ModelConfig
from tagger.features.encode import WordFeatures
from tagger.heads import HEADS
from tagger.inference.decoder import Decoder
from tagger.inference.member import Emissions
from tagger.networks.sequence_tagger import Architecture, SequenceTagger

__all__ = ["architecture", "assign", "emissions_of", "input_values", "restore"]


def architecture(model: ModelConfig, features: WordFeatures, decoder: Decoder) -> Architecture:
    """Return the hyperparameters of the network that settings describe.

    Args:
        model: Model settings.
        features: Vocabularies and vectors of the inputs.
        decoder: Decoder of the model's tags, for their number and the allowed transitions.

    Returns:
        The hyperparameters, without word prediction.
    """
    return Architecture(
        **common_values(model, Architecture),
        **input_values(model, features),
        tags=len(decoder.tags),
        allowed=[table.tolist() for table in decoder.allowed]
        if HEADS[model.head].transitions
        else None,
    )


def input_values(model: EncoderSettings, features: WordFeatures) -> dict[str, Any]:
    """Return the hyperparameters of a network's inputs, for any kind of network that has them.

    Args:
        model: Model settings.
        features: Vocabularies and vectors of the inputs.

    Returns:
        The fields of `EncoderArchitecture` that are not settings, by name.
    """
    return {
        "inputs": input_configs(model, features),
        "vocabulary_size": len(features.words),
        "one_hot": model.input == "one-hot",
    }


def assign(network: Any, weights: Mapping[str, np.ndarray]) -> None:
    """Set the weights of a network of any kind to those of a bundle.

    Args:
        network: The network, whose ``named_weights()`` have the names and shapes of the bundle's.
        weights: The weights of the bundle by name.
    """
    for name, weight in network.named_weights().items():
        weight.assign(weights[name])


def restore(bundle: Bundle) -> SequenceTagger:
    """Return the trained network of a bundle.

    Args:
        bundle: The tagger.

    Returns:
        A new network, whose weights are copies of the bundle's.

    Raises:
        BundleError: The weights do not match the settings.
    """
    model = SequenceTagger.create(
        architecture(bundle.config.model, bundle.features, Decoder.of(bundle))
    )
    assign(model, bundle.weights)
    return model


def emissions_of(bundle: Bundle) -> Emissions:
    """Return the emissions of a bundle's network as a function of a batch's inputs.

    The function maps arrays by name, as of `WordEncoder.inputs`, to scores (B, T, K).
    """
    return restore(bundle).emissions
