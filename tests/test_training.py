"""Training from files to a bundle: reproducible, resumable, honest about its best epoch."""

from __future__ import annotations

import csv
import tomllib
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from support.inputs import features_of
from support.tiny import BY_HEART, Recorder, contents, settings_in

import tagger
from tagger.bundles import tagger_files as bundle
from tagger.config.tagger import Config, override, to_toml
from tagger.cpu import cores
from tagger.errors import ConfigError, TaggerError
from tagger.evaluation.run import score_model
from tagger.features.encode import WordEncoder
from tagger.features.vocabulary import Vocabulary
from tagger.inference import predictor
from tagger.inference.decoder import Decoder
from tagger.text.spans import Sentence
from tagger.training import checkpoints, trainer
from tagger.training.dev_score import dev_score
from tagger.training.facts import TaggerFacts

pytestmark = pytest.mark.slow

AVERAGED = ["training.averaging=0.7", "training.batch_tokens=4", "training.schedule=linear"]


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Config:
    return settings_in(tmp_path_factory.mktemp("corpus"))


@pytest.fixture(scope="module")
def averaged(settings: Config) -> Config:
    """Settings of a training whose state holds all that a tagger's may: a falling rate, Adam's
    moments, and an average that is taken within epochs.
    """
    return override(settings, AVERAGED)


@pytest.fixture(scope="module")
def whole(averaged: Config, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Recorder]:
    """The folder of a training that was not interrupted, and what its observer received."""
    run, recorder = tmp_path_factory.mktemp("whole") / "run", Recorder()
    trainer.train(averaged, run, observer=recorder)
    return run, recorder


def test_the_same_seed_gives_the_same_files_and_another_seed_others(
    averaged: Config, whole: tuple[Path, Recorder], tmp_path: Path
) -> None:
    run, _ = whole
    trainer.train(averaged, tmp_path / "second")
    trainer.train(override(averaged, ["training.seed=2"]), tmp_path / "third")
    assert contents(run) == contents(tmp_path / "second")
    assert (run / "manifest.json").read_bytes() == (
        tmp_path / "second" / "manifest.json"
    ).read_bytes()
    assert contents(run)["weights.npz"] != contents(tmp_path / "third")["weights.npz"]


def test_an_interrupted_training_resumes_to_the_very_same_bundle(
    averaged: Config, whole: tuple[Path, Recorder], tmp_path: Path
) -> None:
    stopped = tmp_path / "stopped"
    with pytest.raises(KeyboardInterrupt):
        trainer.train(averaged, stopped, observer=Recorder(3))
    assert not (stopped / "manifest.json").exists()
    with pytest.raises(TaggerError, match="--resume"):
        bundle.load(stopped)
    with pytest.raises(TaggerError, match="units = 7"):
        trainer.train(override(averaged, ["model.units=7"]), stopped, resume=True)
    recorder = Recorder()
    trainer.train(averaged, stopped, resume=True, observer=recorder)
    assert recorder.rows[0][0]["epoch"] == 3
    assert contents(stopped) == contents(whole[0])
    with open(stopped / "history.csv", encoding="utf-8") as stream:
        assert [row["epoch"] for row in csv.DictReader(stream)] == ["1", "2", "3", "4"]


def test_the_facts_of_a_training_are_received_before_its_first_epoch(
    averaged: Config, whole: tuple[Path, Recorder]
) -> None:
    run, recorder = whole
    weights = bundle.load(run).weights
    assert recorder.facts == TaggerFacts(
        vocabulary=len(bundle.load(run).features.words),
        parameters=sum(weight.size for weight in weights.values()),
        epochs=averaged.training.epochs,
        train_sentences=12,
        train_tokens=39,
        dev_sentences=12,
        dev_tokens=39,
        scheme="IOB2",
        labels=("LOC", "PER"),
        device=f"{cores()} CPU core{'s' * (cores() > 1)}",
    )


def test_the_best_epoch_is_kept_and_scores_what_it_scored_in_training(
    settings: Config, tmp_path: Path
) -> None:
    recorder = Recorder()
    trained = trainer.train(
        override(settings, [*BY_HEART, "training.patience=12"]), tmp_path / "run", observer=recorder
    )
    scores = [row["dev_score"] for row, _ in recorder.rows]
    best = trained.metrics["best_epoch"]
    assert scores[best - 1] == max(scores)
    assert len(scores) == best + 12
    model = predictor.load(tmp_path / "run")
    found = score_model(model, settings.data.dev, settings.data.reading)
    assert found.strict is not None
    assert found.strict.f1 == pytest.approx(trained.metrics["dev"]["score"], abs=0.01)
    assert max(scores) == 100  # twelve sentences are learnt by heart


