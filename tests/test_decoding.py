"""The decoder against full enumeration (`reference_decoding`), and against what must hold at any
size.
"""

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from support import reference_decoding as reference
from support.reference_decoding import Array, Case, large_case, make_case

from tagger.decoding import (
    Segment,
    Transitions,
    log_partition,
    marginals,
    path_log_probability,
    segment_log_probabilities,
    viterbi,
)

IOBES = reference.iobes(["O", "B-x", "I-x", "E-x", "S-x"])
kinds = st.sampled_from(["IOBES", "IOB2", "real", "real with holes", "free"])


def cases(*impossible: float) -> st.SearchStrategy[Case]:
    """Small batches; `impossible`: the fractions of emissions that are -inf."""
    return st.builds(
        make_case,
        seed=st.integers(0, 2**32 - 1),
        kind=kinds,
        lengths=st.lists(st.integers(0, 4), max_size=5),
        padding=st.sampled_from([0.0, np.nan, np.inf, -np.inf, 1e30]),
        impossible=st.sampled_from(impossible),
    )


def has_path(case: Case) -> list[bool]:
    return [bool(reference.all_paths(e, case.transitions)) for e in case.sentences]


def random_segments(case: Case, seed: int, count: int = 20) -> list[Segment]:
    """Anywhere, with any tags, so that most are forbidden, and a few are parts of best paths."""
    generator = np.random.default_rng(seed)
    best = viterbi(*case.arguments)
    segments: list[Segment] = []
    for b in generator.permutation(np.repeat(np.flatnonzero(case.lengths), count)):
        start, end = sorted(
            generator.choice(int(case.lengths[b]) + 1, size=2, replace=False).tolist()
        )
        anything = generator.integers(len(case.transitions.start), size=end - start)
        segments.append(
            (int(b), start, best[b, start:end] if generator.random() < 0.5 else anything.tolist())
        )
    return segments


@given(cases(0.0, 0.1))
def test_everything_against_enumeration(case: Case) -> None:
    assume(all(has_path(case)))
    best, partition, tag_probabilities = (
        f(*case.arguments) for f in (viterbi, log_partition, marginals)
    )
    assert best.dtype == np.int32
    assert best.shape == case.emissions.shape[:2]
    assert partition.shape == case.lengths.shape
    assert tag_probabilities.shape == case.emissions.shape
    for b, emissions in enumerate(case.sentences):
        n = len(emissions)
        assert tuple(best[b, :n]) == reference.best_path(emissions, case.transitions)
        assert np.all(best[b, n:] == -1)
        assert partition[b] == pytest.approx(
            reference.log_partition(emissions, case.transitions), abs=1e-9
        )
        expected = reference.marginals(emissions, case.transitions)
        np.testing.assert_allclose(tag_probabilities[b, :n], expected, atol=1e-12)
        np.testing.assert_allclose(tag_probabilities[b, :n].sum(axis=1), 1.0, atol=1e-12)
        assert np.all(tag_probabilities[b, n:] == 0.0)


@given(cases(0.0, 0.1), st.integers(0, 1000))
def test_segments_against_enumeration(case: Case, seed: int) -> None:
    assume(all(has_path(case)))
    segments = random_segments(case, seed, count=5)
    found = segment_log_probabilities(*case.arguments, segments)
    assert found.shape == (len(segments),)
    for (b, start, tags), value in zip(segments, found, strict=True):
        expected = reference.segment_log_probability(
            case.sentences[b], case.transitions, start, tags
        )
        assert value <= 0.0
        assert value == pytest.approx(expected, abs=1e-9)


