"""Taggers that read with language models: in training, in graphs, in bundles, at work."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import small_language_models as small
from support.command_line import failed, invoke, worked
from support.small_language_models import BACKWARD, FORWARD, SENTENCES
from support.tiny import BY_HEART, Recorder, contents, settings_in

import tagger
from tagger import corpora
from tagger.bundles import language_model as language_models
from tagger.bundles import tagger_files as bundles
from tagger.config.tagger import Config, override
from tagger.errors import BundleError, ConfigError
from tagger.features.batches import round_up_shapes
from tagger.features.token_states import TokenEncoder, TokenStates
from tagger.inference import chunks
from tagger.inference.member import EnsembleMember
from tagger.inference.network import OnnxTagger
from tagger.inference.predictor import Predictor
from tagger.language_models.model import LanguageModel
from tagger.training.export import verify as verification
from tagger.training.inputs import tagging
from tagger.training.inputs.context import contexts_of
from tagger.training.observer import Observer

TRAIN = """\
a B-X
cab O

a O
bed O

dad O
a B-X
cab O

bed O
"""
pytestmark = pytest.mark.usefixtures("cache_folder")


def saved(folder: Path, *models: dict[str, Any]) -> list[str]:
    """Folders of language models."""
    paths = [folder / f"lm-{number}" for number in range(len(models))]
    for path, model in zip(paths, models, strict=True):
        language_models.save(path, small.bundle_of(**model))
    return [str(path) for path in paths]


def reading(
    folder: Path, *changes: str, models: tuple[dict[str, Any], ...] = (FORWARD, BACKWARD)
) -> Config:
    """Settings of a small training with language models."""
    settings = settings_in(folder, "model.projection=3", *changes, train="\n".join([TRAIN] * 3))
    return override(settings, [f"data.language_models={saved(folder, *models)}"])


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tagger that has memorized what only its language models see: an X is followed by a cab."""
    folder = tmp_path_factory.mktemp("reading")
    settings = reading(folder, *BY_HEART, "training.learning_rate=0.02", "training.patience=30")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TAGGER_CACHE", str(folder / "cache"))
        tagger.train(settings, folder / "run")
    return folder / "run"


# In training.


def test_states_are_padded_side_by_side_and_in_rows() -> None:
    ones, twos = np.ones((2, 3), dtype=np.float16), np.full((2, 1), 2, dtype=np.float16)
    states = TokenStates(
        ("a", "b"), (3, 1), ((ones[:0], ones, ones[:1]), (twos[:0], twos, twos[:1]))
    )
    padded = states.padded([1, 2], 3, 4)
    assert padded.dtype == np.float32
    np.testing.assert_array_equal(padded[0], [[1, 1, 1, 2], [1, 1, 1, 2], [0] * 4, [0] * 4])
    np.testing.assert_array_equal(
        padded[1:], [[[1, 1, 1, 2], [0] * 4, [0] * 4, [0] * 4], np.zeros((4, 4))]
    )
    assert round_up_shapes({"context": padded})["context"].shape == (4, 8, 4)
    np.testing.assert_array_equal(states.rows(["a", "b"]), [[1, 1, 1, 2]] * 3)
    np.testing.assert_array_equal(states.rows(["b", "a"]), [[2, 1, 1, 1]] * 3)
    np.testing.assert_array_equal(states.part(2, 3).rows(["b"]), [[2]])
    assert states.part(0, 1).rows(["a", "b"]).shape == (0, 4)
    assert states.rows(["a"]).dtype == np.float32
    assert [array.shape for array in states.of_sentence(2)] == [(1, 3), (1, 1)]


@pytest.mark.slow
def test_what_only_a_language_model_sees_is_learnt(run: Path, tmp_path: Path) -> None:
    assert bundles.load(run).metrics["dev"]["score"] == 100
    changes = [
        "model.bidirectional=false",
        "training.averaging=0",
        "training.patience=60",
        "model.projection=0",
    ]
    read = reading(tmp_path, *BY_HEART, *changes, "training.learning_rate=0.02", models=(BACKWARD,))
    assert tagger.train(read, tmp_path / "read").metrics["dev"]["score"] == 100
    alone = override(
        read, ["data.language_models=[]"]
    )  # forwards it never sees the cab behind an X
    assert tagger.train(alone, tmp_path / "alone").metrics["dev"]["score"] < 100


