"""The training loop, on a network of one unit: what holds for every kind of training."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from support import tiny_task
from support.tiny import Recorder
from support.tiny_task import (
    AVERAGED,
    LineTask,
    Points,
    checkpoint_of,
    settings_with,
    train,
    weights_in,
)

from tagger.config.schema import override
from tagger.errors import ConfigError, TaggerError
from tagger.training import facts, hardware
from tagger.training.facts import (
    LanguageModelFacts,
    RunFacts,
    TaggerFacts,
    TextFacts,
    VectorFacts,
)
from tagger.training.loop import Job, run_training
from tagger.training.observer import Observer


@pytest.mark.parametrize("schedule", ["inverse", "constant"])
def test_the_history_has_the_rate_at_the_end_of_each_epoch(tmp_path: Path, schedule: str) -> None:
    recorder = Recorder()
    train(settings_with(f"training.schedule={schedule}"), tmp_path / "run", observer=recorder)
    falls = {"inverse": [1 / (1 + 0.05 * epoch) for epoch in (1, 2, 3, 4)], "constant": [1.0] * 4}
    rates = [row["learning_rate"] for row, _ in recorder.rows]
    np.testing.assert_allclose(rates, 0.1 * np.array(falls[schedule]), rtol=1e-5)


# -- the best epoch, and when to stop


class Snapshots(keras.callbacks.Callback):
    """Remembers the weights at the end of each epoch, and what was in ``logs``."""

    def __init__(self) -> None:
        super().__init__()
        self.weights: list[dict[str, np.ndarray]] = []
        self.logs: list[dict[str, float]] = []

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        named = self.model.named_weights()
        self.weights.append({name: np.array(weight) for name, weight in named.items()})
        self.logs.append(dict(logs or {}))


def test_the_best_epoch_is_kept_and_training_stops_when_nothing_gets_better(tmp_path: Path) -> None:
    scores = [10.0, 30.0, 20.0, 30.0, 25.0, 40.0, 50.0]
    settings = settings_with("training.epochs=7", "training.patience=3", "training.averaging=0")
    recorder, snapshots = Recorder(), Snapshots()
    trained = train(
        settings, tmp_path / "run", scores=scores, observer=recorder, callbacks=[snapshots]
    )
    assert (trained.best_epoch, trained.epochs) == (2, 5)  # an equal score is no better one
    assert [better for _, better in recorder.rows] == [True, True, False, False, False]
    for name, weight in trained.weights.items():
        np.testing.assert_array_equal(weight, snapshots.weights[1][name])
    assert any(
        (snapshots.weights[1][name] != snapshots.weights[4][name]).any() for name in trained.weights
    )


def test_patience_begins_with_the_first_score_above_zero(tmp_path: Path) -> None:
    scores = [0.0, 0.0, 0.0, 0.0, 5.0, 4.0, 4.0, 4.0]
    settings = settings_with("training.epochs=8", "training.patience=2")
    trained = train(settings, tmp_path / "run", scores=scores)
    assert (trained.best_epoch, trained.epochs) == (5, 7)


def test_a_training_out_of_patience_trains_no_more_when_it_resumes(tmp_path: Path) -> None:
    scores = [30.0, 20.0, 20.0, 40.0]
    settings = settings_with("training.patience=2")
    first = train(settings, tmp_path / "run", scores=scores)
    before, recorder = weights_in(tmp_path / "run"), Recorder()
    again = train(settings, tmp_path / "run", scores=scores, resume=True, observer=recorder)
    assert (again.best_epoch, again.epochs) == (first.best_epoch, first.epochs) == (1, 3)
    assert recorder.facts is not None
    assert not recorder.rows
    assert weights_in(tmp_path / "run") == before
    patient = override(settings, ["training.patience=3"])
    assert train(patient, tmp_path / "run", scores=scores, resume=True).best_epoch == 4


def test_an_average_of_the_weights_is_what_is_scored_and_kept(tmp_path: Path) -> None:
    """Twelve steps an epoch: after the first the average is the weights of the eighth step, the
    latest that it has seen, on TensorFlow.
    """
    once = settings_with(*AVERAGED, "training.epochs=1")
    recorders = [Recorder(), Recorder()]
    averaged = train(once, tmp_path / "averaged", observer=recorders[0])
    train(override(once, ["training.averaging=0"]), tmp_path / "last", observer=recorders[1])
    _, arrays = checkpoint_of(tmp_path / "averaged")
    assert arrays["average"].keys() == averaged.weights.keys()
    for name, array in averaged.weights.items():
        np.testing.assert_array_equal(array, arrays["average"][name])
    _, plain = checkpoint_of(tmp_path / "last")
    assert "average" not in plain
    # the training itself goes on from the weights, not from their average
    for name, array in arrays["now"].items():
        np.testing.assert_array_equal(array, plain["now"][name])
    assert any((averaged.weights[name] != array).any() for name, array in plain["best"].items())
    x, y = tiny_task.points(0)
    for weights, recorder in ((averaged.weights, recorders[0]), (plain["best"], recorders[1])):
        error = np.mean((x @ weights["dense/kernel"] + weights["dense/bias"] - y) ** 2)
        assert recorder.rows[0][0]["dev_error"] == pytest.approx(error, rel=1e-4)


# -- explosions

WILD = ("training.optimizer=sgd", "training.learning_rate=1e30", "training.clip_norm=0")


@pytest.mark.slow
def test_an_exploding_training_says_so(tmp_path: Path) -> None:
    with pytest.raises(
        TaggerError,
        match=r"the loss became .* epoch 1, batch (8|12|[1-9]): training diverged; "
        r"set training\.clip_norm",
    ):
        train(settings_with(*WILD), tmp_path / "wild")
    assert not (tmp_path / "wild" / "weights.npz").exists()


@pytest.mark.parametrize("score", [np.nan, np.inf])
def test_a_score_that_is_no_number_is_an_explosion(tmp_path: Path, score: float) -> None:
    with pytest.raises(
        TaggerError, match=r"the dev score became (nan|inf) in epoch 2: training diverged"
    ):
        train(settings_with(), tmp_path / "run", scores=[1.0, score])
    assert len(checkpoint_of(tmp_path / "run")[0].history) == 1


def test_clipping_prevents_an_explosion(tmp_path: Path) -> None:
    wild = ("training.optimizer=sgd", "training.learning_rate=50.0", "training.clip_norm=0.01")
    assert train(settings_with(*wild), tmp_path / "tame").epochs == 4


# -- observers


class Events(Observer):
    """Remembers the names of all events, and whether the checkpoint had been written before."""

    def __init__(self, run: Path) -> None:
        self.run = run
        self.events: list[str] = []

    def receive(self, event: str, *arguments: Any) -> None:
        self.events.append(event)
        if event == "training_started":
            assert isinstance(arguments[0], RunFacts)
            assert (self.run / "config.toml").exists()
        if event == "epoch_ended":
            epochs = [row["epoch"] for row in checkpoint_of(self.run)[0].history]
            assert epochs[-1] == arguments[0]["epoch"]


def test_events_come_in_order(tmp_path: Path) -> None:
    observer = Events(tmp_path / "run")
    train(settings_with("training.epochs=2"), tmp_path / "run", observer=observer)
    events = [
        event
        for before, event in zip(["", *observer.events], observer.events, strict=False)
        if event != before or event != "batch_ended"
    ]
    assert events == ["training_started", *["batch_ended", "epoch_ended"] * 2, "training_ended"]


def test_progress_is_reported_from_within_epochs(tmp_path: Path) -> None:
    recorder = Recorder()
    train(settings_with(), tmp_path / "run", observer=recorder)
    device = hardware.device()
    assert recorder.facts == RunFacts(vocabulary=0, parameters=4, epochs=4, device=device)
    shares = [done for epoch, done, *_ in recorder.batches if epoch == 1]
    assert len(shares) > 1
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert recorder.batches[-1][-1] == 0
    assert all(rate > 0 and left >= 0 for *_, rate, left in recorder.batches)
    assert any((tmp_path / "run" / "tensorboard").rglob("events*"))


def test_the_history_holds_what_observers_receive(tmp_path: Path) -> None:
    recorder = Recorder()
    train(settings_with(), tmp_path / "run", observer=recorder)
    with open(tmp_path / "run" / "history.csv", encoding="utf-8") as stream:
        history = list(csv.DictReader(stream))
    assert len(history) == len(recorder.rows) == 4
    for row, (received, _) in zip(history, recorder.rows, strict=True):
        assert row.keys() == received.keys() >= {"epoch", "loss", "dev_score", "dev_error"}
        assert {name: float(value) for name, value in row.items()} == pytest.approx(
            received, abs=1e-6
        )


SEVERAL_FACTS = [
    RunFacts(10, 20, 3, device="2 CPU cores"),
    LanguageModelFacts(10, 20, 3, "words", 100, 0.25, 50, 0.5),
    TaggerFacts(10, 20, 3, 1, 2, 3, 4, "IOB2"),
    TaggerFacts(
        10, 20, 3, 1, 2, 3, 4, "plain",
        labels=("A", "B"),
        vectors=(VectorFacts("a.txt", 5, 3, 0.5), VectorFacts("b.txt", 6, 2, 1.0)),
        text=TextFacts(7, 8, 9),
    ),
]  # fmt: skip


@pytest.mark.parametrize("given", SEVERAL_FACTS, ids=lambda given: type(given).__name__)
def test_facts_travel_as_json(given: RunFacts) -> None:
    line = json.dumps(["training_started", [given]], default=facts.to_json)
    event, (received,) = json.loads(line, object_hook=facts.from_json)
    assert event == "training_started"
    assert received == given
    assert type(received) is type(given)
    assert hash(received) == hash(given)


def test_other_objects_travel_as_they_are() -> None:
    row = {"epoch": 1, "dev_score": 2.5}
    assert json.loads(json.dumps(row), object_hook=facts.from_json) == row


# -- callbacks of users


def test_callbacks_run_after_ours_and_see_the_figures(tmp_path: Path) -> None:
    recorder, snapshots = Recorder(), Snapshots()
    train(settings_with(), tmp_path / "run", observer=recorder, callbacks=[snapshots])
    assert snapshots.logs == [row for row, _ in recorder.rows]


@pytest.mark.slow
def test_a_callback_may_stop_the_training_which_can_be_resumed(tmp_path: Path) -> None:
    class Enough(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
            assert len(checkpoint_of(tmp_path / "run")[0].history) == epoch + 1
            if (logs or {})["dev_score"] >= 20:
                self.model.stop_training = True

    scores = [10.0, 20.0, 30.0, 40.0]
    stopped = train(settings_with(), tmp_path / "run", scores=scores, callbacks=[Enough()])
    assert (stopped.best_epoch, stopped.epochs) == (2, 2)
    train(settings_with(), tmp_path / "whole", scores=scores)
    assert weights_in(tmp_path / "run") != weights_in(tmp_path / "whole")
    train(settings_with(), tmp_path / "run", scores=scores, resume=True)
    assert weights_in(tmp_path / "run") == weights_in(tmp_path / "whole")


def test_callbacks_of_keras_monitor_the_dev_score(tmp_path: Path) -> None:
    scores = [10.0, 30.0, 20.0, 20.0]
    stop = keras.callbacks.EarlyStopping(monitor="dev_score", mode="max", patience=1)
    assert train(settings_with(), tmp_path / "run", scores=scores, callbacks=[stop]).epochs == 3


# -- folders


def test_a_folder_in_use_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "precious.txt").write_text("mine")
    with pytest.raises(TaggerError, match="not empty"):
        train(settings_with(), tmp_path / "run")
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["precious.txt"]


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut", b"junk" * 100])
def test_a_damaged_checkpoint_is_an_error_not_a_traceback(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "run" / "checkpoint" / "last.npz"
    path.parent.mkdir(parents=True)
    with pytest.raises(TaggerError, match="nothing to resume"):
        train(settings_with(), tmp_path / "run", resume=True)
    path.write_bytes(content)
    with pytest.raises(TaggerError, match="damaged"):
        train(settings_with(), tmp_path / "run", resume=True)


def test_damaged_settings_of_a_training_without_a_checkpoint_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("[training")
    with pytest.raises(ConfigError, match=r"config\.toml: not TOML"):
        train(settings_with(), tmp_path, resume=True)


def test_a_folder_that_cannot_be_written_is_an_error_before_the_first_epoch(
    tmp_path: Path,
) -> None:
    (tmp_path / "file").write_text("")
    recorder = Recorder()
    with pytest.raises(TaggerError, match="cannot be written"):
        train(settings_with(), tmp_path / "file" / "run", observer=recorder)
    assert recorder.facts is None


@pytest.mark.parametrize("interrupt_in_epoch", [0, 1])
def test_contexts_of_a_task_last_as_long_as_its_training(
    tmp_path: Path, interrupt_in_epoch: int
) -> None:
    """What a task keeps in the run's folder meanwhile is gone before the bundle is written."""
    order = []

    @contextmanager
    def temporary() -> Iterator[None]:
        order.append("entered")
        try:
            yield
        finally:
            order.append("left")

    class Task(LineTask):
        def finish(self, *arguments: Any) -> tiny_task.Bundle:
            order.append("finished")
            return super().finish(*arguments)

        def save(self, *arguments: Any) -> None:
            order.append("saved")
            super().save(*arguments)

    def prepare(job: Job[tiny_task.Config]) -> Task:
        job.cleanup.enter_context(temporary())
        job.claim()
        assert (job.run / "config.toml").exists()
        return Task(job, Points(job.settings, job.epoch))

    observer = Recorder(interrupt_in_epoch)
    if interrupt_in_epoch:
        with pytest.raises(KeyboardInterrupt):
            run_training(prepare, settings_with(), tmp_path / "run", observer=observer)
        assert order == ["entered", "left"]
    else:
        run_training(prepare, settings_with(), tmp_path / "run", observer=observer)
        assert order == ["entered", "finished", "left", "saved"]