@given(cases(0.0, 0.1), st.integers(0, 1000))
def test_paths_against_enumeration(case: Case, seed: int) -> None:
    assume(all(has_path(case)))
    tags = np.random.default_rng(seed).integers(
        len(case.transitions.start), size=case.emissions.shape[:2]
    )
    for b, n in enumerate(case.lengths):
        tags[b, n:] = 99  # padding
    found = path_log_probability(*case.arguments, tags)
    for b, emissions in enumerate(case.sentences):
        score = reference.path_score(emissions, case.transitions, tuple(tags[b, : len(emissions)]))
        expected = score - reference.log_partition(emissions, case.transitions)
        assert found[b] == pytest.approx(expected, abs=1e-9)
    best = path_log_probability(*case.arguments, viterbi(*case.arguments))
    assert np.all(found <= best + 1e-9)


@given(cases(0.5, 0.7))
def test_a_sentence_without_a_path_is_named(case: Case) -> None:
    possible = has_path(case)
    assume(not all(possible))
    for function in (viterbi, log_partition, marginals):
        with pytest.raises(ValueError, match=rf"sentence {possible.index(False)}\b.*finite"):
            function(*case.arguments)
    with pytest.raises(ValueError, match=rf"sentence {possible.index(False)}\b.*finite"):
        segment_log_probabilities(*case.arguments, [(possible.index(False), 0, [0])])


@pytest.mark.parametrize("kind", ["IOBES", "real"])
@pytest.mark.parametrize("function", [viterbi, log_partition, marginals])
def test_a_sentence_does_not_depend_on_its_batch(kind: str, function: Any) -> None:
    case = large_case(kind)
    together = function(*case.arguments)
    order = np.random.default_rng(6).permutation(len(case.lengths))
    np.testing.assert_allclose(function(*case.only(order).arguments), together[order], atol=1e-12)
    for b, n in enumerate(case.lengths):
        alone = function(case.emissions[b : b + 1, :n], case.lengths[b : b + 1], case.transitions)[
            0
        ]
        np.testing.assert_allclose(
            alone, together[b, :n] if together.ndim > 1 else together[b], atol=1e-12
        )


@pytest.mark.parametrize("kind", ["IOBES", "real"])
def test_a_segment_does_not_depend_on_the_batch(kind: str) -> None:
    case = large_case(kind)
    segments = random_segments(case, seed=1, count=3)
    together = segment_log_probabilities(*case.arguments, segments)
    assert np.isfinite(together).any()
    for (b, start, tags), value in zip(segments, together, strict=True):
        alone = segment_log_probabilities(*case.only([b]).arguments, [(0, start, tags)])
        np.testing.assert_allclose(alone, value, atol=1e-11)


