"""The names and shapes of the weights of a tagger, computed from its settings without Keras.

The names equal those of the Keras layers in `tagger.networks`.

Axes: K tags.
"""

from __future__ import annotations

from tagger.bundles.encoder import encoder_shapes, head_shapes
from tagger.config.tagger import ModelConfig
from tagger.features.encode import WordFeatures
from tagger.heads import HEADS

__all__ = ["expected"]


def expected(model: ModelConfig, features: WordFeatures, tags: int) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the weights of a network, by name.

    Args:
        model: The settings of the network.
        features: The vocabularies and vectors, which determine the shapes of the inputs.
        tags: The number of tags K.

    Returns:
        The shape of each array by its path in the network, such as ``head/tags/kernel``.
    """
    shapes, width = encoder_shapes(model, features)
    shapes |= head_shapes("tags", model.hidden, width, tags)
    own = HEADS[model.head].shapes(tags)
    return shapes | {f"head/{name}": shape for name, shape in own.items()}
