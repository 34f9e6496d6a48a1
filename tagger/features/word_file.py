"""Words on disk that are found without being read: a file of their hashes, sorted, beside them.

Axes: N words.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

__all__ = ["WordFile", "index_of", "load"]

HASHES, ROWS, BEGINS = range(3)


class WordFile(Sequence[str]):
    """The words of a file, one a line in UTF-8, as a sequence; `rows` finds many at once.

    ``index`` is what `index_of` gives, a memory map for example: to open a table of millions of
    words takes no time.

    Raises:
        ValueError: the two do not fit together.
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
            raise ValueError(f"expected {count:,} words, one a line")
        if count and (index[ROWS].max() >= count or index[BEGINS].max() > len(text)):
            raise ValueError("the index is of other words")

    def __len__(self) -> int:
        return int(self._index.shape[1])

    def __iter__(self) -> Iterator[str]:
        return iter(self._text.decode("utf-8").split("\n") if len(self) else [])

    def __getitem__(self, row: int | slice) -> str | list[str]:  # type: ignore[override]
        return list(self)[row]

    def rows(self, words: Sequence[str]) -> np.ndarray:
        """Each word's row (int32), -1 for none."""
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
            # Any other word may have the hash of one of ours, though no two of ours have the same.
            end = begin + len(word)
            if text[begin:end] != word or text[end : end + 1] not in (b"", b"\n"):
                rows[number] = -1
        return rows.astype(np.int32)


def index_of(words: Iterable[str]) -> np.ndarray:
    """What finds `words` again, (3, N) uint64: their hashes, sorted; the row of each; where each
    row's word begins in the file.

    The hash is BLAKE2b of the word's UTF-8, 8 bytes long, the first byte the lowest.

    Raises: ValueError: two words have the same hash. Of a million words this happens once in 40
        million times.
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
    return np.frombuffer(
        b"".join(hashlib.blake2b(word, digest_size=8).digest() for word in words), dtype="<u8"
    ).astype(np.uint64)


def load(text_path: str | Path, index_path: str | Path) -> WordFile:
    """The words of a file and their index, mapped into memory.

    Raises:
        OSError, ValueError: they cannot be read or do not fit together.
    """
    return WordFile(
        Path(text_path).read_bytes(), np.load(index_path, mmap_mode="r", allow_pickle=False)
    )
