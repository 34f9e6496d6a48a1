"""Search for targets: equal to enumeration where that is possible, with exact probabilities."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from support import small_seq2seq as small

from tagger.bundles.seq2seq import Seq2SeqBundle
from tagger.errors import TaggerError
from tagger.features.vocabulary import UNK
from tagger.seq2seq import decoding
from tagger.seq2seq.decoding import decode, limit_of
from tagger.seq2seq.model import OnOnnx, Seq2SeqModel
from tagger.seq2seq.search import EOS, Hypothesis, log_probabilities, search

CASES: list[dict[str, Any]] = [
    {},
    {"decoder": {"attention": "none"}},
    {"model": {"cell": "lstm"}, "decoder": {"cell": "lstm", "layers": 2}},
]
SOURCES = ["ab", "dcba", "", "b", "ab"]


def probable(bundle: Seq2SeqBundle, source: str, limit: int) -> list[tuple[tuple[int, ...], float]]:
    """Return all targets of up to so many symbols with their log-probabilities, the best first."""
    found = [
        (ids, small.log_probability(bundle, source, ids))
        for ids in small.all_targets(bundle, limit)
    ]
    return sorted(found, key=lambda pair: -pair[1])


@pytest.mark.parametrize("options", CASES, ids=str)
def test_a_beam_that_is_never_full_equals_enumeration(
    options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = 3
    monkeypatch.setattr(decoding, "limit_of", lambda length: limit)
    bundle = small.bundle_of(**options)
    sources = [tuple(source) for source in SOURCES]
    found = decode(OnOnnx(bundle), bundle.features, sources, beam=100, count=40)
    for source, targets in zip(SOURCES, found, strict=True):
        expected = probable(bundle, source, limit) if source else []
        assert [one.ids for one in targets] == [ids for ids, _ in expected]
        np.testing.assert_allclose(
            [one.log_probability for one in targets], [value for _, value in expected], atol=1e-4
        )
        assert [one.at_limit for one in targets] == [len(ids) == limit for ids, _ in expected]


@pytest.mark.parametrize("options", CASES, ids=str)
@pytest.mark.parametrize("beam", [1, 2, 3])
def test_log_probabilities_are_those_of_the_network_whatever_the_beam(
    options: dict[str, Any], beam: int
) -> None:
    bundle = small.bundle_of(2, **options)
    sources = [tuple(source) for source in SOURCES if source]
    found = decode(OnOnnx(bundle), bundle.features, sources, beam=beam, count=beam)
    for source, targets in zip(sources, found, strict=True):
        assert 1 <= len(targets) <= beam
        assert UNK not in itertools.chain.from_iterable(one.ids for one in targets)
        for one in targets:
            expected = small.log_probability(bundle, "".join(source), one.ids)
            assert one.log_probability == pytest.approx(expected, abs=1e-4)
            assert one.at_limit == (len(one.ids) == limit_of(len(source)))
        values = [one.log_probability for one in targets]
        assert values == sorted(values, reverse=True)


def test_a_beam_of_one_is_greedy() -> None:
    bundle = small.bundle_of(3)
    ends = 0
    for source in ("a", "bd", "cab", "ddd", "acbd"):
        encoded, last = small.encode(bundle, source)
        states, ids, previous = small.initial_states(bundle, last), list[int](), 0
        while len(ids) < limit_of(len(source)):
            values, states = small.distribution(bundle, previous, states, encoded)
            values[UNK] = -np.inf
            previous = int(np.argmax(values))
            if previous == EOS:
                ends += 1
                break
            ids.append(previous)
        [[found]] = decode(OnOnnx(bundle), bundle.features, [tuple(source)])
        assert found.ids == tuple(ids)
    assert ends  # not all of them are cut


def test_sources_together_equal_each_alone() -> None:
    bundle = small.bundle_of(4, model={"cell": "lstm"}, decoder={"cell": "lstm"})
    sources = [tuple(source) for source in ("a", "abcdabcd", "dd", "abc", "cbcbcbcbcbcbcb")]
    together = decode(OnOnnx(bundle), bundle.features, sources, beam=4, count=3)
    for source, targets in zip(sources, together, strict=True):
        [alone] = decode(OnOnnx(bundle), bundle.features, [source], beam=4, count=3)
        assert [one.ids for one in alone] == [one.ids for one in targets]
        np.testing.assert_allclose(
            [one.log_probability for one in alone],
            [one.log_probability for one in targets],
            atol=1e-5,
        )


@given(some.data())
@settings(max_examples=50, deadline=None)
def test_search_equals_enumeration_for_any_table_of_probabilities(data: some.DataObject) -> None:
    """The next symbol depends on the one before and on the time; there is no network."""
    random = np.random.default_rng(data.draw(some.integers(0, 10_000)))
    size, limit = data.draw(some.integers(3, 4)), data.draw(some.integers(0, 3))
    table = random.normal(0, 3, (limit + 1, size, size))

    def step(
        previous: np.ndarray, states: np.ndarray, rows: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        times = states[0, :, 0].astype(int)
        return table[times, previous], states + 1

    values = table - np.log(np.exp(table).sum(axis=-1, keepdims=True))
    expected = []
    for length in range(limit + 1):
        for ids in itertools.product(range(2, size), repeat=length):
            pairs = zip((0, *ids), (*ids, EOS), strict=True)
            expected.append((sum(values[t, a, b] for t, (a, b) in enumerate(pairs)), ids))
    expected.sort(reverse=True)
    count = data.draw(some.integers(1, 5))
    [found] = search(step, np.zeros((1, 1, 1)), [limit], beam=200, count=count)
    assert [one.ids for one in found] == [ids for _, ids in expected[:count]]
    np.testing.assert_allclose(
        [one.log_probability for one in found], [value for value, _ in expected[:count]]
    )


def test_a_search_ends_as_soon_as_no_continuation_can_be_better() -> None:
    steps = []

    def step(
        previous: np.ndarray, states: np.ndarray, rows: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        steps.append(len(rows))
        return np.tile([5.0, 0.0, 1.0, 0.0], (len(rows), 1)), states

    [found] = search(step, np.zeros((1, 1, 1)), [50], beam=3)
    assert found == [Hypothesis((), log_probabilities(np.array([[5.0, 0, 1, 0]]))[0, 0], False)]
    assert steps == [1]


def test_unknown_symbols_are_left_out_without_changing_the_others() -> None:
    logits = np.array([[1.0, 30.0, 2.0, 0.5]], dtype=np.float32)
    values = log_probabilities(logits)[0]
    assert values[UNK] == -np.inf
    assert np.exp(values).sum() < 1e-10  # nothing is renormalized


def test_a_model_says_what_is_wrong_with_its_arguments() -> None:
    model = Seq2SeqModel(small.bundle_of())
    for beam, count in ((1, 2), (0, 0), (3, 0)):
        with pytest.raises(TaggerError, match="a beam of at least as many"):
            model.predict(["ab"], beam=beam, count=count)
    with pytest.raises(TaggerError, match="must be a string, found 7"):
        model.predict([7])
    with pytest.raises(TaggerError, match="1 sets of features for 2 sources"):
        model.predict(["a", "b"], features=[{}])
    assert model.predict([]) == []
    assert model.predict([""]) == [[]]
    featured = Seq2SeqModel(small.bundle_of(data={"features": "pos,case"}))
    with pytest.raises(TaggerError, match="lacks the feature 'case'"):
        featured.predict(["a"], features=[{"pos": "NOUN"}])
    assert featured.symbols("ab", {"pos": "NOUN", "case": 2}) == ("pos=NOUN", "case=2", "a", "b")
