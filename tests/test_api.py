"""The library as a command would use it: typed results, errors of its own, models left as they
were.
"""

from __future__ import annotations

import json
import re
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from support.command_line import failed, invoke, worked
from support.paths import GOLDEN, GOLDEN_LANGUAGE_MODEL, SAMPLE

import tagger
from tagger.bundles import card, language_model
from tagger.bundles import tagger_files as bundles
from tagger.inference import files as stream
from tagger.inference.predictor import Predictor
from tagger.text.formats import ReadOptions

TEXT = "Mira Okafor works for Nordwind in Quito.\n"
TAGGED = "[PER Mira Okafor] works for [ORG Nordwind] in [LOC Quito].\n"


class Recorder(tagger.FileObserver):
    """Remembers what it receives."""

    def __init__(self) -> None:
        self.shares: list[tuple[str, float, int]] = []
        self.ends: list[tuple[str, int, int]] = []
        self.done = 0.0

    def reading(self, source: str, number: int, files: int, share: float, tokens: int) -> None:
        self.shares.append((source, share, tokens))

    def finished(self, source: str, number: int, files: int, share: float) -> None:
        self.ends.append((source, number, files))
        self.done = share


@pytest.fixture
def texts(here: Path) -> list[Path]:
    for number in range(3):
        Path(f"{number}.txt").write_text(TEXT * (number + 1))
    Path("1.txt").write_bytes(b"fine\nM\xfcnchen\n")
    return [Path(f"{number}.txt") for number in range(3)]


@pytest.mark.parametrize("workers", [1, 2])
def test_files_are_tagged_and_failures_are_told(texts: list[Path], workers: int) -> None:
    recorder = Recorder()
    with tagger.load(GOLDEN) as model:
        done = tagger.tag_files(model, texts, Path("out"), workers=workers, observer=recorder)
        assert model.tag("Quito")  # a model that is given stays open
    assert (done.files, done.tokens) == (2, 8 + 3 * 8)
    assert done.seconds > 0
    [failure] = done.failures
    assert failure.source == "1.txt"
    assert failure.message.startswith("1.txt:2: byte 0xfc")
    assert Path("out/0.txt").read_text() == TAGGED
    assert Path("out/2.txt").read_text() == TAGGED * 3
    assert recorder.ends == [(f"{number}.txt", number + 1, 3) for number in range(3)]
    assert recorder.done == 1
    if workers == 1:
        assert recorder.shares[-1] == ("2.txt", 1.0, 8 + 3 * 8)


