"""Trainings of language models that are conditional on labels: a toy corpus whose statistics the
model must learn, resumption, and errors with their places.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.command_line import failed, invoke, worked
from support.tiny import Recorder, contents

from tagger.bundles import language_model as bundles
from tagger.classification import bayes
from tagger.config import language_model as config
from tagger.errors import TaggerError
from tagger.export import language_model as graph
from tagger.language_models import sampling, scoring
from tagger.language_models.model import LanguageModel
from tagger.language_models.sampling import SamplingConfig
from tagger.training import language_model

pytestmark = pytest.mark.slow

# The probabilities of the first word given the label; the second is always the same.
FIRST = {"left": {"a": 0.7, "b": 0.3}, "right": {"b": 0.2, "c": 0.8}}
SMALL = [
    "data.tokenizer=whitespace",
    "vocabulary.minimum_count=1",
    "model.level=words",
    "model.embedding=5",
    "model.units=8",
    "model.dropout=0",
    "training.streams=3",
    "training.window=10",
    "training.epochs=4",
    "training.learning_rate=0.02",
]


def corpus(path: Path, count: int = 400, seed: int = 1, **more: Any) -> Path:
    """Write texts of one or two sentences, three quarters of them with the label left."""
    draw = random.Random(seed)
    with open(path, "w", encoding="utf-8") as stream:
        for _ in range(count):
            label = draw.choices(["left", "right"], [3, 1])[0]
            words, weights = zip(*FIRST[label].items(), strict=True)
            sentences = [f"{draw.choices(words, weights)[0]} z" for _ in range(draw.choice([1, 2]))]
            text = {"text": "\n".join(sentences), "label": label, **more}
            stream.write(json.dumps(text) + "\n")
    return path


def settings_of(path: Path, *changes: str) -> config.LanguageModelConfig:
    return config.override(
        config.LanguageModelConfig(),
        [f'data.train=["{path}"]', f'data.dev=["{path}"]', *SMALL, *changes],
    )


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return corpus(tmp_path / "texts.jsonl", count=60)


@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_samples_and_the_classifier_have_the_statistics_of_each_label(
    direction: str, tmp_path: Path
) -> None:
    """400 texts: shares within 0.1 of those that were drawn, of 300 samples each."""
    file = corpus(tmp_path / "train.jsonl")
    settings = settings_of(file, f"model.direction={direction}", "training.epochs=25")
    recorder = Recorder()
    trained = language_model.train(settings, tmp_path / "run", observer=recorder)
    counts = Counter(json.loads(line)["label"] for line in file.read_text().splitlines())
    assert dict(zip(trained.labels.names, trained.labels.counts, strict=True)) == dict(counts)
    assert recorder.facts.conditional_on == (
        f"2 labels: left {counts['left']}, right {counts['right']}"
    )
    assert trained.graphs == graph.with_graphs(trained).graphs
    model, draw = LanguageModel(trained), np.random.default_rng(1)
    for label, shares in FIRST.items():
        drawn = Counter(
            sampling.sample(model, SamplingConfig(max_length=9), draw, label=label).text
            for _ in range(300)
        )
        for word in "abc":
            share = drawn[f"{word} z"] / 300
            assert share == pytest.approx(shares.get(word, 0), abs=0.1), (label, drawn)
        (scored,) = scoring.score(model, [["b", "z"]], label=label)
        assert np.exp(scored.log_probability) == pytest.approx(shares["b"], abs=0.1)
    total = scoring.CorpusScore()  # of train, which is dev
    for scored in scoring.score_files(tmp_path / "run", [str(file)]):
        total.add(scored)
    assert total.perplexity == pytest.approx(trained.metrics["dev"]["perplexity"], rel=1e-4)
    test = corpus(tmp_path / "test.jsonl", count=100, seed=2)
    found = bayes.evaluate(tmp_path / "run", [str(test)])
    # Without "a" or "c", a text is rather of the label left.
    right = 0
    for line in test.read_text().splitlines():
        text = json.loads(line)
        right += text["label"] == ("right" if "c" in text["text"] else "left")
    assert found.scores.score.accuracy == right
    assert found.scores.score.accuracy > found.majority.score.accuracy + 10


def test_a_resumed_training_gives_the_same_bytes(file: Path, tmp_path: Path) -> None:
    settings = settings_of(
        file,
        "model.embedding=0",
        "model.input_dropout=0.1",
        "model.dropout=0.1",
        "training.averaging=1",
        "training.epoch_tokens=100",
    )
    language_model.train(settings, tmp_path / "through")
    with pytest.raises(KeyboardInterrupt):
        language_model.train(
            settings, tmp_path / "stopped", observer=Recorder(interrupt_in_epoch=3)
        )
    lines = file.read_text()
    file.write_text(lines.replace('"left"', '"lift"'))
    with pytest.raises(TaggerError, match="label lift is new, label left is gone"):
        language_model.train(settings, tmp_path / "stopped", resume=True)
    file.write_text(lines)
    with pytest.raises(TaggerError, match=r'now: data\.label = "", before "label"\. Only'):
        language_model.train(
            config.override(settings, ["data.label="]), tmp_path / "stopped", resume=True
        )
    language_model.train(settings, tmp_path / "stopped", resume=True)
    assert contents(tmp_path / "stopped") == contents(tmp_path / "through")
    assert bundles.load(tmp_path / "through").labels.names == ("left", "right")


def test_the_same_texts_without_labels_train_as_plain_text_does(file: Path, tmp_path: Path) -> None:
    plain = tmp_path / "plain.txt"
    texts = [json.loads(line)["text"] for line in file.read_text().splitlines()]
    plain.write_text("\n".join(texts) + "\n")
    unlabeled = language_model.train(
        settings_of(file, "training.epochs=1", "data.label="), tmp_path / "unlabeled"
    )
    as_text = language_model.train(settings_of(plain, "training.epochs=1"), tmp_path / "plain")
    assert unlabeled.digest == as_text.digest
    assert not unlabeled.labels
    names = {path.name for path in (tmp_path / "unlabeled").iterdir()}
    assert names == {path.name for path in (tmp_path / "plain").iterdir()}
    with pytest.raises(TaggerError, match=r'now: data\.label = "label", before ""\. Only'):
        language_model.train(
            settings_of(file, "training.epochs=1"), tmp_path / "unlabeled", resume=True
        )


def test_train_on_the_command_line_names_the_labels_and_what_dev_lacks(
    file: Path, tmp_path: Path
) -> None:
    changes = [word for change in (*SMALL, "training.epochs=1") for word in ("--set", change)]
    train: list[str | Path] = ["lm", "train", tmp_path / "run", *changes, "--train", file, "--dev"]
    other = corpus(tmp_path / "other.jsonl", count=1)
    other.write_text(other.read_text().replace('"left"', '"lefty"').replace("right", "lefty"))
    plain = tmp_path / "plain.txt"
    plain.write_text("a z\n")
    assert failed(invoke(*train, other)).splitlines()[-1] == (
        f"Error: {other}:1: unknown label lefty, which train lacks; did you mean left?"
    )
    assert failed(invoke(*train, plain)).splitlines()[-1] == (
        f'Error: {plain}:1: no "label", on which the model is conditional; expected one of left, '
        "right"
    )
    assert not (tmp_path / "run").exists()
    outcome = invoke(*train, file)
    assert "Best dev perplexity" in worked(outcome)
    assert "conditional on 2 labels: left " in outcome.stderr
    assert worked(invoke("lm", "sample", tmp_path / "run", "--label", "left", "--seed", "1"))
