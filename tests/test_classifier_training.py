"""Trainings of classifiers: what they learn, keep and refuse, byte for byte."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from support import small_language_models
from support.command_line import failed, invoke, worked
from support.damaged_bundles import seal
from support.inputs import features_of
from support.json_lines import write_lines
from support.texts import BAD, GOOD, SMALL, records, settings_in
from support.tiny import Recorder, contents

import tagger
from tagger import classification
from tagger.bundles import classifier as bundles
from tagger.bundles import language_model as language_models
from tagger.bundles import tagger_files
from tagger.config.classifier import POOLINGS, ClassifierConfig, override
from tagger.errors import BundleError, ConfigError, TaggerError
from tagger.features.encode import WordEncoder
from tagger.features.vocabulary import Vocabulary
from tagger.text.labeled import LabeledText
from tagger.training import facts
from tagger.training.build_classifier import restore
from tagger.training.classifier import train
from tagger.training.classifier_task import dev_score
from tagger.training.inputs.texts import TextBatches, targets_of

FIT = [
    "model.dropout=0",
    "model.input_dropout=0",
    "vocabulary.word_dropout=0",
    "training.epochs=12",
]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a classifier that tells good from bad."""
    folder = tmp_path_factory.mktemp("single")
    train(settings_in(folder, *FIT), folder / "run")
    return folder / "run"


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a classifier with any number of labels per text."""
    folder = tmp_path_factory.mktemp("several")
    rare = ["vocabulary.unknown_probability=0", "training.epochs=20"]
    train(settings_in(folder, *FIT, *rare, multi_label=True), folder / "run")
    return folder / "run"


@pytest.mark.slow
def test_a_classifier_learns_what_words_give_away(run: Path) -> None:
    bundle = bundles.load(run)
    assert bundle.labels == ("bad", "good")
    assert bundle.metrics["dev"]["score"] == 100
    assert bundle.metrics["train_texts"] == 40
    assert bundle.metrics["calibration"]["texts"] == 20
    assert "decoding" not in bundle.metrics
    with classification.load(run) as model:
        for label, words in (("good", GOOD), ("bad", BAD)):
            found = model.classify(f"Number 7 is {words[0]}, and {words[1]}.")
            assert (found.label, found.labels) == (label, (label,))
            assert found.probability == found.probabilities[label] > 0.5
            assert sum(found.probabilities.values()) == pytest.approx(1)
    with open(run / "history.csv", encoding="utf-8") as stream:
        assert "dev_loss" in next(csv.reader(stream))


@pytest.mark.slow
def test_a_text_has_any_number_of_labels(several: Path) -> None:
    bundle = bundles.load(several)
    assert bundle.is_multi_label
    assert [*bundle.metrics["temperatures"]] == ["bad", "good"]
    assert bundle.threshold == 0.5  # dev has too few labels to choose another
    with classification.load(several) as model:
        texts = [row["text"] for row in records(multi_label=True)[40:]]
        found = list(model.classify_many(texts))
        expected = [{*row["labels"]} for row in records(multi_label=True)[40:]]
        right = sum({*one.labels} == labels for one, labels in zip(found, expected, strict=True))
        assert right >= 18
        for one in found:
            scores = one.probabilities
            assert [scores[label] for label in one.labels] == sorted(
                (score for score in scores.values() if score >= 0.5), reverse=True
            )
        assert all(len(one.labels) == 2 for one in model.classify_many(texts, threshold=0.0001))


@pytest.mark.slow
@pytest.mark.parametrize("interrupt_in_epoch", [1, 2])
def test_an_interrupted_training_resumes_to_the_very_same_bytes(
    tmp_path: Path, interrupt_in_epoch: int
) -> None:
    settings = settings_in(
        tmp_path, "training.epoch_tokens=700", "training.epochs=2", multi_label=True
    )
    train(settings, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        train(settings, tmp_path / "stopped", observer=Recorder(interrupt_in_epoch))
    with pytest.raises(BundleError, match="training"):
        bundles.load(tmp_path / "stopped")
    train(settings, tmp_path / "stopped", resume=True)
    assert contents(tmp_path / "stopped") == contents(tmp_path / "whole")
    # Other data are refused.
    rows = records(multi_label=True)
    write_lines(tmp_path / "train.jsonl", rows[:39])
    with pytest.raises(TaggerError, match="40 → 39 texts"):
        train(settings, tmp_path / "stopped", resume=True)


@pytest.mark.slow
def test_the_pooling_is_chosen_on_dev(tmp_path: Path) -> None:
    """One training per pooling; interrupted in the second, it arrives at the same bytes."""
    settings = settings_in(tmp_path, "model.pooling=auto", "training.epochs=1")
    best = train(settings, tmp_path / "whole")
    found = {
        pooling: bundles.load(tmp_path / "whole" / f"pooling-{pooling}") for pooling in POOLINGS
    }
    assert {one.config.model.pooling for one in found.values()} == {*POOLINGS}
    ranks = {
        pooling: (one.metrics["dev"]["score"], -one.metrics["dev"]["log_loss"])
        for pooling, one in found.items()
    }
    assert best.config.model.pooling == max(ranks, key=lambda pooling: ranks[pooling])
    assert contents(tmp_path / "whole") == contents(
        tmp_path / "whole" / f"pooling-{best.config.model.pooling}"
    )
    shutil.copytree(tmp_path / "whole" / "pooling-last", tmp_path / "stopped" / "pooling-last")
    train(settings, tmp_path / "stopped", resume=True)
    assert contents(tmp_path / "stopped") == contents(tmp_path / "whole")
    with pytest.raises(TaggerError, match="is not empty"):
        train(settings, tmp_path / "stopped")


@pytest.mark.slow
def test_a_classifier_reads_the_states_of_language_models(
    tmp_path: Path, cache_folder: Path
) -> None:
    for name, direction in (("forward", "forward"), ("back", "backward")):
        language_models.save(tmp_path / name, small_language_models.bundle_of(direction=direction))
    folders = [str(tmp_path / name) for name in ("forward", "back")]
    settings = settings_in(
        tmp_path, f"data.language_models={folders}", "model.projection=3", "training.epochs=1"
    )
    bundle = train(settings, tmp_path / "run")
    assert (tmp_path / "run" / "language_models" / "2" / "manifest.json").exists()
    loaded = bundles.load(tmp_path / "run")
    assert len(loaded.language_models) == 2
    assert "forward characters and backward" in bundles.describe(loaded)["inputs"]
    texts = [("a", "bed"), (), ("cab", "unseen", "a")]
    with classification.load(tmp_path / "run") as model:
        together = model.logits(texts)
        alone = np.concatenate([model.logits([text]) for text in texts])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    assert bundle.weights["context/kernel"].shape == (12, 3)
    with pytest.raises(ConfigError, match="input=one-hot cannot be combined"):
        train(override(settings, ["model.input=one-hot"]), tmp_path / "other")


@pytest.mark.slow
def test_keras_and_the_bundle_agree_and_scores_are_those_of_the_runtime(run: Path) -> None:
    bundle = bundles.load(run)
    rows = [
        LabeledText(tuple(row["text"].split()), (row["label"],), "x", number)
        for number, row in enumerate(records(), 1)
    ]
    scores = dev_score(restore(bundle), rows, WordEncoder(bundle.features), bundle.labels)
    model = classification.Classifier(bundle)
    logits = model.logits(row.tokens for row in rows)
    right = logits.argmax(axis=1) == targets_of(rows, bundle.labels, multi_label=False)
    assert scores["dev_score"] == pytest.approx(100 * right.mean())
    odd = [LabeledText(("a",), ("neither",), "x", 1)]
    assert dev_score(restore(bundle), odd, WordEncoder(bundle.features), bundle.labels) == {
        "dev_score": 0.0,
        "dev_loss": 0.0,
    }


@pytest.mark.slow
def test_observers_receive_the_facts(tmp_path: Path) -> None:
    recorder = Recorder()
    train(settings_in(tmp_path, "training.epochs=1"), tmp_path / "run", observer=recorder)
    found = recorder.facts
    assert isinstance(found, facts.ClassifierFacts)
    assert (found.train_texts, found.dev_texts, found.labels) == (40, 20, ("bad", "good"))
    assert facts.from_json(json.loads(json.dumps(facts.to_json(found)))) == found
    with pytest.raises(TaggerError, match="is not empty"):
        train(settings_in(tmp_path), tmp_path / "run")


def test_settings_are_checked_before_anything_is_read(tmp_path: Path) -> None:
    for config, message in (
        ({"data": {"train": "missing.jsonl"}}, "missing.jsonl: cannot be read"),
        ({"data": {"tokenizer": "englisch"}}, "unknown tokenizer 'englisch'"),
        (
            {"model": {"pooling": "first"}},
            "expected one of last, mean, maximum, auto, found 'first'",
        ),
        ({"data": {"train": "a"}, "modle": {}}, "unknown table modle; did you mean model?"),
    ):
        with pytest.raises(TaggerError, match=message):
            train(config, tmp_path / "run")
        assert not (tmp_path / "run").exists() or not [*(tmp_path / "run").glob("*.toml")]


# -- batches


def texts_of(lengths: list[int]) -> list[LabeledText]:
    return [
        LabeledText(("a",) * length, ("x" if length % 2 else "y",), "t", number)
        for number, length in enumerate(lengths, 1)
    ]


def batches(lengths: list[int], *changes: str, epoch: int = 0) -> TextBatches:
    config = override(ClassifierConfig(), [*SMALL, *changes])
    features = features_of(Vocabulary.build([["a"] * 5]))
    return TextBatches(texts_of(lengths), features, ("x", "y"), config, epoch=epoch)


def test_no_text_is_cut_and_a_long_one_is_a_batch_of_its_own() -> None:
    data = batches([1, 2, 3, 70, 5, 4], "training.batch_tokens=10", "vocabulary.word_dropout=0")
    seen, targets = [], []
    for number in range(len(data)):
        inputs, labels = data[number]
        lengths = (inputs["tokens"] != 0).sum(axis=1)
        assert len(lengths) * lengths.max() <= 10 or len(lengths) == 1
        seen += lengths.tolist()
        targets += labels.tolist()
    assert sorted(seen) == [1, 2, 3, 4, 5, 70]
    assert targets == [0 if length % 2 else 1 for length in seen]


def test_batches_contain_32_texts_of_average_length_by_default() -> None:
    data = batches([10] * 100, "training.batch_tokens=0")
    assert sorted(len(data[number][1]) for number in range(len(data))) == [4, 32, 32, 32]
    assert data.tokens == 1000


def test_a_small_corpus_is_repeated_and_epochs_differ() -> None:
    data = batches([3] * 20, "training.epoch_tokens=600", "training.batch_tokens=15")
    assert data.tokens == 600
    first = [data[number][1].tolist() for number in range(len(data))]
    data.on_epoch_end()
    assert len(first) == len(data) == 40
    assert (
        batches([3] * 20, "training.epoch_tokens=600", "training.batch_tokens=15", epoch=1)[1][
            1
        ].tolist()
        == data[1][1].tolist()
    )


def test_targets() -> None:
    rows = [
        LabeledText(("a",), ("y", "x"), "t", 1),
        LabeledText(("a",), (), "t", 2),
        LabeledText(("a",), ("z",), "t", 3),
    ]
    assert targets_of(rows, ("x", "y"), multi_label=True).tolist() == [[1, 1], [0, 0], [0, 0]]
    single = targets_of(
        [rows[2], LabeledText(("a",), ("y",), "t", 4)], ("x", "y"), multi_label=False
    )
    assert single.tolist() == [-1, 1]


# -- bundles


@pytest.mark.slow
def test_graphs_are_created_again(run: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(run, tmp_path / "copy"))
    (copy / "texts.onnx").unlink()
    assert "The graphs are in" in worked(invoke("export", copy))
    assert contents(copy) == contents(run)
    message = failed(invoke("export", copy, "--verify"), 2)
    assert "is a text classifier, which has only ONNX graphs" in message
    with pytest.raises(ValueError, match="is a text classifier, which can only be exported as ON"):
        tagger.export_model(copy, to="saved-model")


@pytest.mark.slow
def test_a_bundle_is_read_as_it_was_written(run: Path, tmp_path: Path) -> None:
    bundle = bundles.load(run)
    bundles.save(tmp_path / "copy", bundle)
    assert contents(tmp_path / "copy") == contents(run)
    assert repr(bundle).startswith("<ClassifierBundle: bad, good; lstm, 6 units, ")
    assert repr(classification.load(run)).startswith("<Classifier: bad, good; lstm, 6 units, ")
    assert tagger.describe(run) == bundles.describe(bundle)
    assert [*bundles.describe(bundle)] == [
        "predicts", "inputs", "network", "parameters", "vocabulary", "tokenizer", "trained on",
        "dev score", "probabilities",
    ]  # fmt: skip
    assert "one label per text: bad, good" in (run / "README.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_models_of_other_kinds_are_refused(run: Path, trained_run: Path) -> None:
    with pytest.raises(BundleError, match="a text classifier, not a tagger; use it with tagger cl"):
        tagger_files.load(run)
    with pytest.raises(BundleError, match="a tagger, not a text classifier; use it with tagger pr"):
        classification.load(trained_run)
    with pytest.raises(BundleError, match="not a trained model"):
        classification.load(run.parent)
    with pytest.raises(TypeError, match="expected the path of a folder, got int: 3"):
        classification.load(3)  # type: ignore[arg-type]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("labels.json", '{"labels": ["a", "a"]}', "expected 1 to 100,000 labels, and no label tw"),
        ("labels.json", '{"labels": "ab"}', "expected a list of labels"),
        ("labels.json", '{"labels": ["a", "b", "c"]}', "does not fit config.toml and the vocab"),
        (
            "metrics.json",
            '{"temperatures": {"a": 0}}',
            'expected numbers above 0 in "temperatures"',
        ),
        ("metrics.json", '{"temperatures": [1]}', 'expected an object of numbers "temperatures"'),
    ],
)
def test_damaged_files_are_refused(
    run: Path, tmp_path: Path, name: str, content: str, message: str
) -> None:
    copy = Path(shutil.copytree(run, tmp_path / "copy"))
    seal(copy, name, content)
    with pytest.raises(BundleError, match=message):
        bundles.load(copy)