@pytest.mark.parametrize("kind", ["IOBES", "real"])
def test_a_product_may_be_done_in_parts_of_any_size(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = []
    for part in (1, 60, 1_000_000):
        monkeypatch.setattr("tagger.decoding.PART", part)
        results.append(
            [f(*large_case(kind).arguments) for f in (viterbi, log_partition, marginals)]
        )
    for one, sixty, whole in zip(*results, strict=True):
        np.testing.assert_allclose(one, whole, atol=1e-12)
        np.testing.assert_allclose(sixty, whole, atol=1e-12)


@pytest.mark.parametrize("kind", ["IOBES", "real"])
def test_segments_of_one_token_are_the_marginals_and_whole_ones_the_path(kind: str) -> None:
    case = large_case(kind)
    tokens: list[Segment] = [(b, t, [3]) for b, n in enumerate(case.lengths) for t in range(n)]
    single = np.exp(segment_log_probabilities(*case.arguments, tokens))
    expected = [marginals(*case.arguments)[b, t, 3] for b, t, _ in tokens]
    np.testing.assert_allclose(single, expected, atol=1e-12)
    best = viterbi(*case.arguments)
    scores = [
        reference.path_score(emissions, case.transitions, tuple(best[b, : len(emissions)]))
        for b, emissions in enumerate(case.sentences)
    ]
    found = path_log_probability(*case.arguments, best)
    np.testing.assert_allclose(found, scores - log_partition(*case.arguments), atol=1e-9)


@given(st.integers(0, 1000), st.lists(st.integers(0, 30), min_size=1, max_size=8))
def test_without_constraints_every_token_stands_alone(seed: int, lengths: list[int]) -> None:
    case = make_case(seed, "free", lengths, padding=np.nan)
    best, probabilities = viterbi(*case.arguments), marginals(*case.arguments)
    for b, emissions in enumerate(case.sentences):
        n = len(emissions)
        assert np.array_equal(best[b, :n], emissions.argmax(axis=1))
        softmax = np.exp(emissions - np.logaddexp.reduce(emissions, axis=1, keepdims=True))
        np.testing.assert_allclose(probabilities[b, :n], softmax, atol=1e-12)


@given(st.integers(0, 1000), kinds)
def test_of_equal_paths_the_first_wins(seed: int, kind: str) -> None:
    case = make_case(seed, kind, [4, 2, 3], padding=np.nan)
    sign = np.sign(case.transitions.transitions)
    tied = Transitions(
        np.where(np.isneginf(case.transitions.start), -np.inf, 0.0),
        np.where(np.isneginf(case.transitions.transitions), -np.inf, sign),
        np.where(np.isneginf(case.transitions.end), -np.inf, 0.0),
    )
    whole = Case(np.round(case.emissions / 3.0), case.lengths, tied)
    assume(all(has_path(whole)))
    best = viterbi(*whole.arguments)
    for b, emissions in enumerate(whole.sentences):
        assert tuple(best[b, : len(emissions)]) == reference.best_path(emissions, tied)


@pytest.mark.slow
@pytest.mark.parametrize("scale", [1.0, 1e4])
def test_ten_thousand_tokens(scale: float) -> None:
    generator = np.random.default_rng(3)
    transitions = IOBES
    emissions = -scale * generator.exponential(size=(2, 10_000, 5)).astype(np.float32)
    lengths = np.array([9_999, 10_000])
    probabilities = marginals(emissions, lengths, transitions)
    np.testing.assert_allclose(probabilities[1].sum(axis=1), 1.0, atol=1e-12)
    best = viterbi(emissions, lengths, transitions)
    assert np.all(np.isfinite(path_log_probability(emissions, lengths, transitions, best)))
    # Between two tokens that are certain, nothing depends on what is outside them.
    emissions[:, [5_000, 5_040]] = [0.0, -np.inf, -np.inf, -np.inf, -np.inf]
    whole = marginals(emissions, lengths, transitions)[0, 5_000:5_041]
    piece = marginals(emissions[:1, 5_000:5_041], np.array([41]), transitions)[0]
    np.testing.assert_allclose(whole, piece, atol=1e-9 * scale)


@pytest.mark.parametrize("offset", [-1e6, 0.0, 1e6])
def test_only_differences_of_scores_count(offset: float) -> None:
    case = large_case("IOBES")
    shifted = (case.emissions.astype(np.float64) + offset, case.lengths, case.transitions)
    np.testing.assert_allclose(marginals(*shifted), marginals(*case.arguments), atol=1e-6)
    expected = log_partition(*case.arguments) + offset * case.lengths
    np.testing.assert_allclose(log_partition(*shifted), expected, rtol=1e-12, atol=1e-9)


def test_constraints_win_against_any_evidence() -> None:
    emissions = np.full((1, 3, 5), -1e5, dtype=np.float32)
    emissions[0, :, 0] = 0.0  # everything speaks for O ...
    emissions[0, 1] = [
        -np.inf,
        -np.inf,
        -1e5,
        -np.inf,
        -np.inf,
    ]  # ... but the second token must be I-x
    arguments = emissions, np.array([3]), IOBES
    assert viterbi(*arguments).tolist() == [[1, 2, 3]]
    assert marginals(*arguments)[0].argmax(axis=1).tolist() == [1, 2, 3]
    np.testing.assert_allclose(marginals(*arguments)[0].max(axis=1), 1.0)
    np.testing.assert_allclose(log_partition(*arguments), -3e5)
    assert segment_log_probabilities(*arguments, [(0, 0, [1, 2, 3]), (0, 0, [0])]).tolist() == [
        0.0,
        -np.inf,
    ]


@pytest.mark.parametrize("shape", [(0, 0), (0, 7), (3, 0), (3, 7)])
def test_nothing_to_decode(shape: tuple[int, int]) -> None:
    emissions = np.full((*shape, 5), np.nan, dtype=np.float32)
    arguments = emissions, np.zeros(shape[0], dtype=int), IOBES
    assert viterbi(*arguments).tolist() == np.full(shape, -1).tolist()
    assert marginals(*arguments).tolist() == np.zeros((*shape, 5)).tolist()
    assert log_partition(*arguments).tolist() == [0.0] * shape[0]
    assert path_log_probability(*arguments, np.zeros(shape, dtype=int)).tolist() == [0.0] * shape[0]
    assert segment_log_probabilities(*arguments, []).shape == (0,)


def test_arguments_are_left_as_they_are() -> None:
    case = large_case("real")
    before = case.emissions.copy(), case.lengths.copy()
    for function in (viterbi, log_partition, marginals):
        function(*case.arguments)
    np.testing.assert_array_equal(case.emissions, before[0])
    np.testing.assert_array_equal(case.lengths, before[1])
    with pytest.raises(ValueError, match="read-only"):
        case.transitions.transitions[0, 0] = 1.0


FREE = Transitions.free(2)
ZEROS = np.zeros((2, 3, 2), dtype=np.float32)


@pytest.mark.parametrize(
    ("emissions", "lengths", "message"),
    [
        (ZEROS[0], [3, 3], r"emissions have shape \(3, 2\)"),
        (np.zeros((2, 3, 4)), [3, 3], r"expected \(B, T, 2\)"),
        (ZEROS, [3], "lengths"),
        (ZEROS, [3.0, 3.0], "integers"),
        (ZEROS, [3, 4], "expected 0 to 3"),
        (ZEROS, [-1, 3], "expected 0 to 3"),
        (ZEROS * np.nan, [0, 3], "sentence 1, token 0, tag 0: emission is nan"),
        (ZEROS + np.inf, [3, 3], "sentence 0, token 0, tag 0: emission is inf"),
        (ZEROS - np.inf, [0, 1], "sentence 1: none of the allowed"),
    ],
)
def test_what_cannot_be_decoded(emissions: Array, lengths: list[int], message: str) -> None:
    for function in (viterbi, log_partition, marginals):
        with pytest.raises(ValueError, match=message):
            function(emissions, np.array(lengths), FREE)


@pytest.mark.parametrize(
    "segment",
    [
        (0, 0, []),
        (0, -1, [0]),
        (0, 1, [0, 0]),
        (2, 0, [0]),
        (-1, 0, [0]),
        (1, 0, [0, 2]),
        (0, 0, [-1]),
    ],
)
def test_wrong_segments(segment: Segment) -> None:
    segments: list[Segment] = [(1, 0, [0, 1, 0]), segment, (1, 2, [1])]
    with pytest.raises(ValueError, match="segment 1, "):
        segment_log_probabilities(ZEROS, np.array([2, 3]), FREE, segments)


def test_paths_of_another_shape() -> None:
    with pytest.raises(ValueError, match="tags have shape"):
        path_log_probability(ZEROS, np.array([2, 3]), FREE, np.zeros((2, 2), dtype=int))


@pytest.mark.parametrize(
    ("start", "transitions", "end"),
    [
        ([0.0, 0.0], [[0.0, 0.0]], [0.0, 0.0]),
        ([0.0, 0.0], [[0.0, 0.0], [0.0, 0.0]], [0.0]),
        ([], np.zeros((0, 0)), []),
        ([0.0], [[np.nan]], [0.0]),
        ([np.inf], [[0.0]], [0.0]),
    ],
)
def test_wrong_transitions(start: Any, transitions: Any, end: Any) -> None:
    with pytest.raises(ValueError, match="expected"):
        Transitions(start, transitions, end)
