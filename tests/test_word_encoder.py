"""Sentences to arrays: what a batch says of its distinct words equals what a slow look at each word
says; shapes of words.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.inputs import characters_of, features_of, vectors_of
from support.strategies import TOKENS

from tagger.features.batches import Batch, bucket, collate, round_up_shapes
from tagger.features.encode import WordEncoder, WordFeatures
from tagger.features.normalization import normalize
from tagger.features.shapes import SHAPES, shape_of
from tagger.features.vectors import Vectors
from tagger.features.vocabulary import PAD, Vocabulary

TRAIN = [["the", "cat", "sat", "O"], ["The", "1996", "B-PER"], ["é", "a b"]]
WORDS = Vocabulary.build(TRAIN)
CHARACTERS = Vocabulary.build(WORDS.words)
VECTORS = Vectors(
    ["the", "anna", "0", "#", "e\u0301"], np.arange(1, 11, dtype=np.float16).reshape(5, 2)
)
ALL = features_of(WORDS, CHARACTERS, shapes=True, vectors=VECTORS)
SENTENCES = st.lists(st.lists(TOKENS | st.text(max_size=30), max_size=6), max_size=5)


def check(
    inputs: dict[str, np.ndarray], sentences: Sequence[Sequence[str]], features: WordFeatures
) -> None:
    """All that stands there of each token is what stands there of its word alone; of padding there
    is nothing.
    """
    tokens = inputs["tokens"]
    distinct = list(dict.fromkeys(word for sentence in sentences for word in sentence))
    assert tokens.dtype == inputs["words"].dtype == np.int32
    assert len(inputs["words"]) == len(distinct) + 1
    assert sorted(set(tokens.ravel().tolist()) | {0}) == list(range(len(distinct) + 1))
    where: dict[str, int] = {}
    for row, sentence in zip(
        tokens, [*sentences, *[[]] * (len(tokens) - len(sentences))], strict=True
    ):
        assert not row[len(sentence) :].any()
        for number, word in zip(row, sentence, strict=False):
            assert number > 0
            assert where.setdefault(word, number) == number
    assert len(set(where.values())) == len(where)
    expected_names = {"tokens", "words"}
    for token, number in where.items():
        word = normalize(token)
        assert inputs["words"][number] == features.words.ids([word])[0]
        if "characters" in features.inputs:
            expected_names.add("characters")
            expected = characters_of(features).ids(word).tolist()
            row = inputs["characters"][number].tolist()
            assert row == expected + [PAD] * (len(row) - len(expected))
        if "shapes" in features.inputs:
            expected_names.add("shapes")
            assert inputs["shapes"][number] == shape_of(word)
        if "vectors" in features.inputs:
            expected_names.add("vectors")
            vectors = vectors_of(features)
            expected_vector = vectors.vectors_of(vectors.rows([word]))[0]
            np.testing.assert_array_equal(inputs["vectors"][number], expected_vector)
    if where:
        assert inputs.keys() == expected_names
    assert not any(array[0].any() for name, array in inputs.items() if name != "tokens")
    if "characters" in inputs:
        assert inputs["characters"].shape[1] == max(
            [1, *(len(normalize(word)) for word in distinct)]
        )  # nothing is cut, nor is more padded than must be


def matrix(word_ids: Sequence[np.ndarray], rows: int = 0, time: int = 1) -> np.ndarray:
    padded = np.zeros((max(rows, len(word_ids)), max([time, *map(len, word_ids)])), dtype=np.int32)
    for row, array in zip(padded, word_ids, strict=False):
        row[: len(array)] = array
    return padded


@given(SENTENCES, st.booleans(), st.booleans(), st.booleans())
@example([["the"] * 3, [], ["the", "x" * 500, ""]], True, True, True)
def test_inputs_equal_a_look_at_each_word(
    sentences: list[list[str]], characters: bool, shapes: bool, vectors: bool
) -> None:
    features = features_of(
        WORDS, CHARACTERS if characters else None, shapes, VECTORS if vectors else None
    )
    word_encoder = WordEncoder(features)
    word_ids = word_encoder.word_ids(sentences)
    assert [len(row) for row in word_ids] == [len(sentence) for sentence in sentences]
    assert len(word_encoder) == 1 + len({word for sentence in sentences for word in sentence})
    check(
        word_encoder.inputs(matrix(word_ids, rows=len(sentences) + 2)), sentences, features
    )  # two rows are padding


@given(st.lists(SENTENCES, max_size=4), st.booleans())
def test_growing_gives_what_learning_at_once_gives(
    windows: list[list[list[str]]], between: bool
) -> None:
    once, growing = WordEncoder(ALL), WordEncoder(ALL)
    sentences = [sentence for window in windows for sentence in window]
    expected = once.word_ids(sentences)
    found: list[np.ndarray] = []
    for window in windows:
        found += growing.word_ids(window)
        if between:
            growing.inputs(matrix(found))
    assert len(growing) == len(once)
    for mine, its in zip(found, expected, strict=True):
        np.testing.assert_array_equal(mine, its)
    for subset in (found, found[1:], found[::2]):
        wanted = once.inputs(matrix(subset))
        for name, array in growing.inputs(matrix(subset)).items():
            np.testing.assert_array_equal(array, wanted[name])


@given(SENTENCES, SENTENCES)
def test_after_clear_nothing_is_left(first: list[list[str]], second: list[list[str]]) -> None:
    word_encoder = WordEncoder(ALL)
    word_encoder.word_ids(first)
    word_encoder.clear()
    assert len(word_encoder) == 1
    word_ids = word_encoder.word_ids(second)
    check(word_encoder.inputs(matrix(word_ids)), second, ALL)


def test_a_sentence_may_come_from_an_iterator() -> None:
    word_ids = WordEncoder(ALL).word_ids(iter([("the", "cat"), ("the",)]))
    assert [array.tolist() for array in word_ids] == [[1, 2], [1]]


def reference_batch(
    indices: Sequence[int], sentences: list[list[str]], tags: list[list[int]]
) -> Batch:
    """The batch as one would write it down."""
    chosen = [sentences[index] for index in indices]
    time = max([1, *map(len, chosen)])
    present = sorted({word for sentence in chosen for word in sentence}, key=ORDER.index)
    places = {word: place for place, word in enumerate(present, 1)}
    tokens = [
        [places[word] for word in sentence] + [0] * (time - len(sentence)) for sentence in chosen
    ]
    longest = max([1, *map(len, present)])
    characters = [
        [CHARACTERS.ids(c)[0] for c in word] + [0] * (longest - len(word))
        for word in ["", *present]
    ]
    return Batch(
        indices=np.array(indices),
        lengths=np.array([len(sentence) for sentence in chosen]),
        inputs={
            "tokens": np.array(tokens).reshape(len(chosen), time),
            "words": np.array([PAD, *WORDS.ids(present)]),
            "characters": np.array(characters),
            "shapes": np.array([PAD, *map(shape_of, present)]),
            "vectors": np.concatenate(
                [np.zeros((1, 2)), VECTORS.vectors_of(VECTORS.rows(present))]
            ),
        },
        tags=np.array([tags[index] + [0] * (time - len(tags[index])) for index in indices]).reshape(
            len(chosen), time
        ),
    )


SOME = [["the", "cat"], [], ["The", "cat", "Anna", "cat"], ["1996"], ["#" * 40, "the"], ["é"]]
TAGS = [[5, 6], [], [7, 8, 9, 1], [2], [3, 4], [6]]
ORDER = list(
    dict.fromkeys(word for sentence in SOME for word in sentence)
)  # in which the word_encoder has met them


@pytest.mark.parametrize(
    "indices", [[0], [1], [2, 0], [5, 4, 3, 2, 1, 0], [1, 1], [0, 0, 3]], ids=str
)
@pytest.mark.parametrize("budget", [0, 16])
def test_a_batch_equals_one_written_down(indices: list[int], budget: int) -> None:
    word_encoder = WordEncoder(ALL)
    word_ids = word_encoder.word_ids(SOME)
    tags = [np.array(row, dtype=np.int32) for row in TAGS]
    found = collate(np.array(indices), word_encoder, word_ids, tags, token_budget=budget)
    expected = reference_batch(indices, SOME, TAGS)
    np.testing.assert_array_equal(found.lengths, expected.lengths)
    assert found.tokens == sum(expected.lengths)
    assert found.inputs.keys() == expected.inputs.keys()
    assert found.tags is not None
    assert expected.tags is not None
    arrays = {**found.inputs, "tags": found.tags}
    for name, array in {**expected.inputs, "tags": expected.tags}.items():
        if not budget:
            assert arrays[name].shape == array.shape
        np.testing.assert_array_equal(arrays[name][tuple(map(slice, array.shape))], array)
        assert np.count_nonzero(arrays[name]) == np.count_nonzero(array)  # what is more is padding
    assert found.tags.shape == found.inputs["tokens"].shape
    assert collate(np.array(indices), word_encoder, word_ids).tags is None


@given(SENTENCES.filter(bool))
def test_few_shapes_add_nothing_but_padding(sentences: list[list[str]]) -> None:
    word_encoder = WordEncoder(ALL)
    inputs = word_encoder.inputs(matrix(word_encoder.word_ids(sentences)))
    enlarged = round_up_shapes(inputs)
    assert enlarged.keys() == inputs.keys()
    for name, array in inputs.items():
        large = enlarged[name]
        assert large.dtype == array.dtype
        assert len(array) <= len(large) < 2 * len(array)
        assert len(large).bit_count() == 1
        if name in ("tokens", "characters"):
            assert large.shape[1] % 8 == 0
            assert large.shape[1] - array.shape[1] < 8
        elif array.ndim > 1:
            assert large.shape[1:] == array.shape[1:]
        np.testing.assert_array_equal(large[tuple(map(slice, array.shape))], array)
        assert np.count_nonzero(large) == np.count_nonzero(array)
    again = round_up_shapes(enlarged)
    assert all(again[name].shape == enlarged[name].shape for name in enlarged)


def test_fixed_shapes_are_few() -> None:
    word_encoder = WordEncoder(ALL)
    word_ids = word_encoder.word_ids([["the", "cat"] * 15][0][:length] for length in range(1, 31))
    lengths = [len(row) for row in word_ids]
    batches = [
        collate(indices, word_encoder, word_ids, token_budget=64)
        for indices in bucket(lengths, np.arange(30), 64)
    ]
    shapes = {batch.inputs["tokens"].shape for batch in batches}
    assert {time for _, time in shapes} == {8, 16, 24, 32}
    assert len(shapes) <= 2 * 4


# -- shapes of words


@given(TOKENS | st.text(max_size=8))
def test_a_shape_is_a_number_below_shapes_and_no_padding(word: str) -> None:
    assert 0 < shape_of(word) < SHAPES


@pytest.mark.parametrize(
    "alike",
    [
        ["the", "o'er", "él", "straße", "x-y", "don't"],
        ["The", "A", "Él", "O'", "I"],
        ["THE", "U.S.", "ÉL", "AT&T"],
        ["eBay", "McDonald", "iOS", "O'Neil", "d'Arc"],
        ["-", "...", "日本", "\u0301", "", "#"],
        ["1996", "٣", "0"],
        ["4-6", "1,000", "10%"],
        ["F-16F", "G8X"],
        ["F-16", "A4"],
        ["2nd", "1980s"],
    ],
    ids=lambda words: words[0],
)
def test_words_of_a_kind_have_a_shape_of_their_own(alike: list[str]) -> None:
    assert len({shape_of(word) for word in alike}) == 1
    others = {
        shape_of(word)
        for word in ("the", "The", "THE", "eBay", "-", "1996", "4-6", "F-16F", "F-16", "2nd")
    }
    assert len(others) == 10
    assert shape_of(alike[0]) in others


@given(st.text("abcäß", min_size=2, max_size=6), st.text("0123456789", min_size=1, max_size=3))
def test_case_and_digits_tell_apart(word: str, digits: str) -> None:
    shapes = [
        shape_of(form) for form in (word, word[0].upper()[0] + word[1:], digits, word + digits)
    ]
    assert len(set(shapes)) == 4
    assert shape_of(word.upper() + digits) not in shapes
