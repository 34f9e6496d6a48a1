"""Several seeds: each as if it had been trained alone, the median kept, and every interruption
survived.
"""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path
from typing import Any

import pytest
from support.command_line import failed, invoke, worked
from support.stand_in import Trainer

from tagger.bundles import tagger_files as bundle
from tagger.config.tagger import Config, override
from tagger.errors import TaggerError
from tagger.training import trainer
from tagger.training.facts import RunFacts, TaggerFacts
from tagger.training.observer import Observer
from tagger.tuning import seeds
from tagger.tuning import subprocess_trainer as apart
from tagger.tuning.seeds import Result, SeedResults

TRAIN = (
    "Anna B-PER\nKeller I-PER\nsang O\n\nOslo B-LOC\nis O\ncold O\n\nTom B-PER\nlives O\nin "
    "O\nNew B-LOC\nYork I-LOC\n\n"
)
SMALL = [
    "model.embedding=4",
    "model.units=4",
    "training.epochs=2",
    "training.learning_rate=0.02",
    "training.batch_tokens=16",
    "training.epoch_tokens=0",
]


class Recorder(Observer):
    """Records events and interrupts the training `interrupt` in its second epoch."""

    def __init__(self, interrupt: int = 1) -> None:
        self.interrupt = interrupt
        self.events: list[int | str] = []
        self.trainings = 0
        self.facts: list[RunFacts] = []

    def training_started(self, facts: RunFacts) -> None:
        self.trainings += 1
        self.facts.append(facts)

    def batch_ended(self, epoch: int, *rest: float) -> None:
        if (self.trainings, epoch) == (self.interrupt, 2):
            raise KeyboardInterrupt

    def epoch_ended(self, row: dict[str, Any], is_best: bool) -> None:
        self.events.append(row["epoch"])

    def run_started(self, number: int, count: int, name: str) -> None:
        self.events.append(f"{name}, {number} of {count}")


@pytest.fixture
def settings(here: Path) -> Config:
    Path("train.conll").write_text(TRAIN * 3)
    return override(Config(), ["data.train=train.conll", "data.dev=train.conll", *SMALL])


@pytest.fixture
def trainings(monkeypatch: pytest.MonkeyPatch) -> Trainer:
    """What is trained, by a stand-in: with seed 1, 2, 3 the scores are 72, 71, 73 in the second
    epoch, the last.
    """
    trainer = Trainer(
        lambda settings: [60, {1: 72, 2: 71, 3: 73}.get(settings.training.seed, 70)][
            : settings.training.epochs
        ]
    )
    monkeypatch.setattr(apart, "train", trainer)
    return trainer


def contents(run: Path) -> dict[str, bytes]:
    """The bundle's files: name -> bytes."""
    bundle.load(run)
    return {
        name: (run / name).read_bytes()
        for name in json.loads((run / "manifest.json").read_text())["files"]
    }


def result(seed: int, score: float) -> Result:
    return Result(seed, score, 1, 2, 0.5)


@pytest.mark.slow
def test_a_seed_of_a_series_is_an_ordinary_training_to_the_byte(
    settings: Config, here: Path
) -> None:
    second = override(settings, ["training.seed=2"])
    recorder = Recorder(interrupt=0)
    seeds.train(
        second, here / "run", 1, observer=recorder
    )  # through a process of its own, as each of a series
    assert recorder.events == ["seed 2, 1 of 1", 1, 2]
    [facts] = recorder.facts
    assert isinstance(facts, TaggerFacts)
    assert (facts.train_sentences, facts.labels, facts.epochs) == (9, ("LOC", "PER"), 2)
    trainer.train(second, here / "alone")
    assert contents(here / "run") == contents(here / "run" / "seed-2") == contents(here / "alone")


EPOCH = '["epoch_ended", [{"epoch": 1, "dev_score": 1.0}, true]]'


def test_a_training_apart_waits_for_its_observer_and_ends_with_it(
    settings: Config, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = here / "python"
    python.write_text(
        f"#!/bin/sh\nread job\necho '{EPOCH}'\nread go\necho gone > on\nexec sleep 60\n"
    )
    python.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(python))

    class Impatient(Observer):
        def epoch_ended(self, row: dict[str, Any], is_best: bool) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        apart.train(settings, here / "run", observer=Impatient())
    assert not Path("on").exists()


@pytest.mark.parametrize(
    ("script", "complaint"),
    [
        ("kill -9 $$", "was killed (SIGKILL), perhaps for lack of memory"),
        ("echo no module named keras >&2; echo >&2; exit 1", "failed: no module named keras"),
        ("""echo '["error", ["the disk is full"]]'; exit 0""", "the disk is full"),
        ("exit 0", "not a trained model"),
    ],
)
def test_whatever_ends_a_training_apart_is_one_message(
    settings: Config, here: Path, monkeypatch: pytest.MonkeyPatch, script: str, complaint: str
) -> None:
    python = here / "python"
    python.write_text(f"#!/bin/sh\nread job; {script}\n")
    python.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(python))
    with pytest.raises(TaggerError) as error:
        apart.train(settings, here / "run")
    assert complaint in str(error.value)


def test_a_series_has_a_folder_a_seed_tables_and_the_median_model(
    settings: Config, here: Path, trainings: Trainer
) -> None:
    whole = seeds.train(settings, here / "run", 3)
    assert trainings.calls == [
        (override(settings, [f"training.seed={seed}"]), False) for seed in (1, 2, 3)
    ]
    assert (whole.kept.seed, whole.kept.dev_score) == (1, 72)
    assert contents(here / "run") == contents(here / "run" / "seed-1")
    with open("run/seeds.csv") as stream:
        rows = list(csv.reader(stream))
    assert rows[0] == ["seed", "dev_score", "best_epoch", "epochs", "minutes"]
    assert rows[1:] == [
        [str(seed), str(score), "2", "2", "1.0"]
        for seed, score in ((1, 72.0), (2, 71.0), (3, 73.0))
    ]
    assert Path("run/seeds.md").read_text() == whole.table() + "\n"


