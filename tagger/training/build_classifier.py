"""Construction of a classifier's Keras network from settings or from a bundle."""

from __future__ import annotations

from tagger.bundles.classifier import ClassifierBundle
from tagger.config.classifier import ClassifierModelConfig
from tagger.config.schema import common_values
from tagger.features.encode import WordFeatures
from tagger.networks.classifier import ClassifierArchitecture, TextClassifier
from tagger.training.build import assign, input_values

__all__ = ["architecture", "restore"]


def architecture(
    model: ClassifierModelConfig, features: WordFeatures, labels: int, *, multi_label: bool
) -> ClassifierArchitecture:
    """Return the hyperparameters of the network that settings describe.

    Args:
        model: Model settings.
        features: Vocabularies and vectors of the inputs.
        labels: Number of labels, K.
        multi_label: Whether each label has a probability of its own.

    Returns:
        The hyperparameters.
    """
    return ClassifierArchitecture(
        **common_values(model, ClassifierArchitecture),
        **input_values(model, features),
        labels=labels,
        multi_label=multi_label,
    )


def restore(bundle: ClassifierBundle) -> TextClassifier:
    """Return the trained network of a bundle.

    Args:
        bundle: The classifier.

    Returns:
        A new network, whose weights are copies of the bundle's.
    """
    model = TextClassifier.create(
        architecture(
            bundle.config.model,
            bundle.features,
            len(bundle.labels),
            multi_label=bundle.is_multi_label,
        )
    )
    assign(model, bundle.weights)
    return model
