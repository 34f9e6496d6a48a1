"""Encoding of text as ids of words or characters: sentences as sequences, files as arrays on disk.

Id 0 is the border between sequences: <EOS> as a target, the zero vector as an input. Id 1 is <UNK>.
In a conditional model the border before a sequence is the id of its label instead, V … V + L - 1:
as a target it is <EOS>, as an input the label's vector.

The characters of a sentence are those of its tokens, normalized as the words of a tagger are (see
`features.normalization`) and joined by single blanks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tagger.config.language_model import LanguageModelConfig
from tagger.errors import DataError
from tagger.features.normalization import normalized
from tagger.features.text_labels import TextLabels
from tagger.features.vocabulary import UNK, Vocabulary
from tagger.files import atomic_write
from tagger.language_models.labeled import checked, counted, labeled_sentences
from tagger.text.formats import ReadOptions

__all__ = ["EOS", "Encoded", "encode", "name_of", "sentences", "survey", "units_of"]

EOS = 0
_NAMES = ("<EOS>", "<UNK>")
_PIECE = 1 << 20  # ids that are written at once


class Encoded(NamedTuple):
    """A text encoded as ids on disk, and its counts.

    Attributes:
        ids: (N + 1,) memory map of ids, with a border before each sequence and after the last.
            The N ids after the first are what a model predicts. In the order of reading, which a
            backward model begins at the end, labels stand before their sequences.
        characters: Number of characters, blanks and ends of sequences included.
        unknown: Number of units that are <UNK>.
    """

    ids: np.ndarray
    characters: int
    unknown: int

    @property
    def predicted(self) -> int:
        """Return the number N of predicted ids."""
        return len(self.ids) - 1


def sentences(paths: Iterable[str | Path], options: ReadOptions) -> Iterator[tuple[str, ...]]:
    """Read the sentences of files, skipping empty ones.

    Args:
        paths: The files.
        options: How they are read.

    Yields:
        The tokens of each sentence, file by file.

    Raises:
        DataError: A file cannot be read or is ill-formed.
    """
    for sentence in labeled_sentences(paths, options, ""):
        yield sentence.tokens


def units_of(tokens: Sequence[str], level: str) -> Sequence[str]:
    """Return the units of a sentence, normalized.

    Args:
        tokens: The tokens of the sentence.
        level: "characters" or "words".

    Returns:
        The characters of the sentence, or its words.
    """
    words = normalized(tokens)
    return " ".join(words) if level == "characters" else words


def name_of(number: int, vocabulary: Vocabulary) -> str:
    """Return the word or character of an id, or "<EOS>" or "<UNK>"."""
    return _NAMES[number] if number < len(_NAMES) else vocabulary.words[number - len(_NAMES)]


def survey(config: LanguageModelConfig) -> tuple[Vocabulary, TextLabels]:
    """Read the training text once to build its vocabulary and to collect its labels.

    Args:
        config: The settings: data, level, minimum count and maximum size.

    Returns:
        The vocabulary of words or characters, and the labels of the texts, none if no text has one.

    Raises:
        DataError: No unit occurs often enough, only some texts have labels, or a file cannot be
            read.
    """
    data, counts = config.data, Counter[str]()
    read = counted(labeled_sentences(data.train, data.reading, data.label), counts, data.label)
    vocabulary = Vocabulary.build(
        (units_of(tokens, config.model.level) for tokens in read),
        minimum_count=config.vocabulary.minimum_count,
        maximum_size=config.vocabulary.maximum_size,
    )
    if not vocabulary.words:
        least = config.vocabulary.minimum_count
        raise DataError(
            ", ".join(config.data.train),
            None,
            f"no {config.model.level} that occur {least} times; add text, or lower "
            "vocabulary.minimum_count",
        )
    return vocabulary, TextLabels.of(counts)


def encode(
    paths: Sequence[str],
    config: LanguageModelConfig,
    vocabulary: Vocabulary,
    path: Path,
    labels: TextLabels | None = None,
) -> Encoded:
    """Encode the text of files and write the ids to disk, in bounded memory.

    Args:
        paths: The text files.
        config: The settings of reading and the level.
        vocabulary: The vocabulary.
        path: The file of the ids, uint16 if the vocabulary fits, else int32; written atomically.
        labels: The labels of a conditional model.

    Returns:
        The encoded text, memory-mapped from `path`.

    Raises:
        DataError: The files have no text, or cannot be read; or a text has no label, or an unknown
            one, although there are labels.
        TaggerError: The ids cannot be written.
    """
    labels = labels or TextLabels()
    size, key = len(vocabulary), config.data.label
    kind = np.uint16 if size + len(labels) <= 1 << 16 else np.int32
    is_backward = config.model.direction == "backward"
    characters, unknown = 0, 0
    piece = [EOS] * is_backward
    with atomic_write(path, "wb") as stream:
        for sentence in labeled_sentences(paths, config.data.reading, key if labels else ""):
            tokens = sentence.tokens
            ids = vocabulary.ids(units_of(tokens, config.model.level))
            characters += sum(map(len, tokens)) + len(tokens)
            unknown += int((ids == UNK).sum())
            border = labels.id_of(checked(sentence, labels, key), size) if labels else EOS
            piece += [*ids.tolist(), border] if is_backward else [border, *ids.tolist()]
            if len(piece) >= _PIECE:
                stream.write(np.array(piece, dtype=kind).tobytes())
                piece = []
        piece += [EOS] * (not is_backward)
        stream.write(np.array(piece, dtype=kind).tobytes())
    encoded = Encoded(np.memmap(path, dtype=kind, mode="r"), characters, unknown)
    if not encoded.predicted:
        raise DataError(", ".join(paths), None, "no text in it")
    return encoded
