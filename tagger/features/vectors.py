"""Pretrained word vectors: lookup of words, concatenation of tables, and storage in a bundle.

Axes: N words of a table, D dimension of a vector, M words to look up.
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

_BLOCK = 1 << 13  # rows per step, which bounds the memory of temporary arrays
_DIGIT = re.compile("[0-9]")


class Counts(NamedTuple):
    """Numbers of words by lookup form.

    Attributes:
        exact: Words that the table contains unchanged.
        lowered: Words that it contains only in lower case.
        digits: Words that it contains only in lower case with digits as 0.
        missing: Words that it does not contain in any form.
    """

    exact: int
    lowered: int
    digits: int
    missing: int

    @property
    def found(self) -> float:
        """Return the share of words found in any form, 0 to 1; 0 if there are no words."""
        return 1 - self.missing / sum(self) if any(self) else 0.0


@dataclass(frozen=True)
class Coverage:
    """The coverage of a text by a table, counted in word types and in tokens."""

    types: Counts
    tokens: Counts


@dataclass(frozen=True, eq=False, repr=False)
class Vectors:
    """A table of word vectors.

    A word is looked up in three forms: unchanged, in lower case, and in lower case with the digits
    0-9 as 0 (as in Lample et al. 2016, and in tables made for that use). There is no fourth form,
    digits as 0 with the case unchanged: each form is derived from the previous one, and the forms
    of a form are that form and the ones after it, which makes `merge` exact (see there).

    Args:
        words: The N words, usually sorted by descending frequency.
        table: (N, D) float16 or float32, where ``table[i]`` is the vector of ``words[i]``; it is
            not copied and may be a memory map.
        skipped: Number of rows of the source file that were skipped.

    >>> vectors = Vectors(["a", "0th", "A"], np.eye(3, dtype=np.float32))
    >>> vectors.rows(["A", "a", "5TH", "b"])
    array([ 2,  0,  1, -1], dtype=int32)

    Raises:
        ValueError: Words and table do not match, or a word is repeated or contains a line break.
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
        # A word file has an index of its own, and was checked when it was written.
        if isinstance(self.words, WordFile):
            return
        rows = {word: row for row, word in enumerate(self.words)}
        if len(rows) != len(self.words):
            twice = next(word for row, word in enumerate(self.words) if rows[word] != row)
            raise ValueError(f"the word {twice!r} is repeated")
        # No token contains a line break, and `save` joins words by line breaks.
        if broken := next((word for word in self.words if "\n" in word), None):
            raise ValueError(f"the word {broken!r} contains a line break")
        object.__setattr__(self, "_rows", rows)

    def __len__(self) -> int:
        """Return N, the number of words."""
        return len(self.words)

    def __repr__(self) -> str:
        """Return a description without the words and vectors."""
        return f"<Vectors: {len(self):,} words, {self.dimension} numbers each, {self.table.dtype}>"

    @property
    def dimension(self) -> int:
        """Return D, the dimension of the vectors."""
        return int(self.table.shape[1])

    def _find(self, words: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Return the row of each word, -1 if missing, and its lookup form 0 to 2, 3 if missing."""
        rows = self._exact(words)
        forms = np.where(rows >= 0, 0, 3)
        for form, changed in ((1, str.lower), (2, lambda word: _DIGIT.sub("0", word.lower()))):
            missing = np.flatnonzero(rows < 0)
            rows[missing] = self._exact([changed(words[number]) for number in missing.tolist()])
            forms[missing[rows[missing] >= 0]] = form
        return rows, forms

    def _exact(self, words: Sequence[str]) -> np.ndarray:
        """Return the row (int32) of each unchanged word, -1 if missing."""
        if isinstance(self.words, WordFile):
            return self.words.rows(words)
        find = self._rows.get
        return np.array([find(word, -1) for word in words], dtype=np.int32)

    def rows(self, words: Iterable[str]) -> np.ndarray:
        """Look up words in their three forms.

        Args:
            words: M words.

        Returns:
            (M,) int32 rows of the first form that the table contains, -1 if it contains none.
        """
        return self._find(list(words))[0]

    def vectors_of(self, rows: np.ndarray) -> np.ndarray:
        """Gather the vectors of rows.

        Args:
            rows: (...,) rows as `rows` returns them.

        Returns:
            (..., D) float32, zeros for -1; a new array.
        """
        vectors = np.zeros((*rows.shape, self.dimension), dtype=np.float32)
        vectors[rows >= 0] = self.table[rows[rows >= 0]]
        return vectors

    def coverage(self, counted: Mapping[str, int]) -> Coverage:
        """Count the words of a text by lookup form.

        Args:
            counted: Frequency of each word of the text.

        Returns:
            The coverage of its word types and of its tokens.
        """
        types, tokens = [0] * 4, [0] * 4
        for form, count in zip(
            self._find(list(counted))[1].tolist(), counted.values(), strict=True
        ):
            types[form] += 1
            tokens[form] += count
        return Coverage(Counts(*types), Counts(*tokens))

    def truncated(self, count: int, keep: Iterable[str] = ()) -> Vectors:
        """Return a table of the first rows, and of those needed to look up some words.

        Args:
            count: Number of first rows to keep.
            keep: Words whose rows are kept in any case.

        Returns:
            The rows in their order, copied to memory.
        """
        rows = np.union1d(np.arange(min(count, len(self))), self.rows(keep))
        rows = rows[rows >= 0].astype(np.intp)
        words = list(self.words)
        return Vectors([words[row] for row in rows], np.asarray(self.table[rows]), self.skipped)

    def to_float16(self) -> Vectors:
        """Convert the table to float16, the type that `save` writes.

        Training uses the converted table, so that the model receives the same numbers in use.

        Returns:
            The converted table; this object itself if it is float16 already.

        Raises:
            TaggerError: A number is too large for float16.
        """
        if self.table.dtype == np.float16:
            return self
        with np.errstate(over="ignore"):
            table = self.table.astype(np.float16)
        if len(wrong := np.flatnonzero(~np.isfinite(table).all(axis=1))):
            raise TaggerError(
                f"the vector of {self.words[wrong[0]]!r} has a number beyond "
                f"{np.finfo(np.float16).max:,.0f}, the maximum of float16, the type in which "
                "models store vectors; divide all vectors by their largest number"
            )
        return Vectors(self.words, table, self.skipped)

    def save(
        self, words_path: str | Path, table_path: str | Path, index_path: str | Path | None = None
    ) -> None:
        """Save words, table and lookup index, each file atomically.

        Args:
            words_path: Text file of the words in UTF-8, one per line, without a final line end.
            table_path: ``.npy`` file of the table in float16.
            index_path: ``.npy`` file of the lookup index (see `word_file.index_of`); None for none.

        Raises:
            TaggerError: A file cannot be written, or a number is too large for float16.
            ValueError: Two words have the same hash.
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
        """Load the files that `save` wrote.

        Args:
            words_path: Text file of the words; read into memory, but not parsed if there is an
                index.
            table_path: ``.npy`` file of the table, opened as a read-only memory map, of which only
                the rows in use are read.
            index_path: ``.npy`` file of the lookup index, or None.

        Returns:
            The table, float16.

        Raises:
            ValueError: The files cannot be read, have another format or do not match.
        """
        try:
            table = np.load(table_path, mmap_mode="r", allow_pickle=False)
        except Exception as error:  # NumPy raises many types of errors for ill-formed files
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
                f"{words_path}: not the words of {table_path}, one per line: {error}"
            ) from error


def merge(tables: Sequence[Vectors]) -> Vectors:
    """Merge tables into one, whose vectors are the concatenation of theirs.

    Each word of the union is looked up in each table by its forms; the part of a table without any
    of them is zero. Looking up any word in the merged table, in the union or not, thus yields the
    concatenated results of the tables. Proof: if i is the first form of a word in the union, no
    table contains an earlier form, and each table finds the word by its forms from i on. These are
    exactly the forms of form i, from which the merged row was made: ASCII digits have no case, and
    lower-casing is idempotent (a test covers all of Unicode).

    Args:
        tables: One or more tables.

    Returns:
        The table (N, sum of D) in memory, with the words in the order of their first occurrence;
        float16 if all tables are, else float32.

    Raises:
        ValueError: There are no tables.
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
            present = np.flatnonzero(rows[first : first + _BLOCK] >= 0) + first
            merged[present, end - table.dimension : end] = table.table[rows[present]]
    return Vectors(words, merged, sum(table.skipped for table in tables))
