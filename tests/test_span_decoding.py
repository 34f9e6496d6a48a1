"""Spans with their probabilities, the best set of them, and the best sequences, against full
enumeration (`reference_decoding`).
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import reference_decoding as reference
from support.reference_decoding import Array

from tagger import best_sequences as sequences
from tagger import decoding, scheme_decoding, span_decoding
from tagger.decoding import Transitions
from tagger.inference import decoder as decoders
from tagger.inference.decoder import Decoder
from tagger.span_decoding import Spans
from tagger.text import schemes

TAGS = {count: list(schemes.tag_set(list("xyz")[:count], "IOBES")) for count in (1, 2)}
Sentence = dict[tuple[int, int, str], float]


def ids_of(tags: list[str]) -> Array:
    """Return the ids of B, I, E and S of each label."""
    labels = sorted({tag[2:] for tag in tags} - {""})
    return np.array(
        [
            [tags.index(name) if (name := f"{p}-{label}") in tags else -1 for p in "BIES"]
            for label in labels
        ]
    )


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[str], Array, Array, Transitions]:
    """Tags, emissions, lengths, and transitions that are learned or only constrained."""
    tags = TAGS[draw(st.sampled_from(sorted(TAGS)))]
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    lengths = np.array(draw(st.lists(st.integers(0, 4), min_size=1, max_size=2)), dtype=int)
    shape = (len(lengths), int(lengths.max()) + draw(st.integers(0, 1)), len(tags))
    emissions = generator.normal(scale=draw(st.sampled_from([0.5, 2.0])), size=shape)
    if draw(st.booleans()):
        emissions[generator.random(shape) < 0.1] = -np.inf
        emissions[..., 0] = 0.0  # a path exists
    emissions[np.arange(shape[1]) >= lengths[:, None]] = np.nan
    transitions = reference.iobes(tags)
    if draw(st.booleans()):
        learned = reference.real(generator, len(tags))
        transitions = Transitions(
            *(
                getattr(transitions, name) + getattr(learned, name)
                for name in ("start", "transitions", "end")
            )
        )
    return tags, emissions, lengths, transitions


def is_learned(transitions: Transitions) -> bool:
    return bool(np.any(transitions.end[np.isfinite(transitions.end)]))


def named(spans: Spans, tags: list[str], count: int) -> list[Sentence]:
    """Return the probability of each span of each sentence."""
    labels = sorted({tag[2:] for tag in tags} - {""})
    found: list[Sentence] = [{} for _ in range(count)]
    for sentence, start, end, label, p in zip(*(column.tolist() for column in spans), strict=True):
        found[sentence][start, end, labels[label]] = p
    return found


@settings(deadline=None)
@given(cases(), st.sampled_from([1e-9, 0.01, 0.1, 0.3, 0.5, 0.9]))
def test_all_spans_against_enumeration(
    case: tuple[list[str], Array, Array, Transitions], floor: float
) -> None:
    tags, emissions, lengths, transitions = case
    general = span_decoding.span_probabilities(emissions, lengths, transitions, ids_of(tags), floor)
    found = [general]
    if not is_learned(transitions):
        packed = scheme_decoding.pack_iobes(emissions, lengths, len(tags))
        found.append(span_decoding.span_probabilities_in_states(packed, floor))
    for spans in found:
        keys = list(zip(*(column.tolist() for column in spans[:4]), strict=True))
        assert keys == sorted(set(keys))
        for b, sentence in enumerate(named(spans, tags, len(lengths))):
            expected = reference.span_probabilities(emissions[b, : lengths[b]], transitions, tags)
            for span, p in expected.items():
                if abs(p - floor) > 1e-9:
                    assert (span in sentence) == (p >= floor), (span, p)
            for span, p in sentence.items():
                assert p == pytest.approx(expected[span], abs=1e-10)
                assert p <= 1


@pytest.mark.parametrize("floor", [0.0, -0.1, 1.1, float("nan")])
def test_a_floor_is_a_probability_above_0(floor: float) -> None:
    packed = scheme_decoding.pack_iobes(np.zeros((1, 1, 5)), np.array([1]), 5)
    with pytest.raises(ValueError, match="expected a floor above 0 and at most 1, got"):
        span_decoding.span_probabilities_in_states(packed, floor)


def test_tags_that_do_not_exist_are_in_no_span() -> None:
    tags = ["O", "B-x", "E-x", "S-y"]
    emissions = np.zeros((1, 2, 4))
    spans = span_decoding.span_probabilities(
        emissions, np.array([2]), reference.iobes(tags), ids_of(tags), 1e-9
    )
    # O O, O S, S O, S S, B E
    assert named(spans, tags, 1) == [
        {
            (0, 1, "y"): pytest.approx(0.4),
            (0, 2, "x"): pytest.approx(0.2),
            (1, 2, "y"): pytest.approx(0.4),
        }
    ]


def test_a_long_span_of_many_labels_is_found_in_a_batch() -> None:
    tags = list(schemes.tag_set([f"l{number}" for number in range(40)], "IOBES"))
    emissions = np.zeros((2, 300, len(tags)))
    place = {tag: number for number, tag in enumerate(tags)}
    emissions[0, :, place["O"]] = 40
    emissions[1, :, place["I-l7"]] = 40
    emissions[1, 0, place["B-l7"]] = emissions[1, 299, place["E-l7"]] = 80
    packed = scheme_decoding.pack_iobes(emissions, np.array([300, 300]), len(tags))
    spans = span_decoding.span_probabilities_in_states(packed, 0.5)
    assert [column.tolist() for column in spans[:4]] == [[1], [0], [300], [place["B-l7"] // 4]]
    assert spans.probability[0] == pytest.approx(1)


@given(
    st.lists(
        st.tuples(
            st.integers(0, 1), st.integers(0, 4), st.integers(1, 3), st.integers(0, 1),
            st.floats(0, 1),
        ),
        max_size=7,
        unique_by=lambda span: span[:4],
    ),
    st.tuples(st.floats(0, 1), st.floats(0, 1)),
)  # fmt: skip
def test_the_best_set_against_enumeration(
    rows: list[tuple[int, int, int, int, float]], thresholds: tuple[float, float]
) -> None:
    rows = sorted((b, start, start + size, label, p) for b, start, size, label, p in rows)
    columns = [list(column) for column in zip(*rows, strict=True)] or [[]] * 5
    b, start, end, label = (np.array(column, dtype=int) for column in columns[:4])
    spans = Spans(b, start, end, label, np.array(columns[4], dtype=float))
    chosen = span_decoding.best_set(spans, thresholds)
    assert chosen.tolist() == sorted(set(chosen.tolist()))
    for sentence in (0, 1):
        own = {
            (start, end, "xy"[label]): p for row, start, end, label, p in rows if row == sentence
        }
        total, sets = reference.best_sets(own, dict(zip("xy", thresholds, strict=True)))
        found = [rows[place] for place in chosen.tolist() if rows[place][0] == sentence]
        assert all(one[2] <= other[1] for one, other in itertools.pairwise(found))
        assert sum(p - thresholds[label] for *_, label, p in found) == pytest.approx(total)
        if len(sets) == 1:
            assert {(start, end, "xy"[label]) for _, start, end, label, _ in found} in sets


@settings(deadline=None)
@given(cases(), st.integers(1, 6))
def test_the_best_sequences_against_enumeration(
    case: tuple[list[str], Array, Array, Transitions], count: int
) -> None:
    tags, emissions, lengths, transitions = case
    followers = [sequences.followers_of(transitions)]
    if not is_learned(transitions):
        followers.append(sequences.followers_in_iobes(len(tags) // 4))
    for each in followers:
        found = sequences.best_sequences(emissions, lengths, each, count)
        np.testing.assert_array_equal(
            found.tags[:, 0], decoding.viterbi(emissions, lengths, transitions)
        )
        for b, length in enumerate(lengths.tolist()):
            paths = reference.all_paths(emissions[b, :length], transitions)
            expected = sorted(paths.values(), reverse=True)[:count]
            exists = np.isfinite(found.scores[b])
            assert exists.tolist() == [rank < len(expected) for rank in range(count)]
            np.testing.assert_allclose(found.scores[b][exists], expected, atol=1e-9)
            mine = [tuple(path[:length].tolist()) for path in found.tags[b][exists]]
            assert len(set(mine)) == len(mine)
            for path, score in zip(mine, expected, strict=True):
                assert paths[path] == pytest.approx(score, abs=1e-9)
            assert np.all(found.tags[b, ~exists] == -1)
            assert np.all(found.tags[b, :, length:] == -1)


@given(st.integers(1, 4), st.integers(0, 3), st.integers(1, 20))
def test_equally_good_sequences_come_in_the_order_of_their_tags(
    tags: int, length: int, count: int
) -> None:
    emissions, free = np.zeros((1, length, tags)), Transitions.free(tags)
    found = sequences.best_sequences(
        emissions, np.array([length]), sequences.followers_of(free), count
    )
    expected = sorted(reference.all_paths(emissions[0], free))[:count]
    assert [tuple(path) for path in found.tags[0, : len(expected)].tolist()] == expected


def test_a_sentence_without_a_sequence_is_named() -> None:
    emissions = np.zeros((2, 1, 5))
    emissions[1] = -np.inf
    with pytest.raises(ValueError, match="sentence 1: none of the allowed tag sequences"):
        sequences.best_sequences(emissions, np.array([1, 1]), sequences.followers_in_iobes(1), 2)


@settings(deadline=None)
@given(cases(), st.sampled_from([0.5, 1.0, 1.7]))
def test_a_decoder_divides_all_scores_by_its_temperature(
    case: tuple[list[str], Array, Array, Transitions], temperature: float
) -> None:
    tags, emissions, lengths, transitions = case
    tables = [
        np.where(np.isneginf(table), 0, table)
        for table in (transitions.start, transitions.transitions, transitions.end)
    ]
    tempered = Transitions(
        *(getattr(transitions, name) / temperature for name in ("start", "transitions", "end"))
    )
    learned = Decoder(tags, plain_tags=False, scores=tables)
    decoders_of_case = [learned.at(temperature)]
    if not is_learned(transitions):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(decoders, "MANY_TAGS", 0)
            many = Decoder(tags, plain_tags=False).at(temperature)
            assert many.in_states
        decoders_of_case.append(many)
    for decoder in decoders_of_case:
        spans = decoder.spans(emissions, lengths, 1e-9)
        decoded = decoder.decode(emissions, lengths)
        np.testing.assert_array_equal(decoded.paths, learned.paths(emissions, lengths))
        _, probabilities = decoder.best(emissions, lengths, 3)
        partition = decoder.log_partition(emissions, lengths)
        for b, length in enumerate(lengths.tolist()):
            own = emissions[b, :length] / temperature
            expected = reference.span_probabilities(own, tempered, tags)
            for row, start, end, label, p in decoded.spans:
                if row == b:
                    assert p == pytest.approx(expected[start, end, decoder.labels[label]])
            rows = zip(*(column.tolist() for column in spans), strict=True)
            found = {
                (start, end, decoder.labels[label]): p
                for row, start, end, label, p in rows
                if row == b
            }
            assert found == pytest.approx(
                {span: p for span, p in expected.items() if span in found or p > 1e-8}
            )
            total = reference.log_partition(own, tempered)
            assert partition[b] == pytest.approx(total, abs=1e-9)
            scores = sorted(reference.all_paths(own, tempered).values(), reverse=True)[:3]
            np.testing.assert_allclose(
                probabilities[b, : len(scores)], np.exp(np.array(scores) - total), atol=1e-9
            )
            assert np.all(probabilities[b, len(scores) :] == 0)


def test_plain_tags_have_no_spans_and_their_best_sequences_in_both_decoders() -> None:
    emissions = np.random.default_rng(1).normal(size=(2, 3, 3))
    lengths, results = np.array([3, 1]), []
    for many in (0, 1_000):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(decoders, "MANY_TAGS", many)
            decoder = Decoder(("NOUN", "VERB", "X"), plain_tags=True)
            assert decoder.in_states == (many == 0)
            assert not len(decoder.spans(emissions, lengths, 0.1).start)
            results.append(decoder.best(emissions, lengths, 30))
    for one, other in zip(*results, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-12)
    assert results[0][1].sum(axis=1) == pytest.approx([1, 1])
