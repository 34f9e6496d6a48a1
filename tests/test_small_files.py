"""Many small files: their sentences run together, and each file fails or succeeds alone."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Unpack

import pytest
from support.command_line import failed, invoke, worked
from support.paths import GOLDEN

from tagger.errors import TaggerError
from tagger.inference.file_jobs import FileJob, grouped
from tagger.inference.files import Failure, FileResult, TaggingSettings, run_all
from tagger.inference.operating_points import DecodingOptions
from tagger.inference.predictor import Predictor, load
from tagger.text.formats import ReadOptions
from tagger.text.spans import Sentence

TEXT = "Mira Okafor left Quito.\n"
TAGGED = "[PER Mira Okafor] left [LOC Quito].\n"
SETTINGS = TaggingSettings(ReadOptions(annotated=False))


def jobs_of(names: Iterable[str], target_format: str = "") -> list[FileJob]:
    """Jobs whose outputs are in the folder ``out``."""
    return [FileJob(name, "", Path("out") / name, target_format) for name in names]


def test_small_files_share_windows(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(50):
        Path(f"{number:02}.txt").write_text(TEXT * (number % 3))
    calls = []
    with load(GOLDEN) as model:
        predict = model.predict

        def counted(sentences: Iterable[Sentence], **more: Any) -> Iterator[Sentence]:
            calls.append(more["scores"])
            return predict(sentences, **more)

        monkeypatch.setattr(model, "predict", counted)
        names = [f"{number:02}.txt" for number in range(50)]
        outcomes = list(run_all(model, jobs_of(names), SETTINGS))
    assert calls == [False]
    assert [outcome.source for outcome in outcomes] == names
    assert [o.tokens for o in outcomes if isinstance(o, FileResult)] == [0, 5, 10] * 16 + [0, 5]
    for number, name in enumerate(names):
        assert Path("out", name).read_text() == TAGGED * (number % 3)


def test_formats_with_and_without_probabilities_alternate(here: Path) -> None:
    Path("a.txt").write_text(TEXT)
    Path("b.jsonl").write_text('{"text": "Quito"}\n')
    Path("c.txt").write_text(TEXT)
    worked(invoke("predict", GOLDEN, "a.txt", "b.jsonl", "c.txt", "--output", "out"))
    assert Path("out/a.txt").read_text() == Path("out/c.txt").read_text() == TAGGED
    assert 0 < json.loads(Path("out/b.jsonl").read_text())["spans"][0]["score"] <= 1


def test_candidates_need_json_lines_in_each_file(here: Path) -> None:
    Path("a.txt").write_text(TEXT)
    Path("b.jsonl").write_text('{"text": "Quito"}\n')
    with load(GOLDEN) as model:
        first, second = run_all(
            model, jobs_of(["a.txt", "b.jsonl"]), replace(SETTINGS, decoding={"candidates": 0.001})
        )
    assert first == Failure(
        "a.txt",
        "a.txt: candidates and best sequences are written as JSON Lines, not as text; add --to "
        "jsonl",
    )
    assert second == FileResult("b.jsonl", 1)
    written = json.loads(Path("out/b.jsonl").read_text())
    assert len(written["candidates"]) > len(written["spans"]) == 1


def test_each_file_fails_alone(here: Path) -> None:
    Path("a.txt").write_text(TEXT)
    Path("b.txt").write_bytes(b"fine\n" * 30_000 + b"\xff\n")
    Path("c.txt").write_text(TEXT)
    Path("e.txt").write_text(TEXT)
    Path("out/c.txt").mkdir(parents=True)
    done = invoke("predict", GOLDEN, *(f"{name}.txt" for name in "abcde"), "--output", "out")
    assert done.status == 1
    assert [line for line in done.stderr.splitlines() if line.startswith("Error: ")] == [
        "Error: b.txt:30001: byte 0xff at position 0 is not UTF-8; the encoding is not "
        "recognized: read it with --encoding NAME, or convert it with iconv -f NAME -t utf-8",
        "Error: out/c.txt: is a folder; expected the name of a file to write",
        "Error: d.txt: cannot be read: No such file or directory",
    ]
    assert sorted(path.name for path in Path("out").iterdir()) == ["a.txt", "c.txt", "e.txt"]
    assert Path("out/e.txt").read_text() == TAGGED


class Failing(Predictor):
    """A model that cannot tag the word "Bonn"."""

    def predict(
        self,
        sentences: Iterable[Sentence],
        *,
        scores: bool = True,
        states: Any = None,
        **options: Unpack[DecodingOptions],
    ) -> Iterator[Sentence]:
        ahead = list(sentences)  # as a window contains sentences of several files
        if any("Bonn" in sentence.tokens for sentence in ahead):
            raise TaggerError("the model failed")
        yield from super().predict(ahead, scores=scores, **options)


def test_if_the_model_fails_the_other_files_are_tagged(here: Path) -> None:
    for number in range(9):
        Path(f"{number}.txt").write_text("Bonn\n" if number in (3, 8) else TEXT)
    with load(GOLDEN) as model:
        failing = Failing(*model.members)
        outcomes = list(run_all(failing, jobs_of(f"{number}.txt" for number in range(9)), SETTINGS))
    assert [outcome.source for outcome in outcomes] == [f"{number}.txt" for number in range(9)]
    failures = [outcome for outcome in outcomes if isinstance(outcome, Failure)]
    assert failures == [Failure("3.txt", "the model failed"), Failure("8.txt", "the model failed")]
    assert Path("out/7.txt").read_text() == TAGGED
    assert not Path("out/8.txt").exists()


def test_groups_are_limited_by_bytes_and_files(here: Path) -> None:
    sizes = [100_000, 100_000, 100_000, 500_000, 10, 300_000, 0, *[1] * 1000]
    for number, size in enumerate(sizes):
        Path(str(number)).write_bytes(b"x" * size)
    jobs = jobs_of([*map(str, range(len(sizes))), "-"])
    groups = grouped(jobs)
    assert [len(group) for group in groups] == [2, 1, 1, 1, 1, 1000, 1, 1]
    assert [job for group in groups for job in group] == jobs


def test_small_files_are_flushed_once(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        Path(f"{number}.txt").write_text(TEXT)
    flushed: list[str] = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: flushed.append("one"))
    monkeypatch.setattr(os, "sync", lambda: flushed.append("all"))
    worked(invoke("predict", GOLDEN, *(f"{n}.txt" for n in range(5)), "--output", "out"))
    assert flushed == ["all"]
    worked(invoke("predict", GOLDEN, "0.txt", "--output", "one"))
    assert flushed == ["all", "one"]


@pytest.mark.parametrize("wrapped", [False, True])
def test_json_lines_of_text_say_where_it_stands(here: Path, wrapped: bool) -> None:
    content = "\ufeffMira left Quito.\r\n\r\nRosa 😀 Delgado\nleft\r\nQuito"
    Path("a.txt").write_bytes(content.encode())
    arguments: list[str | Path] = ["predict", GOLDEN, "a.txt"]
    arguments += ["--wrapped"] if wrapped else []
    lines = worked(invoke(*arguments, "--to", "jsonl")).split("\n")[:-1]
    objects = [json.loads(line) for line in lines]
    assert [each["line"] for each in objects] == ([1, 2, 3] if wrapped else [1, 2, 3, 4, 5])
    assert all(list(each) == ["file", "line", "offset", "text", "spans"] for each in objects)
    text = content.removeprefix("\ufeff")
    for each in objects:
        assert each["file"] == "a.txt"
        assert text[each["offset"] :].startswith(each["text"])
        for span in each["spans"]:
            start, end = (each["offset"] + span[key] for key in ("start", "end"))
            assert text[start:end] == span["text"]
    # Text keeps the ends of its lines; the last one ends like the line before it.
    tagged = worked(invoke(*arguments))
    assert re.sub(r"\[[A-Z]+ ([^\]]*)\]", r"\1", tagged) == text + "\r\n"


def test_the_summary_as_json(here: Path) -> None:
    Path("a.txt").write_text(TEXT)
    done = invoke("predict", GOLDEN, "a.txt", "b.txt", "--output", "out", "--json")
    assert done.status == 1
    summary = json.loads(done.stdout)
    assert summary.pop("seconds") > 0
    assert summary == {
        "files": 1,
        "tokens": 5,
        "failures": {"b.txt": "b.txt: cannot be read: No such file or directory"},
        "incomplete": [],
        "notes": [],
        "promises": [],
        "skipped": 0,
    }
    assert "--json needs --output" in failed(invoke("predict", GOLDEN, "a.txt", "--json"), 2)
