"""The formats of annotation tools: read as the tools export them, written so that they import it,
and nothing lost on the way between them.
"""

from __future__ import annotations

import itertools
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.command_line import failed, invoke, worked
from support.paths import GOLDEN
from support.strategies import sentences, span_lists
from support.tool_formats import (
    DATA,
    OPTIONS,
    TEXTS,
    WITH_TEXT,
    facts,
    mentions,
    read,
    read_reported,
    values,
    written,
)

import tagger
from tagger.errors import DataError
from tagger.text import annotation, formats
from tagger.text.formats import ReadOptions
from tagger.text.spans import Sentence, Span

FORMAT_OF_FILE = {
    "label-studio.json": "label-studio",
    "label-studio-min.json": "label-studio",
    "doccano.jsonl": "doccano",
    "doccano-labels.jsonl": "doccano",
    "doccano-relations.jsonl": "doccano",
    "prodigy.jsonl": "prodigy",
    "spacy.json": "spacy-json",
    "spacy.jsonl": "spacy-json",
    "ner-annotator.json": "spacy-json",
    "gliner.json": "gliner",
    "gliner.jsonl": "gliner",
    "gliner2.jsonl": "gliner2",
}
MENTIONS = [
    [("Mira Okafor", "PER"), ("Lagos", "LOC")],
    [("Ann Lee", "PER"), ("Bo Chen", "PER"), ("Z\u00fcrich", "LOC")],
    [],
]


def content_of(name: str) -> str:
    return (DATA / name).read_text(encoding="utf-8")


OTHERS = ("harbor", "seals", "kaggle", "spans")  # test_tool_files.py


def test_all_files_are_tested() -> None:
    others = {path.name for path in DATA.iterdir() if path.stem.split(".")[0] in OTHERS}
    assert {*FORMAT_OF_FILE} == {path.name for path in DATA.iterdir()} - others


@pytest.mark.parametrize(("name", "expected"), FORMAT_OF_FILE.items())
def test_exports_of_tools_are_recognized_and_read(name: str, expected: str) -> None:
    for path in (name, f"export{Path(name).suffix}", "-"):
        assert formats.recognize(path, content_of(name).splitlines(), OPTIONS) == expected
    corpus = annotation.read(DATA / name, OPTIONS)
    assert corpus.report.format == expected
    groups = [[span for one in found for span in one] for found in by_text(corpus.sentences)]
    assert groups == MENTIONS


def by_text(found: list[Sentence]) -> list[list[list[tuple[str, str]]]]:
    """The mentions of the sentences of each record."""
    groups = itertools.groupby(found, key=lambda sentence: id(sentence.record))
    return [mentions(group) for _, group in groups]


@pytest.mark.parametrize(("name", "expected"), FORMAT_OF_FILE.items())
def test_what_is_no_annotation_is_written_back(name: str, expected: str) -> None:
    """Tasks of JSON-MIN become complete ones, and pairs lose the object around them."""
    found, report = read_reported(content_of(name), expected)
    given_values = values(content_of(name))
    again = values(written(found, expected))
    if name == "label-studio.json":
        latest = given_values[1]["annotations"][1]
        given_values[1]["annotations"] = [latest]
        given_values.pop()
    elif name == "label-studio-min.json":
        assert [task["data"] for task in again] == [
            {"text": value["text"]} for value in (*given_values[:2], given_values[3])
        ]
        assert again[1]["annotations"][0]["completed_by"] == 2
        return
    elif name == "ner-annotator.json":
        given_values = [one for one in given_values[0]["annotations"] if one]
    elif name == "prodigy.jsonl":
        given_values = [one for one in given_values if one["answer"] == "accept"]
    assert again == given_values
    assert read(written(found, expected), expected) == found
    assert not report.problems


# --- round trips


