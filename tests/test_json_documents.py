"""JSON values of a file in any layout, and values that are no examples of their format."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.tool_formats import TEXTS, mentions, read, read_reported, written

from tagger.errors import DataError
from tagger.text.formats import json_documents
from tagger.text.formats.json_documents import Item, beginning, items

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
OBJECTS = st.lists(st.dictionaries(TEXTS, VALUES, max_size=3), max_size=5)


def items_of(text: str) -> list[Item]:
    return list(items(enumerate(text.split("\n"), 1), "f"))


@given(objects=OBJECTS, indent=st.none() | st.integers(0, 3), ascii_only=st.booleans())
@example(objects=[{}, {"a": "x" * 10_000}, {}], indent=2, ascii_only=False)
def test_all_layouts_have_the_same_values(
    objects: list[Any], indent: int | None, ascii_only: bool
) -> None:
    dumped = [json.dumps(one, ensure_ascii=ascii_only, indent=indent) for one in objects]
    for text in (
        "\n".join(dumped),
        "\n\n  ".join(dumped),
        "".join(dumped),
        json.dumps(objects, ensure_ascii=ascii_only, indent=indent),
        "[" + "\n,".join(dumped) + "]\n\n",
    ):
        found = items_of(text)
        assert [item.value for item in found] == objects
        assert [json.loads(item.source) for item in found] == objects
        lines = text.split("\n")
        assert all(lines[item.line - 1].lstrip(" [,")[:1] in ("{", "}") for item in found)


def test_values_are_read_no_further_ahead_than_needed() -> None:
    def endless() -> Iterator[tuple[int, str]]:
        for number in itertools.count(1):
            assert number < 3000
            yield number, "[{" if number == 1 else '"a": 1}, {'

    assert [item.line for item in itertools.islice(items(endless(), "f"), 1000)] == [
        *range(1, 1001)
    ]


def test_the_work_is_proportional_to_the_length() -> None:
    """A value is decoded again only once as many characters have been added."""
    calls = 0

    class Counting(json.JSONDecoder):
        def raw_decode(self, s: str, idx: int = 0) -> tuple[Any, int]:
            nonlocal calls
            calls += 1
            return super().raw_decode(s, idx)

    original, json_documents.DECODER = json_documents.DECODER, Counting()
    try:
        (found,) = items_of("{\n" + ",\n".join(f'"{n}": {n}' for n in range(50_000)) + "\n}")
    finally:
        json_documents.DECODER = original
    assert len(found.value) == 50_000
    assert calls < 15


@pytest.mark.parametrize(
    ("text", "errors"),
    [
        ('{"a": 1\nno\n{"b": 2}', ["Expecting ',' delimiter: line 2 column 1"]),
        ('{"a": 1} no\n{"b": 2}', ["after the value follows 'no'"]),
        ("no\nnor\n{}", ["Expecting value: line 1 column 1", "Expecting value: line 2 column 1"]),
        ('{"a": "x\n{"b": 2}', ["Invalid control character at: line 1 column 9"]),
        ('{\n  "a": tru\n}\n{"b": 2}', ["Expecting value: line 2 column 8"]),
        ('{"a": NaN}\n{}', ["NaN is not a JSON value"]),
        ('{"a": 1e999}', ["the number '1e999' is too large"]),
        ('{"a": 1, "a": 2}\n', ["the key 'a' occurs twice in one object"]),
        ("1 2\n", ["after the value follows '2'"]),
    ],
)
def test_reading_goes_on_after_an_ill_formed_value(text: str, errors: list[str]) -> None:
    found = items_of(text)
    assert [item.error for item in found if item.error] == errors
    values = [item.value for item in found if not item.error]
    assert values == [json.loads(line) for line in text.split("\n")[1:] if line[:1] == "{"][-1:]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[{"a": 1},\n{"a" 2}]', "f:2: not JSON (Expecting ':' delimiter: line 2 column 6)"),
        ('[{"a": 1}\n\n', "f:3: not JSON (the file ends within an array; is it truncated?)"),
        ('[{"a": 1},', "f:1: not JSON (the file ends within an array; is it truncated?)"),
        ('[{"a": 1}\n{"a": 1}]', "f:2: not JSON (expected a comma between elements, found '{')"),
        ('[{"a": 1},\n]', "f:2: not JSON (a comma before the end of the array)"),
        ('[{"a": NaN}]', "f:1: not JSON (NaN is not a JSON value)"),
        ("[" * 100_000, "f:1: not JSON (it is nested too deeply)"),
    ],
)
def test_an_ill_formed_array_is_an_error(text: str, says: str) -> None:
    with pytest.raises(DataError) as caught:
        items_of(text)
    assert str(caught.value) == says


def test_the_beginning_is_known_where_a_value_is_cut() -> None:
    task = {"id": 1, "annotations": [{"result": [{"n": n, "x": "}],{"} for n in range(9)]}]}
    for text in (json.dumps([task], indent=1), json.dumps(task, indent=1)):
        lines = text.split("\n")
        for length in range(5, len(lines)):
            (first,) = beginning(lines[:length])
            assert list(first)[:1] == ["id"]
    assert beginning(["{", "{"]) == beginning(["Mira O"]) == beginning(["[ O", "] O"]) == []


# --- values that are no examples of their format

DOCCANO = {"text": "Bo left."}
SPACY = "expected a pair [text, {"


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("doccano", 1, 'expected an object with the string "text"'),
        (
            "doccano",
            DOCCANO,
            'no annotation; expected "label", "labels" or "entities", found \'text\'',
        ),
        ("doccano", DOCCANO | {"label": [[0, "2", "X"]]}, "expected a span with integers"),
        ("doccano", DOCCANO | {"label": [[0, 2, ""]]}, "expected a span with integers"),
        ("doccano", DOCCANO | {"label": [[0]]}, '"label" must be a list of [start, end, label]'),
        ("doccano", DOCCANO | {"label": [[0, 10**30, "X"]]}, "the span 0-1000000"),
        ("doccano", DOCCANO | {"entities": [7]}, "expected a span with integers"),
        (
            "doccano",
            DOCCANO | {"annotations": [{"label": 3, "start_offset": 0, "end_offset": 2}]},
            'the labels of "annotations" are numbers, whose names are not in this file; export the '
            "project as JSONL with text labels",
        ),
        (
            "doccano",
            {"text": "\U0001f600 Bo", "label": [[1, 5, "X"]]},
            "the span 1-5 (X) begins or ends inside of a character; declare another unit",
        ),
        ("prodigy", "a", 'expected an object with the string "text"'),
        (
            "prodigy",
            {"text": "a", "answer": "?"},
            '"answer" must be "accept", "reject" or "ignore"',
        ),
        ("prodigy", {"text": "a", "spans": [1]}, '"spans" must be a list of objects'),
        ("prodigy", {"text": "a", "spans": [{}]}, "expected a span with integers"),
        ("spacy-json", {"a": 1}, SPACY),
        ("spacy-json", ["a", {}, 1], SPACY),
        ("spacy-json", ["a", {}], 'expected "entities" with a list of [start, end, label]'),
        ("spacy-json", ["a", {"entities": ["U-X"]}], 'expected "entities" with a list of'),
        ("gliner", {"ner": []}, 'expected an object whose "tokenized_text" is a list of strings'),
        ("gliner", {"tokenized_text": ["a"]}, 'expected "ner" with a list of'),
        (
            "gliner",
            {"tokenized_text": ["a"], "ner": [[0, "0", "X"]]},
            "expected [first token, last",
        ),
        (
            "gliner",
            {"tokenized_text": ["a"], "ner": [[0, 1, "X"]]},
            "the span 0-1 ('X') does not fit the 1 tokens; GLiNER counts tokens from 0, and the "
            "second number is the last token of the span",
        ),
        (
            "gliner",
            {"tokenized_text": ["a"], "ner": [[0, 0, "X"], [0, 0, "Y"]]},
            "the span 0-1 ('a', Y) overlaps the span 0-1 ('a', X)",
        ),
        ("gliner2", {"text": "a"}, 'expected an object with the string "input" and the object'),
        ("gliner2", {"input": "a", "output": {}}, 'expected "entities" with a list of strings'),
        (
            "gliner2",
            {"input": "Bo left", "output": {"entities": {"X": ["Ann", "left"]}}},
            "the text 'Ann' (X) does not occur in the text of the document, or not as often as it "
            "is annotated; remove it or correct it",
        ),
        ("label-studio", 1, 'expected a task with "data" and "annotations"'),
        (
            "label-studio",
            {"data": {"n": 1}, "annotations": [{"result": []}]},
            "expected one text in \"data\", found 'n'",
        ),
        ("label-studio", {"data": {"text": "a"}, "annotations": 1}, '"annotations" must be a list'),
        (
            "label-studio",
            {"data": {"text": "a"}, "annotations": [{}]},
            '"result" of the annotation must be a list',
        ),
        (
            "label-studio",
            {"data": {"a": "x", "b": "y"}, "annotations": [{"result": []}]},
            "expected one text in \"data\", found 'a', 'b'; rename the key of the text to \"text\"",
        ),
    ],
)
def test_a_value_of_another_shape_is_an_error(name: str, value: Any, says: str) -> None:
    text = json.dumps(value) + "\n"
    with pytest.raises(DataError) as caught:
        read("\n" + text, name)
    assert str(caught.value).startswith(f"file:2: {says}")


def region(value: Any, kind: str = "labels") -> dict[str, Any]:
    return {"from_name": "label", "to_name": "text", "type": kind, "value": value}


@pytest.mark.parametrize(
    ("result", "note"),
    [
        (region({"x": 1, "rectanglelabels": ["A"]}, "rectanglelabels"), "'rectanglelabels'"),
        (region({"start": 0.5, "end": 1.5, "labels": ["A"], "channel": 0}, "audio"), "'audio'"),
        ({"type": "relation", "from_id": "a", "to_id": "b"}, "'relation'"),
        (None, "'None'"),
    ],
)
def test_results_that_are_no_spans_of_text_are_counted(result: Any, note: str) -> None:
    data = {"text": "Bo left."}
    results = [result, region({"start": 0, "end": 2, "labels": ["X"]}), result]
    value = {"data": data, "annotations": [{"result": results}]}
    found, report = read_reported(json.dumps([value]), "label-studio")
    assert mentions(found) == [[("Bo", "X")]]
    assert report.notes == (f"results of the type {note} are skipped (2 times; first in line 1)",)


@pytest.mark.parametrize(
    ("start", "end", "says"),
    [
        ("/div[1]/text()[1]", 2, "expected a span with integers for start and end"),
        (0, 99, "the span 0-99 (X) ends after the text, which has 8 characters"),
        (True, 2, "expected a span with integers for start and end"),
    ],
)
def test_offsets_of_label_studio_are_checked(start: Any, end: Any, says: str) -> None:
    result = [region({"start": start, "end": end, "labels": ["X"]})]
    value = {"data": {"text": "Bo left."}, "annotations": [{"result": result}]}
    with pytest.raises(DataError) as caught:
        read(json.dumps([value]), "label-studio")
    assert str(caught.value).startswith(f"file:1: {says}")


@pytest.mark.parametrize("name", ["doccano", "prodigy", "spacy-json", "gliner2", "label-studio"])
def test_what_cannot_be_read_is_kept_if_it_is_json(name: str) -> None:
    found, report = read_reported('{"odd": [1]}\nno JSON\n', name, on_error="keep")
    assert (len(found), report.count) == (2, 2)
    expected = '{"odd": [1]}\n'
    if name in ("spacy-json", "label-studio"):
        expected = f"[\n{expected}]\n"
    assert written(found, name) == expected
