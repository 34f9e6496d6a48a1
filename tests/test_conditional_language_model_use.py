"""Conditional language models in bundles and commands, and what is refused, word for word."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import onnx
import pytest
from support import small_language_models as small
from support.command_line import failed, invoke, worked
from support.json_lines import write_lines
from support.paths import GOLDEN_LANGUAGE_MODEL
from support.small_language_models import LABELED, conditional

from tagger.bundles import language_model as bundles
from tagger.bundles.language_model import GRAPH_FLOAT32, LABELS
from tagger.classification import bayes
from tagger.config import language_model as config
from tagger.config.tagger import Config, override
from tagger.errors import BundleError, DataError, TaggerError
from tagger.export import language_model as graph
from tagger.features.text_labels import TextLabels
from tagger.language_models import text
from tagger.language_models.model import LanguageModel


@pytest.fixture
def run(tmp_path: Path) -> Path:
    bundles.save(tmp_path / "run", conditional())
    return tmp_path / "run"


# -- bundles


def test_a_bundle_keeps_its_labels(run: Path, tmp_path: Path) -> None:
    bundle = bundles.load(run)
    assert bundle.labels == LABELED
    assert {*bundle.graphs} == {GRAPH_FLOAT32}
    assert bundle.digest == conditional().digest
    assert repr(bundle) == (
        "<LanguageModelBundle: forward, characters, lstm, 6 units, 371 parameters, conditional on "
        "2 labels: sport 3, business 1>"
    )
    output = worked(invoke("info", run))
    assert "conditional on  2 labels: sport 3, business 1\n" in output
    assert "tagger lm evaluate THIS_FOLDER FILE" in (run / "README.md").read_text()
    (run / GRAPH_FLOAT32).unlink()
    worked(invoke("export", run))
    assert bundles.load(run).graphs == bundle.graphs
    assert bundles.load(run).labels == LABELED
    names = replace(bundle, labels=TextLabels(("business", "sports"), (1, 3)))
    counts = replace(bundle, labels=TextLabels(("business", "sport"), (9, 9)))
    assert names.digest != bundle.digest == counts.digest
    bundles.save(run, small.bundle_of())
    assert not (run / LABELS).exists()
    assert not bundles.load(run).labels


def test_a_graph_documents_the_ids_of_labels() -> None:
    bundle = conditional()
    found = onnx.load_from_string(graph.with_graphs(bundle).graphs[GRAPH_FLOAT32])
    facts = {entry.key: entry.value for entry in found.metadata_props}
    assert json.loads(facts["labels.json"]) == {"labels": ["business", "sport"], "counts": [1, 3]}
    assert "Begin a text with the id of its label, 9 to 10, and omit" in facts["about"]
    assert "9 is the first of labels.json" in found.graph.input[0].doc_string


def test_bundles_without_labels_stay_what_they_were(tmp_path: Path) -> None:
    """The golden bundle, written again, has the same files and, apart from the texts that explain
    it, the same bytes.
    """
    bundle = bundles.load(GOLDEN_LANGUAGE_MODEL)
    bundles.save(tmp_path / "run", bundle)
    names = sorted(path.name for path in GOLDEN_LANGUAGE_MODEL.iterdir())
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == names
    for name in sorted({*names} - {"README.md", "config.toml", "manifest.json"}):
        assert (tmp_path / "run" / name).read_bytes() == (GOLDEN_LANGUAGE_MODEL / name).read_bytes()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"labels": ["business", "sport", "arts"], "counts": [1, 3, 1]}', "does not fit config"),
        ('{"labels": ["business"], "counts": [1]}', "does not fit config"),
        ('{"labels": [], "counts": []}', 'expected a JSON object with "labels"'),
        ('{"labels": ["sport", "sport"], "counts": [1, 3]}', "a label is empty or repeated"),
        ('{"labels": ["a", "sport"], "counts": [0, 3]}', "a label without a text"),
        ('{"labels": ["a", "sport"], "counts": [3]}', "2 labels but 1 counts"),
        ('["sport"]', 'expected a JSON object with "labels"'),
    ],
)
def test_damaged_labels_are_refused(
    content: str, message: str, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TextLabels, "to_json", lambda self: content)
    bundles.save(run, conditional())
    with pytest.raises(BundleError, match=message):
        bundles.load(run)


# -- commands and what they refuse


def test_score_with_a_label_and_with_those_of_the_file(run: Path, tmp_path: Path) -> None:
    bundle = bundles.load(run)
    file = write_lines(
        tmp_path / "a.jsonl",
        [
            {"tokens": ["ab", "c"], "label": "sport"},
            {"text": "e", "label": "business"},
        ],
    )
    own = [json.loads(line) for line in worked(invoke("lm", "score", run, file, "--json"))
           .splitlines()]  # fmt: skip
    sport = [json.loads(line) for line in worked(
        invoke("lm", "score", run, file, "--json", "--label", "sport")).splitlines()]  # fmt: skip
    model = LanguageModel(bundle)
    for scored, tokens, label in [
        (own[0], ["ab", "c"], "sport"),
        (own[1], ["e"], "business"),
        (sport[0], ["ab", "c"], "sport"),
        (sport[1], ["e"], "sport"),
    ]:
        expected = small.log_probabilities(bundle, model.ids(tokens), label).sum()
        assert scored["log_probability"] == pytest.approx(expected, rel=1e-4)
        assert (scored["label"], scored["text"]) == (label, " ".join(tokens))
    assert own[2]["log_probability"] == pytest.approx(
        own[0]["log_probability"] + own[1]["log_probability"]
    )
    line = worked(invoke("lm", "score", run, file)).splitlines()[1].split("\t")
    assert line[2:] == ["business", "e"]


def test_sample_and_evaluate_on_the_command_line(run: Path, tmp_path: Path) -> None:
    arguments = ("lm", "sample", run, "--label", "sport", "--count", "5", "--seed", "1")
    drawn = [json.loads(line) for line in worked(invoke(*arguments, "--jsonl")).splitlines()]
    assert len(drawn) == 5
    assert all({*one} == {"text", "label", "complete"} for one in drawn)
    assert [one["text"] for one in drawn] == worked(invoke(*arguments)).splitlines()
    assert all(one["label"] == "sport" for one in drawn)
    file = write_lines(
        tmp_path / "a.jsonl",
        [
            {"text": "ab c", "label": "sport"},
            {"text": "bed", "label": "business"},
        ],
    )
    found = json.loads(worked(invoke("lm", "evaluate", run, file, "--json")))
    assert found == json.loads(json.dumps(bayes.evaluate(run, [str(file)]).as_json()))
    assert (found["texts"], found["majority"]["label"]) == (2, "sport")
    assert worked(invoke("lm", "evaluate", run, file)).startswith("          precision")


def test_what_a_model_with_and_without_labels_refuses(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    bundles.save("plain", small.bundle_of())
    write_lines(
        tmp_path / "a.jsonl", [{"text": "a", "label": "sport"}, {"text": "b", "label": "sprt"}]
    )
    write_lines(tmp_path / "b.jsonl", [{"text": "a", "label": "sport"}, {"text": "b"}])
    (tmp_path / "a.txt").write_text("ab\n", encoding="utf-8")
    (tmp_path / "empty.txt").write_text("\n", encoding="utf-8")
    without = "was trained without labels"
    missing = 'no "label", on which the model is conditional; expected one of business, sport'
    advice = ", or choose the label of all texts with --label"
    for arguments, message in [
        ("sample run", "run: is conditional on a label, which is missing; expected one of "
         "business, sport"),
        ("sample run --label sprt", "run: unknown label 'sprt'; did you mean sport?"),
        ("sample plain --label sport", f"plain: {without}, so that a label changes nothing; omit "
         "it, or train on JSON Lines with one"),
        ("score run a.txt", f"a.txt:1: {missing}{advice}"),
        ("score run b.jsonl", f"b.jsonl:2: {missing}{advice}"),
        ("score run a.jsonl", "a.jsonl:2: unknown label sprt, which train lacks; did you mean "
         "sport?"),
        ("score run a.txt --label x", "run: unknown label 'x'; known: business, sport"),
        ("score plain a.txt --label sport", f"plain: {without}, so that a label changes nothing; "
         "omit it, or train on JSON Lines with one"),
        ("evaluate run b.jsonl", f"b.jsonl:2: {missing}"),
        ("evaluate run a.jsonl", "a.jsonl:2: unknown label sprt, which train lacks; did you mean "
         "sport?"),
        ("evaluate run empty.txt", "empty.txt: no text in it"),
        ("evaluate plain a.jsonl", f"plain: {without}, so it implies no classifier; train it on "
         'JSON Lines with "text" and "label"'),
    ]:  # fmt: skip
        assert failed(invoke("lm", *arguments.split())).splitlines()[-1] == f"Error: {message}"
    assert len(worked(invoke("lm", "score", "plain", "a.jsonl")).splitlines()) == 3


def test_labels_that_do_not_fit_are_refused_before_a_training(tmp_path: Path) -> None:
    def train(*objects: dict[str, Any], key: str = "label") -> TextLabels:
        file = write_lines(tmp_path / "t.jsonl", objects)
        changes = [f'data.train=["{file}"]', f"data.label={key}", "vocabulary.minimum_count=1"]
        return text.survey(config.override(config.LanguageModelConfig(), changes))[1]

    one: dict[str, Any] = {"text": "a", "label": "x"}
    two: dict[str, Any] = {"text": "b"}
    place, undo = f"{tmp_path / 't.jsonl'}", "or read no labels: --set data.label="
    for objects, message in [
        ((one, two), f'{place}:2: no "label", unlike {place}:1; add one to every text of train, of '
         f"which {place}:2 has none, {undo}"),
        ((two, one), f'{place}:2: has "label", unlike {place}:1; add one to every text of train, '
         f"of which {place}:1 has none, {undo}"),
        ((one, {"text": "b", "label": ["x", "y"]}), f'{place}:2: "label" must be one label, a '
         f"string or an integer, found [\"x\", \"y\"]; correct it, {undo}"),
        ((one, {"text": "b", "label": " "}), f'{place}:2: "label" must be one label, a string or '
         f"an integer, found \" \"; correct it, {undo}"),
    ]:  # fmt: skip
        with pytest.raises(DataError) as caught:
            train(*objects)
        assert str(caught.value) == message
        assert not train(*objects, key="")
    assert train(one, {"text": "b", "label": " y "}) == TextLabels(("x", "y"), (1, 1))
    assert train({"text": "a", "genre": True}, key="genre") == TextLabels(("true",), (1,))
    assert not train({"text": "a", "genre": "x"})


def test_states_at_tokens_are_refused(run: Path) -> None:
    """A tagger's sentences have no label, so a conditional model has no states for them."""
    from tagger.training.inputs.context import language_models_of

    with pytest.raises(TaggerError, match="is conditional on a label, which is missing"):
        LanguageModel(bundles.load(run)).encode([["a"]])
    settings = override(Config(), [f'data.language_models=["{run}"]'])
    with pytest.raises(BundleError) as caught:
        language_models_of(settings)
    assert str(caught.value) == (
        f"{run}: is conditional on labels, which the sentences of a tagger do not have; use a "
        "model that was trained without labels: tagger lm train --set data.label="
    )