@st.composite
def annotated_texts(draw: st.DrawFn) -> list[Sentence]:
    """The sentences of some texts, with spans."""
    lines = [
        json.dumps({"id": f"d{n}", "text": draw(TEXTS)}) for n in range(draw(st.integers(0, 3)))
    ]
    found = read("\n".join(lines), "jsonl")
    return [sentence.with_spans(draw(span_lists(len(sentence)))) for sentence in found]


@pytest.mark.parametrize(("first", "second"), [*itertools.product(WITH_TEXT, repeat=2)])
@given(found=annotated_texts())
@settings(max_examples=15)
def test_texts_survive_any_two_formats(first: str, second: str, found: list[Sentence]) -> None:
    through = read(written(found, first), first)
    again = read(written(through, second), second)
    assert again == through == found
    assert facts(again) == facts(found)
    assert [s.record.id for s in again if s.record] == [s.record.id for s in found if s.record]


@pytest.mark.parametrize(("first", "second"), [*itertools.product(["gliner", "jsonl"], repeat=2)])
@given(found=st.lists(sentences(), max_size=4))
@settings(max_examples=25)
def test_tokens_survive_any_two_formats(first: str, second: str, found: list[Sentence]) -> None:
    assert read(written(read(written(found, first), first), second), second) == found


@given(found=annotated_texts())
@settings(max_examples=25)
def test_mentions_of_gliner2_are_found_again(found: list[Sentence]) -> None:
    """Where a text repeats a mention, its place is open; at another place it may cut a token."""
    expected = facts(found)
    again, report = read_reported(written(found, "gliner2"), "gliner2", on_error="skip")
    wanted = Counter((text, label) for text, spans in expected for *_, label in spans)
    got = Counter((text, label) for text, spans in facts(again) for *_, label in spans)
    assert got <= wanted
    assert (got == wanted) == (report.count == 0)


@pytest.mark.parametrize("target", [*WITH_TEXT, "gliner", "gliner2"])
def test_documents_ids_and_spans_survive_conversion_from_columns(here: Path, target: str) -> None:
    (here / "a.conll").write_text(
        "-DOCSTART- O\n\nMira B-PER\nOkafor I-PER\nleft O\n\nShe O\nsang O\n\n-DOCSTART- O\n\n"
        "Bo B-PER\ncame O\n\n"
    )
    worked(invoke("convert", "a.conll", "b.json", "--as", target))
    worked(invoke("convert", "b.json", "c.conll", "--format", target))
    assert (here / "c.conll").read_text() == (here / "a.conll").read_text()


def test_conversion_lists_what_the_target_does_not_contain(here: Path) -> None:
    (here / "a.json").write_text(content_of("label-studio.json"))
    tokenized = ReadOptions(tokenizer="unicode")
    done = tagger.convert("a.json", "b.conll", tokenized)
    assert done.dropped == (
        "the keys file_upload, source, created_at, updated_at, inner_id, total_annotations, "
        "cancelled_annotations, total_predictions, comment_count, unresolved_comment_count, "
        "project, updated_by",
        "the text between tokens",
        "the ids of documents",
    )
    scored = '{"text": "Bo left.", "spans": [{"start": 0, "end": 2, "label": "PER", "score": 0.5}]}'
    (here / "c.jsonl").write_text(scored)
    assert tagger.convert("c.jsonl", "d.json", target_format="doccano").dropped == (
        "probabilities",
    )
    done = tagger.convert("c.jsonl", "e.json", target_format="gliner")
    assert done.dropped == ("the text between tokens", "probabilities")
    assert tagger.convert("c.jsonl", "f.json", target_format="label-studio").dropped == ()
    (task,) = json.loads((here / "f.json").read_text())
    assert (task["predictions"][0]["score"], "annotations" in task) == (0.5, False)


def test_a_suffix_of_several_formats_needs_a_choice(here: Path) -> None:
    (here / "a.conll").write_text("Bo B-PER\n")
    assert failed(invoke("convert", "a.conll", "b.json")) == (
        "Error: b.json: several formats have this suffix; add --as label-studio, --as doccano, "
        "--as prodigy, --as spacy-json, --as gliner or --as gliner2\n"
    )
    assert not (here / "b.json").exists()


