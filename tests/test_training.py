"""Training from files to a bundle: reproducible, resumable, honest about its best epoch."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tagger import bundle
from tagger.errors import ConfigError, TaggerError
from tagger.evaluation.run import score_model
from tagger.runtime import predictor
from tagger.training import checkpoints, trainer
from tagger.training.config import Config, override
from tagger.training.observer import Observer

TRAIN = """\
Anna B-PER
Keller I-PER
sang O

Oslo B-LOC
is O
cold O

Tom B-PER
lives O
in O
New B-LOC
York I-LOC

Nobody O
sang O
"""
BY_HEART = ["model.dropout=0", "model.input_dropout=0", "vocabulary.unknown_probability=0", "training.epochs=60"]
SMALL = [
    "model.embedding=8",
    "model.units=6",
    "training.epochs=4",
    "training.learning_rate=0.02",
    "training.batch_tokens=16",
    "training.epoch_tokens=0",
]


class Recorder(Observer):
    """Remembers what it was told, and interrupts a training in the middle of an epoch when asked to."""

    def __init__(self, interrupt_in_epoch=0):
        self.interrupt_in_epoch = interrupt_in_epoch
        self.rows, self.batches, self.facts = [], [], {}

    def started(self, facts):
        self.facts = facts

    def batch(self, epoch, done, loss, tokens_per_second, seconds_left):
        self.batches.append((epoch, done, loss, tokens_per_second, seconds_left))
        if epoch == self.interrupt_in_epoch:
            raise KeyboardInterrupt

    def epoch(self, row, better):
        self.rows.append((row, better))


@pytest.fixture
def settings(tmp_path):
    train = tmp_path / "train.conll"
    train.write_text("\n".join([TRAIN] * 3), encoding="utf-8")
    return override(Config(), [f"data.train={train}", f"data.dev={train}", *SMALL])


def contents(run):
    """The bundle's files: name -> bytes."""
    names = json.loads((run / "manifest.json").read_text())["files"]
    return {name: (run / name).read_bytes() for name in names}


def test_the_same_seed_gives_the_same_files_and_another_seed_others(settings, tmp_path):
    runs = [tmp_path / name for name in ("first", "second", "third")]
    trainer.train(settings, runs[0])
    trainer.train(settings, runs[1])
    trainer.train(override(settings, ["training.seed=2"]), runs[2])
    assert contents(runs[0]) == contents(runs[1])
    assert (runs[0] / "manifest.json").read_bytes() == (runs[1] / "manifest.json").read_bytes()
    assert contents(runs[0])["weights.npz"] != contents(runs[2])["weights.npz"]


@pytest.mark.parametrize("interrupt_in_epoch", [2, 4])
def test_an_interrupted_training_resumes_to_the_very_same_bundle(settings, tmp_path, interrupt_in_epoch):
    trainer.train(settings, tmp_path / "whole")
    stopped = tmp_path / "stopped"
    with pytest.raises(KeyboardInterrupt):
        trainer.train(settings, stopped, observer=Recorder(interrupt_in_epoch))
    assert not (stopped / "manifest.json").exists()
    with pytest.raises(TaggerError, match="--resume"):
        bundle.load(stopped)
    recorder = Recorder()
    trainer.train(settings, stopped, resume=True, observer=recorder)
    assert recorder.rows[0][0]["epoch"] == interrupt_in_epoch
    assert contents(stopped) == contents(tmp_path / "whole")
    with open(stopped / "history.csv", encoding="utf-8") as stream:
        assert [row["epoch"] for row in csv.DictReader(stream)] == ["1", "2", "3", "4"]


def test_a_finished_training_resumes_with_more_epochs_but_no_other_change(settings, tmp_path):
    trainer.train(settings, tmp_path / "run")
    longer = trainer.train(override(settings, ["training.epochs=6"]), tmp_path / "run", resume=True)
    assert longer.metrics["epochs"] == 6
    with pytest.raises(TaggerError, match="units = 7"):
        trainer.train(override(settings, ["model.units=7"]), tmp_path / "run", resume=True)


def test_the_best_epoch_is_kept_and_training_stops_when_nothing_gets_better(settings, tmp_path):
    recorder = Recorder()
    trained = trainer.train(override(settings, [*BY_HEART, "training.patience=12"]), tmp_path / "run", observer=recorder)
    scores = [row["dev_score"] for row, _ in recorder.rows]
    best = trained.metrics["best_epoch"]
    assert scores[best - 1] == max(scores)
    assert len(scores) == best + 12
    model = predictor.load(tmp_path / "run")
    found = score_model(model, [settings.data.dev], settings.data.reading)
    assert found.strict.f1 == pytest.approx(trained.metrics["dev"]["score"], abs=0.01)
    assert max(scores) == 100  # twelve sentences are learnt by heart


