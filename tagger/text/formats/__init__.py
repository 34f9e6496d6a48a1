"""File formats with streaming readers and writers, whose memory does not grow with the file.

    conll   columns: one token per line, blank lines between sentences          conll.py
    jsonl   one JSON object per line: tokens, or text with character spans      jsonl.py
    text    plain text, one paragraph per line                                  plain.py

A format is a value, ``FORMAT``, in a module of its own, and a row of the table ``FORMATS``; no
other code lists the formats.

Readers yield `Sentence`. What a sentence cannot represent is kept in ``sentence.record``, so that
the writer of the same format reproduces the file, with the prediction added.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO

from tagger.errors import TaggerError
from tagger.text import opening
from tagger.text.formats import conll, jsonl, plain
from tagger.text.formats.format import Format, ReadOptions
from tagger.text.opening import STANDARD_INPUT, Opened, compression
from tagger.text.spans import Sentence

__all__ = ["FORMATS", "STANDARD_INPUT", "ReadOptions", "format_of", "named", "read", "write"]

FORMATS = {each.name: each for each in (conll.FORMAT, jsonl.FORMAT, plain.FORMAT)}
"""All formats by name; ``text``, which recognizes any lines, is the last."""

FALLBACK = conll.FORMAT.name
"""The format of files with an unknown suffix: corpora end in .tsv, .testb, …"""


def named(name: str) -> Format:
    """Return a format by name.

    Args:
        name: Key of `FORMATS`.

    Returns:
        The format.

    Raises:
        TaggerError: The name is unknown.
    """
    if name not in FORMATS:
        raise TaggerError(f"unknown format {name!r}; expected one of {', '.join(FORMATS)}")
    return FORMATS[name]


def format_of(path: str, *, annotated: bool = False) -> str:
    """Determine the format of a file from its suffix.

    A final suffix of a compression, such as ``.gz``, is ignored. Standard input (``-``) is treated
    as ``.txt``.

    Args:
        path: Name of the file, which need not exist.
        annotated: Consider only formats that contain annotations; ``.txt`` then means CoNLL
            columns.

    Returns:
        Name of the format; ``conll`` if the suffix is unknown.
    """
    name = ".txt" if path == STANDARD_INPUT else compression.unpacked_name(path.lower())
    for each in FORMATS.values():
        if name.endswith(each.suffixes) and (each.has_annotations or not annotated):
            return each.name
    return FALLBACK


def read(
    path: str | Path,
    format_name: str,
    options: ReadOptions | None = None,
    *,
    tell: Callable[[int], None] | None = None,
    on_open: Callable[[Opened], None] | None = None,
) -> Iterator[Sentence]:
    """Read the sentences of a file, which may be compressed; see `text.opening`.

    The file is opened when iteration starts and closed when it ends.

    Args:
        path: The file; ``-`` reads standard input.
        format_name: Key of `FORMATS`.
        options: Reading options; the defaults of `ReadOptions` if None.
        tell: Called after each block of about 64 KiB with the number of (compressed) bytes read.
        on_open: Called when the file is open with its compression and encoding.

    Yields:
        The sentences in order.

    Raises:
        DataError: The file cannot be opened, is not text, is not in the expected encoding, or has
            an ill-formed line (``path:line: …``).
        TaggerError: The format or the name of the encoding is unknown.
    """
    chosen, name, options = named(format_name), str(path), options or ReadOptions()
    lines = opening.lines(name, options.encoding, tell=tell, on_open=on_open)
    yield from chosen.read(lines, name, options)


def write(
    sentences: Iterable[Sentence], stream: IO[str], format_name: str, scheme: str = "IOB2"
) -> None:
    """Write sentences with their spans or plain tags.

    Args:
        sentences: Sentences, consumed lazily.
        stream: Text stream to write to; it is not closed.
        format_name: Key of `FORMATS`.
        scheme: Tagging scheme of the spans, in formats that write tags.

    Raises:
        TaggerError: The format or the encoding of `stream` cannot represent a token or tag, or the
            format is unknown.
        SchemeError: The scheme cannot represent the spans.
    """
    chosen = named(format_name)
    try:
        chosen.write(sentences, stream, scheme)
    except UnicodeEncodeError as error:
        character = f"{error.object[error.start]!a}"
        raise TaggerError(
            f"the output is in {error.encoding}, which has no {character}; set PYTHONUTF8=1"
        ) from error
