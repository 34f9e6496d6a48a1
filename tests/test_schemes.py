"""Spans to tags and back in every scheme, what each scheme allows, and how a scheme is found
out.
"""

from __future__ import annotations

import itertools

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from support.strategies import LABELS, span_lists

from tagger.text.schemes import (
    SCHEMES,
    SchemeError,
    convert,
    decode,
    detect,
    encode,
    first_violation,
    tag_set,
    transition_table,
)
from tagger.text.spans import Span

A, B = "GPE-CITY", "X"
SEPARATING = [scheme for scheme in SCHEMES if scheme != "IO"]
"""Schemes that can tell two touching spans of one label apart."""


@st.composite
def annotated(draw: st.DrawFn, *, separable: bool = True) -> tuple[list[Span], int]:
    length = draw(st.integers(0, 8))
    return draw(span_lists(length, separable=separable)), length


# One sentence in each scheme, written down by hand: [A A] [A] O [B] [A A A]
SPANS = [Span(0, 2, A), Span(2, 3, A), Span(4, 5, B), Span(5, 8, A)]
BY_HAND = {
    "IOB1": f"I-{A} I-{A} B-{A} O I-{B} I-{A} I-{A} I-{A}",
    "IOB2": f"B-{A} I-{A} B-{A} O B-{B} B-{A} I-{A} I-{A}",
    "IOBES": f"B-{A} E-{A} S-{A} O S-{B} B-{A} I-{A} E-{A}",
    "BILOU": f"B-{A} L-{A} U-{A} O U-{B} B-{A} I-{A} L-{A}",
}


@pytest.mark.parametrize("scheme", BY_HAND)
def test_each_scheme_is_written_and_read_as_its_authors_meant(scheme: str) -> None:
    tags = BY_HAND[scheme].split()
    assert encode(SPANS, 8, scheme) == tags
    assert decode(tags, scheme) == SPANS
    assert detect([tags]) == scheme


def test_io_runs_touching_spans_of_one_label_together_so_it_refuses_to_write_them() -> None:
    assert decode(["I-A", "I-A", "I-B"], "IO") == [Span(0, 2, "A"), Span(2, 3, "B")]
    with pytest.raises(SchemeError, match="adjacent") as caught:
        encode(SPANS, 8, "IO")
    assert caught.value.index == 2


@pytest.mark.parametrize("scheme", SEPARATING)
@given(case=annotated())
def test_spans_to_tags_to_spans(scheme: str, case: tuple[list[Span], int]) -> None:
    spans, length = case
    tags = encode(reversed(spans), length, scheme)
    assert len(tags) == length
    assert decode(tags, scheme) == spans
    assert [tag == "O" for tag in tags] == [
        not any(s.start <= i < s.end for s in spans) for i in range(length)
    ]


@given(case=annotated(separable=False))
def test_spans_to_tags_to_spans_in_io_where_nothing_touches(case: tuple[list[Span], int]) -> None:
    assert decode(encode(*case, "IO"), "IO") == case[0]


@given(case=annotated(), path=st.lists(st.sampled_from(SEPARATING), min_size=2, max_size=5))
def test_conversion_there_and_back(case: tuple[list[Span], int], path: list[str]) -> None:
    first = tags = encode(*case, path[0])
    for source, target in itertools.pairwise([*path, path[0]]):
        tags = convert(tags, source, target)
    assert tags == first


@pytest.mark.parametrize("scheme", SCHEMES)
@given(cases=st.lists(annotated(separable=False), max_size=4), data=st.data())
def test_what_is_detected_yields_the_same_spans(
    scheme: str, cases: list[tuple[list[Span], int]], data: st.DataObject
) -> None:
    if scheme != "IO":
        cases = [*cases, *data.draw(st.lists(annotated(), max_size=4))]
    corpus = [encode(*case, scheme) for case in cases]
    found = detect(corpus)
    assert [decode(tags, found) for tags in corpus] == [spans for spans, _ in cases]


def brute_force(tags: tuple[str, ...], scheme: str) -> bool:
    """Valid is what some set of spans is written as; IOB1 may say B- wherever a span begins."""
    here = {"IOB1": set("IB")}.get(scheme)
    if here is not None:
        return all(tag == "O" or tag[0] in here for tag in tags)
    lengths = range(len(tags) + 1)
    places = [(start, end) for start in lengths for end in lengths if start < end]
    for count in lengths:
        for chosen in itertools.combinations(places, count):
            if any(left[1] > right[0] for left, right in itertools.pairwise(chosen)):
                continue
            for labels in itertools.product("XY", repeat=count):
                spans = [Span(*place, label) for place, label in zip(chosen, labels, strict=True)]
                try:
                    if encode(spans, len(tags), scheme) == list(tags):
                        return True
                except SchemeError:
                    continue
    return False


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_transition_table_says_what_an_enumeration_of_all_spans_says(scheme: str) -> None:
    tags = tag_set("XY", scheme)
    start, between, end = transition_table(tags, scheme)
    for length in (1, 2, 3):
        for path in itertools.product(range(len(tags)), repeat=length):
            by_table = (
                start[path[0]]
                and end[path[-1]]
                and all(between[i, j] for i, j in itertools.pairwise(path))
            )
            names = tuple(tags[i] for i in path)
            assert by_table == (first_violation(names, scheme) is None), names
            if length < 3 or "Y" not in "".join(names):
                assert by_table == brute_force(names, scheme), names