@pytest.mark.slow
@pytest.mark.parametrize(("readings", "versions"), [(tagging.OFTEN, tagging.OFTEN), (3, 1)])
def test_mentions_of_a_corpus_that_is_read_often_are_replaced_before_models_read_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, readings: int, versions: int
) -> None:
    tokens = 39  # in the corpus
    settings = settings_in(
        tmp_path, f"training.epoch_tokens={readings * tokens}", "training.epochs=1"
    )
    settings = override(settings, [f"data.language_models={saved(tmp_path, FORWARD)}"])
    read = []

    def watched(
        encoders: Sequence[TokenEncoder], sentences: Sequence[Sequence[str]], observer: Observer
    ) -> TokenStates | None:
        read.append(sentences)
        return contexts_of(encoders, sentences, observer)

    monkeypatch.setattr(tagging, "contexts_of", watched)
    tagger.train(settings, tmp_path / "run")
    (taught, dev) = read
    assert sum(map(len, taught[: len(dev)])) == tokens
    assert taught[: len(dev)] == dev
    assert len(taught) == versions * len(dev)
    assert (set(taught) > set(dev)) == (versions > 1)


@pytest.mark.slow
def test_a_resumed_training_is_the_same_and_reads_nothing_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = reading(tmp_path)
    tagger.train(settings, tmp_path / "whole")
    monkeypatch.setattr(LanguageModel, "encode", None)
    with pytest.raises(KeyboardInterrupt):
        tagger.train(settings, tmp_path / "stopped", observer=Recorder(interrupt_in_epoch=3))
    tagger.train(settings, tmp_path / "stopped", resume=True)
    assert contents(tmp_path / "stopped") == contents(tmp_path / "whole")


def test_folders_that_are_no_language_models_are_reported(
    tmp_path: Path, trained_run: Path
) -> None:
    settings = reading(tmp_path)
    for folder, message in [
        ("none", "tagger lm train"),
        (str(trained_run), "not a language model"),
        (str(tmp_path), "no manifest"),
    ]:
        with pytest.raises(BundleError, match=message):
            tagger.train(override(settings, [f"data.language_models={[folder]}"]), tmp_path / "run")
    with pytest.raises(ConfigError, match="one-hot cannot be combined"):
        tagger.train(override(settings, ["model.input=one-hot"]), tmp_path / "run")
    with pytest.raises(ConfigError, match="already read the words to be predicted"):
        tagger.train(override(settings, ["training.word_prediction=0.1"]), tmp_path / "run")
    with pytest.raises(ConfigError, match="as slow as its teachers"):
        tagger.train(
            override(settings, ["distillation.teachers=['x']", "distillation.text=['y']"]),
            tmp_path / "run",
        )
    data = settings.data
    result = invoke(
        "train",
        "--train",
        *data.train,
        "--dev",
        *data.dev,
        "--language-model",
        "none",
        tmp_path / "run",
    )
    assert "none: not the folder of a language model" in failed(result)
    assert not (tmp_path / "run" / "manifest.json").exists()


# In graphs and at work.


