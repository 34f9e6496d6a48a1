"""A trained model at work: nothing lost, nothing mixed up, and probabilities that are
probabilities.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.paths import GOLDEN

import tagger
from tagger.inference import document_consistency as agreement
from tagger.inference import member as members
from tagger.inference import pipeline, word_cache
from tagger.inference.member import EnsembleMember
from tagger.inference.predictor import Predictor
from tagger.text import schemes
from tagger.text.spans import Sentence, Span

KNOWN = st.sampled_from(
    ["Mira", "Okafor", "met", "Leila", "in", "Quito", ".", "Borealis", "Labs", "The", "train"]
)
TOKENS = st.lists(
    KNOWN | st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6), max_size=25
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"])) | st.lists(KNOWN).map(" ".join)


@cache
def golden() -> Predictor:
    return tagger.load(GOLDEN)


def facts(sentence: Sentence) -> list[tuple[int, int, str]]:
    return [(span.start, span.end, span.label) for span in sentence.spans or ()]


def scores(sentence: Sentence) -> list[float]:
    return [span.score for span in sentence.spans or () if span.score is not None]


@settings(deadline=None, max_examples=25)
@given(st.lists(TOKENS, max_size=12))
def test_tokens_in_are_tags_out(sentences: list[list[str]]) -> None:
    found = golden().tag_tokens(sentences)
    assert [sentence.tokens for sentence in found] == [tuple(tokens) for tokens in sentences]
    for sentence in found:
        assert sentence.spans is not None
        assert sentence.tags is None
        assert all(
            score is not None and 0 < score <= 1
            for score in [span.score for span in sentence.spans]
        )
        ends = [0, *(span.end for span in sentence.spans)]
        assert all(
            end <= span.start < span.end <= len(sentence)
            for end, span in zip(ends, sentence.spans, strict=False)
        )
        assert all(span.label in golden().labels for span in sentence.spans)


@settings(deadline=None, max_examples=60)
@given(TEXTS)
def test_offsets_are_exact_and_no_character_is_lost(text: str) -> None:
    covered = [False] * len(text)
    for sentence in golden().tag(text):
        assert len(sentence)
        for token, (start, end) in zip(sentence.tokens, sentence.offsets or (), strict=True):
            assert text[start:end] == token
            assert not any(covered[start:end])
            covered[start:end] = [True] * (end - start)
        for span in sentence.spans or ():
            assert span.start_char is not None
            assert text[span.start_char : span.end_char] == span.text
    assert all(seen or character.isspace() for seen, character in zip(covered, text, strict=True))


@settings(deadline=None, max_examples=15)
@given(st.lists(TOKENS, min_size=1, max_size=12))
def test_a_batch_gives_what_each_sentence_alone_gives(sentences: list[list[str]]) -> None:
    for together, tokens in zip(golden().tag_tokens(sentences), sentences, strict=True):
        alone = golden().tag_tokens([tokens])[0]
        assert scores(together) == pytest.approx(scores(alone), abs=1e-4)
        assert facts(together) == facts(alone)


def test_batches_of_every_size_give_the_same(
    predictor: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = np.random.default_rng(7)
    words = [*predictor.bundle.features.words.words[:400], "unseen", "Æther"]
    sentences = [
        [words[i] for i in random.integers(len(words), size=size)]
        for size in random.integers(0, 40, size=60)
    ]
    monkeypatch.setattr(agreement, "CHUNK_SENTENCES", 16)
    whole = predictor.tag_tokens(sentences)
    assert sum(len(sentence.spans or ()) for sentence in whole) > 20
    for window, budget in ((1, 1), (100, 30), (300, 1000)):
        monkeypatch.setattr(members, "WINDOW_TOKENS", window)
        monkeypatch.setattr(members, "TOKEN_BUDGET", budget)
        parts = predictor.tag_tokens(sentences)
        assert [sentence.tokens for sentence in parts] == [tuple(tokens) for tokens in sentences]
        assert list(map(facts, parts)) == list(map(facts, whole))
        for one, other in zip(parts, whole, strict=True):
            assert scores(one) == pytest.approx(scores(other), abs=1e-4)


def test_words_are_forgotten_when_they_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory does not grow with the input; and what a word is, is the same however often it was
    forgotten.
    """
    sentences = [[f"word{number}", "met", "Leila", "in", "Quito"] for number in range(40)]
    whole = golden().tag_tokens(sentences)
    monkeypatch.setattr(word_cache, "LEXICON", 10)
    monkeypatch.setattr(members, "WINDOW_TOKENS", 20)
    parts = golden().tag_tokens(sentences)
    assert list(map(facts, parts)) == list(map(facts, whole))
    assert [score for one in parts for score in scores(one)] == pytest.approx(
        [s for one in whole for s in scores(one)], abs=1e-4
    )
    assert len(golden().members[0].words.word_encoder) < 10 + 4 * 5 + 1