def test_a_folder_of_a_model_and_one_file_will_do(
    texts: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    before = threading.active_count()
    assert tagger.tag_files(GOLDEN, "0.txt", "out", target_format="jsonl").files == 1
    assert '"label": "PER"' in Path("out/0.jsonl").read_text()
    assert tagger.tag_files([GOLDEN, str(GOLDEN)], ["0.txt"], None).failures == ()
    assert capsys.readouterr().out == TAGGED
    assert threading.active_count() == before  # a model that was opened here is closed


@pytest.mark.parametrize("workers", [1, 2])
def test_files_with_an_output_are_skipped(texts: list[Path], workers: int) -> None:
    out = Path("out")
    out.mkdir()
    (out / "0.txt").write_text("written before")
    (out / "2.html").write_text("of another format")
    with tagger.load(GOLDEN) as model:
        first = tagger.tag_files(model, texts, out, workers=workers, skip_existing=True)
        assert (first.files, first.skipped, len(first.failures)) == (1, 1, 1)
        assert (out / "0.txt").read_text() == "written before"
        assert (out / "2.txt").read_text() == TAGGED * 3
        rest = [texts[0], texts[2]]
        again = tagger.tag_files(model, rest, out, workers=workers, skip_existing=True)
        assert (again.files, again.skipped, again.failures) == (0, 2, ())
        assert tagger.tag_files(model, rest, out, workers=workers).skipped == 0
        assert (out / "0.txt").read_text() == TAGGED


def test_skipped_files_are_counted_on_the_command_line(texts: list[Path]) -> None:
    command: list[str | Path] = ["predict", GOLDEN, "0.txt", "2.txt", "--output", "out", "--json"]
    worked(invoke("predict", GOLDEN, "0.txt", "--output", "out"))
    done = invoke(*command, "--skip-existing")
    assert "Tagged 1 of 1 files" in done.stderr
    assert "\nSkipped, as their output exists: 1\n" in done.stderr
    assert (json.loads(done.stdout)["files"], json.loads(done.stdout)["skipped"]) == (1, 1)
    assert "Skipped" not in invoke(*command).stderr
    assert "--skip-existing needs --output" in failed(
        invoke("predict", GOLDEN, "0.txt", "--skip-existing"), 2
    )


def test_shards_contain_each_file_once(here: Path) -> None:
    Path("in").mkdir()
    for number in range(7):
        Path(f"in/{number}.txt").write_text("Quito\n")
    with tagger.load(GOLDEN) as model:
        for part in range(1, 4):
            done = tagger.tag_files(model, "in", f"out/{part}", shard=(part, 3))
            assert done.files == len(range(part - 1, 7, 3))
        assert tagger.tag_files(model, "in", "out/none", shard=(8, 9)).files == 0
        for wrong in ((0, 3), (4, 3)):
            with pytest.raises(ValueError, match="expected a shard"):
                tagger.tag_files(model, "in", "out/none", shard=wrong)
    found = {part.name: sorted(p.name for p in part.iterdir()) for part in Path("out").iterdir()}
    assert found == {
        "1": ["0.txt", "3.txt", "6.txt"],
        "2": ["1.txt", "4.txt"],
        "3": ["2.txt", "5.txt"],
    }
    outcome = invoke("predict", GOLDEN, "in", "--output", "more", "--shard", "2/3")
    assert "Tagged 2 of 2 files" in outcome.stderr
    assert "\nShard 2 of 3" in outcome.stderr
    assert [path.name for path in sorted(Path("more").iterdir())] == found["2"]
    for wrong_value in ("3", "0/2", "3/2", "a/b", "1/2/3"):
        message = failed(invoke("predict", GOLDEN, "in", "--shard", wrong_value), 2)
        assert f"'{wrong_value}': expected K/N with 1 <= K <= N, such as 3/20" in message


def test_wrong_arguments_of_tag_files(texts: list[Path]) -> None:
    with pytest.raises(ValueError, match="skip_existing needs output"):
        tagger.tag_files(GOLDEN, texts, None, skip_existing=True)
    with pytest.raises(ValueError, match="several workers need output"):
        tagger.tag_files(GOLDEN, texts, None, workers=2)
    with pytest.raises(ValueError, match="positive number of workers"):
        tagger.tag_files(GOLDEN, texts, "out", workers=0)
    with pytest.raises(tagger.TaggerError, match="there is no file to tag"):
        tagger.tag_files(GOLDEN, [], "out")
    [failure] = tagger.tag_files(GOLDEN, "none.txt", "out").failures
    assert failure == ("none.txt", "none.txt: cannot be read: No such file or directory")
    with tagger.load(GOLDEN) as model:
        with pytest.raises(ValueError, match="already has its precision"):
            tagger.tag_files(model, texts, "out", precision="float32")
        with (
            Predictor(*model.members) as in_memory,
            pytest.raises(tagger.TaggerError, match="in memory cannot be sent"),
        ):
            tagger.tag_files(in_memory, texts, "out", workers=2)
    assert not Path("out").exists()


def test_columns_are_read_as_told(here: Path) -> None:
    Path("a.conll").write_text("1;Mira;x\n2;met;x\n")
    done = tagger.tag_files(GOLDEN, "a.conll", "out", token_column=1, delimiter=";", scheme="BILOU")
    assert done.tokens == 2
    assert Path("out/a.conll").read_text() == "1;Mira;x;U-PER\n2;met;x;O\n\n"
    with pytest.raises(tagger.ConfigError, match="token_column: expected int"):
        tagger.tag_files(GOLDEN, "a.conll", "out", token_column="1")


def test_files_tagged_at_once_leave_the_switch_interval_as_it_was(here: Path) -> None:
    Path("a.txt").write_text(TEXT * 200)
    usual = sys.getswitchinterval()
    settings = stream.TaggingSettings(ReadOptions(annotated=False))
    with tagger.load(GOLDEN) as model, ThreadPoolExecutor(4) as pool:
        jobs = [stream.FileJob("a.txt", "text", here / f"{n}.txt", "text") for n in range(12)]
        results = pool.map(lambda job: stream.run(model, job, settings), jobs)
        assert [result.tokens for result in results] == [1600] * 12
    assert sys.getswitchinterval() == usual


def test_evaluate_gives_what_the_command_prints(here: Path) -> None:
    dev = SAMPLE / "dev.conll"
    with tagger.load(GOLDEN, precision="float32") as model:
        scores = tagger.evaluate(model, dev)
        assert isinstance(scores, tagger.Scores)
        assert tagger.evaluate(GOLDEN, [dev], precision="float32") == scores
        tagger.tag_files(model, dev, "out")
    assert tagger.evaluate(predictions="out/dev.conll").conlleval == scores.conlleval
    out = worked(invoke("evaluate", GOLDEN, dev, "--precision", "float32"))
    assert f"{scores.conlleval.f1:.2f}" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "expected a model and at least one file"),
        ({"model": GOLDEN}, "expected a model and at least one file"),
        ({"model": GOLDEN, "predictions": "a"}, "predictions cannot be combined"),
        ({"predictions": "a", "tag_column": 1}, "predictions cannot be combined"),
    ],
)
def test_wrong_arguments_of_evaluate(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        tagger.evaluate(**arguments)


def test_describe_says_what_info_prints() -> None:
    facts = tagger.describe(GOLDEN)
    out = worked(invoke("info", GOLDEN))
    assert all(fact in out for fact in facts.values())
    about_tagger, about_language_model = (
        re.findall(r'"([a-z ]+)"', " ".join((function.__doc__ or "").split()))
        for function in (card.describe, language_model.describe)
    )
    for name in ("teachers", "probabilities", "reliability"):  # of some models only
        about_tagger.remove(name)
    about_language_model.remove("conditional on")
    assert list(facts) == about_tagger
    assert list(tagger.describe(GOLDEN_LANGUAGE_MODEL)) == about_language_model


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"to": "torch"}, "unknown format 'torch'; expected one of onnx, saved-model"),
        ({"output": "x"}, "output requires to="),
    ],
)
def test_wrong_arguments_of_export(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        tagger.export_model(GOLDEN, **arguments)
    with pytest.raises(ValueError, match="only be exported as ONNX graphs"):
        tagger.export_model(GOLDEN_LANGUAGE_MODEL, verify=True)


@pytest.mark.slow
def test_export_adds_graphs_and_compares_them(tmp_path: Path, trained_run: Path) -> None:
    import shutil
    from dataclasses import replace

    bundles.save(tmp_path / "run", replace(bundles.load(trained_run), graphs={}))
    exported = tagger.export_model(tmp_path / "run", SAMPLE / "test.conll", verify=True)
    assert exported.folder == tmp_path / "run"
    assert exported.predicts_in.startswith(("int8", "float32"))
    assert [one.precision for one in exported.comparisons] == ["float32", "int8"]
    with pytest.raises(tagger.ConfigError, match="none: file not found"):
        tagger.export_model(tmp_path / "run", "none", verify=True)
    shutil.copytree(GOLDEN_LANGUAGE_MODEL, tmp_path / "lm")
    assert tagger.export_model(tmp_path / "lm").comparisons == ()
    assert list((tmp_path / "lm").glob("*.onnx"))


def test_many_texts_are_tagged_as_if_one_by_one() -> None:
    texts = ["", "Mira left Quito.", "", "Quito. Rosa sang.", " "]
    with tagger.load(GOLDEN, precision="float32") as model:
        together = list(model.tag_many(iter(texts)))
        chosen = list(model.tag_many(texts, min_score=1.0))
        assert chosen == [model.tag(text, min_score=1.0) for text in texts] != together
        alone = [model.tag(text) for text in texts]
        assert [[s.to_dict()["tokens"] for s in text] for text in together] == [
            [s.to_dict()["tokens"] for s in text] for text in alone
        ]
        assert [[s.spans for s in text] for text in together] == [
            [s.spans for s in text] for text in alone
        ]
        assert [len(text) for text in together] == [0, 1, 0, 2, 0]
        assert list(model.tag_many([])) == []
        for wrong in ("one text", 5, None):
            with pytest.raises(TypeError, match="expected texts of type str, got"):
                model.tag_many(wrong)  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="expected a text of type str, got int: 5"):
            list(model.tag_many(["Quito", 5]))  # type: ignore[list-item]


