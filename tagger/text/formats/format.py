"""The type of a file format, and the options that readers share.

Each module of this package defines one format as a value, ``FORMAT``; the table ``FORMATS`` of the
package lists them, and whoever reads, writes or names formats looks there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import IO

from tagger.text import tokens
from tagger.text.spans import Sentence

__all__ = ["Columns", "Format", "ReadOptions"]


@dataclass(frozen=True)
class Columns:
    """Which column is what, counted from 0, negative from the last; ``tag`` None reads tokens
    alone.

    ``delimiter`` is ``auto`` (tabs if the first token line has one, else runs of blanks),
    ``blank``, ``tab``, or any other string that separates columns.
    """

    token: int = 0
    tag: int | None = -1
    delimiter: str = "auto"


@dataclass(frozen=True)
class ReadOptions:
    """How to read: the columns of CoNLL files, and for raw text the tokenizer and whether lines are
    wrapped.

    Without ``annotated``, annotations in the file are left unread, as when a model is to make its
    own.
    """

    columns: Columns = field(default_factory=Columns)
    tokenizer: str = tokens.DEFAULT
    wrapped: bool = False
    annotated: bool = True


@dataclass(frozen=True)
class Format:
    """A file format.

    Attributes:
        name: its name in the command line's ``--format`` and ``--to``.
        suffixes: endings of the names of its files, in lower case and with their dots; the first
            is that of a new file.
        recognizes: whether the first lines of a file (whole lines, without their ends) look like
            this format.
        read: yield the sentences of numbered lines; the second argument is the path that errors
            name. Raises `DataError` for an ill-formed line.
        write: write sentences to a stream. The third argument is the scheme in which tags encode
            spans, for formats that write tags. Raises `DataError` for what the format cannot hold.
        has_annotations: whether `read` returns the spans or tags that a file holds.
        has_scores: whether `write` shows the probabilities of spans, so that they must be computed.
    """

    name: str
    suffixes: tuple[str, ...]
    recognizes: Callable[[Sequence[str]], bool]
    read: Callable[[Iterable[tuple[int, str]], str, ReadOptions], Iterator[Sentence]]
    write: Callable[[Iterable[Sentence], IO[str], str], None]
    has_annotations: bool = True
    has_scores: bool = False
