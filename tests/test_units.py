"""Units of offsets: conversion there and back, and the proof of a file's unit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.reading import Files

from tagger.text import annotation, units
from tagger.text.formats import ReadOptions
from tagger.text.units import UNITS, Positions, same_surface

PIECES = (
    "Anna",
    " ",
    "\u00a0",
    "\r\n",
    "\n",
    "\ufeff",
    "\U0001f600",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "\U0001f1e9\U0001f1ea",
    "e\u0301",
    "\u00e9",
    "王芳",
    "محمد",
    "ไทย",
)
TEXTS = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return Files(tmp_path_factory.mktemp("units"))


@given(text=TEXTS)
def test_offsets_are_what_encoders_count(text: str) -> None:
    for unit, codec, size in (
        ("utf-32", "utf-32-le", 4),
        ("utf-16", "utf-16-le", 2),
        ("utf-8", "utf-8", 1),
    ):
        positions = Positions(text, unit)
        for index in range(len(text) + 1):
            assert positions.from_code_points(index) == len(text[:index].encode(codec)) // size
        assert positions.length == len(text.encode(codec)) // size


@given(text=TEXTS, unit=st.sampled_from(UNITS))
def test_offsets_there_and_back(text: str, unit: str) -> None:
    positions = Positions(text, unit)
    inside = 0
    for offset in range(positions.length + 1):
        index = positions.to_code_points(offset)
        if index is None:
            inside += 1
        else:
            assert positions.from_code_points(index) == offset
    assert positions.to_code_points(-1) is positions.to_code_points(positions.length + 1) is None
    assert inside == (0 if unit in ("utf-32", "graphemes") else positions.length - len(text))


def test_grapheme_clusters_are_single_characters() -> None:
    text = "\U0001f468\u200d\U0001f469\u200d\U0001f467 e\u0301\r\n\U0001f1e9\U0001f1ea"
    positions = Positions(text, "graphemes")
    assert positions.length == 5
    assert [positions.to_code_points(offset) for offset in range(6)] == [0, 5, 6, 8, 10, 12]
    with pytest.raises(ValueError, match="offset 1 is inside of a grapheme cluster"):
        positions.from_code_points(1)
    with pytest.raises(ValueError, match="offset 13 of a text of 12 code points"):
        positions.from_code_points(13)


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ("Caf\u00e9 Roma", "Cafe\u0301  Roma", True),
        ("Anna\r\nKeller", "Anna\\nKeller", True),
        ("Anna", "anna", False),
    ],
)
def test_surfaces_are_compared_as_tools_write_them(left: str, right: str, same: bool) -> None:
    assert same_surface(left, right) is same


@given(data=st.data(), unit=st.sampled_from(UNITS), has_texts=st.booleans())
def test_spans_in_each_unit_are_read(
    files: Files, data: st.DataObject, unit: str, has_texts: bool
) -> None:
    """A declared unit is read with and without texts."""
    words = data.draw(st.lists(st.sampled_from(PIECES), min_size=1, max_size=8))
    text, wanted = "", []
    for word in words:
        if word.isalpha():
            wanted.append((len(text) + 1, word))
            word = f" {word} "
        text += word
    positions = Positions(text, unit)
    spans = [
        {
            "start": positions.from_code_points(start),
            "end": positions.from_code_points(start + len(word)),
            "label": "X",
            **({"text": word} if has_texts else {}),
        }
        for start, word in wanted
    ]
    options = ReadOptions(offsets=unit, misaligned="error")
    found = files.read(json.dumps({"text": text, "spans": spans}), "f.jsonl", options)
    assert [span.start_char for s in found for span in s.spans or ()] == [
        start for start, _ in wanted
    ]
    assert [span.text for s in found for span in s.spans or ()] == [word for _, word in wanted]


LINE = "\U0001f600 Ann Lee met \U0001f468\u200d\U0001f469\u200d\U0001f467 Bo."


def spans_in(unit: str, *words: str, text: str = LINE, **more: object) -> str:
    positions = Positions(text, unit)
    spans = [
        {
            "start": positions.from_code_points(text.index(word)),
            "end": positions.from_code_points(text.index(word) + len(word)),
            "label": "PER",
            "text": word,
        }
        for word in words
    ]
    return json.dumps({"text": text, "spans": spans, **more}) + "\n"


@pytest.mark.parametrize("unit", UNITS)
def test_the_texts_of_spans_prove_the_unit(files: Files, unit: str) -> None:
    content = spans_in(unit, "Ann Lee", "Bo")
    found = files.read(content, "f.jsonl")
    assert [span.text for s in found for span in s.spans or ()] == ["Ann Lee", "Bo"]
    [again] = [json.loads(content)]
    for span in again["spans"]:
        del span["text"]
    if unit != "utf-32":  # the proof of the first document holds for the second
        later = files.read(content + json.dumps(again), "f.jsonl")
        assert [span.text for s in later for span in s.spans or ()] == ["Ann Lee", "Bo"] * 2


def test_the_unit_is_a_note(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(spans_in("utf-16", "Ann Lee", "Bo") * 2)
    assert annotation.read(path, ReadOptions()).report.notes == (
        "offsets are counted in UTF-16 units, as the texts of the spans prove (line 1)",
    )


def test_a_file_has_one_unit(files: Files) -> None:
    content = spans_in("utf-16", "Ann Lee", "Bo") + spans_in("utf-32", "Ann Lee", "Bo")
    assert files.error(content, "f.jsonl") == (
        "f.jsonl:2: the offsets are counted in code points, as the texts of the spans prove, but "
        "those of line 1 in UTF-16 units: the span 2-9 (PER) is 'Ann Lee' in code points, "
        "'Ann Le' in UTF-16 units, nothing in UTF-8 bytes; expected one unit per file: correct "
        "the offsets"
    )


def test_offsets_with_two_readings_are_an_error(files: Files) -> None:
    line = {
        "text": "\U0001f600\U0001f600 a a",
        "spans": [{"start": 5, "end": 6, "label": "X", "text": "a"}],
    }
    assert files.error(json.dumps(line), "f.jsonl") == (
        "f.jsonl:1: the offsets have several readings: the span 5-6 (X) is 'a' at 5 in code "
        "points, 'a' at 3 in UTF-16 units; declare the unit with --offsets utf-32 or --offsets "
        "utf-16 or --offsets graphemes"
    )
    options = ReadOptions(offsets="utf-16")
    [sentence] = files.read(json.dumps(line), "f.jsonl", options)
    assert [span.start_char for span in sentence.spans or ()] == [3]


def test_a_text_that_no_unit_explains_is_an_error(files: Files) -> None:
    line = {
        "text": "Zo\u00eb met Bo.",
        "spans": [{"start": 8, "end": 10, "label": "X", "text": "Al"}],
    }
    assert files.error(json.dumps(line), "f.jsonl") == (
        "f.jsonl:1: the span 8-10 (X) is 'Bo' in the text, but its own text is 'Al'; correct one "
        "of them"
    )


def test_an_offset_inside_of_a_character_is_an_error(files: Files) -> None:
    line = {"text": "\U0001f600 Bo.", "spans": [[1, 4, "X"]]}
    message = files.error(json.dumps(line), "f.jsonl", ReadOptions(offsets="utf-16"))
    assert message == (
        "f.jsonl:1: the span 1-4 (X) begins or ends inside of a character; declare another unit "
        "with --offsets, or correct the span"
    )


def test_evidence_narrows_and_keeps_what_was_proven() -> None:
    evidence = units.Evidence()
    assert evidence.add(["utf-32", "utf-16"], 3, is_proof=False) == ("utf-32", "utf-16")
    assert not evidence.is_proven
    assert evidence.add(["utf-16"], 5) == ("utf-16",)
    assert (evidence.is_proven, evidence.line) == (True, 3)
    assert evidence.add(["utf-8"], 7) == ()
    assert evidence.units == ("utf-16",)
