"""Pretrained word vectors: finding words in a table, joining tables, keeping a part beside a model.

Axes: N words of a table, D numbers a word.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tagger.errors import TaggerError
from tagger.features import word_file
from tagger.features.word_file import WordFile, index_of
from tagger.files import atomic_write

__all__ = ["Counts", "Coverage", "Vectors", "merge"]

_BLOCK = 1 << 13  # rows that are worked on at a time
_DIGIT = re.compile("[0-9]")


class Counts(NamedTuple):
    """How many words were found as they are, lower-cased, lower-cased with digits as 0, and not at
    all.
    """

    exact: int
    lowered: int
    digits: int
    missing: int

    @property
    def found(self) -> float:
        """The share that was found in any way, 0 to 1; 0 of no words."""
        return 1 - self.missing / sum(self) if any(self) else 0.0


@dataclass(frozen=True)
class Coverage:
    """How a text's word types, and its tokens, are found in a table."""

    types: Counts
    tokens: Counts


@dataclass(frozen=True, eq=False, repr=False)
class Vectors:
    """A table of word vectors: ``table[i]`` (D,) belongs to ``words[i]``, the commonest words
    first, as their makers sort them.

    ``table`` (N, D) is float16 or float32 and may be a memory map. ``skipped`` counts the rows of
    the file that were left out.

    A word is looked up in three forms: as it is, lower-cased, lower-cased with the digits 0-9 as 0
    (so do Lample et al. 2016, and the makers of tables for that use). There is no fourth, digits as
    0 in a word whose case is kept: each form is made from the one before, and the forms of a form
    are the forms from there on, which is what makes `merge` exact (see there).

    >>> vectors = Vectors(["a", "0th", "A"], np.eye(3, dtype=np.float32))
    >>> vectors.rows(["A", "a", "5TH", "b"])
    array([ 2,  0,  1, -1], dtype=int32)

    Raises:
        ValueError: words and table do not fit together, or a word stands twice or holds a line end.
    """

    words: Sequence[str]
    table: np.ndarray
    skipped: int = 0
    _rows: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        shape, kind = self.table.shape, self.table.dtype
        if len(shape) != 2 or shape[1] < 1 or kind not in (np.float16, np.float32):
            raise ValueError(
                f"expected a table (words, numbers) of float16 or float32, found {kind} {shape}"
            )
        if len(self.words) != len(self.table):
            raise ValueError(f"{len(self.words):,} words but {len(self.table):,} vectors")
        if isinstance(
            self.words, WordFile
        ):  # finds its words itself, and was checked when it was written
            return
        rows = {word: row for row, word in enumerate(self.words)}
        if len(rows) != len(self.words):
            twice = next(word for row, word in enumerate(self.words) if rows[word] != row)
            raise ValueError(f"the word {twice!r} stands twice")
        if broken := next((word for word in self.words if "\n" in word), None):
            raise ValueError(
                f"the word {broken!r} holds a line end"
            )  # no token does; and `save` could not keep it
        object.__setattr__(self, "_rows", rows)

    def __len__(self) -> int:
        return len(self.words)

    def __repr__(self) -> str:
        return f"<Vectors: {len(self):,} words, {self.dimension} numbers each, {self.table.dtype}>"

    @property
    def dimension(self) -> int:
        return int(self.table.shape[1])

    def _find(self, words: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Each word's row, -1 for none, and which form found it: 0, 1 or 2, 3 for none."""
        rows = self._exact(words)
        forms = np.where(rows >= 0, 0, 3)
        for form, changed in ((1, str.lower), (2, lambda word: _DIGIT.sub("0", word.lower()))):
            missing = np.flatnonzero(rows < 0)
            rows[missing] = self._exact([changed(words[number]) for number in missing.tolist()])
            forms[missing[rows[missing] >= 0]] = form
        return rows, forms

    def _exact(self, words: Sequence[str]) -> np.ndarray:
        """The rows (int32) of words as they are, -1 for none."""
        if isinstance(self.words, WordFile):
            return self.words.rows(words)
        find = self._rows.get
        return np.array([find(word, -1) for word in words], dtype=np.int32)

    def rows(self, words: Iterable[str]) -> np.ndarray:
        """Each word's row, int32: that of the word, else of it lower-cased, else of that with
        digits as 0, else -1.
        """
        return self._find(list(words))[0]

    def vectors_of(self, rows: np.ndarray) -> np.ndarray:
        """The vectors (..., D) float32 of rows (...,) as `rows` gives them: zeros for -1."""
        vectors = np.zeros((*rows.shape, self.dimension), dtype=np.float32)
        vectors[rows >= 0] = self.table[rows[rows >= 0]]
        return vectors

    def coverage(self, counted: Mapping[str, int]) -> Coverage:
        """How the words of a text are found, which stand there so many times."""
        types, tokens = [0] * 4, [0] * 4
        for form, count in zip(
            self._find(list(counted))[1].tolist(), counted.values(), strict=True
        ):
            types[form] += 1
            tokens[form] += count
        return Coverage(Counts(*types), Counts(*tokens))

    def truncated(self, count: int, keep: Iterable[str] = ()) -> Vectors:
        """The first `count` rows and those by which the words `keep` are found, in their order, in
        memory.
        """
        rows = np.union1d(np.arange(min(count, len(self))), self.rows(keep))
        rows = rows[rows >= 0].astype(np.intp)
        words = list(self.words)
        return Vectors([words[row] for row in rows], np.asarray(self.table[rows]), self.skipped)

    def to_float16(self) -> Vectors:
        """The same in float16, as `save` keeps it. Train with this: a model in use must see the
        numbers that it was trained on.

        Raises:
            TaggerError: a number is too large for float16.
        """
        if self.table.dtype == np.float16:
            return self
        with np.errstate(over="ignore"):
            table = self.table.astype(np.float16)
        if len(wrong := np.flatnonzero(~np.isfinite(table).all(axis=1))):
            raise TaggerError(
                f"the vector of {self.words[wrong[0]]!r} has a number beyond "
                f"{np.finfo(np.float16).max:,.0f}, the largest of "
                "float16, which models keep; divide all vectors by their largest number"
            )
        return Vectors(self.words, table, self.skipped)

    def save(
        self, words_path: str | Path, table_path: str | Path, index_path: str | Path | None = None
    ) -> None:
        """Write the words as UTF-8 text, joined by line ends (which no word holds), and the table
        as a float16 ``.npy``; and what finds words in the text without reading it.

        Raises:
            TaggerError: the disk does not let it be written, or a number is too large for float16.
        """
        half, words = self.to_float16(), list(self.words)
        with atomic_write(words_path) as stream:
            stream.write("\n".join(words))
        with atomic_write(table_path, "wb") as stream:
            np.save(stream, half.table, allow_pickle=False)
        if index_path is not None:
            with atomic_write(index_path, "wb") as stream:
                np.save(stream, index_of(words), allow_pickle=False)

    @classmethod
    def load(
        cls, words_path: str | Path, table_path: str | Path, index_path: str | Path | None = None
    ) -> Vectors:
        """What `save` wrote. The table is a memory map, of which only the rows in use are read; so
        are the words if there is an index.

        Raises:
            ValueError: the files are something else, do not fit together or cannot be read.
        """
        try:
            table = np.load(table_path, mmap_mode="r", allow_pickle=False)
        except Exception as error:  # NumPy raises many kinds for a file that somebody made up
            raise ValueError(
                f"{table_path}: not a table of numbers in NumPy's format .npy: {error}"
            ) from error
        if not isinstance(table, np.memmap) or table.dtype != np.float16:
            raise ValueError(
                f"{table_path}: expected an .npy file of float16, found "
                f"{getattr(table, 'dtype', 'an .npz file')}"
            )
        try:
            if index_path is not None:
                return cls(word_file.load(words_path, index_path), table)
            text = Path(words_path).read_bytes().decode("utf-8")
            return cls(text.split("\n") if text or len(table) else [], table)
        except (OSError, ValueError, EOFError, AttributeError) as error:
            raise ValueError(
                f"{words_path}: not the words of {table_path}, one a line: {error}"
            ) from error


def merge(tables: Sequence[Vectors]) -> Vectors:
    """One table (N, sum of D) over the words of all, in the order of first sight: a word's row is
    what the tables give for it.

    Each is asked by its own fallback, and gives zeros where it has nothing. So for any word at all,
    in the union or not, the merged table gives the tables' own answers side by side. For if the
    union first holds a word's form i, then no table has an earlier one, and each finds in the forms
    from i on. Those are the forms of form i itself, by which its row was made: an ASCII digit has
    no case, and lower-casing twice is lower-casing once (a test goes through all of Unicode).

    Raises:
        ValueError: no tables.
    """
    if not tables:
        raise ValueError("no tables to merge")
    words = list(dict.fromkeys(itertools.chain.from_iterable(table.words for table in tables)))
    ends = list(itertools.accumulate(table.dimension for table in tables))
    merged = np.zeros(
        (len(words), ends[-1]), dtype=np.result_type(*(table.table.dtype for table in tables))
    )
    for table, end in zip(tables, ends, strict=True):
        rows = table.rows(words)
        for first in range(0, len(words), _BLOCK):
            found = np.flatnonzero(rows[first : first + _BLOCK] >= 0) + first
            merged[found, end - table.dimension : end] = table.table[rows[found]]
    return Vectors(words, merged, sum(table.skipped for table in tables))
