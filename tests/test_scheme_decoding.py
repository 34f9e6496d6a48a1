"""Decoding in states against the general decoder, whose tables contain all pairs of tags."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.reference_decoding import Array

from tagger import decoding, scheme_decoding
from tagger.inference import decoder as decoders
from tagger.inference.decoder import Decoder
from tagger.text import schemes

TAGS = {
    f"{count} labels": schemes.tag_set([f"x{number}" for number in range(count)], "IOBES")
    for count in range(1, 5)
}
PLAIN = ("NOUN", "VERB", "X")
KINDS = st.sampled_from([*TAGS, "plain"])


@st.composite
def batches(draw: st.DrawFn) -> tuple[tuple[str, ...], bool, Array, Array]:
    """Tags, whether they are plain, emissions and lengths; often with ties or impossible tags."""
    kind = draw(KINDS)
    tags = TAGS.get(kind, PLAIN)
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    lengths = np.array(draw(st.lists(st.integers(0, 6), max_size=5)), dtype=int)
    shape = (len(lengths), int(lengths.max(initial=0)) + draw(st.integers(0, 2)), len(tags))
    emissions = generator.normal(scale=3, size=shape).astype(np.float32)
    if draw(st.booleans()):
        emissions = np.round(emissions / 3)
    emissions[generator.random(shape) < draw(st.sampled_from([0.0, 0.2, 0.5]))] = -np.inf
    emissions[np.arange(shape[1]) >= lengths[:, None]] = draw(st.sampled_from([0, np.nan, np.inf]))
    return tags, kind == "plain", emissions * draw(st.sampled_from([1, 1e4])), lengths


def both(tags: tuple[str, ...], plain_tags: bool) -> tuple[Decoder, Decoder]:
    """Return a decoder of the general kind and one in states."""
    pair = []
    for many in (1_000_000, 0):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(decoders, "MANY_TAGS", many)
            decoder = Decoder(tags, plain_tags=plain_tags)
            assert decoder.in_states == (many == 0)
            pair.append(decoder)
    return pair[0], pair[1]


@given(batches())
def test_paths_and_probabilities_equal_those_of_the_general_decoder(
    batch: tuple[tuple[str, ...], bool, Array, Array],
) -> None:
    tags, plain_tags, emissions, lengths = batch
    general, in_states = both(tags, plain_tags)
    try:
        expected = general.decode(emissions, lengths)
    except ValueError as error:
        for function in (in_states.decode, in_states.paths, in_states.marginals):
            with pytest.raises(ValueError, match=str(error)):
                function(emissions, lengths)
        return
    decoded = in_states.decode(emissions, lengths)
    assert decoded.paths is not None
    assert decoded.paths.dtype == np.int32
    np.testing.assert_array_equal(decoded.paths, expected.paths)
    np.testing.assert_array_equal(in_states.paths(emissions, lengths), expected.paths)
    assert [span[:4] for span in decoded.spans] == [span[:4] for span in expected.spans]
    np.testing.assert_allclose(
        np.array([span[4] for span in decoded.spans], dtype=float),
        np.array([span[4] for span in expected.spans], dtype=float),
        atol=1e-12,
    )
    np.testing.assert_allclose(
        in_states.marginals(emissions, lengths), general.marginals(emissions, lengths), atol=1e-12
    )


@given(batches(), st.integers(0, 2**32 - 1))
def test_segments_of_any_tags_have_the_probability_of_the_general_decoder(
    batch: tuple[tuple[str, ...], bool, Array, Array], seed: int
) -> None:
    tags, plain_tags, emissions, lengths = batch
    if plain_tags or not lengths.any():
        return
    general, _ = both(tags, plain_tags)
    generator = np.random.default_rng(seed)
    emissions = np.where(np.isneginf(emissions), -20, emissions)
    best = general.paths(emissions, lengths)
    segments = []
    for sentence in np.repeat(np.flatnonzero(lengths), 5).tolist():
        start, end = sorted(generator.choice(lengths[sentence] + 1, 2, replace=False).tolist())
        ids = generator.integers(len(tags), size=end - start)
        keep = generator.random() < 0.5
        segments.append((sentence, start, best[sentence, start:end] if keep else ids))
    packed = scheme_decoding.pack_iobes(emissions, lengths, len(tags))
    np.testing.assert_allclose(
        np.exp(scheme_decoding.segment_log_probabilities(packed, segments)),
        np.exp(
            decoding.segment_log_probabilities(emissions, lengths, general.transitions, segments)
        ),
        atol=1e-12,
    )
    assert scheme_decoding.segment_log_probabilities(packed, []).shape == (0,)
    with pytest.raises(ValueError, match=r"segment 0, .*: expected tag ids from 0 to"):
        scheme_decoding.segment_log_probabilities(packed, [(segments[0][0], 0, [len(tags)])])


def test_tags_that_are_no_complete_set_are_decoded_in_general() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decoders, "MANY_TAGS", 0)
        assert not Decoder(("O", "B-x", "E-x"), plain_tags=False).in_states
        learned = [np.zeros(5), np.zeros((5, 5)), np.zeros(5)]
        assert not Decoder(TAGS["1 labels"], plain_tags=False, scores=learned).in_states
