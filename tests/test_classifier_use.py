"""Classifiers in use: texts of any kind and length, files as streams, the command line."""

from __future__ import annotations

import csv
import gzip
import importlib
import io
import itertools
import json
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.command_line import failed, invoke, worked
from support.json_lines import write_lines
from support.paths import GOLDEN_CLASSIFIER
from support.texts import made
from test_dependencies import lean

from tagger import classification
from tagger.bundles import classifier as bundles
from tagger.classification.classifier import Classifier
from tagger.errors import TaggerError

TEXT = "A lovely film."
ROWS: list[dict[str, Any]] = [
    {"id": 1, "text": TEXT, "label": "good"},
    {"id": 2, "text": "Dull, cold.\n\nNot a film.", "label": "bad"},
    {"id": 3, "tokens": ["a", "film"], "label": "good", "gold": "kept"},
]


@pytest.fixture(scope="module")
def single() -> Classifier:
    return Classifier(made()[0])


@pytest.fixture(scope="module")
def several() -> Classifier:
    return Classifier(made("data.multi_label=true", "model.pooling=mean")[0])


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, single: Classifier) -> Path:
    """The folder of a classifier of one label per text."""
    folder = tmp_path_factory.mktemp("single")
    bundles.save(folder, single.bundle)
    return folder


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, several: Classifier) -> Path:
    """The folder of a classifier of any number of labels per text."""
    folder = tmp_path_factory.mktemp("several")
    bundles.save(folder, several.bundle)
    return folder


# -- a bundle of format 1, which every later version reads


GOLDEN_SCORES = {
    TEXT: {"bad": 0.16862, "good": 0.45402, "mixed": 0.3215},
    "Dull, cold.": {"bad": 0.16168, "good": 0.4472, "mixed": 0.31073},
    "": {"bad": 0.20553, "good": 0.51673, "mixed": 0.40787},
}


def test_the_golden_classifier_predicts_what_it_always_did() -> None:
    with classification.load(GOLDEN_CLASSIFIER) as model:
        for text, expected in GOLDEN_SCORES.items():
            found = model.classify(text)
            assert found.probabilities == pytest.approx(expected, abs=1e-5)
            assert {*found.labels} == {name for name, score in expected.items() if score >= 0.4}
    facts = bundles.describe(bundles.load(GOLDEN_CLASSIFIER))
    assert "at temperature 0.5 to 2 by label" in facts["probabilities"]
    assert facts["probabilities"].endswith("labels from a probability of 0.4")
    assert facts["network"] == (
        "gru, 1 x 4 units, both directions, pooling maximum, 3 hidden units"
    )


# -- Python


def test_texts_and_tokens_are_the_same(single: Classifier) -> None:
    found = single.classify(TEXT)
    (same,) = single.predict([("A", "lovely", "film", ".")])
    assert found.probabilities == same.probabilities
    assert found.label in single.labels == ("bad", "good", "mixed")
    assert found.labels == (found.label,)
    assert repr(found) == f"Prediction(labels=('{found.label}',))"
    assert single.classify("").label in single.labels
    assert [*single.classify_many([])] == []


