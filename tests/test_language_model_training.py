"""Trainings of language models: the same bytes whatever happens in between, and errors that say
what is wrong.
"""

from __future__ import annotations

import csv
import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest
from support.command_line import failed, invoke, worked
from support.tiny import Recorder, contents

from tagger.bundles import language_model as bundles
from tagger.config import language_model as config
from tagger.errors import TaggerError
from tagger.export import language_model as graph
from tagger.language_models import scoring, text
from tagger.language_models.model import LanguageModel, load
from tagger.training import language_model

pytestmark = pytest.mark.slow

TEXT = "the cat sat on the mat .\nthe dog sat on the cat .\nso it goes on and on .\n" * 4
SMALL = [
    "data.tokenizer=whitespace",
    "vocabulary.minimum_count=1",
    "model.embedding=5",
    "model.units=8",
    "training.streams=3",
    "training.window=10",
    "training.epochs=4",
    "training.learning_rate=0.02",
    "model.dropout=0.1",
    "model.input_dropout=0.1",
]


@pytest.fixture
def text_file(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    path.write_text(TEXT, encoding="utf-8")
    return path


def settings_of(path: Path, *changes: str) -> config.LanguageModelConfig:
    return config.override(
        config.LanguageModelConfig(),
        [f'data.train=["{path}"]', f'data.dev=["{path}"]', *SMALL, *changes],
    )


def test_a_training_that_was_interrupted_and_resumed_gives_the_same_bytes(
    text_file: Path, tmp_path: Path
) -> None:
    changes = (
        "model.direction=backward",
        "training.averaging=1",
        "training.epoch_tokens=100",
        "model.cell=gru",
    )
    settings = settings_of(text_file, *changes)
    language_model.train(settings, tmp_path / "through")
    with pytest.raises(KeyboardInterrupt):
        language_model.train(
            settings, tmp_path / "stopped", observer=Recorder(interrupt_in_epoch=3)
        )
    assert not (tmp_path / "stopped" / "text").exists()
    language_model.train(settings, tmp_path / "stopped", resume=True)
    assert contents(tmp_path / "stopped") == contents(tmp_path / "through")
    trained = bundles.load(tmp_path / "through")
    assert trained.graphs
    assert trained.graphs == graph.with_graphs(trained).graphs
    with pytest.raises(TaggerError, match="was started with other settings"):
        language_model.train(
            config.override(settings, ["model.units=9"]), tmp_path / "stopped", resume=True
        )


def test_a_trained_model_has_learnt_and_is_measured(text_file: Path, tmp_path: Path) -> None:
    settings = settings_of(
        text_file,
        "model.level=words",
        "model.dropout=0",
        "model.input_dropout=0",
        "training.epochs=30",
    )
    recorder = Recorder()
    trained = language_model.train(settings, tmp_path / "run", observer=recorder)
    assert recorder.facts.train_tokens == recorder.facts.dev_tokens == 96
    assert (recorder.facts.level, recorder.facts.train_unknown) == ("words", 0)
    assert trained.graphs
    assert trained.graphs == graph.with_graphs(trained).graphs
    assert trained.metrics["dev"]["perplexity"] < 4
    assert trained.metrics["dev"]["unknown_percent"] == 0
    with open(tmp_path / "run" / "history.csv", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    best = min(float(row["dev_perplexity"]) for row in rows)
    assert trained.metrics["dev"]["perplexity"] == pytest.approx(best, abs=1e-3)
    right, wrong = scoring.score(
        load(tmp_path / "run"),
        [
            ["the", "cat", "sat", "on", "the", "mat", "."],
            ["the", "mat", "the", "on", "cat", "sat", "."],
        ],
    )
    assert right.log_probability > wrong.log_probability + 2


def test_dev_perplexity_is_that_of_the_runtime(text_file: Path, tmp_path: Path) -> None:
    """Scores with continued states read one stream without a break."""
    settings = settings_of(text_file, "training.streams=1", "training.epochs=1")
    trained = language_model.train(settings, tmp_path / "run")
    total = scoring.CorpusScore()
    sentences = [line.split() for line in TEXT.splitlines()]
    for scored in scoring.score(LanguageModel(trained), sentences, carry=True):
        total.add(scored)
    assert total.perplexity == pytest.approx(trained.metrics["dev"]["perplexity"], rel=1e-4)
    assert total.bits_per_character == pytest.approx(
        trained.metrics["dev"]["bits_per_character"], rel=1e-3
    )


def test_an_explosion_with_the_last_step_of_an_epoch_shows_when_dev_is_scored(
    text_file: Path, tmp_path: Path
) -> None:
    settings = settings_of(text_file)
    vocabulary, _ = text.survey(settings)
    encoded = text.encode(settings.data.dev, settings, vocabulary, tmp_path / "ids")
    model: Any = SimpleNamespace(
        predict_on_batch=lambda inputs: np.full(inputs["targets"].shape, np.nan, "float32")
    )
    with pytest.raises(TaggerError, match=r"became infinite or NaN: training diverged"):
        language_model.dev_score(model, language_model._streams(encoded, settings), encoded)


def test_settings_may_be_a_mapping_and_keras_callbacks_run(text_file: Path, tmp_path: Path) -> None:
    class Enough(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
            received.append(dict(logs or {}))
            self.model.stop_training = True

    received: list[dict[str, float]] = []
    settings = settings_of(text_file)
    tables = tomllib.loads(config.to_toml(settings))
    trained = language_model.train(tables, tmp_path / "run", callbacks=[Enough()])
    assert trained.config == settings
    assert trained.metrics["epochs"] == 1
    assert {"dev_score", "dev_perplexity", "dev_bits", "loss"} <= received[0].keys()


def test_what_is_wrong_is_said_and_nothing_is_left(text_file: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty.txt"
    empty.write_text("\n\n", encoding="utf-8")
    run = tmp_path / "run"
    for change, message in [
        (f'data.dev=["{tmp_path / "none.txt"}"]', "cannot be read"),
        (f'data.dev=["{empty}"]', "no text in it"),
        (f'data.train=["{empty}"]', "add text, or lower"),
        ("data.tokenizer=nothing", "nothing"),
    ]:
        with pytest.raises(TaggerError, match=message):
            language_model.train(settings_of(text_file, change), run)
        assert not run.exists()


def test_train_on_the_command_line(text_file: Path, tmp_path: Path) -> None:
    changes = [word for change in (*SMALL, "training.epochs=1") for word in ("--set", change)]
    arguments = ("lm", "train", "--train", text_file, "--dev", text_file)
    outcome = invoke(*arguments, tmp_path / "run", *changes)
    assert "Best dev perplexity" in worked(outcome)
    assert "bits/character" in outcome.stderr
    assert worked(invoke("lm", "sample", tmp_path / "run", "--seed", "1", "--max-length", "5"))
    assert "exists and is not empty" in failed(invoke(*arguments, tmp_path / "run", *changes))
    assert "did you mean model.units" in failed(
        invoke(*arguments, tmp_path / "x", "--set", "model.unit=3"), status=2
    )
    assert "nothing to resume" in failed(invoke(*arguments, tmp_path / "x", "--resume"))


def test_streams_share_one_text_whatever_the_direction(text_file: Path, tmp_path: Path) -> None:
    for direction in ("forward", "backward"):
        settings = settings_of(text_file, f"model.direction={direction}")
        vocabulary, _ = text.survey(settings)
        encoded = text.encode(settings.data.train, settings, vocabulary, tmp_path / "ids")
        streams = language_model._streams(encoded, settings)
        read = np.concatenate(
            [inputs["targets"] for inputs, _ in (streams[n] for n in range(len(streams)))], axis=1
        )
        real = (
            np.concatenate([real for _, real in (streams[n] for n in range(len(streams)))], axis=1)
            > 0
        )
        targets = "".join(
            text.name_of(number, vocabulary).replace("<EOS>", "\n") for number in read[real]
        )
        assert targets == (TEXT if direction == "forward" else TEXT[:-1][::-1] + "\n")
