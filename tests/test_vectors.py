"""Word vectors: the fallback, trimming, saving, and a merged table that answers as its parts do."""

from __future__ import annotations

import io
import itertools
import pickle
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from support.paths import shared
from support.strategies import TOKENS, vector_tables
from support.strategies import vectors_by_number as by_number

from tagger.errors import TaggerError
from tagger.features import vectors
from tagger.features.vector_files import read
from tagger.features.vectors import Counts, Coverage, Vectors, merge


def _npz(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, array)
    return stream.getvalue()


IN_ONE_FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def test_the_fallback_goes_from_exact_to_lower_cased_to_digits() -> None:
    table = by_number(["paris", "Paris", "00", "10", "0th", "0TH"])
    assert table.rows(
        ["Paris", "PARIS", "10", "11", "5TH", "5th", "0TH", "London", "", "\u0665"]
    ).tolist() == [
        1,
        0,
        3,
        2,
        4,
        4,
        5,
        -1,
        -1,
        -1,
    ]
    assert table.rows([]).dtype == np.int32
    found = table.vectors_of(table.rows(["London", "paris"]))
    assert found.dtype == np.float32
    assert found.tolist() == [[0, 0], [1, 1.5]]
    assert by_number(["a"], dtype=np.float16).vectors_of(np.array([[-1, 0]])).shape == (1, 2, 2)
    counted = {"Paris": 5, "PARIS": 2, "11": 3, "5th": 1, "London": 4}
    assert table.coverage(counted) == Coverage(Counts(1, 1, 2, 1), Counts(5, 2, 4, 4))
    assert table.coverage(counted).types.found == 0.8
    assert table.coverage({}).tokens.found == 0


