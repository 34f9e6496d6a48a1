"""The weights that a bundle's settings ask for, by name and shape: told without Keras, which names them in the same way.

Axes: V vocabulary, F features, U units, G blocks of a cell, K tags.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tagger.bundle import Bundle
from tagger.errors import BundleError
from tagger.features.encode import WordFeatures
from tagger.features.shapes import SHAPES
from tagger.training.config import ModelConfig

__all__ = ["check", "expected"]

Shapes = Iterator[tuple[str, tuple[int, ...]]]

BLOCKS = {"rnn": 1, "rnn-relu": 1, "gru-simplified": 2, "gru": 3, "lstm": 4, "lstm-peephole": 4}
CHARACTER_EMBEDDING = 30


def check(bundle: Bundle) -> None:
    """See that a bundle's weights are those of its settings.

    Raises:
        BundleError: they are not.
    """
    wanted = expected(bundle.config.model, bundle.features, len(bundle.tags))
    found = {name: array.shape for name, array in bundle.weights.items()}
    if wanted != found or any(array.dtype != np.float32 for array in bundle.weights.values()):
        wrong = sorted(name for name in {*wanted, *found} if wanted.get(name) != found.get(name))
        raise BundleError(
            f"weights.npz does not fit config.toml and the vocabulary: {', '.join(wrong) or 'type is not float32'}; copy the "
            "whole folder again"
        )


def expected(model: ModelConfig, features: WordFeatures, tags: int) -> dict[str, tuple[int, ...]]:
    """The shape of each weight."""
    one_hot = model.input == "one-hot"
    shapes = {} if one_hot else dict(_of_words(model, features))
    width = len(features.words) if one_hot else width_of(model, features)
    if features.context:
        shapes |= _dense("context", features.context, model.projection) if model.projection else {}
        width += model.projection or features.context
    for depth in range(1, model.layers + 1):
        for direction in ("forward", "backward")[: 1 + model.bidirectional]:
            shapes |= _recurrent(f"encoder/{direction}_{depth}", model.cell, width, model.units)
        width = model.units * (1 + model.bidirectional)
    for number, units in enumerate(model.hidden, 1):
        shapes |= _dense(f"head/hidden_{number}", width, units)
        width = units
    shapes |= _dense("head/tags", width, tags)
    if model.head == "crf":
        shapes |= {"head/start": (tags,), "head/transitions": (tags, tags), "head/end": (tags,)}
    return shapes


def width_of(model: ModelConfig, features: WordFeatures) -> int:
    """How many numbers the network makes of a word, F."""
    vectors = features.vectors.dimension if features.vectors else 0
    backward = max(model.characters // 2, 1)
    read = model.characters if model.character_encoder == "cnn" else model.characters - model.characters // 2 + backward
    return (
        (vectors or model.embedding) + (read if features.characters is not None else 0) + (model.shape if features.shapes else 0)
    )


def _of_words(model: ModelConfig, features: WordFeatures) -> Shapes:
    if features.vectors is None and model.embedding:
        yield "words/embeddings", (len(features.words), model.embedding)
    if features.vectors is not None and model.fine_tune:
        yield "vectors/differences/embeddings", (len(features.words), features.vectors.dimension)
    if features.characters is not None:
        yield "characters/embedding/embeddings", (len(features.characters), CHARACTER_EMBEDDING)
        if model.character_encoder == "cnn":
            yield from _dense("characters/convolution", 3 * CHARACTER_EMBEDDING, model.characters).items()
        else:
            backward = model.characters // 2
            sizes = {"forward": model.characters - backward, "backward": max(backward, 1)}
            for direction, units in sizes.items():
                yield from _recurrent(f"characters/{direction}", model.cell, CHARACTER_EMBEDDING, units).items()
    if features.shapes:
        yield "shapes/embeddings", (SHAPES, model.shape)


def _recurrent(place: str, cell: str, width: int, units: int) -> dict[str, tuple[int, ...]]:
    columns = BLOCKS[cell] * units
    shapes: dict[str, tuple[int, ...]] = {"kernel": (width, columns), "recurrent": (units, columns), "bias": (columns,)}
    if cell == "lstm-peephole":
        shapes["peepholes"] = (3, units)
    return {f"{place}/{name}": shape for name, shape in shapes.items()}


def _dense(place: str, width: int, units: int) -> dict[str, tuple[int, ...]]:
    return {f"{place}/kernel": (width, units), f"{place}/bias": (units,)}