def test_progress_is_reported_from_within_epochs(settings, tmp_path):
    recorder = Recorder()
    trainer.train(settings, tmp_path / "run", observer=recorder)
    assert recorder.facts["train"] == (12, 39)
    shares = [done for epoch, done, *_ in recorder.batches if epoch == 1]
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert recorder.batches[-1][-1] == 0
    assert all(rate > 0 and left >= 0 for *_, rate, left in recorder.batches)
    assert any((tmp_path / "run" / "tensorboard").rglob("events*"))


def test_an_exploding_training_says_so_and_clipping_prevents_it(settings, tmp_path):
    wild = ["model.cell=rnn-relu", "training.optimizer=sgd", "training.learning_rate=50.0", "training.epochs=20"]
    with pytest.raises(TaggerError, match="clip_norm"):
        trainer.train(override(settings, [*wild, "training.clip_norm=0"]), tmp_path / "wild")
    trainer.train(override(settings, [*wild, "training.clip_norm=0.01"]), tmp_path / "tame")


def test_plain_tags_train_and_are_scored_by_accuracy(settings, tmp_path):
    path = tmp_path / "pos.conll"
    path.write_text("dogs NNS\nbark VBP\n. .\n\ncats NNS\nmew VBP\n\n" * 4, encoding="utf-8")
    plain = override(settings, [f"data.train={path}", f"data.dev={path}", *BY_HEART, "training.patience=12"])
    trained = trainer.train(plain, tmp_path / "run")
    assert trained.scheme == "plain"
    assert trained.tags == (".", "NNS", "VBP")
    assert trained.metrics["dev"] == {"score": 100.0}
    assert predictor.load(tmp_path / "run").tag_tokens([["dogs", "mew"]])[0].tags == ("NNS", "VBP")


def test_a_folder_in_use_is_never_overwritten(settings, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "precious.txt").write_text("mine")
    with pytest.raises(TaggerError, match="not empty"):
        trainer.train(settings, tmp_path / "run")
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["precious.txt"]


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut", b"junk" * 100])
def test_a_damaged_checkpoint_is_an_error_not_a_traceback(settings, tmp_path, content):
    path = tmp_path / "run" / "checkpoint" / "last.npz"
    path.parent.mkdir(parents=True)
    with pytest.raises(TaggerError, match="nothing to resume"):
        checkpoints.load(path)
    path.write_bytes(content)
    with pytest.raises(TaggerError, match="damaged"):
        trainer.train(settings, tmp_path / "run", resume=True)


def test_data_without_spans_or_without_dev_is_refused(settings, tmp_path):
    path = tmp_path / "outside.conll"
    path.write_text("a O\nb O\n")
    with pytest.raises(TaggerError, match="every tag is O"):
        trainer.train(override(settings, [f"data.train={path}"]), tmp_path / "run")
    with pytest.raises(ConfigError, match="no dev data"):
        trainer.train(override(settings, ["data.dev="]), tmp_path / "run")


JAX = """
import sys, numpy as np, keras
from tagger.training import trainer
from tagger.training.config import load
from tagger.runtime import predictor
assert keras.backend.backend() == "jax"
trained, mine, out = sys.argv[1:]
model = predictor.load(trained)
sentences = [["Anna", "Keller", "sang"], ["Oslo"], []]
np.savez(out, *[score for s in model.tag_tokens(sentences) for score in [[span.score for span in s.spans]]])
assert trainer.train(load(trained + "/config.toml"), mine).metrics["dev"]["score"] > 0
"""


def test_the_same_model_runs_and_trains_on_jax(settings, tmp_path):
    pytest.importorskip("jax", reason="JAX is not installed")
    enough = override(settings, [*BY_HEART, "training.patience=12", "model.layers=2", "model.cell=lstm-peephole"])
    trainer.train(enough, tmp_path / "run")
    environment = {**os.environ, "KERAS_BACKEND": "jax", "PYTHONPATH": str(Path(__file__).parent.parent)}
    arguments = [str(tmp_path / name) for name in ("run", "jax", "scores.npz")]
    run = subprocess.run([sys.executable, "-c", JAX, *arguments], env=environment, capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr[-2000:]
    expected = [[span.score for span in s.spans] for s in predictor.load(tmp_path / "run").tag_tokens(
        [["Anna", "Keller", "sang"], ["Oslo"], []]
    )]  # fmt: skip
    with np.load(tmp_path / "scores.npz") as found:
        for name, scores in zip(found.files, expected, strict=True):
            np.testing.assert_allclose(found[name], scores, atol=1e-4)
    assert expected[0]
