"""Places of spans without offsets, against a search of all assignments."""

from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.reading import Files

from tagger.text import searching
from tagger.text.searching import find

Place = tuple[int, int]


def best_by_brute_force(text: str, surfaces: list[str]) -> tuple[int, int]:
    """The number of spans that can be placed, and the fewest pairs against the given order."""
    choices: list[list[Place | None]] = [
        [None, *((i, i + len(s)) for i in range(len(text)) if text.startswith(s, i))]
        for s in surfaces
    ]
    best = (0, 0)
    for chosen in itertools.product(*choices):
        placed = [place for place in chosen if place is not None]
        if any(a[0] < b[1] and b[0] < a[1] for a, b in itertools.combinations(placed, 2)):
            continue
        # Of equal texts, the first ones are placed, in order.
        by_surface = [
            [place for place, s in zip(chosen, surfaces, strict=True) if s == name]
            for name in set(surfaces)
        ]
        if any(
            group != sorted(p for p in group if p is not None) + [None] * group.count(None)
            for group in by_surface
        ):
            continue
        inversions = sum(a > b for a, b in itertools.combinations(placed, 2))
        best = max(best, (len(placed), -inversions))
    return best[0], -best[1]


@given(
    text=st.text("abc", max_size=9),
    surfaces=st.lists(st.text("abc", min_size=1, max_size=3), max_size=4),
)
def test_as_many_as_possible_are_placed_in_the_given_order(text: str, surfaces: list[str]) -> None:
    # Letters of a script without blanks, so that no occurrence is inside of a word.
    table = str.maketrans("abc", "王芳李")
    text, surfaces = text.translate(table), [surface.translate(table) for surface in surfaces]
    found = find(text, [(surface, "X") for surface in surfaces])
    placed = [place for place in found if place is not None]
    assert all(
        text[slice(*place)] == surface
        for place, surface in zip(found, surfaces, strict=True)
        if place is not None
    )
    assert not any(a[0] < b[1] and b[0] < a[1] for a, b in itertools.combinations(placed, 2))
    inversions = sum(a > b for a, b in itertools.combinations(placed, 2))
    assert (len(placed), inversions) == best_by_brute_force(text, surfaces)


@given(
    text=st.text("王芳李", max_size=12),
    surfaces=st.lists(st.text("王芳李", min_size=1, max_size=3), max_size=5),
)
def test_the_search_of_long_lists_leaves_no_free_place(text: str, surfaces: list[str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(searching, "_STATES", 0)
        found = find(text, [(surface, "X") for surface in surfaces])
    taken = {index for place in found if place is not None for index in range(*place)}
    assert len(taken) == sum(place[1] - place[0] for place in found if place is not None)
    for place, surface in zip(found, surfaces, strict=True):
        if place is None:
            assert not any(
                text.startswith(surface, i) and not taken & {*range(i, i + len(surface))}
                for i in range(len(text))
            )


@pytest.mark.parametrize(
    ("text", "wanted", "expected"),
    [
        ("Anna met Bob. Anna left.", ["Bob", "Anna"], [(9, 12), (14, 18)]),
        ("Ann is Anna.", ["Anna", "Ann"], [(7, 11), (0, 3)]),
        ("New York and York", ["York", "New York"], [(13, 17), (0, 8)]),
        ("王芳和李明去了北京。王芳", ["王芳", "北京", "王芳"], [(0, 2), (7, 9), (10, 12)]),
        ("東京タワーと東京", ["東京", "東京"], [(0, 2), (6, 8)]),
        ("ฉันรักกรุงเทพ", ["กรุงเทพ"], [(6, 13)]),
        (
            "He said “Zoe\u0301’s” in New  York",
            ["Zoé's", "New-York", "new york"],
            [(9, 15), None, (20, 29)],
        ),
        ("Anna and ANNA", ["Anna", "Anna"], [(0, 4), (9, 13)]),
        ("the US and us", ["US", "us"], [(4, 6), (11, 13)]),
        ("Lisa sang", ["sa", "Bo"], [(2, 4), None]),
        ("Straße", ["STRASSE"], [(0, 6)]),
        ("stra\u00dfe", ["stras"], [None]),
        ("Anna", [" Anna\n"], [(0, 4)]),
        ("Anna", [""], [None]),
    ],
)
def test_places(text: str, wanted: list[str], expected: list[Place | None]) -> None:
    assert find(text, [(surface, "X") for surface in wanted]) == expected


def test_taken_places_are_left_alone() -> None:
    assert find("Anna, Anna", [("Anna", "X")], [(0, 4)]) == [(6, 10)]


def test_json_spans_without_offsets(tmp_path_factory: pytest.TempPathFactory) -> None:
    files = Files(tmp_path_factory.mktemp("f"))
    line = {
        "text": "Anna met Bo. Anna sang.",
        "spans": [
            {"text": "Anna", "label": "PER"},
            {"start": 9, "end": 11, "label": "PER"},
            {"text": "anna", "label": "PER"},
        ],
    }
    found = files.read(json.dumps(line), "f.jsonl")
    assert [span.start_char for s in found for span in s.spans or ()] == [0, 9, 13]
    line["spans"] = [{"text": "Al", "label": "PER"}]
    assert files.error(json.dumps(line), "f.jsonl") == (
        "f.jsonl:1: the text 'Al' (PER) does not occur in the text of the document, or not as "
        "often as it is annotated; remove it or correct it"
    )
