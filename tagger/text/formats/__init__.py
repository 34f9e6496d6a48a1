"""File formats: a reader and a writer each, as generators, so that memory does not grow with the
file.

    conll   columns, a token a line, a blank line between sentences     conll.py
    jsonl   a JSON object a line: tokens, or text with character spans   jsonl.py
    text    plain text, a paragraph a line                               plain.py

A format is a value, ``FORMAT``, in a module of its own, and a row of the table ``FORMATS``; nothing
else names the formats one by one.

Readers yield `Sentence`; what they cannot represent travels along in ``sentence.record``, so that
the writer of the same format gives back the file as it was, with the prediction added.
"""

from __future__ import annotations

import gzip
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO

from tagger.errors import DataError, TaggerError
from tagger.text.formats import conll, jsonl, plain
from tagger.text.formats.format import Format, ReadOptions
from tagger.text.spans import Sentence

__all__ = ["FORMATS", "STANDARD_INPUT", "ReadOptions", "format_of", "named", "read", "write"]

FORMATS = {each.name: each for each in (conll.FORMAT, jsonl.FORMAT, plain.FORMAT)}
FALLBACK = conll.FORMAT.name  # of files whose name says nothing: corpora end in .tsv, .testb, …
STANDARD_INPUT = "-"
_BLOCK = 1 << 16  # bytes that are read at once, up to the end of a line


def named(name: str) -> Format:
    """Return the format of this name.

    Raises:
        TaggerError: there is none.
    """
    if name not in FORMATS:
        raise TaggerError(f"unknown format {name!r}; expected one of {', '.join(FORMATS)}")
    return FORMATS[name]


def format_of(path: str, *, annotated: bool = False) -> str:
    """Return the name of a file's format, which is the one that claims the end of the file's name.

    A name that no format claims is one of CoNLL columns. Standard input, written ``-``, counts as
    ``.txt``, and a final ``.gz`` does not count.

    Args:
        path: the name of the file, which need not exist.
        annotated: consider only formats that hold annotations: then ``.txt`` is CoNLL columns.
    """
    name = ".txt" if path == STANDARD_INPUT else path.lower().removesuffix(".gz")
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
) -> Iterator[Sentence]:
    """Yield the sentences of a file, gzip or not; ``-`` reads standard input.

    Args:
        path: the file.
        format_name: a name of the table `FORMATS`.
        options: how to read; the defaults of `ReadOptions` if None.
        tell: called now and then with the number of bytes read.

    Raises:
        DataError: the file cannot be opened, is not UTF-8, or has an ill-formed line
            (``path:line: …``).
        TaggerError: the format is unknown.
    """
    chosen, name = named(format_name), str(path)
    with _opened(name) as (stream, raw):
        lines = _decoded(stream, name, lambda: tell(raw.tell()) if tell is not None else None)
        yield from chosen.read(lines, name, options or ReadOptions())


def write(
    sentences: Iterable[Sentence], stream: IO[str], format_name: str, scheme: str = "IOB2"
) -> None:
    """Write sentences with their spans (or plain tags) in a format.

    Args:
        sentences: what to write; read as it is written.
        stream: where to.
        format_name: a name of the table `FORMATS`.
        scheme: how tags encode spans, in formats that write tags.

    Raises:
        TaggerError: the format or the encoding of `stream` cannot hold a token or tag, or the
            format is unknown.
        SchemeError: the scheme cannot hold the spans.
    """
    chosen = named(format_name)
    try:
        chosen.write(sentences, stream, scheme)
    except UnicodeEncodeError as error:
        character = f"{error.object[error.start]!a}"
        raise TaggerError(
            f"the output is in {error.encoding}, which has no {character}; set PYTHONUTF8=1"
        ) from error


@contextmanager
def _opened(name: str) -> Iterator[tuple[BinaryIO, BinaryIO]]:
    """The bytes of the file, unpacked where needed, and the file itself."""
    if name == STANDARD_INPUT:
        yield sys.stdin.buffer, sys.stdin.buffer
        return
    try:
        with open(name, "rb") as raw:
            compressed = raw.peek(2)[:2] == b"\x1f\x8b"
            yield gzip.GzipFile(fileobj=raw) if compressed else raw, raw  # type: ignore[misc]
    except OSError as error:
        if isinstance(error, gzip.BadGzipFile):
            raise DataError(name, None, f"damaged gzip file ({error}); compress it anew") from error
        raise DataError(name, None, f"cannot be read: {error.strerror or error}") from error


def _decoded(
    stream: BinaryIO, name: str, block_read: Callable[[], None]
) -> Iterator[tuple[int, str]]:
    """Numbered lines without their ends. Only \\n and \\r\\n end a line: other separators of
    Unicode are text.
    """
    number = 0
    try:
        while data := b"".join(stream.readlines(_BLOCK)):
            block_read()
            text = data.decode("utf-8")
            if number == 0:
                text = text.removeprefix("\ufeff")
                if not text:  # the file holds its signature alone: no line
                    return
            lines = text.removesuffix("\n").split("\n")
            if "\r" in text:
                lines = [line.removesuffix("\r") for line in lines]
            yield from enumerate(lines, number + 1)
            number += len(lines)
    except UnicodeDecodeError as error:
        *lines_before, line = error.object[: error.start].split(b"\n")
        message = f"byte {error.object[error.start]:#04x} at position {len(line)} is not UTF-8"
        mend = "convert the file, for example: iconv -f latin1 -t utf-8"
        raise DataError(name, number + len(lines_before) + 1, f"{message}; {mend}") from error
    except (EOFError, zlib.error) as error:
        raise DataError(
            name, None, f"the gzip file ends early or is damaged ({error}); compress it anew"
        ) from error
