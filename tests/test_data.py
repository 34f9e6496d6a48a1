"""The batches of a training: what they hold of the corpus, and what of it looks unknown now and
then.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from support.inputs import characters_of, features_of

from tagger.config.tagger import Config, override
from tagger.features.encode import WordFeatures
from tagger.features.inputs.characters import RARE
from tagger.features.token_states import TokenStates
from tagger.features.vectors import Vectors
from tagger.features.vocabulary import UNK, Vocabulary
from tagger.text.spans import Sentence, Span
from tagger.training.inputs.batches import Batches

WORDS = [f"w{chr(97 + number)}" * 2 for number in range(20)]
SENTENCES = [
    Sentence(
        tuple(WORDS[(first + step) % 20] for step in range(1 + first % 4)), spans=(Span(0, 1, "X"),)
    )
    for first in range(40)
] + [Sentence(("rare", "Ω"), spans=())]
TAGS = ("O", "B-X", "I-X", "E-X", "S-X")
VOCABULARY = Vocabulary.build(sentence.tokens for sentence in SENTENCES)
VECTORS = Vectors([*WORDS, "rare"], np.arange(1, 43, dtype=np.float16).reshape(21, 2))
FEATURES = features_of(VOCABULARY, Vocabulary.build(VOCABULARY.words), True, VECTORS)
PLAIN = [
    "vocabulary.unknown_probability=0",
    "vocabulary.word_dropout=0",
    "training.batch_tokens=24",
    "training.epoch_tokens=0",
]


def batches(*changes: str, epoch: int = 0, features: WordFeatures = FEATURES) -> Batches:
    return Batches(SENTENCES, features, TAGS, override(Config(), [*PLAIN, *changes]), epoch=epoch)


def flat(data: Batches) -> list[dict[str, np.ndarray]]:
    return [
        {**inputs, "tags": tags} for inputs, tags in (data[number] for number in range(len(data)))
    ]


def same(one: list[dict[str, np.ndarray]], other: list[dict[str, np.ndarray]]) -> bool:
    return len(one) == len(other) and all(
        mine.keys() == its.keys() and all(np.array_equal(mine[name], its[name]) for name in mine)
        for mine, its in zip(one, other, strict=True)
    )


def test_every_sentence_stands_once_in_an_epoch_with_its_tags() -> None:
    data = batches()
    assert data.tokens == sum(map(len, SENTENCES))
    found = []
    for number, (inputs, tags) in enumerate(data[number] for number in range(len(data))):
        assert tags.shape == inputs["tokens"].shape
        assert len(tags) * (tags.shape[1] - (number == 0)) <= 24
        words = inputs["words"][inputs["tokens"]]
        for row, targets in zip(words, tags, strict=True):
            length = np.count_nonzero(row)
            found.append(
                (
                    tuple(VOCABULARY.words[number - 2] for number in row[:length]),
                    targets[:length].tolist(),
                )
            )
            assert not targets[length:].any()
    expected = [
        (s.tokens, [4 if s.spans and place == 0 else 0 for place in range(len(s))])
        for s in SENTENCES
    ]
    assert sorted(found) == sorted(expected)


def test_an_epoch_is_determined_by_seed_and_number_alone() -> None:
    changes = ["vocabulary.unknown_probability=0.5", "vocabulary.word_dropout=0.3"]
    data = batches(*changes)
    first = flat(data)
    assert same(flat(data), first)
    data.on_epoch_end()
    second = flat(data)
    assert not same(second, first)
    assert same(flat(batches(*changes, epoch=1)), second)  # as a resumed training has it
    assert not same(flat(batches(*changes, "training.seed=2")), first)
    backwards = batches(*changes)
    last = len(backwards) - 1
    assert same(
        [{**backwards[last][0], "tags": backwards[last][1]}], first[-1:]
    )  # whatever batch was asked for before


def shares(
    changes: Sequence[str], epochs: int = 40
) -> tuple[dict[int, float], dict[int, float], dict[int, float]]:
    """Of each word how often it is <UNK> and how often its vector is zero, over some epochs; then
    of each character.
    """
    words: dict[int, int] = {}
    unknown: dict[int, int] = {}
    zero: dict[int, int] = {}
    characters: dict[int, list[bool]] = {}
    for epoch in range(epochs):
        honest, masked = batches(epoch=epoch), batches(*changes, epoch=epoch)
        for number in range(len(honest)):
            before, after = honest[number][0], masked[number][0]
            assert before.keys() == after.keys()
            for name in ("tokens", "shapes"):
                np.testing.assert_array_equal(before[name], after[name])
            assert all(array[0].sum() == 0 for name, array in after.items() if name != "tokens")
            for row, word in enumerate(before["words"][1:], 1):
                assert after["words"][row] in (word, UNK)
                words[word] = words.get(word, 0) + 1
                unknown[word] = unknown.get(word, 0) + (after["words"][row] == UNK)
                zero[word] = zero.get(word, 0) + (not after["vectors"][row].any())
            for was, now in zip(
                before["characters"].ravel(), after["characters"].ravel(), strict=True
            ):
                assert now in (was, UNK)
                characters.setdefault(was, []).append(now != was)
    return (
        {word: unknown[word] / count for word, count in words.items()},
        {word: zero[word] / count for word, count in words.items()},
        {character: float(np.mean(changed)) for character, changed in characters.items()},
    )


def test_rare_words_and_characters_become_unknown() -> None:
    unknown, _, characters = shares(["vocabulary.unknown_probability=0.5"])
    rare = set(VOCABULARY.ids(["rare", "Ω"]).tolist())
    assert {word for word, share in unknown.items() if share} == rare
    assert all(0.2 < unknown[word] < 0.8 for word in rare)
    alphabet = characters_of(FEATURES)
    seldom = {number for number, count in enumerate(alphabet.counts, 2) if count <= RARE}
    assert {character for character, share in characters.items() if share} == seldom
    assert alphabet.ids("w")[0] not in seldom  # which stands in most words


def test_word_dropout_takes_the_number_but_leaves_vector_and_characters() -> None:
    unknown, zero, characters = shares(["vocabulary.word_dropout=0.4"])
    known = set(VOCABULARY.ids(WORDS).tolist())
    assert np.mean([unknown[word] for word in known]) == pytest.approx(0.4, abs=0.1)
    assert zero == shares([])[1]  # that of a word without one
    assert not any(characters.values())


def test_nothing_is_disguised_where_that_is_not_wished() -> None:
    """And what the word_encoder keeps is not changed by what a batch was made to look like."""
    unknown, *_ = shares([], epochs=1)
    assert not any(unknown.values())
    data = batches("vocabulary.word_dropout=1", "vocabulary.unknown_probability=1")
    flat(data)
    inputs = data.word_encoder.inputs(data.word_ids[0][None])
    assert inputs["words"][1:].min() > UNK
    assert inputs["vectors"][1:].all()


def test_the_first_batch_is_wider_than_all_others() -> None:
    """Else Keras, on TensorFlow, would refuse what is longer than the first two batches."""
    data = batches()
    shapes = [
        (inputs["tokens"].shape[1], inputs["characters"].shape[1])
        for inputs, _ in (data[n] for n in range(len(data)))
    ]
    assert all(
        first > other for shape in shapes[1:] for first, other in zip(shapes[0], shape, strict=True)
    )
    assert data[0][1].shape == data[0][0]["tokens"].shape


def test_every_epoch_has_as_many_batches_whatever_mentions_are_replaced() -> None:
    data = batches("training.epoch_tokens=500", "training.mention_replacement=0.9")
    counts = set()
    for _ in range(4):
        read = [data[number] for number in range(len(data))]
        counts.add(
            (len(read), sum(int((inputs["tokens"] > 0).any(axis=1).sum()) for inputs, _ in read))
        )
        data.on_epoch_end()
    assert counts == {(len(data), data.passes * len(SENTENCES))}


def test_batches_of_a_small_corpus_are_small_unless_language_models_read_it() -> None:
    states = [np.zeros((len(sentence), 3), dtype=np.float16) for sentence in SENTENCES]
    contexts = TokenStates(("a model",), (3,), (states,))
    settings = override(Config(), ["training.epoch_tokens=0"])
    found = []
    for known in (None, contexts):
        data = Batches(SENTENCES, FEATURES, TAGS, settings, contexts=known)
        found.append(
            [
                inputs["tokens"].size
                for inputs, _ in (data[number] for number in range(1, len(data)))
            ]
        )
    without, reading = found
    assert without
    assert max(without) <= 128
    assert not reading  # all sentences are in one batch, which is the first


def test_features_may_be_few() -> None:
    (inputs, _) = batches("vocabulary.word_dropout=0.5", features=features_of(VOCABULARY))[0]
    assert inputs.keys() == {"tokens", "words"}
