"""Normal forms of predicted spans: `tagger predict --normalize LABEL=RUN`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support import small_seq2seq as small
from support.command_line import failed, invoke, worked
from support.paths import GOLDEN

import tagger
from tagger.bundles import seq2seq as bundles
from tagger.errors import TaggerError
from tagger.inference.normal_forms import Normalizer
from tagger.inference.predictor import Predictor
from tagger.seq2seq.model import Seq2SeqModel, load
from tagger.text.spans import Sentence, Span

TEXT = "Rosa visited Quito .\nMira Okafor left Quito .\n"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """The folder of a model that rewrites any text into a few letters."""
    bundles.save(tmp_path / "model", small.bundle_of(4, decoder={"attention": "none"}))
    return tmp_path / "model"


def objects(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def form_of(run: Path, text: str) -> str | None:
    [[best]] = load(run).predict([text])
    return None if best.at_limit else best.text


def test_spans_of_the_label_receive_their_normal_form(run: Path) -> None:
    plain = objects(worked(invoke("predict", GOLDEN, "-", "--to", "jsonl", input=TEXT)))
    command = ("predict", GOLDEN, "-", "--to", "jsonl", "--normalize", f"LOC={run}")
    found = objects(worked(invoke(*command, input=TEXT)))
    spans = [span for record in found for span in record["spans"]]
    places = [span for span in spans if span["label"] == "LOC"]
    assert [span["text"] for span in places] == ["Quito", "Quito"]
    assert form_of(run, "Quito") is not None
    assert {span["normalized"] for span in places} == {form_of(run, "Quito")}
    assert not any("normalized" in span for span in spans if span["label"] != "LOC")
    for span in places:
        del span["normalized"]
    assert found == plain


def test_several_labels_and_processes_and_the_library(run: Path, tmp_path: Path) -> None:
    bundles.save(tmp_path / "other", small.bundle_of(10, decoder={"attention": "none"}))
    files = [tmp_path / f"{name}.txt" for name in "ab"]
    for path in files:
        path.write_text(TEXT, encoding="utf-8")
    normalize = {"LOC": run, "PER": tmp_path / "other"}
    outputs = []
    for workers in (1, 2):
        output = tmp_path / f"out{workers}"
        done = tagger.tag_files(
            GOLDEN, files, output, target_format="jsonl", workers=workers, normalize=normalize
        )
        assert not done.failures
        outputs.append([path.read_text() for path in sorted(output.iterdir())])
    assert outputs[0] == outputs[1]
    spans = [span for record in objects(outputs[0][0]) for span in record["spans"]]
    assert {span["label"] for span in spans} == {"LOC", "PER"}
    for span in spans:
        expected = form_of(Path(normalize[span["label"]]), span["text"])
        assert span.get("normalized") == expected


def test_what_is_wrong_is_said_before_anything_is_tagged(run: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(TEXT, encoding="utf-8")
    command = ("predict", GOLDEN, path, "--to", "jsonl", "--normalize")
    message = failed(invoke(*command, f"LOCC={run}"))
    assert "the model does not predict the label LOCC" in message
    assert "did you mean LOC?" in message
    assert "--normalize LOC: expected LABEL=RUN" in failed(invoke(*command, "LOC"), status=2)
    twice = invoke(*command, f"LOC={run}", "--normalize", f"LOC={run}")
    assert "the label LOC has two models" in failed(twice, status=2)
    assert "a tagger, not a sequence-to-sequence model" in failed(invoke(*command, f"LOC={GOLDEN}"))
    for options in (("--to", "conll"), ("--format", "text")):
        outcome = invoke("predict", GOLDEN, path, *options, "--normalize", f"LOC={run}")
        assert "--normalize needs JSON Lines: add --to jsonl" in failed(outcome, status=2)
    outcome = invoke("predict", GOLDEN, path, "--normalize", f"LOC={run}")
    assert outcome.status == 1
    assert "normal forms are written as JSON Lines, not as text; add --to jsonl" in outcome.stderr
    bundles.save(tmp_path / "featured", small.bundle_of(data={"features": "pos"}))
    assert "it reads the features pos, which spans do not have" in failed(
        invoke(*command, f"LOC={tmp_path / 'featured'}")
    )


def test_a_surface_is_predicted_once_and_memory_is_bounded(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []
    predict = Seq2SeqModel.predict

    def counted(self: Seq2SeqModel, sources: Any, **options: Any) -> Any:
        asked.append(list(sources))
        return predict(self, asked[-1], **options)

    monkeypatch.setattr(Seq2SeqModel, "predict", counted)
    monkeypatch.setattr("tagger.inference.normal_forms._AT_ONCE", 2)
    monkeypatch.setattr("tagger.inference.normal_forms._MOST_KNOWN", 2)
    texts = ("a", "b", "a", "b", "c", "a", "c")
    sentences = [Sentence((text,), spans=(Span(0, 1, "LOC"),)) for text in texts]
    found = list(Normalizer({"LOC": run}).normalized(iter(sentences)))
    assert [[*one] for one in asked] == [["a", "b"], [], ["c", "a"], []]
    forms = [sentence.spans[0].normalized for sentence in found if sentence.spans]
    assert forms == [form_of(run, text) for text in texts]


def test_a_form_of_the_maximum_length_is_left_out(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tagger.seq2seq.decoding.limit_of", lambda length: 0)
    [sentence] = Normalizer({"LOC": run}).normalized(
        [Sentence(("New", "York"), spans=(Span(0, 2, "LOC"),))]
    )
    assert sentence.spans is not None
    assert sentence.spans[0].normalized is None


def test_a_span_shows_its_normal_form(predictor: Predictor) -> None:
    span = Span(0, 1, "DATE", normalized="1999-05-03")
    assert span.to_dict()["normalized"] == "1999-05-03"
    assert "normalized" not in Span(0, 1, "DATE").to_dict()
    assert span == Span(0, 1, "DATE")
    with pytest.raises(TaggerError, match="does not predict the label X"):
        tagger.tag_files(predictor, "none.txt", None, normalize={"X": "none"})
