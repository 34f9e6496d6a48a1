"""Files of pretrained word vectors, as GloVe, word2vec, fastText and NumPy write them.

Axes: N words of a file, B of a block, D numbers a word.
"""

from __future__ import annotations

import gzip
import io
import itertools
import re
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np

from tagger.errors import DataError
from tagger.features.vectors import Vectors

__all__ = ["read"]

_BLOCK = 1 << 13  # rows that are worked on at a time
_HEAD = 1 << 20  # bytes that must show a file's format
_LARGEST = 1 << 16  # dimension
_HEADER = re.compile(rb"(?:\xef\xbb\xbf)?(\d{1,12}) (\d{1,12})[ \r]*(?:\n|\Z)")
_READABLE = bytes(range(32, 127)) + b"\t\r\n"
_MEND = "get or make the file anew"


def read(path: str | Path) -> Vectors:
    """Read a file of word vectors, packed with gzip or not; its content says which format it has.

    Text of GloVe, of word2vec and of fastText (``.vec``; these two have a header) and word2vec's
    binary give float32; ``.npz`` with ``words``, UTF-8 joined by line ends or an array of strings,
    and ``vectors`` keeps its float16 or float32. Of a word that stands twice the first row is
    taken. A word that is not UTF-8 (word2vec cuts long words at a byte) equals no token, so it is
    left out; more than one such word in a hundred are an error, since they mean another encoding.

    Raises: DataError: the file cannot be read or is ill-formed: ``path:line``, or the path alone
        where there are no lines.
    """
    name = str(path)
    try:
        with _opened(name) as stream:
            head = stream.read(_HEAD)
        with _opened(name) as stream:
            return _read(stream, name, head)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(
            name, None, f"the gzip file ends early or is damaged ({error}); {_MEND}"
        ) from error
    except OSError as error:
        raise DataError(name, None, f"cannot be read: {error.strerror or error}") from error


def _opened(name: str) -> BinaryIO:
    with open(name, "rb") as stream:
        packed = stream.read(2) == b"\x1f\x8b"
    return gzip.open(name) if packed else open(name, "rb")  # type: ignore[return-value]


def _read(stream: BinaryIO, name: str, head: bytes) -> Vectors:
    found = _Found(name)
    if head.startswith(b"PK\x03\x04"):
        found.add(*_from_npz(stream, name))
        return found.vectors()
    header = _HEADER.match(head)
    start = (
        header.end()
        if header
        else 3
        if head.startswith(b"\xef\xbb\xbf") and head[3:4] != b" "
        else 0
    )
    count, dimension = map(int, header.groups()) if header else (-1, _dimension(head[start:], name))
    if not 1 <= dimension <= _LARGEST:
        raise DataError(
            name, 1, f"found vectors of {dimension:,} numbers, expected 1 to {_LARGEST:,}; {_MEND}"
        )
    stream.seek(start)
    if header and _is_binary(head[start:], dimension):
        for words, table in _from_binary(stream, name, count, dimension):
            found.add(words, table)
    else:
        for words, table in _from_text(stream, name, line := 1 + bool(header), dimension):
            found.add(words, table, line + found.count)
        if header and found.count != count:
            raise DataError(
                name,
                1,
                f"the header promises {count:,} words, but {found.count:,} follow; {_MEND}, or "
                "correct it",
            )
    return found.vectors()


