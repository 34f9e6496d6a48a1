"""Words that are found by their hashes give what a dictionary gives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagger.features import word_file
from tagger.features.vectors import Vectors
from tagger.features.word_file import WordFile, index_of

WORDS = st.lists(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n"), max_size=5),
    unique=True,
    max_size=30,
)


def stored(words: list[str]) -> WordFile:
    return WordFile("\n".join(words).encode(), index_of(words))


@given(WORDS, st.lists(st.text(max_size=5), max_size=20))
def test_rows_are_those_of_a_dictionary(words: list[str], others: list[str]) -> None:
    if words == [""]:  # a file of one empty word is an empty file
        return
    file, asked = stored(words), [*words, *others, *(word[:-1] for word in words)]
    known = {word: row for row, word in enumerate(words)}
    assert list(file) == words
    assert file.rows(asked).tolist() == [known.get(word, -1) for word in asked]


@given(WORDS.filter(lambda words: words != [""]), st.lists(st.text(max_size=5), max_size=20))
def test_a_table_answers_the_same_however_its_words_are_kept(
    words: list[str], others: list[str]
) -> None:
    table, asked = (
        np.ones((len(words), 2), dtype=np.float16),
        [*words, *map(str.upper, words), *others],
    )
    kept = Vectors(stored(words), table)
    np.testing.assert_array_equal(kept.rows(asked), Vectors(words, table).rows(asked))
    assert kept.coverage(dict.fromkeys(asked, 2)) == Vectors(words, table).coverage(
        dict.fromkeys(asked, 2)
    )


def test_a_word_with_the_hash_of_another_is_not_taken_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file, hashes = stored(["one", "two"]), word_file._hashes
    monkeypatch.setattr(
        word_file,
        "_hashes",
        lambda words: hashes([b"two" if word == b"other" else word for word in words]),
    )
    assert file.rows(["two", "other", "one", "tw", "twos"]).tolist() == [1, -1, 0, -1, -1]


def test_two_words_of_one_hash_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        word_file, "_hashes", lambda words: np.zeros(len(list(words)), dtype=np.uint64)
    )
    with pytest.raises(ValueError, match="'a' and 'b' have the same hash"):
        index_of(["a", "b"])


@pytest.mark.parametrize(
    "index",
    [
        np.zeros((3, 1), np.uint64),
        np.zeros((2, 2), np.uint64),
        np.zeros((3, 2), np.int64),
        np.zeros(3, np.uint64),
        np.full((3, 2), 2, np.uint64),
        np.array([[0, 1], [0, 1], [0, 99]], np.uint64),
    ],
)
def test_an_index_of_other_words_is_refused(index: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"expected|other words"):
        WordFile(b"one\ntwo", index)