@pytest.mark.parametrize(
    ("scheme", "tags", "index", "says"),
    [
        ("IOB2", "O I-X", 1, "'I-X' cannot follow 'O' in IOB2"),
        ("IOB2", "I-X", 0, "the start of a sentence"),
        ("IOB2", "B-X I-Y", 1, "'I-Y' cannot follow 'B-X'"),
        ("IOB2", "B-X E-X", 1, "whose tags are O, B-LABEL, I-LABEL"),
        ("IOB2", "O NN", 1, "'NN' is not in the scheme"),
        ("IOB2", "B- O", 0, "'B-' is not in the scheme"),
        ("IO", "I-X B-X", 1, "whose tags are O, I-LABEL"),
        ("IOB1", "I-X S-X", 1, "is not in the scheme IOB1"),
        ("IOBES", "B-X O", 1, "'O' cannot follow 'B-X'"),
        ("IOBES", "O E-X", 1, "'E-X' cannot follow 'O'"),
        ("IOBES", "B-X E-Y", 1, "'E-Y' cannot follow 'B-X'"),
        ("IOBES", "O B-X I-X", 2, "'I-X' leaves a span open at the end"),
        ("IOBES", "U-X", 0, "is not in the scheme IOBES"),
        ("BILOU", "U-X L-X", 1, "'L-X' cannot follow 'U-X'"),
        ("BILOU", "B-X", 0, "leaves a span open"),
    ],
)
def test_the_first_mistake_is_told_with_its_place(
    scheme: str, tags: str, index: int, says: str
) -> None:
    with pytest.raises(SchemeError) as caught:
        decode(tags.split(), scheme)
    assert caught.value.index == index
    assert says in str(caught.value)


@given(
    tags=st.lists(
        st.sampled_from([*tag_set("XY", "IOBES"), "L-X", "U-Y", "NN", "B-", "-X"]), max_size=6
    )
)
def test_a_violation_is_the_end_of_the_longest_valid_beginning(tags: list[str]) -> None:
    """No sequence that begins with the tags up to the violation is valid; those before it can all
    be completed.
    """
    for scheme in SCHEMES:
        endings = [[], *([tag] for tag in tag_set("XY", scheme))]
        index = first_violation(tags, scheme)
        assert any(first_violation([*tags[:index], *ending], scheme) is None for ending in endings)
        if index is not None and index < len(tags) - 1:
            assert all(
                first_violation([*tags[: index + 1], *ending], scheme) is not None
                for ending in endings
            )


@pytest.mark.parametrize(
    ("corpus", "scheme"),
    [
        ([], "IOB2"),
        (["O O", ""], "IOB2"),
        (["O B-X", "B-X I-X"], "IOB2"),
        (["I-X I-X O"], "IO"),
        (
            ["I-X O"] * 100 + ["B-X O"],
            "IOB1",
        ),  # CoNLL-2003 as published has two such B- among 23,499 spans
        (["I-X B-X"], "IOB1"),
        (["S-X O"], "IOBES"),
        (["U-X O"], "BILOU"),
        (["B-X I-X I-X E-X"], "IOBES"),
    ],
)
def test_detection(corpus: list[str], scheme: str) -> None:
    assert detect([tags.split() for tags in corpus]) == scheme


@pytest.mark.parametrize(
    ("corpus", "says"),
    [
        (["I-X O"] * 99 + ["B-X O"], "correct those tags, or declare --scheme IOB1"),
        (
            ["B-X I-X O", "S-X"],
            "tag 'O' cannot follow 'I-X' in IOBES, the scheme of most tags: correct the tag$",
        ),
        (["O B-X", "I-X"], "in IOB2, .* or declare --scheme IOB1, in which it opens a span$"),
        (["S-X", "U-X"], "no scheme of IOB2, IO, IOB1, IOBES, BILOU has all prefixes"),
    ],
)
def test_what_fits_no_scheme_is_refused_and_not_guessed(corpus: list[str], says: str) -> None:
    with pytest.raises(SchemeError, match=says):
        detect([tags.split() for tags in corpus])


@given(case=annotated(), scheme=st.sampled_from(SEPARATING), extra=LABELS)
def test_overlapping_or_overhanging_spans_are_no_tags(
    case: tuple[list[Span], int], scheme: str, extra: str
) -> None:
    spans, length = case
    assume(spans)
    for wrong in (
        Span(spans[0].start, spans[0].end, extra),
        Span(length, length + 1, extra),
        Span(length - 1, length + 2, extra),
    ):
        with pytest.raises(SchemeError, match="overlaps another or ends after"):
            encode([*spans, wrong], length, scheme)
