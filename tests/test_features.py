"""Vocabulary, <UNK>, and which sentences share a batch; what stands in one is the matter of
test_word_encoder.py.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagger.features.batches import bucket, shuffled_buckets
from tagger.features.inputs.base import replace_rare
from tagger.features.vocabulary import PAD, UNK, Vocabulary

SENTENCES = [["the", "cat", "sat"], ["the", "dog"], ["the", "cat", "<UNK>"]]


def test_numbers_begin_after_pad_and_unknown_commonest_first() -> None:
    vocabulary = Vocabulary.build(SENTENCES)
    assert len(vocabulary) == 7
    assert vocabulary.ids(["the", "cat", "wolf"]).tolist() == [2, 3, UNK]


def test_a_token_that_is_written_like_a_reserved_one_has_its_own_number() -> None:
    assert Vocabulary.build(SENTENCES).ids(["<UNK>"]).tolist() != [UNK]


def test_minimum_count_and_maximum_size_leave_the_rest_unknown() -> None:
    assert Vocabulary.build(SENTENCES, minimum_count=2).words == ["the", "cat"]
    assert Vocabulary.build(SENTENCES, maximum_size=1).words == ["the"]


@given(st.lists(st.lists(st.text(min_size=1), max_size=5), max_size=5))
def test_json_round_trip(sentences: list[list[str]]) -> None:
    vocabulary = Vocabulary.build(sentences)
    assert Vocabulary.from_json(vocabulary.to_json()) == vocabulary


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        '{"words": ["a"]}',
        '{"words": ["a", "a"], "counts": [1, 1]}',
        '{"words": ["a"], "counts": []}',
    ],
)
def test_other_json_is_refused(text: str) -> None:
    json.loads(text)
    with pytest.raises(ValueError, match=r"expected|repeated|counts"):
        Vocabulary.from_json(text)


def test_only_rare_words_become_unknown_and_about_as_often_as_asked() -> None:
    vocabulary = Vocabulary.build(SENTENCES)
    words = np.tile(vocabulary.ids(["the", "cat", "sat", "dog"]), (2000, 1))
    words[:, 1] = PAD
    replaced = replace_rare(words, vocabulary.rare(1), 0.5, np.random.default_rng(0))
    np.testing.assert_array_equal(replaced[:, :2], words[:, :2])
    assert 0.45 < np.mean(replaced[:, 2:] == UNK) < 0.55
    assert np.all((replaced == words) | (replaced == UNK))


lengths_lists = st.lists(st.integers(0, 40), min_size=1, max_size=60)


@given(lengths_lists, st.integers(1, 200), st.integers(0, 3))
def test_an_epoch_has_every_sentence_once_within_the_budget(
    lengths: list[int], budget: int, epoch: int
) -> None:
    batches = shuffled_buckets(lengths, budget, (1, epoch))
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(lengths)))
    for batch in batches:
        longest = max(max(lengths[index] for index in batch), 1)
        assert len(batch) == 1 or longest * len(batch) <= budget


@given(lengths_lists, st.integers(1, 200), st.integers(0, 3))
def test_padding_is_at_most_so_many_sentences_and_no_batch_could_have_the_next_one_too(
    lengths: list[int], budget: int, padding: int
) -> None:
    order = np.argsort(lengths, kind="stable")
    batches = list(bucket(lengths, order, budget, padding))
    assert np.concatenate(batches).tolist() == order.tolist()

    def fits(indices: Sequence[int] | np.ndarray) -> bool:
        found = [max(lengths[index], 1) for index in indices]
        padded = max(found) * len(found)
        return padded <= budget and padded - sum(found) <= padding * max(found)

    for batch, following in zip(batches, [*batches[1:], None], strict=True):
        assert len(batch) == 1 or fits(batch)
        assert following is None or not fits([*batch, following[0]])


@given(lengths_lists, st.integers(1, 200))
def test_the_longest_batch_comes_first_and_all_epochs_have_as_many(
    lengths: list[int], budget: int
) -> None:
    first, second = (shuffled_buckets(lengths, budget, (1, epoch)) for epoch in (0, 1))
    assert len(first) == len(second)
    assert max(lengths[index] for index in first[0]) == max(lengths)


def test_order_depends_on_the_seed_alone() -> None:
    lengths = np.random.default_rng(0).integers(1, 30, 200)
    orders = [
        np.concatenate(shuffled_buckets(lengths, 100, seed)).tolist()
        for seed in ((1, 0), (1, 0), (1, 1), (2, 0))
    ]
    assert orders[0] == orders[1]
    assert orders[0] != orders[2]
    assert orders[0] != orders[3]
