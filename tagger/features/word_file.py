"""Files of words with a sorted index of their hashes, which find words without being parsed.

Axes: N words of a file, M words to find.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

__all__ = ["WordFile", "index_of", "load"]

# The rows of an index; see `index_of`.
HASHES, ROWS, BEGINS = range(3)


class WordFile(Sequence[str]):
    """The words of a file as a sequence, with a fast lookup by `rows`.

    Opening a file of millions of words takes no noticeable time, since it is not parsed and the
    index may be a memory map. Iteration decodes the whole text, and so does each access by index.

    Args:
        text: Words in UTF-8, one per line.
        index: Index (3, N) uint64 that `index_of` returned for these words.

    Raises:
        ValueError: Text and index do not match.
    """

    def __init__(self, text: bytes, index: np.ndarray) -> None:
        self._text = text
        self._index = index
        if index.ndim != 2 or len(index) != 3 or index.dtype != np.uint64:
            raise ValueError(
                f"expected an index of uint64 (3, N), found {index.dtype} {index.shape}"
            )
        count = len(self)
        if count != (text.count(b"\n") + 1 if text or count else 0):
            raise ValueError(f"expected {count:,} words, one per line")
        if count and (index[ROWS].max() >= count or index[BEGINS].max() > len(text)):
            raise ValueError("the index belongs to other words")

    def __len__(self) -> int:
        """Return N, the number of words."""
        return int(self._index.shape[1])

    def __iter__(self) -> Iterator[str]:
        """Iterate over all words in the order of the file."""
        return iter(self._text.decode("utf-8").split("\n") if len(self) else [])

    def __getitem__(self, row: int | slice) -> str | list[str]:  # type: ignore[override]
        """Return the word of a row or the words of a slice, by decoding the whole text."""
        return list(self)[row]

    def rows(self, words: Sequence[str]) -> np.ndarray:
        """Find the rows of words.

        Args:
            words: M words.

        Returns:
            (M,) int32, -1 for words that the file does not contain.
        """
        if not len(self) or not len(words):
            return np.full(len(words), -1, dtype=np.int32)
        encoded = [word.encode("utf-8", "surrogatepass") for word in words]
        wanted = _hashes(encoded)
        places = np.minimum(np.searchsorted(self._index[HASHES], wanted), len(self) - 1)
        rows = np.where(
            self._index[HASHES][places] == wanted, self._index[ROWS][places].astype(np.int64), -1
        )
        begins = self._index[BEGINS][np.maximum(rows, 0)].tolist()
        text = self._text
        for number, (word, begin) in enumerate(zip(encoded, begins, strict=True)):
            # No two words of the file have the same hash, but another word may have one of theirs.
            end = begin + len(word)
            if text[begin:end] != word or text[end : end + 1] not in (b"", b"\n"):
                rows[number] = -1
        return rows.astype(np.int32)


def index_of(words: Iterable[str]) -> np.ndarray:
    """Build the lookup index of words.

    The hash is 8-byte BLAKE2b of the word in UTF-8, as a little-endian integer.

    Args:
        words: Distinct words in the order of the file.

    Returns:
        (3, N) uint64: the sorted hashes, the row of each hash, and the byte offset of each row's
        word in the file.

    Raises:
        ValueError: Two words have the same hash. For a million words the probability is about one
            in 40 million.
    """
    encoded = [word.encode() for word in words]
    hashes = _hashes(encoded)
    order = np.argsort(hashes, kind="stable")
    begins = np.cumsum([0, *(len(word) + 1 for word in encoded)])[:-1]
    index = np.stack([hashes[order], order.astype(np.uint64), begins.astype(np.uint64)])
    if len(same := np.flatnonzero(index[HASHES][1:] == index[HASHES][:-1])):
        one, other = (encoded[int(index[ROWS][at])].decode() for at in (same[0], same[0] + 1))
        raise ValueError(f"the words {one!r} and {other!r} have the same hash; leave one out")
    return index


def _hashes(words: Iterable[bytes]) -> np.ndarray:
    """Return the hashes (N,) uint64 of words."""
    return np.frombuffer(
        b"".join(hashlib.blake2b(word, digest_size=8).digest() for word in words), dtype="<u8"
    ).astype(np.uint64)


def load(text_path: str | Path, index_path: str | Path) -> WordFile:
    """Load a file of words and its index.

    Args:
        text_path: Words in UTF-8, one per line, read into memory without being parsed.
        index_path: ``.npy`` file of the index, opened as a read-only memory map.

    Returns:
        The words.

    Raises:
        OSError: A file cannot be read.
        ValueError: The files are ill-formed or do not match.
    """
    return WordFile(
        Path(text_path).read_bytes(), np.load(index_path, mmap_mode="r", allow_pickle=False)
    )
