"""Text as numbers: sentences to sequences of words or characters, and files to one long array on
disk.

Number 0 is the border between sequences: <EOS> where it is predicted, the zero vector where it is
read. 1 is <UNK>. The characters of a sentence are those of its tokens joined by single blanks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tagger.config.language_model import Config
from tagger.errors import DataError
from tagger.features.vocabulary import UNK, Vocabulary
from tagger.files import atomic_write
from tagger.text import formats
from tagger.text.formats import ReadOptions

__all__ = ["EOS", "Encoded", "encode", "name_of", "sentences", "units_of", "vocabulary_of"]

EOS = 0
_NAMES = ("<EOS>", "<UNK>")
_PIECE = 1 << 20  # numbers that are written at once


class Encoded(NamedTuple):
    """A text as numbers on disk, a border before each sequence and after the last; and what it is
    made of.

    ``numbers`` (N + 1,) is a memory map: the N units and borders after the first are what a model
    predicts. ``characters`` counts all characters, blanks and ends of sequences included;
    ``unknown`` those of the units that are <UNK>.
    """

    numbers: np.ndarray
    characters: int
    unknown: int

    @property
    def predicted(self) -> int:
        return len(self.numbers) - 1


def sentences(paths: Iterable[str | Path], options: ReadOptions) -> Iterator[tuple[str, ...]]:
    """The tokens of every sentence of the files, one after another; a sentence without tokens is
    none.

    Raises:
        DataError: a file cannot be read or is ill-formed.
    """
    for path in paths:
        for sentence in formats.read(path, formats.format_of(str(path)), options):
            if sentence.tokens:
                yield sentence.tokens


def units_of(tokens: Sequence[str], level: str) -> Sequence[str]:
    """What a model of this level reads of a sentence: its words, or its characters."""
    return " ".join(tokens) if level == "characters" else tokens


def name_of(number: int, vocabulary: Vocabulary) -> str:
    """A number's word or character; <EOS>, <UNK>."""
    return _NAMES[number] if number < len(_NAMES) else vocabulary.words[number - len(_NAMES)]


def vocabulary_of(config: Config) -> Vocabulary:
    """The vocabulary of the training text, which is read through for it.

    Raises:
        DataError: the text holds nothing, or cannot be read.
    """
    read = sentences(config.data.train, config.data.reading)
    vocabulary = Vocabulary.build(
        (units_of(tokens, config.model.level) for tokens in read),
        minimum_count=config.vocabulary.minimum_count,
        maximum_size=config.vocabulary.maximum_size,
    )
    if not vocabulary.words:
        least = config.vocabulary.minimum_count
        raise DataError(
            ", ".join(config.data.train), None, f"no {config.model.level} that occur {least} "
                                                "times; give more text, or lower "
            "vocabulary.minimum_count"
        )  # fmt: skip
    return vocabulary


def encode(paths: Sequence[str], config: Config, vocabulary: Vocabulary, path: Path) -> Encoded:
    """Write the files' text as numbers to `path`; memory does not grow with the text.

    Raises:
        DataError: the text holds nothing, or cannot be read.
        TaggerError: the disk does not let it be written.
    """
    kind = np.uint16 if len(vocabulary) <= 1 << 16 else np.int32
    characters, unknown, piece = 0, 0, [EOS]
    with atomic_write(path, "wb") as stream:
        for tokens in sentences(paths, config.data.reading):
            numbers = vocabulary.ids(units_of(tokens, config.model.level))
            characters += sum(map(len, tokens)) + len(tokens)
            unknown += int((numbers == UNK).sum())
            piece += [*numbers.tolist(), EOS]
            if len(piece) >= _PIECE:
                stream.write(np.array(piece, dtype=kind).tobytes())
                piece = []
        stream.write(np.array(piece, dtype=kind).tobytes())
    encoded = Encoded(np.memmap(path, dtype=kind, mode="r"), characters, unknown)
    if not encoded.predicted:
        raise DataError(", ".join(paths), None, "no text in it")
    return encoded