class _Found:
    """What was read so far, in blocks."""

    def __init__(self, name: str) -> None:
        self.name, self.count, self.undecodable = name, 0, 0
        self.words: dict[str, None] = {}
        self.blocks: list[np.ndarray] = []

    def add(self, words: Sequence[bytes], table: np.ndarray, line: int | None = None) -> None:
        """Add rows (B, D), the first of which stands in `line`."""
        if len(wrong := np.flatnonzero(~np.isfinite(table).all(axis=1))):
            what = (
                f"the vector of {_shown(words[wrong[0]])} holds nan, inf or a number beyond "
                f"{table.dtype}; {_MEND}"
            )
            raise DataError(self.name, None if line is None else line + int(wrong[0]), what)
        kept = []
        for row, raw in enumerate(words):
            try:
                word = raw.decode("utf-8")
            except UnicodeDecodeError:
                self.undecodable += 1
                continue
            if word not in self.words:
                self.words[word] = None
                kept.append(row)
        self.count += len(words)
        self.blocks.append(table if len(kept) == len(table) else table[kept])

    def vectors(self) -> Vectors:
        if not self.words:
            raise DataError(self.name, None, f"holds no words with vectors; {_MEND}")
        if self.undecodable * 100 > self.count:
            what = (
                f"{self.undecodable:,} of {self.count:,} words are not UTF-8; convert them, for "
                "example: iconv -f latin1 -t utf-8"
            )
            raise DataError(self.name, None, what)
        words, table = list(self.words), self.blocks[0]
        if (
            len(self.blocks) > 1
        ):  # each block is let go when it is copied, so that the whole is never there twice
            table, end = np.empty((len(words), table.shape[1]), dtype=table.dtype), len(words)
            while self.blocks:
                block = self.blocks.pop()
                table[end - len(block) : end] = block
                end -= len(block)
        try:
            return Vectors(words, table, self.count - len(words))
        except ValueError as error:
            raise DataError(self.name, None, f"{error}; {_MEND}") from error


def _shown(raw: bytes) -> str:
    """The start of some bytes, for a message."""
    return repr(raw[:40].decode("utf-8", "backslashreplace")) + "…" * (len(raw) > 40)


def _is_number(piece: bytes) -> bool:
    try:
        float(piece)
    except ValueError:
        return False
    return True


def _dimension(head: bytes, name: str) -> int:
    """How many numbers the first line ends with, after a word that may itself hold blanks (GloVe
    840B has ". . .").
    """
    line, end, _ = head.partition(b"\n")
    pieces = line.rstrip(b" \r").split(b" ")
    numbers = list(itertools.takewhile(_is_number, reversed(pieces[1:])))
    if not head:
        raise DataError(name, None, f"is empty; {_MEND}")
    if not numbers or (not end and len(head) >= _HEAD - 3):
        raise DataError(
            name,
            1,
            f"expected a word and numbers, or a header of two numbers, found {_shown(line)}; "
            f"{_MEND}",
        )
    return len(numbers)


def _from_text(
    stream: BinaryIO, name: str, line: int, dimension: int
) -> Iterator[tuple[Sequence[bytes], np.ndarray]]:
    """The blocks of a text whose next line has the number `line`. Only \\n ends a line and only a
    blank ends a word.
    """
    while lines := list(itertools.islice(stream, _BLOCK)):
        try:
            block = _parsed(lines, dimension)
        except ValueError:
            for number, raw in enumerate(lines, line):
                try:
                    _parsed([raw], dimension)
                except ValueError as error:
                    raise DataError(name, number, f"{error}, in {_shown(raw)}; {_MEND}") from None
            raise
        yield block
        line += len(lines)


def _parsed(lines: list[bytes], dimension: int) -> tuple[Sequence[bytes], np.ndarray]:
    """The words and vectors (B, D) of lines; ValueError says what is wrong."""
    words, texts = [], []
    for line in lines:
        line = line.rstrip(b" \r\n")
        word, _, numbers = line.partition(b" ")
        if (
            not numbers or numbers.count(b" ") != dimension - 1
        ):  # the word holds blanks, or the line is too short or too long
            word, *pieces = line.rsplit(b" ", dimension)
            if len(pieces) < dimension or _is_number(word.rpartition(b" ")[2]):
                size = line.count(b" ")
                raise ValueError(
                    f"expected a word and {dimension} numbers between single blanks, found a word "
                    f"and {size}"
                )
            numbers = b" ".join(pieces)
        words.append(word)
        texts.append(numbers.decode("ascii", "replace"))
    try:  # of the parsers at hand the fastest: np.fromstring takes 15 % more time, float() 40 %
        return words, np.loadtxt(texts, dtype=np.float32, delimiter=" ", comments=None, ndmin=2)
    except ValueError as error:
        wrong = next(
            (piece for piece in " ".join(texts).split(" ") if not _is_number(piece.encode())), None
        )
        raise ValueError(
            str(error) if wrong is None else f"expected a number, found {wrong!r}"
        ) from None