@pytest.mark.slow
def test_graphs_equal_keras_padded_alone_and_in_pieces(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = bundles.load(run)
    steps: list[tuple[int, int]] = []
    exact, quantized = verification.compare(bundle, SENTENCES, lambda *step: steps.append(step))
    assert steps[-1] == (exact.tokens, sum(map(len, SENTENCES)))
    assert exact.difference < 1e-4
    assert quantized.difference < 5
    member = EnsembleMember(bundle, OnnxTagger(bundle))
    together = {
        int(n): rows[:m]
        for ns, ms, found in member.batches(SENTENCES)
        for n, m, rows in zip(ns, ms, found, strict=True)
    }
    monkeypatch.setattr(chunks, "CHUNK_TOKENS", 2)
    for number, tokens in enumerate(SENTENCES):
        [(_, _, alone)] = member.batches([tokens])
        np.testing.assert_allclose(alone[0, : len(tokens)], together[number], atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_predictions_are_those_of_the_training(run: Path, precision: str) -> None:
    model = tagger.load(run, precision=precision)
    gold = corpora.splits(bundles.load(run).config.data).train.sentences
    found = list(model.predict(gold))
    assert [one.tokens for one in found] == [one.tokens for one in gold]
    if precision == "float32":
        assert [[(s.start, s.end) for s in one.spans or ()] for one in found] == [
            [(s.start, s.end) for s in one.spans or ()] for one in gold
        ]
    assert list(model.predict([])) == []


@pytest.mark.slow
def test_word_level_models_and_other_cells_stand_side_by_side(tmp_path: Path) -> None:
    models = ({"level": "words"}, {"cell": "gru", "layers": 2, "embedding": 0})
    settings = reading(tmp_path, "training.epochs=1", models=models)
    bundle = tagger.train(settings, tmp_path / "run")
    assert bundle.features.context == 12
    assert verification.compare(bundles.load(tmp_path / "run"), SENTENCES)[0].other_tags == 0
    output = worked(invoke("info", tmp_path / "run"))
    assert "language models (forward words and forward characters, 12 numbers)" in output


# In bundles.


@pytest.mark.slow
def test_a_bundle_shares_the_files_and_a_copy_is_whole(run: Path, tmp_path: Path) -> None:
    models = run / "language_models"
    for number, source in ((1, "lm-0"), (2, "lm-1")):
        for name in ("weights.npz", "manifest.json"):
            assert os.path.samefile(models / str(number) / name, run.parent / source / name)
    shutil.copytree(run, tmp_path / "copy")
    expected = [one.spans for one in tagger.load(run).tag_tokens(SENTENCES)]
    assert [one.spans for one in tagger.load(tmp_path / "copy").tag_tokens(SENTENCES)] == expected
    loaded = bundles.load(tmp_path / "copy")
    bundles.save(tmp_path / "copy", loaded)  # over itself, as `tagger export` does
    bundles.save(
        tmp_path / "other",
        replace(
            loaded, language_models=tuple(replace(m, folder=None) for m in loaded.language_models)
        ),
    )
    for folder in ("copy", "other"):
        assert [
            one.spans for one in tagger.load(tmp_path / folder).tag_tokens(SENTENCES)
        ] == expected
    assert {m.digest for m in loaded.language_models} == {
        m.digest for m in bundles.load(run).language_models
    }


@pytest.mark.slow
@pytest.mark.parametrize("name", ["weights.npz", "vocabulary.json", "manifest.json"])
def test_damage_to_a_language_model_is_found(run: Path, tmp_path: Path, name: str) -> None:
    shutil.copytree(run, tmp_path / "run")
    path = tmp_path / "run" / "language_models" / "2" / name
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(BundleError, match=f"2.{name}: differs"):
        tagger.load(tmp_path / "run")
    path.unlink()
    with pytest.raises(BundleError, match=name):
        tagger.load(tmp_path / "run")


@pytest.mark.slow
def test_an_ensemble_has_a_shared_model_read_once(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []
    encode = LanguageModel.encode

    def counted(model: LanguageModel, sentences: Sequence[Sequence[str]]) -> list[np.ndarray]:
        calls.append(len(sentences))
        return encode(model, sentences)

    monkeypatch.setattr(LanguageModel, "encode", counted)
    bundle = bundles.load(run)
    members = [EnsembleMember(bundle, OnnxTagger(bundle)) for _ in range(3)]
    expected = [one.spans for one in tagger.load(run).tag_tokens(SENTENCES)]
    assert None not in expected
    calls.clear()
    found = [one.spans for one in Predictor(*members).tag_tokens(SENTENCES)]
    assert calls == [len(SENTENCES)] * 2
    assert [[(s.start, s.end) for s in one or ()] for one in found] == [
        [(s.start, s.end) for s in one or ()] for one in expected
    ]
