"""Inputs of networks, in short, for tests that make networks or features themselves."""

from __future__ import annotations

from typing import Any

from tagger.features.encode import WordFeatures
from tagger.features.inputs.characters import CharactersInput
from tagger.features.inputs.shapes import ShapesInput
from tagger.features.inputs.token_states import TokenStatesInput
from tagger.features.inputs.vectors import VectorsInput
from tagger.features.inputs.words import WordsInput
from tagger.features.vectors import Vectors
from tagger.features.vocabulary import Vocabulary


def features_of(
    words: Vocabulary,
    characters: Vocabulary | None = None,
    shapes: bool = False,
    vectors: Vectors | None = None,
    context: int = 0,
) -> WordFeatures:
    """Return features with these inputs; those that are None, False or 0 are left out."""
    found = {
        WordsInput(words): True,
        ShapesInput(): shapes,
        TokenStatesInput([("a model", context)]): bool(context),
    }
    if characters is not None:
        found[CharactersInput(characters)] = True
    if vectors is not None:
        found[VectorsInput(vectors)] = True
    return WordFeatures.of(*(one for one, wanted in found.items() if wanted))


def characters_of(features: WordFeatures) -> Vocabulary:
    """Return the characters of features that have them."""
    found = features.inputs["characters"]
    assert isinstance(found, CharactersInput)
    return found.vocabulary


def vectors_of(features: WordFeatures) -> Vectors:
    """Return the pretrained vectors of features that have them."""
    found = features.inputs["vectors"]
    assert isinstance(found, VectorsInput)
    return found.vectors


def configs(
    *,
    words: int = 0,
    vectors: int = 0,
    fine_tune: bool = False,
    characters: int = 0,
    encoder: str = "cnn",
    cell: str = "lstm",
    dropout: float = 0.0,
    shape: int = 0,
    sizes: tuple[int, int] = (8, 8),
) -> dict[str, dict[str, Any]]:
    """Return the configurations of inputs by name; `sizes` are those of the vocabularies of words
    and characters.
    """
    found: dict[str, dict[str, Any]] = {}
    if words:
        found["words"] = {"vocabulary_size": sizes[0], "dimension": words}
    if vectors:
        found["vectors"] = {
            "vocabulary_size": sizes[0],
            "dimension": vectors,
            "fine_tune": fine_tune,
        }
    if characters:
        found["characters"] = {
            "vocabulary_size": sizes[1],
            "units": characters,
            "encoder": encoder,
            "cell": cell,
            "dropout": dropout,
        }
    if shape:
        found["shapes"] = {"dimension": shape}
    return found
