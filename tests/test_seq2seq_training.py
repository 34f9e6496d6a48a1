"""Trainings of sequence-to-sequence models, and their commands."""

from __future__ import annotations

import json
import random
from itertools import chain
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from support.command_line import failed, invoke, worked
from support.processes import make_once
from support.tiny import Recorder, contents

import tagger.seq2seq
from tagger.bundles import seq2seq as bundles
from tagger.config import schema
from tagger.config.seq2seq import Seq2SeqConfig
from tagger.errors import ConfigError, TaggerError
from tagger.export.seq2seq import with_graphs
from tagger.features.vocabulary import UNK
from tagger.seq2seq.decoding import decode
from tagger.seq2seq.evaluation import evaluate
from tagger.seq2seq.model import OnOnnx, load
from tagger.training import seq2seq
from tagger.training.build_seq2seq import OnKeras, restore
from tagger.training.inputs import pairs as batches

pytestmark = pytest.mark.slow

SMALL = [
    "model.embedding=6",
    "model.units=8",
    "decoder.embedding=6",
    "decoder.units=12",
    "training.epochs=3",
    "training.epoch_symbols=2000",
    "training.batch_symbols=300",
    "training.learning_rate=0.02",
]
MIRROR = {"a": "x", "b": "y", "c": "z"}


def mirrored(folder: Path, count: int = 60) -> Path:
    """Write pairs of a string and its mirror image in other letters."""
    choice = random.Random(1)
    sources = ["".join(choice.choices("abc", k=choice.randint(1, 5))) for _ in range(count)]
    lines = [f"{text}\t{''.join(MIRROR[one] for one in text[::-1])}\n" for text in sources]
    path = folder / "pairs.tsv"
    path.write_text("".join(lines), encoding="utf-8")
    return path


def settings_of(path: Path, *changes: str) -> Seq2SeqConfig:
    return schema.override(Seq2SeqConfig(), [f'data.train=["{path}"]', *SMALL, *changes])


@pytest.fixture(scope="module")
def trained(shared_base: Path) -> Path:
    """The folder of a model that mirrors strings; read it only."""

    def train(folder: Path) -> None:
        settings = settings_of(
            mirrored(folder, 150), "training.epochs=8", "training.epoch_symbols=8000"
        )
        seq2seq.train(settings, folder / "run")

    return make_once(shared_base, "mirror", train) / "run"


def test_a_model_learns_to_mirror_strings(trained: Path) -> None:
    scores = evaluate(trained, trained.parent / "pairs.tsv", beam=3)
    assert scores.rates.symbol_error_rate < 0.1
    assert scores.pairs == 150
    [[best, second]] = load(trained).predict(["abc"], beam=3, count=2)
    assert best.text == "zyx"
    assert best.log_probability > second.log_probability