def test_sentences_and_spans_as_dicts() -> None:
    with tagger.load(GOLDEN, precision="float32") as model:
        [sentence] = model.tag("Quito!")
        values = json.loads(json.dumps(sentence.to_dict()))
    score = values["spans"][0].pop("score")
    assert 0 < score <= 1
    assert values == {
        "tokens": ["Quito", "!"],
        "spans": [
            {"start": 0, "end": 1, "label": "LOC", "text": "Quito", "start_char": 0, "end_char": 5}
        ],
        "offsets": [[0, 5], [5, 6]],
    }
    assert tagger.Sentence(("a",), tags=("NN",)).to_dict() == {"tokens": ["a"], "tags": ["NN"]}
    assert tagger.Span(0, 1, "A").to_dict() == {"start": 0, "end": 1, "label": "A", "text": ""}


def test_models_are_shown_in_a_line() -> None:
    with tagger.load(GOLDEN) as model:
        shown = repr(model.bundle)
    assert shown.startswith("<Bundle: LOC, ")
    assert shown.endswith(" parameters>")
    assert len(shown) < 120
    from tagger.bundles import language_model

    shown = repr(language_model.load(GOLDEN_LANGUAGE_MODEL))
    assert shown.startswith("<LanguageModelBundle: ")
    assert len(shown) < 120
