"""The search: pruning, failures, interruptions, and the best kept."""

from __future__ import annotations

import csv
import json
import math
import sys
from pathlib import Path
from typing import Any

import pytest
from support.command_line import failed, invoke, worked
from support.stand_in import Trainer

from tagger.bundles import tagger_files as bundle
from tagger.config import tagger as config
from tagger.config.tagger import Config
from tagger.errors import TaggerError
from tagger.training import trainer
from tagger.training.observer import Observer
from tagger.tuning import report as search_report
from tagger.tuning import search, space
from tagger.tuning import subprocess_trainer as apart
from tagger.tuning.space import Choice

pytest.importorskip("optuna", reason="Optuna is not installed")

HEAD = """
[data]
train = "few.conll"
dev = "few.conll"
[model]
embedding = 4
[training]
epochs = 3
[search]
trials = 6
"""
SPACE = """
[search.space]
"model.units" = [2, 4, 6, 8]
"training.learning_rate" = { low = 1e-4, high = 1e-1, log = true }
"model.hidden" = [[], [3]]
"""


def scores(settings: Config) -> list[float]:
    """Small learning rates are good; the third epoch is the best; and there are no two equal."""
    good = 50 - 10 * math.log10(settings.training.learning_rate) + settings.model.units / 10
    return [good / 4, good / 2, good][: settings.training.epochs]


@pytest.fixture
def trainings(here: Path, monkeypatch: pytest.MonkeyPatch) -> Trainer:
    """A folder with a corpus and a configuration, and a stand-in for the trainer."""
    Path("few.conll").write_text("Rosa B-PER\nmet O\nLeila B-PER\n\nQuito B-LOC\n\n" * 4)
    Path("s.toml").write_text(HEAD + SPACE)
    stand_in = Trainer(scores)
    monkeypatch.setattr(apart, "train", stand_in)
    return stand_in


def rows(run: str) -> list[dict[str, str]]:
    with open(f"{run}/search.csv") as stream:
        return [
            {key: value for key, value in row.items() if key != "minutes"}
            for row in csv.DictReader(stream)
        ]


@pytest.mark.slow
def test_a_search_keeps_the_best_model_and_tells_of_all_trials(trainings: Trainer) -> None:
    done = invoke("search", "s.toml", "run", "--set", "model.layers=2")
    out = worked(done)
    found = rows("run")
    best = max(found, key=lambda row: float(row["dev_score"]))
    assert (
        f"Best dev score {float(best['dev_score']):.2f} (trial {best['trial']}). The model is in "
        "run." in out
    )
    assert out.startswith(Path("run/search.md").read_text())
    assert out.splitlines()[2].startswith(f"| {best['trial']} ")
    assert [row["trial"] for row in found] == list("123456")
    assert done.stderr.count("dev score") >= 5
    assert "trial 6 of 6" in done.stderr
    trained = bundle.load("run")
    assert trained.metrics["dev"]["score"] == pytest.approx(float(best["dev_score"]), abs=0.01)
    assert trained.config == config.load("run/best.toml")
    assert (trained.config.model.layers, trained.config.model.embedding) == (2, 4)
    assert json.dumps(trained.config.model.hidden) == best["model.hidden"]
    assert Path("run/search.png").read_bytes().startswith(b"\x89PNG")
    for row in found:
        files = {path.name for path in Path(f"run/trial-{int(row['trial']):04d}").iterdir()}
        assert files >= {"config.toml", "history.csv"}
        assert ("weights.npz" in files) == ("manifest.json" in files) == (row is best)
        assert "checkpoint" not in files


class Stop(Observer):
    """Interrupts the search in an epoch of a trial."""

    def __init__(self, trial: int, epoch: int) -> None:
        self.at, self.trial = (trial, epoch), 0

    def run_started(self, number: int, count: int, name: str) -> None:
        self.trial = number

    def epoch_ended(self, row: dict[str, Any], is_best: bool) -> None:
        if (self.trial, row["epoch"]) == self.at:
            raise KeyboardInterrupt


@pytest.mark.slow
def test_an_interrupted_search_ends_as_if_it_had_run_through_and_may_go_on(
    trainings: Trainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_report, "plot", lambda *_: None)  # which takes a second
    settings, wanted = space.load("s.toml")
    whole = search.search(settings, wanted.space, "whole", trials=12)
    for number, stop in enumerate([Stop(1, 1), Stop(4, 2), Stop(4, 1)]):
        with pytest.raises(KeyboardInterrupt):
            search.search(
                settings, wanted.space, "run", trials=12, resume=number > 0, observer=stop
            )
        assert not Path("run/manifest.json").exists()
    assert len(rows("run")) == 3
    search.search(settings, wanted.space, "run", trials=11, resume=True)
    assert Path("run/manifest.json").exists()
    trainings.calls.clear()
    found = search.search(settings, wanted.space, "run", trials=12, resume=True)
    assert len(trainings.calls) == 1
    assert rows("run") == rows("whole")
    assert found.best.number == whole.best.number
    assert Path("run/weights.npz").read_bytes() == Path("whole/weights.npz").read_bytes()
    assert len({row["training.learning_rate"] for row in rows("run")}) == 12
    other = {**wanted.space, "model.units": Choice((2, 4))}
    for changed in [
        (config.override(settings, ["model.layers=3"]), wanted.space),
        (settings, other),
    ]:
        with pytest.raises(TaggerError, match="started with other settings"):
            search.search(*changed, "run", trials=20, resume=True)
    assert rows("run") == rows("whole")