def test_sentences_come_while_the_input_is_being_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(members, "WINDOW_TOKENS", 3)
    monkeypatch.setattr(agreement, "CHUNK_SENTENCES", 3)
    read = 0

    def endless() -> Iterator[Sentence]:
        nonlocal read
        while True:
            read += 1
            yield Sentence((f"word{read}",))

    found = tagger.load(GOLDEN, threads=1).predict(endless())
    assert [next(found).tokens for _ in range(5)] == [(f"word{number}",) for number in range(1, 6)]
    assert read == 3 * (
        2 + pipeline.PREFETCH_PER_THREAD
    )  # two windows at work or done, and those that are encoded meanwhile


def test_empty_sentences_without_end_come_too() -> None:
    assert len(next(golden().predict(itertools.repeat(Sentence(()))))) == 0


@pytest.mark.parametrize("sentences", [[], [[]], [[], [], []], [[], ["Quito"], []]])
def test_empty_sentences(sentences: list[list[str]]) -> None:
    found = golden().tag_tokens(sentences)
    assert [len(sentence) for sentence in found] == [len(tokens) for tokens in sentences]
    assert all(sentence.spans == () for sentence in found if not len(sentence))


@pytest.mark.parametrize("text", ["", " ", "\n\n", "\u00a0\u2003\x1f"])
def test_a_text_without_a_token_has_no_sentence(text: str) -> None:
    assert golden().tag(text) == []


def test_own_annotations_are_replaced_and_the_rest_is_kept() -> None:
    given_ = Sentence(
        ("Nobody", "met", "Leila"), spans=(Span(0, 1, "X"),), tags=("a", "b", "c"), record=None
    )
    [found] = golden().predict([given_])
    assert (facts(found), found.tags) == ([(2, 3, "PER")], None)
    assert facts(given_) == [(0, 1, "X")]


def test_a_probability_is_that_of_all_paths_with_the_span() -> None:
    """Against sums over every tag sequence that IOBES allows (which a sentence of four tokens still
    lets us list).
    """
    tokens, model = ["Mira", "Okafor", "left", "Porto"], golden()
    [(_, _, emissions)] = model.members[0].batches([tokens])
    emissions = np.asarray(emissions[0], dtype=np.float64)
    tags = model.bundle.tags
    total, with_span = 0.0, dict.fromkeys(facts(model.tag_tokens([tokens])[0]), 0.0)
    assert len(with_span) > 1
    for path in itertools.product(range(len(tags)), repeat=len(tokens)):
        names = [tags[number] for number in path]
        if schemes.first_violation(names, "IOBES") is None:
            probability = float(
                np.exp(sum(emissions[step, number] for step, number in enumerate(path)))
            )
            total += probability
            for span in {
                (span.start, span.end, span.label) for span in schemes.decode(names, "IOBES")
            } & set(with_span):
                with_span[span] += probability
    expected = [value / total for value in with_span.values()]
    assert scores(model.tag_tokens([tokens])[0]) == pytest.approx(expected, abs=1e-5)


def test_plain_tags() -> None:
    """A model of plain tags gives one for every token and no spans; here by the weights of the
    golden one.
    """
    tags = tuple(f"T{number}" for number in range(len(golden().bundle.tags)))
    plain = dataclasses.replace(golden().bundle, scheme="plain", tags=tags)
    model = Predictor(EnsembleMember(plain, golden().members[0].network))
    assert model.labels == list(plain.tags)
    sentences = [["Mira", "met", "Leila"], [], ["x"] * 50, ["Quito"]]
    found = model.tag_tokens(sentences)
    assert [sentence.tokens for sentence in found] == [tuple(tokens) for tokens in sentences]
    assert all(sentence.spans is None and sentence.tags is not None for sentence in found)
    [(_, _, emissions)] = model.members[0].batches(sentences[:1])
    assert found[0].tags == tuple(plain.tags[number] for number in emissions[0].argmax(axis=-1))
    [sentence] = model.tag("Mira met Leila")
    assert sentence.tags == found[0].tags
