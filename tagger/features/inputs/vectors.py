"""Pretrained word vectors, stored with the model; frozen, or with a trained difference.

Axes: D distinct words, F dimension of a vector.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tagger.errors import BundleError
from tagger.features import vector_files
from tagger.features.inputs.base import (
    Column,
    Config,
    Files,
    Input,
    Reading,
    Settings,
    Shapes,
    Sources,
)
from tagger.features.inputs.words import WordsInput
from tagger.features.vectors import Vectors, merge
from tagger.features.vocabulary import Vocabulary

__all__ = ["VectorsInput"]

_FILES = ("vectors/words.txt", "vectors/table.npy", "vectors/index.npy")


class VectorsInput(Input):
    """The input of word vectors: array ``vectors`` (D, F) float32, zeros for unknown words.

    Args:
        vectors: Table of the model.
        readings: Files that were read to build the table.
    """

    name = "vectors"

    def __init__(self, vectors: Vectors, readings: Sequence[Reading] = ()) -> None:
        self.vectors = vectors
        self.readings = readings

    @classmethod
    def build(cls, settings: Settings, words: Vocabulary, sources: Sources) -> Input | None:
        """Read and merge the files of ``data.vectors``; return None if there are none.

        The table is float16, as the model stores it. With ``data.keep_vectors`` it is limited to so
        many rows and those of the training set's words.

        Raises:
            DataError: A file cannot be read or is ill-formed.
            TaggerError: A number is too large for float16.
        """
        data = settings["data"]
        if not data.get("vectors"):
            return None
        counted = dict(zip(words.words, words.counts, strict=True))
        tables, readings = [], []
        for path in data["vectors"]:
            table = vector_files.read(path).to_float16()
            tables.append(table)
            share = table.coverage(counted).tokens.found
            readings.append((path, len(table), table.dimension, share))
        vectors, keep = merge(tables), data["keep_vectors"]
        return cls(vectors.truncated(keep, words.words) if keep else vectors, readings)

    @classmethod
    def load(cls, settings: Settings, files: Files, sources: Sources) -> Input | None:
        """Load the table of a bundle, as a memory map, if ``data.vectors`` is set."""
        if not settings["data"].get("vectors"):
            return None
        paths = [files.path(name) for name in _FILES]
        try:
            return cls(Vectors.load(*paths))
        except ValueError as error:
            raise BundleError(
                f"{paths[0].parent}: ill-formed vectors: {error}; copy the whole folder again"
            ) from error

    def save(self, folder: Path) -> list[str]:
        """Write words, table and lookup index to the folder of a bundle; return their names."""
        (folder / _FILES[0]).parent.mkdir(exist_ok=True)
        self.vectors.save(*(folder / name for name in _FILES))
        return list(_FILES)

    def store(self) -> Column:
        """Create an empty store of rows in the table."""
        return Column(self.vectors.rows, -1, self.vectors.vectors_of)

    def layer(self, model: Mapping[str, Any], inputs: Mapping[str, Input]) -> Config:
        """Return the sizes of the table of differences, and whether it is trained."""
        words = inputs["words"]
        assert isinstance(words, WordsInput)
        return {
            "vocabulary_size": len(words.vocabulary),
            "dimension": self.vectors.dimension,
            "fine_tune": model["fine_tune"],
        }

    @staticmethod
    def shapes(config: Config) -> Shapes:
        """Return the weight shape of the differences, if they are trained."""
        if not config["fine_tune"]:
            return {}
        return {"differences/embeddings": (config["vocabulary_size"], config["dimension"])}

    @staticmethod
    def width(config: Config) -> int:
        """Return F, the dimension of the vectors."""
        return int(config["dimension"])

    def describe(self, config: Config) -> str:
        """Return the description of the input on the model card."""
        tuned = ", fine-tuned" if config["fine_tune"] else ""
        return f"pretrained vectors of {config['dimension']}, {len(self.vectors):,} words{tuned}"
