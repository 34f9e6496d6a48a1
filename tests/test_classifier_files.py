"""Classifiers on files: predictions as streams, evaluation, the command line."""

from __future__ import annotations

import csv
import gzip
import io
import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from support.command_line import failed, invoke, worked
from support.json_lines import lines_of, write_lines
from test_dependencies import lean

from tagger import classification
from tagger.classification.classifier import Classifier

TEXT = "A lovely film."
ROWS: list[dict[str, Any]] = [
    {"id": 1, "text": TEXT, "label": "good"},
    {"id": 2, "text": "Dull, cold.\n\nNot a film.", "label": "bad"},
    {"id": 3, "tokens": ["a", "film"], "label": "good", "gold": "kept"},
]


def test_json_lines_come_back_with_a_label(
    single_label_run: Path, here: Path, single_label: Classifier
) -> None:
    path = write_lines(here / "a.jsonl", ROWS)
    out = worked(invoke("classify", "predict", single_label_run, path))
    found = lines_of(out)
    for row, one in zip(ROWS, found, strict=True):
        tokens = row.get("tokens")
        expected = (
            next(single_label.predict([tokens])) if tokens else single_label.classify(row["text"])
        )
        assert one == {
            **{key: value for key, value in row.items() if key != "label"},
            "gold": row.get("gold", row["label"]),
            "label": expected.label,
            "probability": pytest.approx(expected.probability, abs=1e-6),
        }
    assert [*found[0]] == ["id", "text", "gold", "label", "probability"]
    # An output is an input: its prediction is replaced, its gold label stays.
    again = write_lines(here / "b.jsonl", found)
    assert worked(invoke("classify", "predict", single_label_run, again)) == out


def test_tables_and_text(single_label_run: Path, here: Path) -> None:
    table = here / "a.csv.gz"
    table.write_bytes(gzip.compress(b'id;Text\r\n1;"A ""lovely""\nfilm"\r\n2;cold\r\n'))
    out = worked(
        invoke("classify", "predict", single_label_run, table, "--to", "tsv", "--probabilities")
    )
    rows = list(csv.reader(io.StringIO(out), delimiter="\t"))
    assert rows[0] == ["id", "Text", "predicted", "probability", "bad", "good", "mixed"]
    assert [row[:2] for row in rows[1:]] == [["1", 'A "lovely"\nfilm'], ["2", "cold"]]
    for row in rows[1:]:
        scores = dict(zip(rows[0][4:], map(float, row[4:]), strict=True))
        assert sum(scores.values()) == pytest.approx(1, abs=1e-5)
        assert row[2] == max(scores, key=lambda name: scores[name])
        assert row[3] == f"{scores[row[2]]:.6f}"
    text = worked(invoke("classify", "predict", single_label_run, "-", input=f"{TEXT}\n\nDull\n"))
    assert [(one["file"], one["line"], one["text"]) for one in lines_of(text)] == [
        ("-", 1, TEXT),
        ("-", 3, "Dull"),
    ]
    as_table = worked(
        invoke("classify", "predict", single_label_run, "-", "--to", "tsv", input=TEXT)
    )
    assert as_table.splitlines()[0] == "text\tpredicted\tprobability"
    forced = worked(
        invoke("classify", "predict", single_label_run, "-", "--format", "text", input='{"a": 1}')
    )
    assert lines_of(forced)[0]["text"] == '{"a": 1}'


def test_several_labels_in_files(
    multi_label_run: Path, here: Path, multi_label: Classifier
) -> None:
    path = write_lines(here / "a.jsonl", [{"text": TEXT, "labels": ["good"]}])
    (one,) = lines_of(
        worked(invoke("classify", "predict", multi_label_run, path, "--threshold", "0.0001"))
    )
    expected = multi_label.classify(TEXT, threshold=0.0001)
    assert one["gold"] == ["good"]
    assert one["labels"] == list(expected.labels)
    assert one["probabilities"] == pytest.approx(expected.probabilities, abs=1e-6)
    (none,) = lines_of(
        worked(invoke("classify", "predict", multi_label_run, path, "--threshold", "1"))
    )
    assert (none["labels"], none["probabilities"]) == ([], {})
    arguments = ("--threshold", "0.0001", "--to", "tsv")
    row = (
        worked(invoke("classify", "predict", multi_label_run, path, *arguments))
        .splitlines()[1]
        .split("\t")
    )
    assert row[1] == ",".join(expected.labels)


