"""Pretrained word vectors, which the model carries; frozen, or with a trained difference."""

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
    """The vectors of words: array ``vectors`` (D, F) float32, zeros for words without one."""

    name = "vectors"

    def __init__(self, vectors: Vectors, readings: Sequence[Reading] = ()) -> None:
        self.vectors = vectors
        self.readings = readings

    @classmethod
    def build(cls, settings: Settings, words: Vocabulary, sources: Sources) -> Input | None:
        """Return the vectors as the model will carry them: in float16, tables side by side, and
        only the commonest if a number is set.
        """
        data = settings["data"]
        if not data["vectors"]:
            return None
        counted = dict(zip(words.words, words.counts, strict=True))
        tables, readings = [], []
        for path in data["vectors"]:
            table = vector_files.read(path).to_float16()
            tables.append(table)
            found = table.coverage(counted).tokens.found
            readings.append((path, len(table), table.dimension, found))
        vectors, keep = merge(tables), data["keep_vectors"]
        return cls(vectors.truncated(keep, words.words) if keep else vectors, readings)

    @classmethod
    def load(cls, settings: Settings, files: Files, sources: Sources) -> Input | None:
        if not settings["data"]["vectors"]:
            return None
        paths = [files.path(name) for name in _FILES]
        try:
            return cls(Vectors.load(*paths))
        except ValueError as error:
            raise BundleError(
                f"{paths[0].parent}: cannot be understood: {error}; copy the whole folder again"
            ) from error

    def save(self, folder: Path) -> list[str]:
        (folder / _FILES[0]).parent.mkdir(exist_ok=True)
        self.vectors.save(*(folder / name for name in _FILES))
        return list(_FILES)

    def store(self) -> Column:
        return Column(self.vectors.rows, -1, self.vectors.vectors_of)

    def layer(self, model: Mapping[str, Any], inputs: Mapping[str, Input]) -> Config:
        words = inputs["words"]
        assert isinstance(words, WordsInput)
        return {
            "vocabulary_size": len(words.vocabulary),
            "dimension": self.vectors.dimension,
            "fine_tune": model["fine_tune"],
        }

    @staticmethod
    def shapes(config: Config) -> Shapes:
        if not config["fine_tune"]:
            return {}
        return {"differences/embeddings": (config["vocabulary_size"], config["dimension"])}

    @staticmethod
    def width(config: Config) -> int:
        return int(config["dimension"])

    def describe(self, config: Config) -> str:
        tuned = ", fine-tuned" if config["fine_tune"] else ""
        return f"pretrained vectors of {config['dimension']}, {len(self.vectors):,} words{tuned}"