# --- predictions


@pytest.mark.parametrize(("name", "expected"), FORMAT_OF_FILE.items())
def test_texts_of_tools_are_tagged(here: Path, name: str, expected: str) -> None:
    (here / name).write_text(content_of(name), encoding="utf-8", newline="")
    worked(invoke("predict", GOLDEN, name, "--output", "out"))
    given_values, tagged = values(content_of(name)), values((here / "out" / name).read_text())
    first = tagged[0]
    if expected == "label-studio":  # JSON-MIN repeats the text of a task for each annotation
        assert len(tagged) == len(given_values) - ("min" in name)
        assert [one["model_version"] for one in first["predictions"]] == ["tagger"]
        result = first["predictions"][0]["result"]
        assert [(one["from_name"], one["to_name"], one["type"]) for one in result] == [
            ("label", "text", "labels")
        ] * len(result)
        assert {one["value"]["text"] for one in result} >= {"Mira Okafor"}
        assert first["predictions"][0]["score"] == min(one["score"] for one in result)
        if name == "label-studio.json":
            assert [task["annotations"] for task in tagged] == [
                task["annotations"] for task in given_values
            ]
    elif expected == "prodigy":
        assert len(tagged) == len(given_values)
        assert not {"answer", "_task_hash", "_input_hash"} & first.keys()
        assert first["meta"] == {"source": "letter 1"}
        span = first["spans"][0]
        assert first["text"][span["start"] : span["end"]] == "Mira Okafor"
        assert all(0 < one["score"] <= 1 for one in first["spans"])
    else:
        assert mentions(read(json.dumps(first), expected))[0][0] == ("Mira Okafor", "PER")


def test_columns_become_predictions_of_a_tool(here: Path) -> None:
    (here / "a.txt").write_text("Mira Okafor left.\n")
    for target in [*WITH_TEXT, "gliner", "gliner2"]:
        out = worked(invoke("predict", GOLDEN, "a.txt", "--to", target))
        first = mentions(read(out, target))[0][0]
        assert first == ("Mira Okafor", "PER")
    assert worked(invoke("predict", GOLDEN, "a.txt", "--to", "doccano")) == (
        '{"text": "Mira Okafor left.", "label": [[0, 11, "PER"]]}\n'
    )


@pytest.mark.parametrize("name", ["label-studio", "prodigy"])
def test_predictions_are_no_annotation_until_somebody_accepts_them(here: Path, name: str) -> None:
    (here / "a.txt").write_text("Mira Okafor left.\n")
    out = worked(invoke("predict", GOLDEN, "a.txt", "--to", name))
    (here / "b.json").write_text(out)
    expected = r"the spans are predictions, since they have scores"
    with pytest.raises(tagger.TaggerError, match=expected):
        annotation.read("b.json", OPTIONS)
    (value,) = values(out)
    if name == "prodigy":
        value["answer"] = "accept"
    else:
        value["annotations"] = [{"id": 1, "result": value["predictions"][0]["result"]}]
    (here / "b.json").write_text(json.dumps([value]))
    assert mentions(annotation.read("b.json", OPTIONS).sentences) == [[("Mira Okafor", "PER")]]


# --- what is peculiar to a tool


def task(*annotations: Any, **more: Any) -> dict[str, Any]:
    return {"data": {"text": "Bo met Ann."}, "annotations": list(annotations), **more}


def region(start: Any, end: Any, label: Any = "PER", field: str = "label", **more: Any) -> Any:
    value = {"start": start, "end": end, "labels": [label], **more}
    return {"from_name": field, "to_name": "text", "type": "labels", "value": value}


BO, ANN = region(0, 2), region(7, 10)


