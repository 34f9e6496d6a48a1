"""The weights that a bundle's settings ask for, by name and shape: told without Keras, which names
them in the same way.

Axes: V vocabulary, F features, U units, K tags.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tagger.bundles.tagger import Bundle
from tagger.bundles.weights import dense_shapes, misfits, recurrent_shapes
from tagger.config.tagger import ModelConfig
from tagger.errors import BundleError
from tagger.features.encode import WordFeatures
from tagger.features.shapes import SHAPES
from tagger.heads import HEADS

__all__ = ["check", "expected"]

Shapes = Iterator[tuple[str, tuple[int, ...]]]

CHARACTER_EMBEDDING = 30


def check(bundle: Bundle, path: Path) -> None:
    """Check that a bundle's weights are those of its settings; done once, when it is loaded.

    Args:
        bundle: The bundle.
        path: The path of its weights, for errors.

    Raises:
        BundleError: They are not.
    """
    if wrong := misfits(
        bundle.weights, expected(bundle.config.model, bundle.features, len(bundle.tags))
    ):
        raise BundleError(
            f"{path}: does not fit config.toml and the vocabulary: {wrong}; copy the whole "
            "folder again"
        )


def expected(model: ModelConfig, features: WordFeatures, tags: int) -> dict[str, tuple[int, ...]]:
    """The shape of each weight."""
    one_hot = model.input == "one-hot"
    shapes = {} if one_hot else dict(_of_words(model, features))
    width = len(features.words) if one_hot else width_of(model, features)
    if features.context:
        if model.projection:
            shapes |= dense_shapes("context", features.context, model.projection)
        width += model.projection or features.context
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


def width_of(model: ModelConfig, features: WordFeatures) -> int:
    """How many numbers the network makes of a word, F."""
    vectors = features.vectors.dimension if features.vectors else 0
    backward = max(model.characters // 2, 1)
    read = (
        model.characters
        if model.character_encoder == "cnn"
        else model.characters - model.characters // 2 + backward
    )
    return (
        (vectors or model.embedding)
        + (read if features.characters is not None else 0)
        + (model.shape if features.shapes else 0)
    )


def _of_words(model: ModelConfig, features: WordFeatures) -> Shapes:
    if features.vectors is None and model.embedding:
        yield "words/embeddings", (len(features.words), model.embedding)
    if features.vectors is not None and model.fine_tune:
        yield "vectors/differences/embeddings", (len(features.words), features.vectors.dimension)
    if features.characters is not None:
        yield "characters/embedding/embeddings", (len(features.characters), CHARACTER_EMBEDDING)
        if model.character_encoder == "cnn":
            yield from dense_shapes(
                "characters/convolution", 3 * CHARACTER_EMBEDDING, model.characters
            ).items()
        else:
            backward = model.characters // 2
            sizes = {"forward": model.characters - backward, "backward": max(backward, 1)}
            for direction, units in sizes.items():
                yield from recurrent_shapes(
                    f"characters/{direction}", model.cell, CHARACTER_EMBEDDING, units
                ).items()
    if features.shapes:
        yield "shapes/embeddings", (SHAPES, model.shape)
