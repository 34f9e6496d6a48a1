"""Training from files to a bundle: reproducible, resumable, honest about its best epoch."""

import csv
from types import SimpleNamespace

import numpy as np
import pytest
from support.inputs import features_of
from support.tiny import BY_HEART, Recorder, contents, settings_in

from tagger.bundles import tagger_files as bundle
from tagger.config.tagger import override
from tagger.errors import ConfigError, TaggerError
from tagger.evaluation.run import score_model
from tagger.features.encode import Lexicon
from tagger.features.vocabulary import Vocabulary
from tagger.inference import predictor
from tagger.inference.decoder import Decoder
from tagger.text.spans import Sentence
from tagger.training import checkpoints, trainer
from tagger.training.callbacks import dev_score


@pytest.fixture
def settings(tmp_path):
    return settings_in(tmp_path)


def test_the_same_seed_gives_the_same_files_and_another_seed_others(settings, tmp_path):
    runs = [tmp_path / name for name in ("first", "second", "third")]
    trainer.train(settings, runs[0])
    trainer.train(settings, runs[1])
    trainer.train(override(settings, ["training.seed=2"]), runs[2])
    assert contents(runs[0]) == contents(runs[1])
    assert (runs[0] / "manifest.json").read_bytes() == (runs[1] / "manifest.json").read_bytes()
    assert contents(runs[0])["weights.npz"] != contents(runs[2])["weights.npz"]


AVERAGED = ["training.averaging=0.7", "training.batch_tokens=4", "training.schedule=linear"]


@pytest.mark.parametrize(
    ("interrupt_in_epoch", "changes"), [(2, []), (4, []), (3, AVERAGED)], ids=["2", "4", "averaged"]
)
def test_an_interrupted_training_resumes_to_the_very_same_bundle(
    settings, tmp_path, interrupt_in_epoch, changes
):
    settings = override(settings, changes)
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
    settings = override(settings, ["training.schedule=constant"])
    trainer.train(settings, tmp_path / "run")
    longer = trainer.train(override(settings, ["training.epochs=6"]), tmp_path / "run", resume=True)
    assert longer.metrics["epochs"] == 6
    trainer.train(override(settings, ["training.epochs=6"]), tmp_path / "whole")
    assert contents(tmp_path / "run") == contents(tmp_path / "whole")
    with pytest.raises(TaggerError, match="units = 7"):
        trainer.train(override(settings, ["model.units=7"]), tmp_path / "run", resume=True)


def test_where_the_rate_falls_to_the_end_the_number_of_epochs_is_fixed_from_the_start(
    settings, tmp_path
):
    with pytest.raises(KeyboardInterrupt):
        trainer.train(settings, tmp_path / "run", observer=Recorder(2))
    with pytest.raises(TaggerError, match="epochs = 6"):
        trainer.train(override(settings, ["training.epochs=6"]), tmp_path / "run", resume=True)
    trained = trainer.train(
        override(settings, ["training.patience=7"]), tmp_path / "run", resume=True
    )
    assert trained.metrics["epochs"] == 4
    rates = [
        row["learning_rate"]
        for row in checkpoints.load(tmp_path / "run" / "checkpoint" / "last.npz")[0].history
    ]
    np.testing.assert_allclose(rates, [0.015, 0.01, 0.005, 0], atol=1e-6)


def test_an_average_of_the_weights_is_what_is_scored_and_kept(settings, tmp_path):
    """Twelve steps an epoch: after the first the average is the weights of the eighth step, the
    latest that it has seen.
    """
    once = override(settings, [*AVERAGED, "training.epochs=1"])
    averaged = trainer.train(once, tmp_path / "averaged")
    trainer.train(override(once, ["training.averaging=0"]), tmp_path / "last")
    _, arrays = checkpoints.load(tmp_path / "averaged" / "checkpoint" / "last.npz")
    assert arrays["average"].keys() == averaged.weights.keys()
    for name, array in averaged.weights.items():
        np.testing.assert_array_equal(array, arrays["average"][name])
    _, plain = checkpoints.load(tmp_path / "last" / "checkpoint" / "last.npz")
    assert "average" not in plain
    for name, array in arrays[
        "now"
    ].items():  # the training itself goes on from the weights, not from their average
        np.testing.assert_array_equal(array, plain["now"][name])
    assert any((averaged.weights[name] != array).any() for name, array in plain["best"].items())
    measured = averaged.metrics["agreement"]
    assert measured["without"] == pytest.approx(averaged.metrics["dev"]["score"], abs=0.01)
    found = score_model(
        predictor.load(tmp_path / "averaged", precision="float32"),
        [settings.data.dev],
        settings.data.reading,
    )
    assert found.strict.f1 == pytest.approx(max(measured["score"], measured["without"]), abs=0.01)


def test_the_best_epoch_is_kept_and_training_stops_when_nothing_gets_better(settings, tmp_path):
    recorder = Recorder()
    trained = trainer.train(
        override(settings, [*BY_HEART, "training.patience=12"]), tmp_path / "run", observer=recorder
    )
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


WILD = [
    "model.cell=rnn-relu",
    "training.optimizer=sgd",
    "training.learning_rate=50.0",
    "training.epochs=3",
]


def test_an_exploding_training_says_so(settings, tmp_path):
    wild = override(settings, [*WILD, "training.batch_tokens=4", "training.clip_norm=0"])
    with pytest.raises(
        TaggerError,
        match=r"the loss became .* batch .*: the training exploded; set training\.clip_norm",
    ):
        trainer.train(wild, tmp_path / "wild")


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_an_explosion_with_the_last_step_of_an_epoch_shows_when_dev_is_scored(number):
    features = features_of(Vocabulary.build([["a"]]))
    emissions = np.zeros((1, 2, 2), "float32")
    emissions[0, 1, 1] = number
    model = SimpleNamespace(
        head=SimpleNamespace(scores=lambda: None), emissions=lambda inputs: emissions
    )
    decoder = Decoder(["X", "Y"], plain_tags=True)
    with pytest.raises(
        TaggerError, match=r"no numbers any more: the training exploded; set training\.clip_norm"
    ):
        dev_score(model, [Sentence(("a", "b"), tags=("X", "Y"))], Lexicon(features), decoder)


def test_clipping_prevents_an_explosion(settings, tmp_path):
    trainer.train(
        override(settings, [*WILD, "training.batch_tokens=4", "training.clip_norm=0.01"]),
        tmp_path / "tame",
    )


def test_plain_tags_train_and_are_scored_by_accuracy(settings, tmp_path):
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
