"""What the network will be told of words: vocabularies of train, and pretrained vectors from their
files.
"""

from __future__ import annotations

from collections.abc import Sequence

from tagger.config.tagger import Config
from tagger.errors import ConfigError
from tagger.features import vector_files
from tagger.features.encode import WordFeatures
from tagger.features.vectors import Vectors, merge
from tagger.features.vocabulary import Vocabulary
from tagger.text.spans import Sentence

__all__ = ["Reading", "features_of"]

Reading = tuple[str, int, int, float]
"""A file of vectors: its name, its words, their dimension, and the share of train's tokens that it
knows, 0 to 1.
"""


def features_of(
    settings: Config, sentences: Sequence[Sentence], context: int = 0
) -> tuple[WordFeatures, list[Reading]]:
    """The features that `settings` ask for, from the training sentences; and how far each file of
    vectors covers them.

    Of `context` numbers is what language models will tell at each token.

    Raises: TaggerError: a file of vectors cannot be read or is ill-formed, or the network would be
        told nothing.
    """
    words = Vocabulary.build(
        (sentence.tokens for sentence in sentences),
        minimum_count=settings.vocabulary.minimum_count,
        maximum_size=settings.vocabulary.maximum_size,
    )
    if settings.model.input == "one-hot":
        return WordFeatures(words), []
    vectors, readings = _vectors(settings, words) if settings.data.vectors else (None, [])
    model = settings.model
    if not (vectors or model.embedding or model.characters or model.shape):
        raise ConfigError(
            "nothing is left of the words: model.embedding, model.characters or model.shape must "
            "be above 0"
        )
    characters = Vocabulary.build(words.words) if model.characters else None
    return WordFeatures(words, characters, bool(model.shape), vectors, context), readings


def _vectors(settings: Config, words: Vocabulary) -> tuple[Vectors, list[Reading]]:
    """The vectors as the model will carry them: in float16, side by side, and only the commonest if
    that is wished.
    """
    counted = dict(zip(words.words, words.counts, strict=True))
    tables, readings = [], []
    for path in settings.data.vectors:
        table = vector_files.read(path).halved()
        tables.append(table)
        readings.append((path, len(table), table.dimension, table.coverage(counted).tokens.found))
    vectors = merge(tables)
    keep = settings.data.keep_vectors
    return vectors.trimmed(keep, words.words) if keep else vectors, readings
