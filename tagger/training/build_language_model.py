"""From settings or a bundle to the Keras model of a language model."""

from __future__ import annotations

import keras
import numpy as np

from tagger.bundles.language_model import Bundle
from tagger.config.language_model import ModelConfig
from tagger.language_models.model import LanguageModel as Runtime
from tagger.networks.language_model import Architecture, LanguageModel

__all__ = ["OnKeras", "architecture", "restore"]


def architecture(model: ModelConfig, vocabulary_size: int, streams: int = 0) -> Architecture:
    """The network that these settings describe."""
    return Architecture(
        vocabulary_size=vocabulary_size,
        embedding=model.embedding,
        cell=model.cell,
        units=model.units,
        layers=model.layers,
        tied=model.tied,
        input_dropout=model.input_dropout,
        dropout=model.dropout,
        recurrent_dropout=model.recurrent_dropout,
        streams=streams,
    )


def restore(trained: Bundle, streams: int = 0) -> LanguageModel:
    """The Keras network of a bundle."""
    model = LanguageModel.create(
        architecture(trained.config.model, len(trained.vocabulary), streams)
    )
    for name, weight in model.named_weights().items():
        weight.assign(trained.weights[name])
    return model


class OnKeras(Runtime):
    """The runtime's model whose activations Keras computes: for where ONNX Runtime is not, and on a
    GPU.
    """

    def __init__(self, trained: Bundle) -> None:
        super().__init__(trained)
        self.network = restore(trained)

    def activations(self, numbers: np.ndarray, places: np.ndarray) -> np.ndarray:
        a, _ = self.network.activations(np.ascontiguousarray(numbers.T, dtype=np.int32))
        by_time = keras.ops.convert_to_numpy(a).transpose(1, 0, 2)
        return np.asarray(by_time.reshape(-1, self.units)[places])
