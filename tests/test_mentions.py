"""Names that take each other's places in training sentences."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tagger.text import schemes
from tagger.text.spans import Sentence, Span
from tagger.training.inputs.augmentation import versions

PERSONS, PLACES = (
    [("Anna",), ("Teddy", "Roosevelt"), ("J.", "van", "Dyk")],
    [("Oslo",), ("New", "York")],
)
FRAMES = [("", "lives", "in", ""), ("", "met", ""), ("", ""), ("", "ran"), ("It", "rained")]


def sentence(frame: tuple[str, ...], mentions: list[tuple[tuple[str, ...], str]]) -> Sentence:
    """A frame whose blanks are filled with mentions."""
    tokens: list[str] = []
    spans = []
    rest = iter(mentions)
    for word in frame:
        if word:
            tokens.append(word)
        else:
            mention, label = next(rest)
            spans.append(Span(len(tokens), len(tokens) + len(mention), label))
            tokens += mention
    return Sentence(tuple(tokens), spans=tuple(spans))


def frame_of(given: Sentence) -> list[str]:
    """The tokens outside of spans, and the label of each span."""
    tags = schemes.encode(given.spans or (), len(given), "IOB2")
    pairs = zip(given.tokens, tags, strict=True)
    return [token if tag == "O" else tag for token, tag in pairs if not tag.startswith("I")]


def mentions_of(sentences: list[Sentence]) -> set[tuple[str, tuple[str, ...]]]:
    return {
        (span.label, each.tokens[span.start : span.end])
        for each in sentences
        for span in each.spans or ()
    }


@st.composite
def corpora(draw: st.DrawFn) -> list[Sentence]:
    names = [
        (words, label) for group, label in ((PERSONS, "PER"), (PLACES, "LOC")) for words in group
    ]
    frames = draw(st.lists(st.sampled_from(FRAMES), min_size=1, max_size=6))
    return [
        sentence(frame, draw(st.lists(st.sampled_from(names), min_size=2, max_size=2)))
        for frame in frames
    ]


@given(corpora(), st.integers(1, 4), st.sampled_from([0.0, 0.3, 1.0]))
def test_versions_change_mentions_and_nothing_else(
    sentences: list[Sentence], count: int, probability: float
) -> None:
    found = versions(sentences, count, probability)
    assert found[: len(sentences)] == sentences
    assert [frame_of(each) for each in found] == [frame_of(each) for each in sentences] * count
    assert mentions_of(found) == mentions_of(sentences)
    assert found == versions(sentences, count, probability)
    if not probability:
        assert found == sentences * count


def test_mentions_are_replaced_as_often_as_asked_and_by_any_of_their_label() -> None:
    sentences = [
        sentence(("", "met", ""), [(first, "PER"), (second, "PER")])
        for first in PERSONS
        for second in PERSONS
    ]
    found = versions(sentences, 200, 0.3)[len(sentences) :]
    names = [
        tuple(each.tokens[span.start : span.end] for each, span in ((one, mine), (other, its)))
        for one, other in zip(found, sentences * 199, strict=True)
        for mine, its in zip(one.spans or (), other.spans or (), strict=True)
    ]
    changed = [new for new, old in names if new != old]
    assert (
        abs(len(changed) / len(names) - 0.3 * 2 / 3) < 0.03
    )  # in a third of the cases a mention takes its own place
    assert np.std([changed.count(person) for person in PERSONS]) < len(changed) / 20


def test_sentences_without_spans_stay() -> None:
    sentences = [Sentence(("a", "b"), spans=()), Sentence((), spans=())]
    assert versions(sentences, 3, 1.0) == sentences * 3
