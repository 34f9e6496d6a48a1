"""Construction of a language model's Keras network from settings or from a bundle.

Axes: B batch, T time, N requested timesteps, U units.
"""

from __future__ import annotations

import keras
import numpy as np

from tagger.bundles.language_model import LanguageModelBundle
from tagger.config.language_model import LanguageModelNetworkConfig
from tagger.config.schema import common_values
from tagger.language_models.model import LanguageModel as Runtime
from tagger.networks.language_model import LanguageModelArchitecture, LanguageModelNetwork
from tagger.training.build import assign

__all__ = ["OnKeras", "architecture", "restore"]


def architecture(
    model: LanguageModelNetworkConfig, vocabulary_size: int, streams: int = 0, labels: int = 0
) -> LanguageModelArchitecture:
    """Return the hyperparameters of the network that settings describe.

    Args:
        model: Model settings.
        vocabulary_size: Ids of tokens, <EOS> and <UNK> included.
        streams: Number of texts read side by side in training; 0 for inference.
        labels: Number of labels of a conditional model; 0 for others.

    Returns:
        The hyperparameters.
    """
    return LanguageModelArchitecture(
        **common_values(model, LanguageModelArchitecture),
        vocabulary_size=vocabulary_size,
        streams=streams,
        labels=labels,
    )


def restore(trained: LanguageModelBundle, streams: int = 0) -> LanguageModelNetwork:
    """Return the trained network of a bundle.

    Args:
        trained: The language model.
        streams: Number of texts read side by side by `LanguageModel.call`; 0 if it is not called.

    Returns:
        A new network, whose weights are copies of the bundle's.
    """
    model = LanguageModelNetwork.create(
        architecture(trained.config.model, len(trained.vocabulary), streams, len(trained.labels))
    )
    assign(model, trained.weights)
    return model


class OnKeras(Runtime):
    """A runtime language model that computes its activations with Keras instead of ONNX Runtime.

    It is for machines without ONNX Runtime, and for GPUs.
    """

    def __init__(self, trained: LanguageModelBundle) -> None:
        super().__init__(trained)
        self.network = restore(trained)

    def activations(self, ids: np.ndarray, places: np.ndarray) -> np.ndarray:
        """Return the activations (N, U) at some timesteps of sequences.

        Args:
            ids: (T, B) input ids.
            places: (N,) indices of the timesteps in the flattened axes (T·B,).

        Returns:
            The last layer's activations a^<t>, (N, U).
        """
        # Keras is batch-major: (T, B) -> (B, T) -> (B, T, U) -> (T, B, U)
        a, _ = self.network.activations(np.ascontiguousarray(ids.T, dtype=np.int32))
        by_time = keras.ops.convert_to_numpy(a).transpose(1, 0, 2)
        return np.asarray(by_time.reshape(-1, self.units)[places])