@pytest.mark.parametrize(
    ("words", "table", "message"),
    [
        (["a"], np.eye(2, dtype="f4"), "1 words but 2 vectors"),
        (["a", "a"], np.eye(2, dtype="f4"), "the word 'a' is repeated"),
        (["a", "b\n"], np.eye(2, dtype="f4"), "contains a line break"),
        (["a"], np.eye(1), "expected a table"),
        (["a"], np.ones(1, dtype="f4"), "expected a table"),
        (["a"], np.ones((1, 0), dtype="f4"), "expected a table"),
    ],
)
def test_words_and_table_must_fit(words: list[str], table: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Vectors(words, table)


def test_trimming_keeps_the_first_and_the_wanted() -> None:
    table = by_number(["the", "of", "paris", "000", "rare", "Rare"])
    part = table.truncated(1, ["Rare", "PARIS", "123", "unknown", "the"])
    assert part.words == ["the", "paris", "000", "Rare"]
    for word in ["the", "Rare", "PARIS", "123", "unknown"]:
        np.testing.assert_array_equal(
            part.vectors_of(part.rows([word])), table.vectors_of(table.rows([word]))
        )
    assert table.truncated(99).words == table.words
    assert len(table.truncated(0)) == 0
    assert table.truncated(0).vectors_of(np.array([-1])).tolist() == [[0, 0]]


@IN_ONE_FOLDER
@given(wanted=vector_tables(), count=st.integers(0, 6))
def test_saved_and_loaded(wanted: Vectors, count: int, tmp_path: Path) -> None:
    words, table = tmp_path / "words.txt", tmp_path / "vectors.npy"
    part = wanted.truncated(count)
    part.save(words, table)
    found = Vectors.load(words, table)
    assert isinstance(found.table, np.memmap)
    assert found.table.dtype == np.float16
    assert found.words == part.words
    np.testing.assert_array_equal(found.table, part.table.astype(np.float16))
    found.save(words, table)  # over the file that it is mapped from
    assert sorted(path.name for path in tmp_path.iterdir()) == ["vectors.npy", "words.txt"]
    for kept in (part.to_float16(), found.truncated(count)):
        assert type(kept.table) is np.ndarray
        np.testing.assert_array_equal(kept.table, part.table.astype(np.float16))


def test_what_float16_cannot_hold_is_not_saved(tmp_path: Path) -> None:
    assert by_number(["a"]).to_float16().table.dtype == np.float16
    large = Vectors(["a", "b"], np.array([[65504], [-1e5]], dtype=np.float32))
    with pytest.raises(TaggerError, match="the vector of 'b' has a number beyond 65,504"):
        large.save(tmp_path / "words", tmp_path / "table")
    assert list(tmp_path.iterdir()) == []


def test_bad_saved_files(tmp_path: Path) -> None:
    words, table = tmp_path / "words", tmp_path / "table"
    by_number(["a", "b"]).save(words, table)
    good = table.read_bytes()
    for content in (b"a", b"a\nb\n", b"a\na", b"a\n\xff", b""):
        words.write_bytes(content)
        with pytest.raises(ValueError, match=r"words: not the words of .*table, one per line: "):
            Vectors.load(words, table)
    for bad in (
        b"",
        good[:-1],
        pickle.dumps([1]),
        _npz(np.eye(1)),
        b"x" + good,
        good.replace(b"<f2", b"|O0"),
    ):
        table.write_bytes(bad)
        with pytest.raises(
            ValueError,
            match=r"table: (not a table of numbers in NumPy's format|expected an \.npy file of "
            r"float16)",
        ):
            Vectors.load(words, table)
    with table.open("wb") as stream:
        np.save(stream, np.eye(2))
    with pytest.raises(ValueError, match="found float64"):
        Vectors.load(words, table)
    with pytest.raises(ValueError, match="No such file"):
        Vectors.load(words, tmp_path / "absent")


# Few letters, so that forms meet; İ, ẞ and Σ are lower-cased to more characters, to a rarer one,
# and by what stands around.
TIGHT = st.text("aA01\u0130\u1e9e\u03a3\u03c3\u03c2\u0665\u0307", min_size=1, max_size=3)
TIGHT_TABLES = st.tuples(st.lists(TIGHT, max_size=8, unique=True), st.integers(1, 3)).map(
    lambda drawn: by_number(*drawn)
)


@settings(max_examples=200)
@given(
    parts=st.lists(TIGHT_TABLES, min_size=1, max_size=3), words=st.lists(TIGHT | TOKENS, max_size=8)
)
@example(
    parts=[by_number(["A0"]), by_number(["a1"])], words=["A1"]
)  # were digits tried in cased words, "A1" would be lost in the union
def test_a_merged_table_answers_as_its_parts_do(parts: list[Vectors], words: list[str]) -> None:
    union = merge(parts)
    assert union.words == list(
        dict.fromkeys(itertools.chain.from_iterable(part.words for part in parts))
    )
    queries = [*words, *union.words, *map(str.upper, union.words)]
    wanted = np.concatenate([part.vectors_of(part.rows(queries)) for part in parts], axis=1)
    np.testing.assert_array_equal(union.vectors_of(union.rows(queries)), wanted)


def test_lower_casing_twice_is_lower_casing_once() -> None:
    """Of every character alone; and no lower-cased one is a Σ, the one whose lower case depends on
    its neighbours.
    """
    for number in range(sys.maxunicode + 1):
        lowered = chr(number).lower()
        assert lowered.lower() == lowered
        assert "\u03a3" not in lowered


def test_merging(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vectors, "_BLOCK", 2)
    union = merge(
        [
            by_number(["a", "b", "c"], 1, np.float16),
            by_number(["B", "c", "0", "d", "7"], 2, np.float16),
        ]
    )
    assert union.words == ["a", "b", "c", "B", "0", "d", "7"]
    assert union.table.dtype == np.float16
    wanted = [[1, 0, 0], [2, 0, 0], [3, 2, 2.5], [2, 1, 1.5], [0, 3, 3.5], [0, 4, 4.5], [0, 5, 5.5]]
    assert union.table.tolist() == wanted
    assert merge([by_number(["a"], 1, np.float16), by_number(["a"])]).table.dtype == np.float32
    with pytest.raises(ValueError, match="no tables"):
        merge([])


@pytest.mark.slow
def test_the_shared_tables_cover_what_is_known_of_them() -> None:
    """Figures of the folder's README, in per cent of tokens as they are or lower-cased. By our
    count its 98.0 is 97.95.
    """
    names = ("glove.6B.50d.npz", "glove.6B.100d.partial.npz")
    corpus = shared("corpora", "conll2003")
    known = {"eng.train": (97.7, 86.3), "eng.testa": (98.0, 87.1), "eng.testb": (97.1, 83.2)}
    parts = [read(shared("vectors", name)) for name in names]
    assert [(len(part), part.dimension, part.table.dtype.name) for part in parts] == [
        (400_000, 50, "float16"),
        (341_479, 100, "float16"),
    ]
    union = merge(parts)
    assert (len(union), union.dimension) == (400_000, 150)
    for split, figures in known.items():
        lines = (corpus / split).read_text(encoding="utf-8").splitlines()
        counted = Counter(
            line.split()[0] for line in lines if line and not line.startswith("-DOCSTART-")
        )
        for part, figure in zip(parts, figures, strict=True):
            tokens = part.coverage(counted).tokens
            assert 100 * (tokens.exact + tokens.lowered) / sum(tokens) == pytest.approx(
                figure, abs=0.06
            )
        wanted = np.concatenate([part.vectors_of(part.rows(counted)) for part in parts], axis=1)
        np.testing.assert_array_equal(union.vectors_of(union.rows(counted)), wanted)