def test_outputs_appear_whole_or_not_at_all(single_label_run: Path, here: Path) -> None:
    write_lines(here / "good.jsonl", ROWS)
    write_lines(here / "bad.jsonl", [ROWS[0], {"id": 2}, {"text": 3}])
    (here / "lines.txt").write_text("one\ntwo\n", encoding="utf-8")
    done = invoke(
        "classify",
        "predict",
        single_label_run,
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
    summary = invoke("classify", "predict", single_label_run, "good.jsonl", "-o", "json", "--json")
    assert json.loads(worked(summary))["texts"] == 3


@pytest.mark.slow
def test_a_stream_takes_constant_memory(
    single_label: Classifier, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The texts of a file are collected neither before nor after classification."""
    monkeypatch.setattr("tagger.classification.classifier.window_tokens", lambda labels: 1000)
    peaks = []
    for count in (500, 3000, 9000):  # of which a block of the file contains 1,600
        write_lines(here / "a.jsonl", ({"text": "a film " * 5} for _ in range(count)))
        tracemalloc.start()
        done = classification.classify_files(single_label, "a.jsonl", "out")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert (done.files, done.texts, done.failures) == (1, count, ())
    assert peaks[2] < 1.2 * peaks[1]


def test_progress_is_reported_text_by_text(single_label: Classifier, here: Path) -> None:
    write_lines(here / "a.jsonl", ROWS)
    seen: list[tuple[str, int]] = []
    classification.classify_files(
        single_label,
        "a.jsonl",
        "out",
        on_progress=lambda source, count: seen.append((source, count)),
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
    single_label_run: Path, here: Path, arguments: tuple[str, ...], message: str
) -> None:
    write_lines(here / "a.jsonl", ROWS)
    assert message in failed(
        invoke("classify", "predict", single_label_run, *arguments), 2
    ).replace("\n", " ")


def test_wrong_arguments_of_the_function(single_label: Classifier, here: Path) -> None:
    with pytest.raises(ValueError, match="expected one of jsonl, tsv as the format, got 'xml'"):
        classification.classify_files(single_label, "a", target_format="xml")
    with pytest.raises(ValueError, match="expected at least one file of labeled texts"):
        classification.evaluate(single_label, [])


# -- evaluation


def test_evaluation(single_label_run: Path, here: Path, single_label: Classifier) -> None:
    path = write_lines(here / "a.jsonl", ROWS)
    done = invoke("classify", "evaluate", single_label_run, path, "--report", "report.md")
    out = worked(done)
    assert f"{path}: JSON Lines" in done.stderr
    scores = classification.evaluate(single_label, path)
    assert f"of {scores.texts} texts" in out
    assert "gold \\ predicted" in out
    assert "expected calibration error" in out
    assert json.loads(
        worked(invoke("classify", "evaluate", single_label_run, path, "--json"))
    ) == json.loads(json.dumps(scores.as_json()))
    text = (here / "report.md").read_text(encoding="utf-8")
    wrong = [
        row
        for row in ROWS
        if (
            next(single_label.predict([row["tokens"]]))
            if "tokens" in row
            else single_label.classify(row["text"])
        ).label
        != row["label"]
    ]
    assert f"## Wrong labels: {len(wrong)} of 3 texts" in text
    assert text.count(f"- `{path}:") == len(wrong)


def test_labels_that_the_model_lacks_are_reported(single_label_run: Path, here: Path) -> None:
    path = write_lines(here / "a.jsonl", [{"text": TEXT, "label": "ugly"}, ROWS[0]])
    done = invoke("classify", "evaluate", single_label_run, path)
    worked(done)
    assert (
        "Warning: the model does not have the label ugly, so 1 texts with it count as wrong"
    ) in done.stderr


def test_evaluation_of_several_labels(multi_label_run: Path, here: Path) -> None:
    path = here / "a.csv"
    path.write_text("body,tags\nA lovely film,good|mixed\nCold,\n", encoding="utf-8")
    arguments = ("--text-column", "body", "--label-column", "tags", "--label-separator", "|")
    out = worked(
        invoke("classify", "evaluate", multi_label_run, path, *arguments, "--threshold", "0.0001")
    )
    assert "micro" in out
    assert "gold \\ predicted" not in out
    assert "Brier score" in out
    line = next(line for line in out.splitlines() if line.startswith("good"))
    assert line.split()[4:] == ["1", "2", "1"]


# -- the other commands


def test_info_and_config(single_label_run: Path, trained_run: Path) -> None:
    facts = json.loads(worked(invoke("classify", "info", single_label_run, "--json")))
    assert facts == json.loads(worked(invoke("info", single_label_run, "--json")))
    assert facts["predicts"] == "one label per text: bad, good, mixed"
    message = failed(invoke("classify", "info", trained_run))
    assert "a tagger, not a text classifier; use it with tagger predict" in message
    other = failed(invoke("predict", single_label_run, single_label_run / "README.md"))
    assert "a text classifier, not a tagger; use it with tagger classify" in other
    assert 'pooling = "' in worked(invoke("classify", "config", "model"))


@pytest.mark.slow
def test_a_plain_installation_is_enough(single_label_run: Path, here: Path) -> None:
    path = write_lines(here / "a.jsonl", ROWS)
    for arguments in (
        ("predict", single_label_run, path, "--output", here / "out"),
        ("evaluate", single_label_run, path, "--report", here / "report.md"),
        ("info", single_label_run),
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
