"""Training without a dev set: on all of train, for all epochs, and nothing is claimed about it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.command_line import failed, invoke, worked
from support.tiny import TRAIN, Recorder, contents, settings_in
from support.tiny_task import Line, LineTask, Points, checkpoint_of, settings_with

import tagger
from tagger import corpora
from tagger.config.tagger import Config, DataConfig
from tagger.errors import ConfigError, TaggerError
from tagger.training import trainer
from tagger.training.loop import run_training
from tagger.tuning import search, seeds


@pytest.mark.slow
def test_all_of_train_is_used_and_every_fact_says_that_there_was_no_dev(tmp_path: Path) -> None:
    settings = settings_in(tmp_path, "data.dev=none", "training.patience=1")
    recorder = Recorder()
    bundle = trainer.train(settings, tmp_path / "run", observer=recorder)
    sentences = TRAIN.count("\n\n") + 1
    assert (recorder.facts.train_sentences, recorder.facts.dev_sentences) == (3 * sentences, 0)
    assert [row["epoch"] for row, _ in recorder.rows] == [1, 2, 3, 4]  # whatever the patience
    assert not any("dev_score" in row for row, _ in recorder.rows)
    assert bundle.metrics == {
        "dev": {},
        "dev_sentences": 0,
        "epochs": 4,
        "train_sentences": 3 * sentences,
    }
    facts = tagger.describe(tmp_path / "run")
    none = "none: trained without dev, with the weights after the last epoch (4)"
    assert facts["dev score"] == none
    assert "not calibrated, since there was no dev" in facts["probabilities"]
    assert "not measured on dev" in facts["decoding"]
    card = (tmp_path / "run" / "README.md").read_text(encoding="utf-8")
    assert none in card
    assert "It was not scored" in card
    assert worked(invoke("predict", tmp_path / "run", settings.data.train[0]))
    message = failed(invoke("predict", tmp_path / "run", "x", "--target", "recall=0.9"))
    assert "the model has no counts on dev" in message
    worked(invoke("export", tmp_path / "run", settings.data.train[0]))
    assert "F1 in tagger export" in tagger.describe(tmp_path / "run")["document consistency"]


@pytest.mark.slow
@pytest.mark.parametrize("averaging", [0, 0.7])
def test_a_resumed_training_is_the_uninterrupted_one(tmp_path: Path, averaging: float) -> None:
    settings = settings_in(
        tmp_path, "data.dev=none", f"training.averaging={averaging}", "training.schedule=linear"
    )
    trainer.train(settings, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        trainer.train(settings, tmp_path / "stopped", observer=Recorder(3))
    trainer.train(settings, tmp_path / "stopped", resume=True)
    assert contents(tmp_path / "whole") == contents(tmp_path / "stopped")


def by_shape(arrays: dict[str, np.ndarray]) -> list[np.ndarray]:
    """The first arrays of the shapes of the kernel and the bias."""
    return [next(a for a in arrays.values() if a.shape == shape) for shape in ((3, 1), (1,))]


class SteepLine(Line):
    """A network whose gradient is large."""

    def compute_loss(self, *arguments: Any, **named: Any) -> Any:
        return 100 * super().compute_loss(*arguments, **named)


class _WithoutScore(LineTask):
    """The smallest task, without dev scores."""

    def score(self, model: object) -> dict[str, float]:
        return {}


class _Diverging(_WithoutScore):
    """A task that diverges in its only step."""

    def build_model(self) -> Line:
        return SteepLine()


@pytest.mark.slow
@pytest.mark.parametrize("averaging", [0, 0.7])
def test_the_weights_after_the_last_epoch_are_kept(tmp_path: Path, averaging: float) -> None:
    settings = settings_with(f"training.averaging={averaging}", "training.schedule=constant")
    bundle = run_training(
        lambda job: _WithoutScore(job, Points(job.settings, job.epoch)), settings, tmp_path / "run"
    )
    progress, arrays = checkpoint_of(tmp_path / "run")
    assert (bundle.best_epoch, len(progress.history)) == (4, 4)
    if averaging:
        last = arrays["average"]
    else:  # the variables in their order
        last = dict(zip(("dense/kernel", "dense/bias"), by_shape(arrays["now"]), strict=True))
    assert {name: weight.tolist() for name, weight in bundle.weights.items()} == {
        name: weight.tolist() for name, weight in last.items()
    }


@pytest.mark.slow
def test_weights_that_diverge_in_the_last_step_are_an_error(tmp_path: Path) -> None:
    settings = settings_with(
        "training.epochs=1",
        "training.optimizer=sgd",
        "training.learning_rate=1e38",
        "training.averaging=0",
        "training.clip_norm=0",
        "data.steps=1",
    )
    with pytest.raises(TaggerError, match=r"the weights became infinite or NaN in epoch 1"):
        run_training(
            lambda job: _Diverging(job, Points(job.settings, job.epoch)),
            settings,
            tmp_path / "run",
        )


def test_dev_is_none_files_or_held_out(tmp_path: Path) -> None:
    (tmp_path / "a.conll").write_text(TRAIN)
    train = (str(tmp_path / "a.conll"),)
    found, dev = corpora.splits(DataConfig(train=train, dev=("none",)))
    assert (len(found.sentences), dev) == (4, None)
    found, dev = corpora.splits(DataConfig(train=train))
    assert dev is not None
    assert len(found.sentences) + len(dev.sentences) == 4
    with pytest.raises(ConfigError, match=r"'none' beside other files; .* is \./none\)"):
        corpora.splits(DataConfig(train=train, dev=("none", *train)))


def test_what_compares_dev_scores_needs_a_dev_set(tmp_path: Path) -> None:
    settings = Config(data=DataConfig(train=("a",), dev=("none",)))
    with pytest.raises(ConfigError, match=r"several seeds compares trainings by their dev scores"):
        seeds.train(settings, tmp_path / "run", 2)
    with pytest.raises(ConfigError, match="a search compares trainings by their dev scores"):
        search.search(settings, {}, tmp_path / "run")