@pytest.mark.parametrize("interrupt", [1, 2, 3])
def test_an_interrupted_series_keeps_what_ended_resumes_what_did_not_and_starts_the_rest(
    settings: Config, here: Path, trainings: Trainer, interrupt: int
) -> None:
    seeds.train(settings, here / "whole", 3)
    trainings.calls.clear()
    with pytest.raises(KeyboardInterrupt):
        seeds.train(settings, here / "run", 3, observer=Recorder(interrupt))
    assert not (here / "run" / "manifest.json").exists()
    recorder = Recorder(interrupt=0)
    seeds.train(settings, here / "run", 3, resume=True, observer=recorder)
    rest = [
        event for seed in range(interrupt + 1, 4) for event in (f"seed {seed}, {seed} of 3", 1, 2)
    ]
    assert recorder.events == [
        *(f"seed {seed}, {seed} of 3" for seed in range(1, interrupt + 1)),
        2,
        *rest,
    ]
    assert [call[1] for call in trainings.calls] == [False] * interrupt + [True] + [False] * (
        3 - interrupt
    )
    for name in ("", "seed-1", "seed-2", "seed-3"):
        assert contents(here / "run" / name) == contents(here / "whole" / name)
    assert Path("run/seeds.md").read_text() == Path("whole/seeds.md").read_text()


def test_a_seed_that_was_stopped_before_its_first_epoch_ended_begins_anew(
    settings: Config, here: Path, trainings: Trainer
) -> None:
    seeds.train(settings, here / "run", 1)
    (here / "run" / "seed-2" / "tensorboard").mkdir(parents=True)
    (here / "run" / "seed-2" / "config.toml").write_text("[data]\n")
    assert len(seeds.train(settings, here / "run", 2, resume=True).results) == 2
    (here / "run" / "seed-1" / "history.csv").unlink()
    with pytest.raises(TaggerError, match=r"history\.csv: cannot be read"):
        seeds.train(settings, here / "run", 2, resume=True)


@pytest.mark.parametrize(
    ("scores", "kept"),
    [
        ([70], 1),
        ([70, 80], 1),
        ([80, 70], 2),
        ([70, 90, 80], 3),
        ([80, 70, 80, 90], 1),
        ([1, 4, 3, 2], 4),
        ([5, 5, 5], 1),
    ],
)
def test_of_two_in_the_middle_the_lower_is_kept_of_equal_ones_the_first(
    scores: list[float], kept: int
) -> None:
    assert (
        SeedResults(tuple(result(seed, score) for seed, score in enumerate(scores, 1))).kept.seed
        == kept
    )


def test_the_table_gives_mean_and_sample_deviation() -> None:
    assert (
        SeedResults((result(7, 80.0), result(8, 81.0), result(9, 85.0))).table()
        == """\
| seed |    dev score | best epoch |    epochs |   minutes |   kept |
| ---- | -----------: | ---------: | --------: | --------: | -----: |
| 7    |        80.00 |          1 |         2 |       0.5 |        |
| 8    |        81.00 |          1 |         2 |       0.5 | median |
| 9    |        85.00 |          1 |         2 |       0.5 |        |
| mean | 82.00 ± 2.65 |  1.0 ± 0.0 | 2.0 ± 0.0 | 0.5 ± 0.0 |        |"""
    )
    assert "±" not in SeedResults((result(7, 80.0),)).table()


BASE = [
    "train",
    "--train",
    "train.conll",
    "--dev",
    "train.conll",
    "run",
    *(word for it in SMALL for word in ("--set", it)),
]


def test_seeds_from_the_command_line(settings: Config, here: Path, trainings: Trainer) -> None:
    done = invoke(*BASE, "--seeds", "2", "--seed", "5")
    assert worked(done).startswith(Path("run/seeds.md").read_text())
    assert "seed 6, 2 of 2" in done.stderr
    assert "seed 5" in worked(invoke("info", "run"))
    assert "exists and is not empty" in failed(invoke(*BASE, "--seeds", "2"))
    assert "seed-1: does not exist, so there is nothing to resume" in failed(
        invoke(*BASE, "--seeds", "2", "--resume")
    )
    worked(invoke(*BASE, "--seeds", "3", "--seed", "5", "--resume"))
    assert [(settings.training.seed, resume) for settings, resume in trainings.calls] == [
        (5, False),
        (6, False),
        (7, False),
    ]


@pytest.mark.parametrize(
    ("arguments", "status", "complaint"),
    [
        (["--seeds", "0"], 2, "0 is not in the range x>=1"),
        (["--seeds", "many"], 2, "not a valid integer"),
        (
            ["--seeds", "2", "--seed", str(2**32 - 1)],
            1,
            "the last seed: training.seed: expected a value from 0 to",
        ),
        (["--seeds", "2", "--train", "nowhere"], 1, "nowhere: cannot be read"),
        (["--seeds", "2", "train.conll/run"], 1, "cannot be written"),
    ],
)
def test_what_is_wrong_is_reported_before_a_folder_is_made(
    settings: Config,
    here: Path,
    trainings: Trainer,
    arguments: list[str],
    status: int,
    complaint: str,
) -> None:
    base = [word for word in BASE if word != "run"] if arguments[-1].endswith("run") else BASE
    assert complaint in failed(invoke(*base, *arguments), status)
    assert os.listdir(here) == ["train.conll"]
