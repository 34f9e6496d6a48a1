"""What grows with the input: counted in calls and sizes, never in seconds."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
from support.paths import GOLDEN
from support.tiny import BY_HEART, settings_in

import tagger
from tagger.bundles import tagger_files as bundles
from tagger.export.word_session import WordSession
from tagger.inference import long_words, word_cache
from tagger.inference import member as members
from tagger.inference.decoder import Decoder
from tagger.inference.member import batches_of, window_tokens
from tagger.inference.word_cache import WordCache
from tagger.text import alignment, schemes
from tagger.text.alignment import CharacterSpan
from tagger.text.spans import Span
from tagger.training import trainer


def tags_of(labels: int) -> tuple[str, ...]:
    """Return the tags of so many labels."""
    return schemes.tag_set([f"L{number:04}" for number in range(labels)], "IOBES")


# -- labels


@pytest.mark.slow
def test_three_hundred_labels_are_trained_and_predicted(tmp_path: Path) -> None:
    names = [f"L{number:03}" for number in range(300)]
    sentences = [f"met O\nfirst{name} B-{name}\nlast{name} I-{name}\n" for name in names]
    settings = settings_in(
        tmp_path,
        *BY_HEART,
        "model.units=32",
        "model.embedding=64",
        "model.characters=0",
        "training.epochs=1",
        "training.batch_tokens=64",
        "training.epoch_tokens=27000",
        train="\n".join(sentences),
    )
    trainer.train(settings, tmp_path / "run")
    with tagger.load(tmp_path / "run") as model:
        assert model.labels == names
        assert len(model.bundle.tags) == 1201
        assert model.decoder.in_states
        tagged = model.tag_tokens([["met", f"first{name}", f"last{name}"] for name in names])
        assert [sentence.spans for sentence in tagged] == [(Span(1, 3, name),) for name in names]
        [probabilities] = [each for _, each in model.distributions(tagged[:1])]
        np.testing.assert_allclose(probabilities.sum(axis=1), 1)
        assert [model.bundle.tags[number] for number in probabilities.argmax(axis=1)] == [
            "O", "B-L000", "E-L000",
        ]  # fmt: skip


def test_a_softmax_over_many_tags_needs_no_table_of_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schemes, "transition_table", None)
    for plain_tags in (False, True):
        decoder = Decoder(tags_of(2000), plain_tags=plain_tags)
        decoder.decode(np.zeros((1, 2, 8001), dtype=np.float32), np.array([2]))
        decoder.marginals(np.zeros((1, 2, 8001), dtype=np.float32), np.array([2]))


def test_a_table_of_pairs_asks_for_each_tag_and_each_pair_of_prefixes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    may_follow = Mock(side_effect=schemes.may_follow)
    monkeypatch.setattr(schemes, "may_follow", may_follow)
    start, between, end = schemes.transition_table(tags_of(100), "IOBES")
    assert may_follow.call_count == 2 * 401 + 2 * 5 * 5
    assert (start.sum(), between.sum(), end.sum()) == (201, 201 * 201 + 200 * 2, 201)


@pytest.mark.parametrize("use", [Decoder.decode, Decoder.marginals])
def test_memory_of_decoding_grows_with_the_tags_and_not_with_their_pairs(
    use: Callable[..., Any],
) -> None:
    def peak(labels: int) -> int:
        decoder = Decoder(tags_of(labels), plain_tags=False)
        emissions = np.zeros((4, 8, 4 * labels + 1), dtype=np.float32)
        tracemalloc.start()
        use(decoder, emissions, np.full(4, 8))
        _, highest = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return highest

    assert peak(800) < 2.2 * peak(400)


@pytest.mark.parametrize("tags", [17, 2001, 20_001])
def test_windows_and_batches_are_bounded_by_tokens_and_by_scores(tags: int) -> None:
    sentences = [["word"] * length for length in range(1, 50)] * 100
    batches = batches_of(sentences, tags)
    sizes = [len(batch.lengths) * int(batch.lengths.max()) for batch in batches]
    assert sum(len(batch.lengths) for batch in batches) == len(sentences)
    assert max(sizes) <= members.TOKEN_BUDGET
    assert max(sizes) * tags <= members.BATCH_SCORES
    assert window_tokens(tags) <= members.WINDOW_TOKENS
    assert window_tokens(tags) * tags <= members.WINDOW_SCORES
    assert batches_of([["word"] * 100_000], tags)[0].lengths.tolist() == [100_000]


# -- characters


class Recorder:
    """Features of words that record the sizes of their inputs."""

    def __init__(self, words: WordSession) -> None:
        self._words = words
        self.sizes: list[int] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._words, name)

    def features(self, inputs: dict[str, np.ndarray]) -> np.ndarray:
        self.sizes.append(inputs["characters"].size)
        return self._words.features(inputs)


@pytest.fixture
def cache() -> WordCache:
    bundle = bundles.load(GOLDEN)
    return WordCache(bundle, Recorder(WordSession(bundle)))  # type: ignore[arg-type]


def features(cache: WordCache, words: list[str]) -> np.ndarray:
    """Return the features of words that are not in the cache."""
    cache.clear()
    encoded = cache.encode([words])
    return np.asarray(encoded.features[encoded.tokens])


def test_a_word_of_a_million_characters_is_read_in_pieces(cache: WordCache) -> None:
    giant = "Mira" * 250_000
    words = ["Mira", giant, "met", "x" * 20_000, *(f"word{number}" for number in range(100))]
    together = features(cache, words)
    assert max(cache.words.sizes) <= 2 * word_cache.CHARACTERS  # type: ignore[attr-defined]
    np.testing.assert_array_equal(together[1:2], features(cache, [giant]))
    ordinary = features(cache, [words[0], *words[2:3], *words[4:]])
    np.testing.assert_array_equal(together[[0, 2, *range(4, 104)]], ordinary)


def test_a_word_read_in_pieces_has_the_features_of_the_graph(
    cache: WordCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = np.random.default_rng(3)
    letters = [*"abcdeMOQ-1\u00e9\u4e2d"]
    words = ["".join(draw.choice(letters, size)) for size in (1, 2, 3, 7, 8, 9, 15, 16, 17, 40)]
    expected = features(cache, words)
    monkeypatch.setattr(word_cache, "CHARACTERS", 0)
    for piece in (1, 2, 7, 1000):
        monkeypatch.setattr(long_words, "_PIECE", piece)
        cache.words.sizes.clear()  # type: ignore[attr-defined]
        np.testing.assert_allclose(features(cache, words), expected, rtol=1e-5, atol=1e-6)
        assert cache.words.sizes == [2] * (len(words) + 1)  # type: ignore[attr-defined]


# -- sentences


class Counted(list[CharacterSpan]):
    """A list that counts the spans that are read from it."""

    reads = 0

    def __iter__(self) -> Iterator[CharacterSpan]:
        for span in super().__iter__():
            self.reads += 1
            yield span

    def __getitem__(self, index: Any) -> Any:
        self.reads += 1
        return super().__getitem__(index)


@pytest.mark.parametrize("number", [10, 1000])
def test_each_span_of_a_document_is_read_once(number: int) -> None:
    sentences = [[(10 * n, 10 * n + 4), (10 * n + 5, 10 * n + 9)] for n in range(number)]
    spans = Counted(CharacterSpan(10 * n, 10 * n + 4, "PER") for n in range(number))
    assert list(alignment._merged(sentences, spans)) == sentences
    assert spans.reads == number


def test_sentences_are_joined_where_any_span_crosses_their_boundary() -> None:
    sentences = [[(10 * n, 10 * n + 9)] for n in range(6)]
    # A long span with a short one inside, and a span that ends at a boundary.
    spans = [CharacterSpan(0, 25, "A"), CharacterSpan(1, 3, "B"), CharacterSpan(30, 39, "C")]
    joined = list(alignment._merged(sentences, spans))
    assert [len(offsets) for offsets in joined] == [3, 1, 1, 1]
