"""What is written for annotation tools, read by the tools' own libraries."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.tool_formats import DATA, mentions, read, written

TEXT = "\U0001f600 Mira Okafor met Bo in\n Lagos."
SPANS = [[2, 13, "PER"], [18, 20, "PER"], [25, 30, "LOC"]]
CONFIG = """<View>
<Labels name="label" toName="text"><Label value="PER"/><Label value="LOC"/></Labels>
<Text name="text" value="$text"/>
</View>"""


def sentences_with(score: float | None) -> list:  # type: ignore[type-arg]
    spans = [
        {"start": start, "end": end, "label": label} | ({} if score is None else {"score": score})
        for start, end, label in SPANS
    ]
    return read(json.dumps({"text": TEXT, "spans": spans}), "jsonl")


def test_label_studio_accepts_predictions() -> None:
    sdk = pytest.importorskip("label_studio_sdk.label_interface", reason="label-studio-sdk")
    (task,) = json.loads(written(sentences_with(0.75), "label-studio", predictions=True))
    interface = sdk.LabelInterface(CONFIG)
    (prediction,) = task["predictions"]
    assert interface.validate_prediction(prediction, return_errors=True) == []
    assert prediction["score"] == 0.75
    broken = json.loads(json.dumps(prediction).replace('"PER"', '"XYZ"'))
    assert interface.validate_prediction(broken, return_errors=True)


def test_label_studio_converts_annotations(tmp_path: Path) -> None:
    converter = pytest.importorskip("label_studio_sdk.converter", reason="label-studio-sdk")
    (task,) = json.loads(written(sentences_with(None), "label-studio"))
    (tmp_path / "tasks.json").write_text(json.dumps([task | {"id": 1}]))  # as it has when imported
    converter.Converter(CONFIG, str(tmp_path)).convert_to_json_min(
        str(tmp_path / "tasks.json"), str(tmp_path), is_dir=False
    )
    (minimal,) = json.loads((tmp_path / "result.json").read_text())
    assert [[x["start"], x["end"], *x["labels"]] for x in minimal["label"]] == SPANS
    found = read((tmp_path / "result.json").read_text(), "label-studio")
    assert mentions(found) == mentions(sentences_with(None))


@pytest.mark.parametrize("source", ["", "spacy.json"])
def test_spacy_makes_examples_of_pairs(source: str) -> None:
    spacy = pytest.importorskip("spacy", reason="spaCy")
    training = pytest.importorskip("spacy.training", reason="spaCy")
    if source:
        found = read((DATA / source).read_text(encoding="utf-8"), "spacy-json")
    else:
        found = sentences_with(None)
    nlp = spacy.blank("en")
    got = []
    for text, annotation in json.loads(written(found, "spacy-json")):
        example = training.Example.from_dict(nlp.make_doc(text), annotation)
        got.append([(span.text, span.label_) for span in example.reference.ents])
    assert [one for each in got for one in each] == [
        one for each in mentions(found) for one in each
    ]
