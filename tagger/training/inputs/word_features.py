"""Vocabularies and vectors of the network's inputs, built from the training set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from itertools import chain
from typing import Any, Protocol

from tagger.bundles.encoder import width_of
from tagger.errors import ConfigError
from tagger.features.encode import WordFeatures
from tagger.features.inputs import INPUTS
from tagger.features.inputs.base import Reading, Sources
from tagger.features.normalization import normalized
from tagger.features.vocabulary import Vocabulary

__all__ = ["Reading", "features_of", "inputs_of"]


class Tokenized(Protocol):
    """A sentence or text."""

    @property
    def tokens(self) -> Sequence[str]:
        """Its tokens."""


def features_of(
    settings: Any, sequences: Sequence[Tokenized], sources: Sources = ()
) -> tuple[WordFeatures, list[Reading]]:
    """Build the inputs that settings ask for.

    Args:
        settings: All settings of a training whose network has an encoder of sentences.
        sequences: Sentences or texts from which vocabularies are built.
        sources: For each language model, a description and the dimension of its states.

    Returns:
        The inputs, and for each file of vectors its size and its coverage of their tokens.

    Raises:
        TaggerError: A file of vectors cannot be read or is malformed.
        ConfigError: The network would have no input.
    """
    words = Vocabulary.build(
        (normalized(one.tokens, unescapes=settings.data.unescape) for one in sequences),
        minimum_count=settings.vocabulary.minimum_count,
        maximum_size=settings.vocabulary.maximum_size,
    )
    features = inputs_of(settings, words, sources, unescapes=settings.data.unescape)
    if settings.model.input != "one-hot" and not width_of(settings.model, features):
        raise ConfigError(
            "the network has no input: set at least one of model.embedding, model.characters and "
            "model.shape above 0, or provide data.vectors"
        )
    return features, list(chain.from_iterable(one.readings for one in features.inputs.values()))


def inputs_of(
    settings: Any, words: Vocabulary, sources: Sources = (), *, unescapes: bool = False
) -> WordFeatures:
    """Build the inputs that the settings of any network with an encoder ask for.

    Args:
        settings: All settings; ``settings.model`` is an `EncoderSettings`.
        words: Vocabulary of the training set.
        sources: For each language model, a description and the dimension of its states.
        unescapes: Whether escapes of the Penn Treebank are read as their characters.

    Returns:
        The inputs.

    Raises:
        TaggerError: A file of vectors cannot be read or is malformed.
    """
    tables = asdict(settings)
    names = ["words"] if settings.model.input == "one-hot" else list(INPUTS)
    built = [INPUTS[name].build(tables, words, sources) for name in names]
    return WordFeatures.of(*(one for one in built if one is not None), unescapes=unescapes)