@pytest.mark.parametrize(
    ("annotator", "expected"),
    [
        ("", ["Ann"]),
        ("1", ["Bo"]),
        ("ada@example.org", ["Ann"]),
        ("Ada Roy", ["Ann"]),
        ("2", ["Ann"]),
    ],
)
def test_one_of_several_annotators_is_read(annotator: str, expected: list[str]) -> None:
    ada = {"id": 2, "email": "ada@example.org", "first_name": "Ada", "last_name": "Roy"}
    value = task(
        {"completed_by": ada, "updated_at": "2026-02-01", "result": [ANN]},
        {"completed_by": 1, "updated_at": "2026-01-01", "result": [BO]},
        {"completed_by": 1, "updated_at": "2026-03-01", "was_cancelled": True, "result": []},
    )
    options = replace(OPTIONS, annotator=annotator)
    found, report = read_reported(json.dumps([value]), "label-studio", options)
    assert [span.text for s in found for span in s.spans or ()] == expected
    notes = ["cancelled annotations are skipped (line 1)"]
    if not annotator:
        notes.append("of several annotations of a task, the latest is read (line 1)")
    assert list(report.notes) == notes


def test_a_wrong_annotator_or_field_is_an_error_with_the_others() -> None:
    value = json.dumps([task({"completed_by": 1, "result": [BO]})])
    with pytest.raises(
        tagger.TaggerError,
        match=r"^file: no annotation by '7'; expected one of '1' with --annotator$",
    ):
        read(value, "label-studio", replace(OPTIONS, annotator="7"))
    with pytest.raises(
        tagger.TaggerError,
        match=r"^file: no labels of the field 'x'; expected one of 'label' with --field$",
    ):
        read(value, "label-studio", replace(OPTIONS, label_field="x"))


def test_one_of_several_fields_is_read(here: Path) -> None:
    value = task({"result": [region(0, 2, field="who"), region(7, 10, field="whom")]})
    (here / "a.json").write_text(json.dumps([value]))
    assert failed(invoke("convert", "a.json", "b.conll")) == (
        "Error: a.json:1: contains labels of the fields 'who' and 'whom'; add --field who or "
        "--field whom\n"
    )
    worked(invoke("convert", "a.json", "b.conll", "--field", "whom"))
    assert (here / "b.conll").read_text() == "-DOCSTART- O\n\nBo O\nmet O\nAnn B-PER\n. O\n\n"


def test_old_exports_of_label_studio_count_utf16_units() -> None:
    data = {"text": "\U0001f600 Bo\nLee met Ann."}
    result = [region(3, 9, text="Bo\\nLee"), region(14, 17, text="Ann")]
    value = json.dumps([{"data": data, "annotations": [{"result": result}]}])
    found, report = read_reported(value, "label-studio", ReadOptions())
    assert [span.text for s in found for span in s.spans or ()] == ["Bo\nLee", "Ann"]
    note = "offsets are counted in UTF-16 units, as the texts of the spans prove (line 1)"
    assert report.notes == (note,)
    with pytest.raises(DataError, match=r"the span 3-9 \(PER\) is 'o\\nLee ' in the text, but"):
        read(value, "label-studio", ReadOptions(offsets="utf-32"))


def test_the_text_of_a_task_is_the_one_with_the_surfaces() -> None:
    data = {"title": "A meeting", "body": "Bo met Ann.", "n": 3}
    value = {"data": data, "annotations": [{"result": [region(0, 2, text="Bo")]}]}
    assert mentions(read(json.dumps([value]), "label-studio")) == [[("Bo", "PER")]]


def test_entities_of_doccano_keep_their_ids_and_relations() -> None:
    found = read(content_of("doccano-relations.jsonl"), "doccano")
    changed = [found[0].with_spans([Span(0, 2, "PER"), Span(4, 6, "DAY")]), *found[1:]]
    first = values(written(changed, "doccano"))[0]
    assert first["entities"] == [
        {"id": 10, "label": "PER", "start_offset": 0, "end_offset": 11},
        {"id": 12, "label": "DAY", "start_offset": 23, "end_offset": 32},
    ]
    assert first["relations"] == []