def test_windows_are_as_one_text_after_the_other(
    single: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [("a", "lovely") * (number % 7) for number in range(50)]
    alone = np.concatenate([single.logits([text]) for text in texts])
    monkeypatch.setattr("tagger.classification.classifier.window_tokens", lambda labels: 20)
    np.testing.assert_allclose(single.logits(texts), alone, atol=1e-5)


def test_texts_are_consumed_lazily(single: Classifier) -> None:
    def endless() -> Any:
        for number in itertools.count():
            yield f"film {number}"

    found = list(itertools.islice(single.classify_many(endless()), 3))
    assert len(found) == 3


def test_a_very_long_text_is_classified_as_a_whole(single: Classifier) -> None:
    """20,000 tokens, of which the graph sees 4,096 at once."""
    words = ["a", "film", ".", "not"] * 5000
    ends = [single.logits([[word, *words, word]])[0] for word in ("lovely", "cold")]
    assert not np.allclose(ends[0], ends[1])
    assert single.classify(" ".join(words)).label in single.labels


def test_thresholds(several: Classifier) -> None:
    low, high = (several.classify(TEXT, threshold=one) for one in (1e-9, 1.0))
    assert {*low.labels} == {*several.labels}
    assert list(low.labels) == sorted(low.labels, key=lambda one: -low.probabilities[one])
    assert high.labels == ()
    assert high.label == low.labels[0]


@pytest.mark.parametrize(
    ("use", "kind", "message"),
    [
        (lambda model: model.classify(3), TypeError, "expected a text of type str, got int: 3"),
        (
            lambda model: model.classify_many("abc"),
            TypeError,
            "expected texts of type str, got str",
        ),
        (lambda model: list(model.classify_many([b"a"])), TypeError, "expected a text of type str"),
        (lambda model: list(model.predict("abc")), TypeError, "expected texts, each a sequence of"),
        (lambda model: list(model.predict(["abc"])), TypeError, "classify raw text with classify"),
        (lambda model: list(model.predict([["a", 3]])), TypeError, "expected tokens of type str"),
        (
            lambda model: model.classify("a", threshold=0.5),
            ValueError,
            "exactly one label per text",
        ),
    ],
)
def test_wrong_arguments(single: Classifier, use: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        use(single)
    assert single.classify(TEXT)


def test_an_impossible_threshold(several: Classifier) -> None:
    with pytest.raises(ValueError, match=r"expected a threshold above 0 and up to 1, got 1\.5"):
        several.classify("a", threshold=1.5)


def test_a_closed_model_says_so(run: Path) -> None:
    with classification.load(run) as model:
        waiting = model.classify_many([TEXT])
    closed = "the classifier is closed; open it again with tagger.classification.load"
    with pytest.raises(TaggerError, match=closed):
        model.classify(TEXT)
    with pytest.raises(TaggerError, match=closed):
        next(waiting)


def test_the_package_lists_its_names() -> None:
    assert dir(classification) == sorted(classification.__all__)
    assert {*classification.__all__} == {*classification._HOMES}
    for name, home in classification._HOMES.items():  # no module hides a function of its name
        importlib.import_module(home)
        assert callable(getattr(classification, name)), name
    with pytest.raises(AttributeError, match="has no attribute 'clasify'"):
        _ = classification.clasify


# -- files


def lines_of(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_json_lines_come_back_with_a_label(run: Path, here: Path, single: Classifier) -> None:
    path = write_lines(here / "a.jsonl", ROWS)
    out = worked(invoke("classify", "predict", run, path))
    found = lines_of(out)
    for row, one in zip(ROWS, found, strict=True):
        tokens = row.get("tokens")
        expected = next(single.predict([tokens])) if tokens else single.classify(row["text"])
        assert one == {
            **{key: value for key, value in row.items() if key != "label"},
            "gold": row.get("gold", row["label"]),
            "label": expected.label,
            "probability": pytest.approx(expected.probability, abs=1e-6),
        }
    assert [*found[0]] == ["id", "text", "gold", "label", "probability"]
    # An output is an input: its prediction is replaced, its gold label stays.
    again = write_lines(here / "b.jsonl", found)
    assert worked(invoke("classify", "predict", run, again)) == out


def test_tables_and_text(run: Path, here: Path) -> None:
    table = here / "a.csv.gz"
    table.write_bytes(gzip.compress(b'id;Text\r\n1;"A ""lovely""\nfilm"\r\n2;cold\r\n'))
    out = worked(invoke("classify", "predict", run, table, "--to", "tsv", "--probabilities"))
    rows = list(csv.reader(io.StringIO(out), delimiter="\t"))
    assert rows[0] == ["id", "Text", "predicted", "probability", "bad", "good", "mixed"]
    assert [row[:2] for row in rows[1:]] == [["1", 'A "lovely"\nfilm'], ["2", "cold"]]
    for row in rows[1:]:
        scores = dict(zip(rows[0][4:], map(float, row[4:]), strict=True))
        assert sum(scores.values()) == pytest.approx(1, abs=1e-5)
        assert row[2] == max(scores, key=lambda name: scores[name])
        assert row[3] == f"{scores[row[2]]:.6f}"
    text = worked(invoke("classify", "predict", run, "-", input=f"{TEXT}\n\nDull\n"))
    assert [(one["file"], one["line"], one["text"]) for one in lines_of(text)] == [
        ("-", 1, TEXT),
        ("-", 3, "Dull"),
    ]
    as_table = worked(invoke("classify", "predict", run, "-", "--to", "tsv", input=TEXT))
    assert as_table.splitlines()[0] == "text\tpredicted\tprobability"
    forced = worked(invoke("classify", "predict", run, "-", "--format", "text", input='{"a": 1}'))
    assert lines_of(forced)[0]["text"] == '{"a": 1}'


def test_several_labels_in_files(runs: Path, here: Path, several: Classifier) -> None:
    path = write_lines(here / "a.jsonl", [{"text": TEXT, "labels": ["good"]}])
    (one,) = lines_of(worked(invoke("classify", "predict", runs, path, "--threshold", "0.0001")))
    expected = several.classify(TEXT, threshold=0.0001)
    assert one["gold"] == ["good"]
    assert one["labels"] == list(expected.labels)
    assert one["probabilities"] == pytest.approx(expected.probabilities, abs=1e-6)
    (none,) = lines_of(worked(invoke("classify", "predict", runs, path, "--threshold", "1")))
    assert (none["labels"], none["probabilities"]) == ([], {})
    arguments = ("--threshold", "0.0001", "--to", "tsv")
    row = worked(invoke("classify", "predict", runs, path, *arguments)).splitlines()[1].split("\t")
    assert row[1] == ",".join(expected.labels)


def test_outputs_appear_whole_or_not_at_all(run: Path, here: Path) -> None:
    write_lines(here / "good.jsonl", ROWS)
    write_lines(here / "bad.jsonl", [ROWS[0], {"id": 2}, {"text": 3}])
    (here / "lines.txt").write_text("one\ntwo\n", encoding="utf-8")
    done = invoke(
        "classify",
        "predict",
        run,
        "good.jsonl",
        "bad.jsonl",
        "lines.txt",
        "missing.txt",
        "-o",
        "out",
    )
    assert done.status == 1
    assert sorted(path.name for path in (here / "out").iterdir()) == ["good.jsonl", "lines.jsonl"]
    assert len(lines_of((here / "out" / "good.jsonl").read_text(encoding="utf-8"))) == 3
    assert (
        'Error: bad.jsonl:2: has no text: expected "text" or "tokens", found "id"; name it with '
        "--text-column (1 more error in this file, in line 3)"
    ) in done.stderr
    assert "Error: missing.txt: cannot be read: No such file or directory" in done.stderr
    assert "Classified 6 texts of 2 of 4 files" in done.stderr
    summary = invoke("classify", "predict", run, "good.jsonl", "-o", "json", "--json")
    assert json.loads(worked(summary))["texts"] == 3


@pytest.mark.slow
def test_a_stream_takes_constant_memory(
    single: Classifier, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The texts of a file are collected neither before nor after classification."""
    monkeypatch.setattr("tagger.classification.classifier.window_tokens", lambda labels: 1000)
    peaks = []
    for count in (500, 3000, 9000):  # of which a block of the file contains 1,600
        write_lines(here / "a.jsonl", ({"text": "a film " * 5} for _ in range(count)))
        tracemalloc.start()
        done = classification.classify_files(single, "a.jsonl", "out")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert (done.files, done.texts, done.failures) == (1, count, ())
    assert peaks[2] < 1.2 * peaks[1]


def test_progress_is_reported_text_by_text(single: Classifier, here: Path) -> None:
    write_lines(here / "a.jsonl", ROWS)
    seen: list[tuple[str, int]] = []
    classification.classify_files(
        single, "a.jsonl", "out", on_progress=lambda source, count: seen.append((source, count))
    )
    assert seen == [("a.jsonl", 1), ("a.jsonl", 2), ("a.jsonl", 3)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("a.jsonl", "--json"), "--json needs --output: the classified texts are on standard outp"),
        (("a.jsonl", "--threshold", "0.5"), "the model predicts exactly one label per text; leave"),
        (("a.jsonl", "--threshold", "0"), "is not in the range 0<x<=1"),
        (("a.jsonl", "--to", "csv"), "'csv' is not one of 'jsonl', 'tsv'"),
    ],
)
def test_wrong_usage_of_predict(
    run: Path, here: Path, arguments: tuple[str, ...], message: str
) -> None:
    write_lines(here / "a.jsonl", ROWS)
    assert message in failed(invoke("classify", "predict", run, *arguments), 2).replace("\n", " ")


def test_wrong_arguments_of_the_function(single: Classifier, here: Path) -> None:
    with pytest.raises(ValueError, match="expected one of jsonl, tsv as the format, got 'xml'"):
        classification.classify_files(single, "a", target_format="xml")
    with pytest.raises(ValueError, match="expected at least one file of labeled texts"):
        classification.evaluate(single, [])


# -- evaluation


def test_evaluation(run: Path, here: Path, single: Classifier) -> None:
    path = write_lines(here / "a.jsonl", ROWS)
    done = invoke("classify", "evaluate", run, path, "--report", "report.md")
    out = worked(done)
    assert f"{path}: JSON Lines" in done.stderr
    scores = classification.evaluate(single, path)
    assert f"of {scores.texts} texts" in out
    assert "gold \\ predicted" in out
    assert "expected calibration error" in out
    assert json.loads(worked(invoke("classify", "evaluate", run, path, "--json"))) == json.loads(
        json.dumps(scores.as_json())
    )
    text = (here / "report.md").read_text(encoding="utf-8")
    wrong = [
        row
        for row in ROWS
        if (
            next(single.predict([row["tokens"]]))
            if "tokens" in row
            else single.classify(row["text"])
        ).label
        != row["label"]
    ]
    assert f"## Wrong labels: {len(wrong)} of 3 texts" in text
    assert text.count(f"- `{path}:") == len(wrong)


def test_labels_that_the_model_lacks_are_reported(run: Path, here: Path) -> None:
    path = write_lines(here / "a.jsonl", [{"text": TEXT, "label": "ugly"}, ROWS[0]])
    done = invoke("classify", "evaluate", run, path)
    worked(done)
    assert (
        "Warning: the model does not have the label ugly, so 1 texts with it count as wrong"
    ) in done.stderr


def test_evaluation_of_several_labels(runs: Path, here: Path) -> None:
    path = here / "a.csv"
    path.write_text("body,tags\nA lovely film,good|mixed\nCold,\n", encoding="utf-8")
    arguments = ("--text-column", "body", "--label-column", "tags", "--label-separator", "|")
    out = worked(invoke("classify", "evaluate", runs, path, *arguments, "--threshold", "0.0001"))
    assert "micro" in out
    assert "gold \\ predicted" not in out
    assert "Brier score" in out
    line = next(line for line in out.splitlines() if line.startswith("good"))
    assert line.split()[4:] == ["1", "2", "1"]


# -- the other commands


def test_info_and_config(run: Path, trained_run: Path) -> None:
    facts = json.loads(worked(invoke("classify", "info", run, "--json")))
    assert facts == json.loads(worked(invoke("info", run, "--json")))
    assert facts["predicts"] == "one label per text: bad, good, mixed"
    message = failed(invoke("classify", "info", trained_run))
    assert "a tagger, not a text classifier; use it with tagger predict" in message
    other = failed(invoke("predict", run, run / "README.md"))
    assert "a text classifier, not a tagger; use it with tagger classify" in other
    assert 'pooling = "' in worked(invoke("classify", "config", "model"))


@pytest.mark.slow
def test_a_plain_installation_is_enough(run: Path, here: Path) -> None:
    path = write_lines(here / "a.jsonl", ROWS)
    for arguments in (
        ("predict", run, path, "--output", here / "out"),
        ("evaluate", run, path, "--report", here / "report.md"),
        ("info", run),
    ):
        done = lean("classify", *arguments)
        assert done.returncode == 0, done.stderr


def test_training_on_the_command_line_reports_errors_of_the_data_first(here: Path) -> None:
    write_lines(here / "a.jsonl", [{"text": "x", "label": "a"}, {"text": "y"}])
    message = failed(invoke("classify", "train", "--train", "a.jsonl", "run"))
    assert message == (
        'Error: a.jsonl:2: has no label: expected "label", found "text"; name it with '
        "--label-column\n"
    )
    assert not (here / "run").exists()
    usage = failed(invoke("classify", "train", "--train", "a.jsonl", "run", "--set", "a.b=1"), 2)
    assert "unknown table a" in usage


@pytest.mark.slow
def test_a_training_on_the_command_line(here: Path) -> None:
    rows = [{"body": f"{'warm' if n % 2 else 'cold'} day {n}", "team": n % 2} for n in range(40)]
    lines = [",".join(rows[0]), *(f"{row['body']},{row['team']}" for row in rows)]
    (here / "a.csv").write_text("\n".join(lines), encoding="utf-8")
    arguments = ["--train", "a.csv", "--text-column", "body", "--label-column", "team"]
    small = ["--units", "4", "--epochs", "1", "--set", "training.epoch_tokens=0"]
    done = invoke("classify", "train", *arguments, *small, "runs/a")
    out = worked(done)
    assert out.startswith("Best dev accuracy ")
    assert "The model is in runs/a." in out
    assert "texts held out of a.csv" in done.stderr
    assert "Next: tagger classify evaluate runs/a test.jsonl" in done.stderr
    assert "epoch     loss dev accuracy dev loss" in done.stderr
    assert 'text_column = "body"' in (here / "runs/a/config.toml").read_text(encoding="utf-8")
    failed(invoke("classify", "train", *arguments, *small, "runs/a"))
    again = invoke("classify", "train", *arguments, *small, "--json", "runs/b")
    assert json.loads(worked(again))["train_texts"] > 20
