"""Files of pretrained word vectors in the formats of GloVe, word2vec, fastText and NumPy.

Axes: N words of a file, B words of a block, D dimension of a vector.
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

_BLOCK = 1 << 13  # rows per block
_HEAD = 1 << 20  # first bytes of a file, from which its format is determined
_LARGEST = 1 << 16  # maximum dimension
_HEADER = re.compile(rb"(?:\xef\xbb\xbf)?(\d{1,12}) (\d{1,12})[ \r]*(?:\n|\Z)")
_READABLE = bytes(range(32, 127)) + b"\t\r\n"
_ADVICE = "download or create the file again"


def read(path: str | Path) -> Vectors:
    """Read a file of word vectors, which may be compressed with gzip.

    The format is determined by the content:

    - Text of GloVe, or of word2vec and fastText (``.vec``), which have a header: float32.
    - The binary format of word2vec: float32.
    - ``.npz`` with the arrays ``words``, UTF-8 bytes joined by line ends or an array of strings,
    and
      ``vectors`` (N, D), float16 or float32.

    The first row of a repeated word is used. Words that are not UTF-8 (word2vec cuts long words
    at a byte) equal no token and are skipped; if they are more than 1 % of all words, the file has
    another encoding, which is an error.

    Args:
        path: The file.

    Returns:
        The vectors in memory; `Vectors.skipped` counts the rows that were skipped.

    Raises:
        DataError: The file cannot be read or is ill-formed; the message begins with ``path:line``,
            or with the path for binary formats.
    """
    name = str(path)
    try:
        with _opened(name) as stream:
            head = stream.read(_HEAD)
        with _opened(name) as stream:
            return _read(stream, name, head)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(
            name, None, f"the gzip file ends early or is damaged ({error}); {_ADVICE}"
        ) from error
    except OSError as error:
        raise DataError(name, None, f"cannot be read: {error.strerror or error}") from error


def _opened(name: str) -> BinaryIO:
    """Open a file for reading its decompressed bytes."""
    with open(name, "rb") as stream:
        packed = stream.read(2) == b"\x1f\x8b"
    return gzip.open(name) if packed else open(name, "rb")  # type: ignore[return-value]


def _read(stream: BinaryIO, name: str, head: bytes) -> Vectors:
    """Read a file whose first bytes are `head`."""
    rows = _Rows(name)
    if head.startswith(b"PK\x03\x04"):
        rows.add(*_from_npz(stream, name))
        return rows.vectors()
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
            name,
            1,
            f"found vectors of {dimension:,} numbers, expected 1 to {_LARGEST:,}; {_ADVICE}",
        )
    stream.seek(start)
    if header and _is_binary(head[start:], dimension):
        for words, table in _from_binary(stream, name, count, dimension):
            rows.add(words, table)
    else:
        for words, table in _from_text(stream, name, line := 1 + bool(header), dimension):
            rows.add(words, table, line + rows.count)
        if header and rows.count != count:
            raise DataError(
                name,
                1,
                f"the header promises {count:,} words, but {rows.count:,} follow; {_ADVICE}, or "
                "correct the header",
            )
    return rows.vectors()


class _Rows:
    """The words and vectors read so far, in blocks."""

    def __init__(self, name: str) -> None:
        """Start without any rows."""
        self.name, self.count, self.undecodable = name, 0, 0
        self.words: dict[str, None] = {}
        self.blocks: list[np.ndarray] = []

    def add(self, words: Sequence[bytes], table: np.ndarray, line: int | None = None) -> None:
        """Append words and vectors (B, D), the first of which is in `line`."""
        if len(wrong := np.flatnonzero(~np.isfinite(table).all(axis=1))):
            what = (
                f"the vector of {_shown(words[wrong[0]])} contains nan, inf or a number beyond "
                f"{table.dtype}; {_ADVICE}"
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
        """Return all rows as one table; this object is empty afterwards."""
        if not self.words:
            raise DataError(self.name, None, f"contains no words with vectors; {_ADVICE}")
        if self.undecodable * 100 > self.count:
            what = (
                f"{self.undecodable:,} of {self.count:,} words are not UTF-8; convert them, for "
                "example: iconv -f latin1 -t utf-8"
            )
            raise DataError(self.name, None, what)
        words, table = list(self.words), self.blocks[0]
        if len(self.blocks) > 1:
            # Each block is released when it has been copied, so that memory is never needed twice.
            table, end = np.empty((len(words), table.shape[1]), dtype=table.dtype), len(words)
            while self.blocks:
                block = self.blocks.pop()
                table[end - len(block) : end] = block
                end -= len(block)
        try:
            return Vectors(words, table, self.count - len(words))
        except ValueError as error:
            raise DataError(self.name, None, f"{error}; {_ADVICE}") from error


def _shown(raw: bytes) -> str:
    """Return the first 40 bytes of a word or line as text, for a message."""
    return repr(raw[:40].decode("utf-8", "backslashreplace")) + "…" * (len(raw) > 40)


def _is_number(piece: bytes) -> bool:
    """Return whether bytes are a number in text."""
    try:
        float(piece)
    except ValueError:
        return False
    return True


def _dimension(head: bytes, name: str) -> int:
    """Count the numbers after the word of the first line, which may contain blanks.

    GloVe 840B, for example, has the word ". . .".
    """
    line, end, _ = head.partition(b"\n")
    pieces = line.rstrip(b" \r").split(b" ")
    numbers = list(itertools.takewhile(_is_number, reversed(pieces[1:])))
    if not head:
        raise DataError(name, None, f"is empty; {_ADVICE}")
    if not numbers or (not end and len(head) >= _HEAD - 3):
        raise DataError(
            name,
            1,
            f"expected a word and numbers, or a header of two numbers, found {_shown(line)}; "
            f"{_ADVICE}",
        )
    return len(numbers)


def _from_text(
    stream: BinaryIO, name: str, line: int, dimension: int
) -> Iterator[tuple[Sequence[bytes], np.ndarray]]:
    """Yield the blocks of a text from line number `line` on; only \\n ends a line."""
    while lines := list(itertools.islice(stream, _BLOCK)):
        try:
            block = _parsed(lines, dimension)
        except ValueError:
            for number, raw in enumerate(lines, line):
                try:
                    _parsed([raw], dimension)
                except ValueError as error:
                    raise DataError(name, number, f"{error}, in {_shown(raw)}; {_ADVICE}") from None
            raise
        yield block
        line += len(lines)


def _parsed(lines: list[bytes], dimension: int) -> tuple[Sequence[bytes], np.ndarray]:
    """Parse lines to words and vectors (B, D); ValueError describes the first problem."""
    words, texts = [], []
    for line in lines:
        line = line.rstrip(b" \r\n")
        word, _, numbers = line.partition(b" ")
        if not numbers or numbers.count(b" ") != dimension - 1:
            # The word contains blanks, or the line is too short or too long.
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
    try:  # the fastest of the available parsers: np.fromstring takes 15 % longer, float() 40 %
        return words, np.loadtxt(texts, dtype=np.float32, delimiter=" ", comments=None, ndmin=2)
    except ValueError as error:
        wrong = next(
            (piece for piece in " ".join(texts).split(" ") if not _is_number(piece.encode())), None
        )
        raise ValueError(
            str(error) if wrong is None else f"expected a number, found {wrong!r}"
        ) from None


def _is_binary(body: bytes, dimension: int) -> bool:
    """Return whether the numbers after the first word are float32 bytes, not text.

    The first line of a text contains digits, or is ill-formed but readable. Floats whose bytes
    happen to be digits are tiny and do not occur.
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
    """Yield the blocks of word2vec's binary format after its header.

    Each row is a word, a blank, the vector as little-endian float32, and optionally a line end.
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
                    raise DataError(name, None, f"{what}; {_ADVICE}")
            words.append(buffer[start : end - 1].lstrip(b"\n"))
            block[row] = np.frombuffer(buffer, dtype="<f4", count=dimension, offset=end)
            start = end + width
        yield words, block
    if (buffer[start:] + stream.read(_HEAD)).strip(b"\n"):
        raise DataError(
            name,
            None,
            f"more follows after the {count:,} words that its header promises; {_ADVICE}",
        )


def _from_npz(stream: BinaryIO, name: str) -> tuple[Sequence[bytes], np.ndarray]:
    """Return the words and vectors (N, D) of an ``.npz`` file."""
    try:
        with np.load(io.BytesIO(stream.read()), allow_pickle=False) as archive:
            words, table = archive["words"], archive["vectors"]
            if not isinstance(words, np.ndarray) or not isinstance(table, np.ndarray):
                raise ValueError("a member is not an array")
    except Exception as error:  # zipfile and NumPy raise many types of errors for ill-formed files
        raise DataError(
            name,
            None,
            f"not an .npz file of the plain arrays words and vectors: {error}; {_ADVICE}",
        ) from error
    table = table.astype(table.dtype.newbyteorder("="), copy=False)
    if table.ndim != 2 or table.dtype not in (np.float16, np.float32):
        raise DataError(
            name,
            None,
            f"expected vectors (words, numbers) of float16 or float32, found {table.dtype} "
            f"{table.shape}",
        )
    if words.dtype.kind == "U":  # unpaired surrogates become bytes that are not UTF-8
        try:
            listed = [word.encode("utf-8", "surrogatepass") for word in words.ravel().tolist()]
        except (SystemError, ValueError) as error:
            what = "contains words that are no Unicode; expected UTF-8 bytes (uint8)"
            raise DataError(name, None, what) from error
    elif words.dtype.kind == "S" and words.ndim:
        listed = words.ravel().tolist()
    elif words.dtype.kind == "S" or words.dtype == np.uint8:
        listed = words.tobytes().split(b"\n")
        if len(listed) == len(table) + 1 and not listed[-1]:
            listed.pop()  # there is a line end after the last word, too
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
            f"found {len(listed):,} words but {len(table):,} vectors; expected equal numbers; "
            f"{_ADVICE}",
        )
    return listed, table
