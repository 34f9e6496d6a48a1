"""Trainings are reproducible to the byte, also if they are interrupted and resumed."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from support.tiny import Recorder
from support.tiny_task import (
    AVERAGED,
    checkpoint_of,
    settings_with,
    train,
    weights_in,
)

from tagger.config.schema import override
from tagger.errors import TaggerError


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    for name, seed in (("one", 1), ("same", 1), ("other", 2)):
        train(settings_with(f"training.seed={seed}"), tmp_path / name)
    assert weights_in(tmp_path / "one") == weights_in(tmp_path / "same")
    assert weights_in(tmp_path / "one") != weights_in(tmp_path / "other")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("interrupt_in_epoch", "changes"),
    [
        (1, ()),
        (2, ()),
        (4, ()),
        (3, AVERAGED),
        (3, ("training.averaging=0", "training.optimizer=sgd", "training.learning_rate=0.01")),
    ],
    ids=["1", "2", "4", "averaged", "sgd"],
)
def test_an_interrupted_training_resumes_to_the_very_same_bytes(
    tmp_path: Path, interrupt_in_epoch: int, changes: tuple[str, ...]
) -> None:
    settings = settings_with(*changes)
    train(settings, tmp_path / "whole")
    stopped = tmp_path / "stopped"
    with pytest.raises(KeyboardInterrupt):
        train(settings, stopped, observer=Recorder(interrupt_in_epoch))
    assert not (stopped / "weights.npz").exists()
    recorder = Recorder()
    train(settings, stopped, resume=True, observer=recorder)
    assert recorder.rows[0][0]["epoch"] == interrupt_in_epoch
    assert weights_in(stopped) == weights_in(tmp_path / "whole")
    with open(stopped / "history.csv", encoding="utf-8") as stream:
        assert [row["epoch"] for row in csv.DictReader(stream)] == ["1", "2", "3", "4"]
    (one, its), (other, others) = (checkpoint_of(run) for run in (stopped, tmp_path / "whole"))
    assert one.best_epoch == other.best_epoch
    assert its.keys() == others.keys()
    for group, arrays in others.items():
        assert its[group].keys() == arrays.keys()
        assert all(np.array_equal(its[group][name], array) for name, array in arrays.items())


def test_a_training_that_was_stopped_in_its_first_epoch_starts_over_with_the_same_settings_alone(
    tmp_path: Path,
) -> None:
    settings, run = settings_with(), tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        train(settings, run, observer=Recorder(1))
    with pytest.raises(TaggerError, match=r"other settings; now: data.steps = 13, before 12\."):
        train(override(settings, ["data.steps=13"]), run, resume=True)
    longer = override(settings, ["training.patience=3"])
    assert train(longer, run, resume=True).epochs == 4
    assert "patience = 3" in (run / "config.toml").read_text()
    (run / "checkpoint" / "last.npz").unlink()
    (run / "manifest.json").write_text("{}")  # it was finished
    with pytest.raises(TaggerError, match="nothing to resume"):
        train(settings, run, resume=True)


@pytest.mark.slow
def test_a_finished_training_resumes_with_more_epochs_but_no_other_change(tmp_path: Path) -> None:
    settings = settings_with("training.schedule=constant")
    longer = override(settings, ["training.epochs=6"])
    train(settings, tmp_path / "run")
    assert train(longer, tmp_path / "run", resume=True).epochs == 6
    train(longer, tmp_path / "whole")
    assert weights_in(tmp_path / "run") == weights_in(tmp_path / "whole")
    with pytest.raises(
        TaggerError, match=r"steps = 7, before 12\. Only patience and epochs may change"
    ):
        train(override(settings, ["data.steps=7"]), tmp_path / "run", resume=True)


def test_where_the_rate_falls_to_the_end_the_number_of_epochs_is_fixed_from_the_start(
    tmp_path: Path,
) -> None:
    settings, run = settings_with("training.learning_rate=0.02"), tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        train(settings, run, observer=Recorder(2))
    with pytest.raises(TaggerError, match=r"epochs = 6, before 4\. Only patience may change"):
        train(override(settings, ["training.epochs=6"]), run, resume=True)
    assert train(override(settings, ["training.patience=7"]), run, resume=True).epochs == 4
    rates = [row["learning_rate"] for row in checkpoint_of(run)[0].history]
    np.testing.assert_allclose(rates, [0.015, 0.01, 0.005, 0], atol=1e-6)