def test_the_average_of_the_weights_is_in_the_bundle_and_scores_what_it_scored_in_training(
    averaged: Config, tmp_path: Path
) -> None:
    """Twelve steps an epoch: after the first the average is the weights of the eighth step, the
    latest that it has seen.
    """
    once = override(averaged, ["training.epochs=1"])
    trained = trainer.train(once, tmp_path / "run")
    _, arrays = checkpoints.load(tmp_path / "run" / "checkpoint" / "last.npz")
    assert arrays["average"].keys() == trained.weights.keys()
    for name, array in trained.weights.items():
        np.testing.assert_array_equal(array, arrays["average"][name])
    measured = trained.metrics["agreement"]
    assert measured["without"] == pytest.approx(trained.metrics["dev"]["score"], abs=0.01)
    found = score_model(
        predictor.load(tmp_path / "run", precision="float32"),
        averaged.data.dev,
        averaged.data.reading,
    )
    assert found.strict is not None
    assert found.strict.f1 == pytest.approx(max(measured["score"], measured["without"]), abs=0.01)


def test_settings_may_be_a_mapping_or_a_file_and_keras_callbacks_run(
    settings: Config, tmp_path: Path
) -> None:
    class Enough(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
            received.append(dict(logs or {}))
            self.model.stop_training = True

    tables = tomllib.loads(to_toml(settings))
    (tmp_path / "settings.toml").write_text(to_toml(settings), encoding="utf-8")
    for name, config in (("mapping", tables), ("file", tmp_path / "settings.toml")):
        received: list[dict[str, float]] = []
        trained = tagger.train(config, tmp_path / name, callbacks=[Enough()])
        assert trained.config == settings
        assert trained.metrics["epochs"] == 1
        assert {"dev_score", "dev_precision", "dev_recall", "loss"} <= received[0].keys()
    assert contents(tmp_path / "mapping") == contents(tmp_path / "file")
    with pytest.raises(ConfigError, match=r"settings: unknown setting model\.unit; did you mean"):
        tagger.train({"model": {"unit": 3}}, tmp_path / "wrong")


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_an_explosion_with_the_last_step_of_an_epoch_shows_when_dev_is_scored(
    number: float,
) -> None:
    features = features_of(Vocabulary.build([["a"]]))
    emissions = np.zeros((1, 2, 2), "float32")
    emissions[0, 1, 1] = number
    model = SimpleNamespace(
        head=SimpleNamespace(scores=lambda: None), emissions=lambda inputs: emissions
    )
    decoder = Decoder(["X", "Y"], plain_tags=True)
    with pytest.raises(
        TaggerError, match=r"became infinite or NaN: training diverged; set training\.clip_norm"
    ):
        dev_score(model, [Sentence(("a", "b"), tags=("X", "Y"))], WordEncoder(features), decoder)


def test_plain_tags_train_and_are_scored_by_accuracy(settings: Config, tmp_path: Path) -> None:
    path = tmp_path / "pos.conll"
    path.write_text("dogs NNS\nbark VBP\n. .\n\ncats NNS\nmew VBP\n\n" * 4, encoding="utf-8")
    plain = override(
        settings, [f"data.train={path}", f"data.dev={path}", *BY_HEART, "training.patience=12"]
    )
    trained = trainer.train(plain, tmp_path / "run")
    assert trained.scheme == "plain"
    assert trained.tags == (".", "NNS", "VBP")
    assert trained.metrics["dev"] == {"score": 100.0}
    assert predictor.load(tmp_path / "run").tag_tokens([["dogs", "mew"]])[0].tags == ("NNS", "VBP")


def test_data_without_spans_or_without_train_is_refused(settings: Config, tmp_path: Path) -> None:
    path = tmp_path / "outside.conll"
    path.write_text("a O\nb O\n")
    with pytest.raises(TaggerError, match="every tag is O"):
        trainer.train(override(settings, [f"data.train={path}"]), tmp_path / "run")
    with pytest.raises(ConfigError, match="no train data"):
        trainer.train(override(settings, ["data.train="]), tmp_path / "run")
