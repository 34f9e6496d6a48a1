"""Files of pretrained word vectors in the formats of GloVe, word2vec, fastText and NumPy.

Axes: N words of a file, B words of a block, D dimension of a vector.
"""

from __future__ import annotations

import io
import itertools
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np

from tagger.errors import DataError
from tagger.features.normalization import normalize
from tagger.features.vectors import Vectors
from tagger.text import opening
from tagger.text.opening import encodings
from tagger.text.opening.binary import NPZ

__all__ = ["read"]

_BLOCK = 1 << 13  # rows per block
_HEAD = 1 << 20  # first bytes of a file, from which its format is determined
_SAMPLE = 1 << 10  # words that are not UTF-8 from which their encoding is determined
_LARGEST = 1 << 16  # maximum dimension
_HEADER = re.compile(rb"(?:\xef\xbb\xbf)?(\d{1,12}) (\d{1,12})[ \r]*(?:\n|\Z)")
_READABLE = bytes(range(32, 127)) + b"\t\r\n"
_ADVICE = "download or create the file again"


def read(path: str | Path) -> Vectors:
    """Read a file of word vectors, which may be compressed; see `text.opening`.

    The format is determined by the content:

    - Text of GloVe, or of word2vec and fastText (``.vec``), which have a header: float32.
    - The binary format of word2vec: float32.
    - ``.npz`` with the arrays ``words``, UTF-8 bytes joined by line ends or an array of strings,
      and ``vectors`` (N, D), float16 or float32.

    A zip archive, as GloVe is published, must contain exactly one file.

    Words are normalized as tokens are (see `features.normalization`), unless the file contains the
    normalized word, too. The first row of a repeated word is used. Words that are not UTF-8
    (word2vec cuts long words at a byte) equal no token and are skipped; if they are more than 1 %
    of all words, the file has another encoding, which is an error.

    Args:
        path: The file.

    Returns:
        The vectors in memory; `Vectors.skipped` counts the rows that were skipped.

    Raises:
        DataError: The file cannot be read or is ill-formed; the message begins with ``path:line``,
            or with the path for binary formats.
    """
    name = str(path)
    with opening.content(name, accept=(NPZ,), head_size=_HEAD) as content:
        return _read(content, name)


def _read(content: opening.Content, name: str) -> Vectors:
    """Read the content of a file."""
    rows, stream, head = _Rows(name), content.stream, content.head
    if content.kind is NPZ:
        rows.add(*_from_npz(stream, name))
        return rows.vectors()
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DataError(
            name, None, "UTF-16, expected UTF-8; convert it with iconv -f utf-16 -t utf-8"
        )
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
    stream.read(start)
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
        self.name, self.count = name, 0
        self.undecodable: list[bytes] = []
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
                self.undecodable.append(raw)
                continue
            if word not in self.words:
                self.words[word] = None
                kept.append(row)
        self.count += len(words)
        self.blocks.append(table if len(kept) == len(table) else table[kept])

    def vectors(self) -> Vectors:
        """Return all rows as one table; this object is empty afterwards."""
        if len(self.undecodable) * 100 > self.count:
            advice = encodings.advice(b"\n".join(self.undecodable[:_SAMPLE]), has_option=False)
            what = f"{len(self.undecodable):,} of {self.count:,} words are not UTF-8; {advice}"
            raise DataError(self.name, None, what)
        if not self.words:
            raise DataError(self.name, None, f"contains no words with vectors; {_ADVICE}")
        words, table = _normalized(self.words), self.blocks[0]
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


def _normalized(words: dict[str, None]) -> list[str]:
    """Return the words of a file, normalized unless the file contains the normalized word, too."""
    changed: dict[str, str] = {}
    for word in words:
        form = normalize(word)
        if form != word and form not in words:
            changed.setdefault(form, word)
    forms = {word: form for form, word in changed.items()}
    return [forms.get(word, word) for word in words]


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