def test_a_trial_below_the_median_is_pruned_but_never_in_its_first_epochs(
    trainings: Trainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "TRIALS_BEFORE_PRUNING", 1)
    trainings.scores = lambda settings: (
        [10, 20, 90, 91] if len(trainings.calls) != 2 else [0, 0, 50, 92]
    )
    done = invoke("search", "s.toml", "run", "--trials", "3")
    assert "| 2     |   pruned |     50.00 |      3 |" in worked(done)
    assert "trial 2 of 3: pruned at 50.00" in done.stderr
    assert sorted(path.name for path in Path("run/trial-0002").iterdir()) == [
        "config.toml",
        "history.csv",
    ]


def test_a_failed_trial_is_reported_and_the_search_goes_on(trainings: Trainer) -> None:
    def exploding(settings: Config) -> list[float]:
        if len(trainings.calls) in (1, 3):
            raise TaggerError("the loss became nan")
        return scores(settings)

    trainings.scores = exploding
    done = invoke("search", "s.toml", "run", "--trials", "4")
    assert worked(done).count("failed") == 2
    assert "trial 3 of 4: failed: the loss became nan" in done.stderr
    assert [row["state"] for row in rows("run")] == ["failed", "complete", "failed", "complete"]
    assert "Trial 1 failed: the loss became nan" in Path("run/search.md").read_text()


def test_a_search_in_which_all_fails_is_an_error_and_can_go_on(trainings: Trainer) -> None:
    def exploding(settings: Config) -> list[float]:
        raise TaggerError("the loss became nan")

    trainings.scores = exploding
    outcome = invoke("search", "s.toml", "run", "--trials", "2")
    assert (outcome.status, outcome.stdout) == (1, "")
    assert (
        "Error: run: all 2 trials failed; error of the last one: the loss became nan"
        in outcome.stderr
    )
    trainings.scores = scores
    worked(invoke("search", "s.toml", "run", "--trials", "3", "--resume"))
    Path("run/search.db").write_bytes(b"junk" * 1000)
    message = failed(invoke("search", "s.toml", "run", "--resume"))
    assert "search.db: the records of the search cannot be used" in message


def test_what_is_not_installed_is_named(
    trainings: Trainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "optuna", None)
        message = failed(invoke("search", "s.toml", "run"))
        assert "needs Optuna, not installed here: pip install 'span-tagger[search]'" in message
    assert not Path("run").exists()
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    done = invoke("search", "s.toml", "run", "--trials", "2")
    worked(done)
    assert "No plot: Matplotlib is not installed" in done.stderr
    assert not Path("run/search.png").exists()


@pytest.mark.slow
def test_a_search_with_real_trainings(trainings: Trainer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "train", trainer.train)
    Path("s.toml").write_text(
        HEAD + '[search.space]\n"training.learning_rate" = { low = 0.01, high = 0.1 }\n'
    )
    worked(invoke("search", "s.toml", "run", "--trials", "1", "--set", "model.units=4"))
    assert (
        worked(invoke("predict", "run", "-", "--to", "conll", input="Rosa met Leila")).count("\n")
        == 4
    )
    best = max(rows("run"), key=lambda row: float(row["dev_score"]))
    learnt = bundle.load("run").config.training.learning_rate
    assert learnt == pytest.approx(float(best["training.learning_rate"]))


def test_the_table_has_the_best_first_and_what_has_no_score_last() -> None:
    trials = [
        search_report.Row(1, "failed", None, 0, 0.01, {"model.cell": "gru"}, "bad"),
        search_report.Row(2, "complete", 80.0, 3, 1.0, {"model.cell": "gru"}),
        search_report.Row(3, "complete", 81.0, 3, 1.0, {"model.cell": "a|b"}),
    ]
    assert (
        search_report.table(trials)
        == """\
| trial |    state | dev score | epochs | minutes | model.cell |
| ----- | -------: | --------: | -----: | ------: | ---------: |
| 3     | complete |     81.00 |      3 |     1.0 |       a\\|b |
| 2     | complete |     80.00 |      3 |     1.0 |        gru |
| 1     |   failed |           |      0 |     0.0 |        gru |"""
    )
