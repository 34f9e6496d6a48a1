"""File formats: a reader and a writer each, as generators, so that memory does not grow with the
file.

    conll   columns, a token a line, a blank line between sentences     conll.py
    jsonl   a JSON object a line: tokens, or text with character spans   jsonl.py
    text    plain text, a paragraph a line                               plain.py

Readers yield `Sentence`; what they cannot represent travels along in ``sentence.record``, so that
the writer of the same format gives back the file as it was, with the prediction added.
"""

from __future__ import annotations

import gzip
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, BinaryIO

from tagger.errors import DataError, TaggerError
from tagger.text import tokens
from tagger.text.formats import conll, jsonl, plain
from tagger.text.spans import Sentence

__all__ = ["EXTENSIONS", "FORMATS", "ReadOptions", "format_of", "read", "write"]

FORMATS = ("conll", "jsonl", "text")
EXTENSIONS = {"conll": ".conll", "jsonl": ".jsonl", "text": ".txt"}
STANDARD_INPUT = "-"
_BLOCK = 1 << 16  # bytes that are read at once, up to the end of a line


@dataclass(frozen=True)
class ReadOptions:
    """How to read: the columns of CoNLL files, and for raw text the tokenizer and whether lines are
    wrapped.

    Without ``annotated``, annotations in the file are left unread, as when a model is to make its
    own.
    """

    columns: conll.Columns = field(default_factory=conll.Columns)
    tokenizer: str = tokens.DEFAULT
    wrapped: bool = False
    annotated: bool = True


def format_of(path: str, *, txt_is: str = "text") -> str:
    """The format that a file's name says: .jsonl and .ndjson; .txt, .text and .md (`txt_is`); any
    other is CoNLL columns.

    Standard input, written ``-``, is text. A final .gz does not count.
    """
    name = path.lower().removesuffix(".gz")
    if name.endswith((".jsonl", ".ndjson")):
        return "jsonl"
    return txt_is if name == STANDARD_INPUT or name.endswith((".txt", ".text", ".md")) else "conll"


def read(
    path: str | Path,
    format_name: str,
    options: ReadOptions | None = None,
    *,
    tell: Callable[[int], None] | None = None,
) -> Iterator[Sentence]:
    """The sentences of a file, gzip or not; ``-`` reads standard input. `tell` is told now and then
    how many bytes are read.

    Raises: DataError: the file cannot be opened, is not UTF-8, or has an ill-formed line
        (``path:line: …``).
    """
    options = options or ReadOptions()
    name = str(path)
    with _opened(name) as (stream, raw):
        lines = _decoded(stream, name, lambda: tell(raw.tell()) if tell is not None else None)
        if format_name == "conll":
            yield from conll.read(
                lines,
                name,
                options.columns if options.annotated else replace(options.columns, tag=None),
            )
        elif format_name == "jsonl":
            yield from jsonl.read(
                lines, name, tokens.get(options.tokenizer), annotated=options.annotated
            )
        else:
            yield from plain.read(
                lines, name, tokens.get(options.tokenizer), wrapped=options.wrapped
            )


def write(
    sentences: Iterable[Sentence], stream: IO[str], format_name: str, scheme: str = "IOB2"
) -> None:
    """Write sentences with their spans (or plain tags) in a format; `scheme` says how CoNLL tags
    encode spans.

    Raises:
        TaggerError: the format or the encoding of `stream` cannot hold a token or tag.
        SchemeError: the scheme cannot hold the spans.
    """
    try:
        if format_name == "conll":
            conll.write(sentences, stream, scheme)
        elif format_name == "jsonl":
            jsonl.write(sentences, stream)
        else:
            plain.write(sentences, stream)
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
