"""The type of a file format.

Each format module of this package defines a value ``FORMAT``; the package's table ``FORMATS`` lists
them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tagger.text.opening.binary import Kind
from tagger.text.options import ReadOptions
from tagger.text.report import ReadReport
from tagger.text.spans import Sentence

__all__ = ["SUFFIX_MEANS", "Format"]

SUFFIX_MEANS = ("format", "new files", "nothing")


@dataclass(frozen=True)
class Format:
    """A file format.

    Attributes:
        name: Name of the format on the command line, in ``--format`` and ``--to``.
        suffixes: Suffixes of its files, in lower case and with their dots; new files receive the
            first.
        recognizes: Return whether the first lines of a file (complete, without their ends) look
            like this format.
        read: Yield the sentences of numbered lines. The second argument is the path, for errors.
            The last argument receives notes and the errors of single records, after which reading
            goes on. Raises `DataError` if the whole file cannot be read.
        write: Write sentences to a stream. The third argument is the tagging scheme of the spans,
            for formats that write tags. Raises `DataError` for what the format cannot represent.
        has_annotations: Whether `read` returns the spans or tags of a file.
        has_scores: Whether `write` outputs the probabilities of spans, which must then be computed.
        write_predictions: As `write`, for spans that a model predicted, in formats that separate
            them from annotation; None if `write` is used.
        suffix_means: What a suffix of `suffixes` alone says, one of `SUFFIX_MEANS`: that a file has
            this format; only that a new file receives it, while the content of a file decides; or
            nothing, so that new files need the name of the format.
        keeps_text: Whether `write` preserves raw text.
        common_keys: Keys of `Record.data` that other formats can represent, too.
        refuses: Return why `write` cannot represent a sentence, or "" if it can.
        keeps_returns: Whether `read` receives lines with the carriage return before their end, as
            formats with line breaks in values need it.
        kinds: Kinds of files that are not text and have this format.
        load: Yield the sentences of a file that is not text, by its path.
        save: Write sentences to a path, in formats of several files or of bytes, where `write`
            cannot. A format of several files writes them into a folder.
        has_folders: Whether `save` writes a file per document into a folder.
        takes_records: Whether `write` reads the text, ids and documents of other formats' records.
    """

    name: str
    suffixes: tuple[str, ...]
    recognizes: Callable[[Sequence[str]], bool]
    read: Callable[[Iterable[tuple[int, str]], str, ReadOptions, ReadReport], Iterator[Sentence]]
    write: Callable[[Iterable[Sentence], IO[str], str], None]
    has_annotations: bool = True
    has_scores: bool = False
    write_predictions: Callable[[Iterable[Sentence], IO[str], str], None] | None = None
    suffix_means: str = "format"
    keeps_text: bool = True
    common_keys: frozenset[str] = frozenset()
    refuses: Callable[[Sentence], str] = lambda sentence: ""
    keeps_returns: bool = False
    kinds: tuple[Kind, ...] = ()
    load: Callable[[str, ReadOptions, ReadReport], Iterator[Sentence]] | None = None
    save: Callable[[Iterable[Sentence], Path, str], None] | None = None
    has_folders: bool = False
    takes_records: bool = False