@pytest.mark.parametrize(
    "changes",
    [
        ("model.cell=lstm", "training.averaging=1"),
        ("decoder.attention=none", "decoder.layers=2", "training.optimizer=sgd"),
    ],
    ids=["attention", "none"],
)
def test_a_training_that_was_interrupted_and_resumed_gives_the_same_bytes(
    tmp_path: Path, changes: tuple[str, ...]
) -> None:
    settings = settings_of(mirrored(tmp_path), *changes)
    seq2seq.train(settings, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        seq2seq.train(settings, tmp_path / "stopped", observer=Recorder(interrupt_in_epoch=2))
    seq2seq.train(settings, tmp_path / "stopped", resume=True)
    assert contents(tmp_path / "stopped") == contents(tmp_path / "whole")
    bundle = bundles.load(tmp_path / "whole")
    assert bundle.graphs == with_graphs(bundle).graphs
    with pytest.raises(TaggerError, match="was started with other settings"):
        seq2seq.train(
            schema.override(settings, ["decoder.units=13"]), tmp_path / "whole", resume=True
        )
    (tmp_path / "pairs.tsv").write_text("a\tb\nc\td\n", encoding="utf-8")
    with pytest.raises(TaggerError, match=r"cannot be resumed: .*has changed since"):
        seq2seq.train(settings, tmp_path / "whole", resume=True)


def test_greedy_and_beam_search_of_keras_and_onnx_agree(trained: Path) -> None:
    bundle = bundles.load(trained)
    sources = [tuple(text) for text in ("abc", "a", "cabbac", "bb", "acb")]
    engines = (OnKeras(restore(bundle)), OnOnnx(bundle))
    for beam in (1, 4):
        mine, its = (
            decode(engine, bundle.features, sources, beam=beam, count=beam) for engine in engines
        )
        for one, other in zip(chain(*mine), chain(*its), strict=True):
            assert one.ids == other.ids
            assert one.log_probability == pytest.approx(other.log_probability, abs=1e-4)


def test_dev_scores_are_those_of_evaluate(tmp_path: Path) -> None:
    path, recorder = mirrored(tmp_path), Recorder()
    dev = tmp_path / "dev.tsv"
    dev.write_text("abc\tzyx\nabc\tzzz\nqc\tz?\n", encoding="utf-8")
    settings = settings_of(path, f'data.dev=["{dev}"]')
    trained = seq2seq.train(settings, tmp_path / "run", observer=recorder)
    scores = evaluate(tmp_path / "run", dev)
    metrics = trained.metrics["dev"]
    assert metrics["symbol_error_rate"] == round(100 * scores.rates.symbol_error_rate, 3)
    assert metrics["string_error_rate"] == round(100 * scores.rates.string_error_rate, 3)
    assert (scores.pairs, scores.rates.sources, scores.unknown) == (3, 2, 1)
    assert recorder.facts.dev_unknown == 1  # the question mark
    best = trained.metrics["best_epoch"] - 1
    row = recorder.rows[best][0]
    assert row["dev_score"] == pytest.approx(max(100 - row["dev_symbol_error"], 0))


def test_batches_hold_every_pair_once_and_depend_on_the_epoch_alone(tmp_path: Path) -> None:
    settings = settings_of(mirrored(tmp_path), "training.epoch_symbols=1")
    from tagger.seq2seq.pairs import read_all
    from tagger.training.inputs.word_features import inputs_of

    pairs = read_all(settings.data.train, settings.data)
    symbols = seq2seq._vocabulary([pair.source for pair in pairs], settings.vocabulary)
    targets = seq2seq._vocabulary([pair.target or () for pair in pairs], settings.vocabulary)
    features = inputs_of(settings, symbols)
    data = batches.PairBatches(pairs, features, targets, settings, epoch=1)
    found = []
    for number in range(len(data)):
        inputs, mask = data[number]
        for row in range(len(mask)):
            real = mask[row] > 0
            ids = inputs["targets"][row][real]
            assert ids[-1] == 0  # <EOS>
            np.testing.assert_array_equal(inputs["previous"][row][real], [0, *ids[:-1]])
            words = inputs["words"][inputs["tokens"][row]]
            found.append((tuple(words[words > 0]), tuple(ids[:-1])))
    expected = [(tuple(symbols.ids(p.source)), tuple(targets.ids(p.target or ()))) for p in pairs]
    assert sorted(found) == sorted(expected)
    assert not any(UNK in source for source, _ in found)  # no symbol is rare
    again = batches.PairBatches(pairs, features, targets, settings)
    again.on_epoch_end()
    np.testing.assert_array_equal(again[1][0]["targets"], data[1][0]["targets"])


def test_tokens_with_features_and_a_character_encoder(tmp_path: Path) -> None:
    """Words of a sentence to lemmas, by way of the characters of each."""
    rows = [("cats", "N", "cat"), ("dogs", "N", "dog"), ("sang", "V", "sing"), ("saw", "V", "see")]
    lines = ["word\tpos\tlemma\n", *(f"{w} {w}\t{p}\t{lem} {lem}\n" for w, p, lem in rows * 5)]
    path = tmp_path / "lemmas.tsv"
    path.write_text("".join(lines), encoding="utf-8")
    changes = (
        "data.source=word", "data.target=lemma", "data.features=pos", "data.source_level=tokens",
        "data.target_level=tokens", "model.characters=5", "model.shape=2",
        "model.input_dropout=0.1", "training.epochs=1",
    )  # fmt: skip
    seq2seq.train(settings_of(path, *changes), tmp_path / "run")
    model = load(tmp_path / "run")
    [[found]] = model.predict([["cats", "birds"]], features=[{"pos": "N"}])
    assert found.text == " ".join(found.symbols)
    assert "features pos" in bundles.describe(model.bundle)["predicts"]
    engines = (OnKeras(restore(model.bundle)), OnOnnx(model.bundle))
    sources = [model.symbols("cats birds", {"pos": "N"}), model.symbols("Sang", {"pos": "V"})]
    mine, its = (decode(engine, model.bundle.features, sources, beam=2) for engine in engines)
    for [one], [other] in zip(mine, its, strict=True):
        assert one.log_probability == pytest.approx(other.log_probability, abs=1e-4)


def test_settings_may_be_a_mapping_and_keras_callbacks_run(tmp_path: Path) -> None:
    class Enough(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
            self.model.stop_training = True

    tables: dict[str, Any] = {
        "data": {"train": str(mirrored(tmp_path))},
        "model": {"units": 4},
        "decoder": {"units": 4},
        "training": {"epoch_symbols": 1},
    }
    trained = tagger.seq2seq.train(tables, tmp_path / "run", callbacks=[Enough()])
    assert trained.metrics["epochs"] == 1
    for tables, message in (
        ({}, "data.train is missing"),
        ({"data": {"train": "a", "target": 0}}, "are the same column, 0"),
        ({"data": {"train": "a"}, "model": {"embedding": 0}}, "the encoder has no input"),
        ({"decoder": {"attention": "doc"}}, "did you mean 'dot'"),
    ):
        with pytest.raises(ConfigError, match=message):
            tagger.seq2seq.train(tables, tmp_path / "other")
    assert not (tmp_path / "other").exists()


# -- commands


def test_train_on_the_command_line(tmp_path: Path) -> None:
    changes = [word for change in (*SMALL, "training.epochs=1") for word in ("--set", change)]
    arguments = ("seq2seq", "train", "--train", mirrored(tmp_path))
    outcome = invoke(*arguments, tmp_path / "run", *changes)
    assert "Best dev error rates: " in worked(outcome)
    assert "sources held out of" in outcome.stderr
    assert "string errors" in outcome.stderr
    assert "tf.function" not in outcome.stderr
    assert "exists and is not empty" in failed(invoke(*arguments, tmp_path / "run", *changes))
    wrong = invoke(*arguments, tmp_path / "x", "--set", "decoder.unit=3")
    assert "did you mean decoder.units" in failed(wrong, status=2)
    printed = json.loads(worked(invoke(*arguments, tmp_path / "json", *changes, "--json")))
    assert printed["run"] == str(tmp_path / "json")
    assert {"symbol_error_rate", "string_error_rate"} == printed["dev"].keys()


def test_evaluate_on_the_command_line(trained: Path, tmp_path: Path) -> None:
    path = tmp_path / "test.tsv"
    path.write_text("abc\tzyx\nab\tyx\nab\tqq\n", encoding="utf-8")
    text = worked(invoke("seq2seq", "evaluate", trained, path))
    assert text.splitlines() == [
        "symbol error rate 0.00 %: 0 edits of 5 symbols",
        "string error rate 0.00 %: 0 of 2 sources",
    ]
    scores = json.loads(worked(invoke("seq2seq", "evaluate", trained, path, "--json")))
    assert scores == {
        "symbol_error_rate": 0,
        "string_error_rate": 0,
        "sources": 2,
        "wrong": 0,
        "edits": 0,
        "symbols": 5,
        "pairs": 3,
        "at_limit": 0,
        "unknown": 0,
    }
    path.write_text("abc\n", encoding="utf-8")
    assert "test.tsv:1: expected at least 2 columns" in failed(
        invoke("seq2seq", "evaluate", trained, path)
    )


def test_predict_on_the_command_line(trained: Path, tmp_path: Path) -> None:
    command = ("seq2seq", "predict", trained)
    rows = [
        row.split("\t") for row in worked(invoke(*command, "-", input="abc\n\nb\n")).split("\n")
    ]
    assert [row[:2] for row in rows] == [["abc", "zyx"], ["", ""], ["b", "y"], [""]]
    assert float(rows[0][2]) < 0
    rows = [
        row.split("\t")
        for row in worked(invoke(*command, "-", "--count", "3", input="abc\n")).splitlines()
    ]
    assert [row[0] for row in rows] == ["abc"] * 3
    values = [float(row[2]) for row in rows]
    assert values == sorted(values, reverse=True)
    given = '{"source": "ab", "id": 7}\n{"source": ""}\n'
    lines = worked(invoke(*command, "-", "--count", "2", input=given)).splitlines()
    first, second = map(json.loads, lines)
    assert (first["id"], first["predictions"][0]["target"]) == (7, "yx")
    assert len(first["predictions"]) == 2
    assert second == {"source": "", "predictions": []}
    [line] = worked(invoke(*command, "-", "--json", input="ab\n")).splitlines()
    assert json.loads(line)["predictions"][0]["target"] == "yx"
    assert "needs a --beam of at least 7" in failed(
        invoke(*command, "-", "--count", "7", input="a"), status=2
    )


def test_a_file_of_predictions_appears_whole_or_not_at_all(trained: Path, tmp_path: Path) -> None:
    sources, output = tmp_path / "a.jsonl", tmp_path / "out.jsonl"
    sources.write_text('{"source": "ab"}\n' * 600 + '{"sauce": "ab"}\n', encoding="utf-8")
    command = ("seq2seq", "predict", trained, sources, "--output", output)
    assert 'a.jsonl:601: expected the key "source"' in failed(invoke(*command))
    assert [path.name for path in tmp_path.iterdir()] == ["a.jsonl"]
    sources.write_text('{"source": "ab"}\n' * 600, encoding="utf-8")
    outcome = invoke(*command)
    assert worked(outcome) == ""
    assert "Predicted the targets of 600 sources" in outcome.stderr
    assert len(output.read_text().splitlines()) == 600


def test_cells_with_line_ends_need_json(trained: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('source,other\n"a\nb",1\n', encoding="utf-8")
    command = ("seq2seq", "predict", trained, path, "--format", "csv")
    assert "a.csv:2: the source or its prediction contains a tab or a line end" in failed(
        invoke(*command)
    )
    assert json.loads(worked(invoke(*command, "--json")))["source"] == "a\nb"


def test_a_prediction_of_the_maximum_length_is_reported(
    trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tagger.seq2seq.decoding.limit_of", lambda length: 2)
    outcome = invoke("seq2seq", "predict", trained, "-", "--json", input="abca\nb\n")
    first, second = map(json.loads, worked(outcome).splitlines())
    assert first["predictions"][0]["at_limit"]
    assert "at_limit" not in second["predictions"][0]
    assert "1 predictions reached the maximum length" in outcome.stderr


def test_info_describes_a_model(trained: Path) -> None:
    facts = json.loads(worked(invoke("seq2seq", "info", trained, "--json")))
    assert facts == json.loads(worked(invoke("info", trained, "--json")))
    assert facts["predicts"] == "characters of the target from characters of the source"
    assert "attention" in facts["network"]
    assert "150 pairs" not in facts["trained on"]  # some are held out
    assert "predicts" in worked(invoke("seq2seq", "info", trained))
    assert "[decoder]" in worked(invoke("seq2seq", "config", "decoder"))


def test_graphs_are_made_again_by_export(trained: Path, tmp_path: Path) -> None:
    bundle = bundles.load(trained)
    bundles.save(tmp_path / "copy", bundle)
    for name in (bundles.ENCODER, bundles.DECODER):
        (tmp_path / "copy" / name).write_bytes(b"damaged")
    worked(invoke("export", tmp_path / "copy"))
    assert bundles.load(tmp_path / "copy").graphs == bundle.graphs
    assert "is a sequence-to-sequence model, which has only ONNX graphs" in failed(
        invoke("export", tmp_path / "copy", "--verify"), status=2
    )