def _is_binary(body: bytes, dimension: int) -> bool:
    """Whether numbers follow the first word as bytes of float32, not as text.

    A text's first line has digits, or is ill-formed and yet readable; floats that happen to be
    bytes of digits are tiny.
    """
    numbers = body.partition(b" ")[2][: 4 * dimension]
    line = numbers.partition(b"\n")[0]
    digits = len(line) >= min(4, 2 * dimension - 1) and not line.translate(
        None, b"0123456789+-.eE naifNAIF\r"
    )
    return bool(body) and not digits and bool(numbers.translate(None, _READABLE) or not numbers)


def _from_binary(
    stream: BinaryIO, name: str, count: int, dimension: int
) -> Iterator[tuple[Sequence[bytes], np.ndarray]]:
    """The blocks of word2vec's binary format after its header: a word, a blank, the vector, and
    perhaps a line end.
    """
    buffer, start, width = b"", 0, 4 * dimension
    for first in range(0, count, _BLOCK):
        words, block = [], np.empty((min(_BLOCK, count - first), dimension), dtype=np.float32)
        for row in range(len(block)):
            end = buffer.find(b" ", start) + 1
            if not end or end + width > len(buffer):
                buffer, start = buffer[start:] + stream.read(_HEAD + width), 0
                end = buffer.find(b" ") + 1
                if not end or end + width > len(buffer):
                    what = (
                        f"ends early, or is damaged, in word {first + row + 1:,} of the {count:,} "
                        "that its header promises"
                    )
                    raise DataError(name, None, f"{what}; {_MEND}")
            words.append(buffer[start : end - 1].lstrip(b"\n"))
            block[row] = np.frombuffer(buffer, dtype="<f4", count=dimension, offset=end)
            start = end + width
        yield words, block
    if (buffer[start:] + stream.read(_HEAD)).strip(b"\n"):
        raise DataError(
            name, None, f"more follows after the {count:,} words that its header promises; {_MEND}"
        )


def _from_npz(stream: BinaryIO, name: str) -> tuple[Sequence[bytes], np.ndarray]:
    try:
        with np.load(io.BytesIO(stream.read()), allow_pickle=False) as archive:
            words, table = archive["words"], archive["vectors"]
    except (
        Exception
    ) as error:  # zipfile and NumPy raise many kinds for a file that somebody made up
        raise DataError(
            name, None, f"not an .npz file of the plain arrays words and vectors: {error}; {_MEND}"
        ) from error
    table = table.astype(table.dtype.newbyteorder("="), copy=False)
    if table.ndim != 2 or table.dtype not in (np.float16, np.float32):
        raise DataError(
            name,
            None,
            f"expected vectors (words, numbers) of float16 or float32, found {table.dtype} "
            f"{table.shape}",
        )
    if words.dtype.kind == "U":  # a lone surrogate becomes bytes that are no UTF-8
        listed = [word.encode("utf-8", "surrogatepass") for word in words.ravel().tolist()]
    elif words.dtype.kind == "S" and words.ndim:
        listed = words.ravel().tolist()
    elif words.dtype.kind == "S" or words.dtype == np.uint8:
        listed = words.tobytes().split(b"\n")
        if len(listed) == len(table) + 1 and not listed[-1]:
            listed.pop()  # the last word, too, ends with a line end
    else:
        raise DataError(
            name,
            None,
            f"expected words as UTF-8 bytes (uint8) or an array of strings, found {words.dtype}",
        )
    if len(listed) != len(table):
        raise DataError(
            name,
            None,
            f"found {len(listed):,} words but {len(table):,} vectors; expected as many; {_MEND}",
        )
    return listed, table
