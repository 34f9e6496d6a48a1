"""Words predicted beside tags: in training alone, from what has not read them, and nothing of it in
the bundle.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from support import reference
from support.inputs import configs
from support.tiny import Recorder, contents, settings_in
from test_data import SENTENCES, VOCABULARY, batches

from tagger.bundles import tagger_files as bundle
from tagger.config.tagger import Config, override
from tagger.errors import ConfigError
from tagger.features.vocabulary import PAD, UNK
from tagger.networks import word_prediction
from tagger.networks.sequence_tagger import Architecture, SequenceTagger
from tagger.training import checkpoints, trainer

pytestmark = pytest.mark.slow

ON = "training.word_prediction=0.1"
LENGTHS = (5, 1, 3)
SIZES: dict[str, Any] = {
    "vocabulary_size": 12,
    "tags": 3,
    "inputs": configs(words=4, sizes=(12, 8)),
    "units": 3,
    "cell": "gru",
    "word_prediction": 0.3,
}


def network(**changes: Any) -> SequenceTagger:
    keras.utils.set_random_seed(1)
    return SequenceTagger.create(Architecture(**{**SIZES, **changes}))


def inputs_of(rows: list[list[int]]) -> dict[str, np.ndarray]:
    """Sentences of word ids, in which the network reads every second word as <UNK>."""
    tokens = np.array(
        [row + [PAD] * (max(map(len, rows)) - len(row)) for row in rows], dtype=np.int32
    )
    targets = np.arange(SIZES["vocabulary_size"], dtype=np.int32)
    return {
        "tokens": tokens,
        "words": np.where(targets % 2, targets, np.minimum(targets, UNK)).astype(np.int32),
        "targets": targets,
    }


def to_numpy(tensor: Any) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(tensor))


def kernel_and_bias(dense: keras.layers.Dense) -> tuple[np.ndarray, np.ndarray]:
    kernel, bias = dense.weights
    return to_numpy(kernel), to_numpy(bias)


def parts_of(
    model: SequenceTagger,
) -> list[tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]]:
    """Kernel and bias of each layer, direction by direction."""
    layer = model.word_prediction
    assert layer is not None
    return [
        (kernel_and_bias(hidden), kernel_and_bias(output))
        for hidden, output in zip(layer.hidden, layer.outputs, strict=True)
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"layers": 2},
        {"bidirectional": False, "layers": 2},
        {"one_hot": True, "inputs": {}},
        {"head": "crf"},
    ],
    ids=["plain", "two layers", "one direction", "one-hot", "crf"],
)
@pytest.mark.parametrize("known", [12, 7], ids=["all words", "the commonest"])
def test_the_loss_is_that_of_a_slow_loop(
    changes: dict[str, Any], known: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(word_prediction, "_COMMONEST", known - 2)
    model, random = network(**changes), np.random.default_rng(2)
    rows = [random.integers(1, 12, length).tolist() for length in LENGTHS]
    inputs, tags = inputs_of(rows), np.zeros((3, 5), dtype=np.int32)
    parts = parts_of(model)
    assert parts[0][1][0].shape == (50, known)
    losses = []
    for row in rows:
        vectors = (
            inputs["words"][row]
            if model.architecture.one_hot
            else to_numpy(model.word_layers["words"](inputs["words"]))[row]
        )
        for backwards, (layer, part) in enumerate(zip(model.encoder.stack[0], parts, strict=True)):
            step = -1 if backwards else 1
            read = (
                reference.one_hot(vectors[::step], 12)
                if model.architecture.one_hot
                else vectors[::step]
            )
            activations = reference.run(
                "gru", read, *(to_numpy(weight) for weight in layer.weights[:3])
            )
            losses.append(reference.word_prediction(row[::step], np.array(activations), *part))
    expected = np.concatenate(losses).sum() / sum(LENGTHS)
    both = model.compute_loss(inputs, tags, model(inputs, training=True))
    alone = model.compute_loss(inputs, tags, model(inputs, training=False))
    assert float(both) - float(alone) == pytest.approx(0.3 * expected, rel=1e-4)


@pytest.mark.parametrize("layers", [1, 2])
def test_no_direction_has_read_the_word_that_it_is_to_predict(layers: int) -> None:
    """Another word, read and to be predicted, changes what is predicted on its own side alone."""
    model = network(layers=layers)
    tokens = inputs_of([[3, 5, 7, 9, 11]])["tokens"]

    def predictions(tokens: np.ndarray) -> list[np.ndarray]:
        """Of each direction the scores (T, V) from what `call` hands on to the layer."""
        seen = []
        layer = model.word_prediction
        assert layer is not None
        original = layer.call

        def watched(activations: Any, words: Any, mask: Any) -> Any:
            seen.append(activations)
            return original(activations, words, mask)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(layer, "call", watched)
            model({**inputs_of([[0]]), "tokens": tokens}, training=True)
        halves = np.split(to_numpy(seen[0])[0], 2, axis=-1)
        return [
            np.tanh(a @ h[0] + h[1]) @ o[0] + o[1]
            for a, (h, o) in zip(halves, parts_of(model), strict=True)
        ]

    following, preceding = predictions(tokens)
    for place in range(5):
        other = tokens.copy()
        other[0, place] = 1
        after, before = predictions(other)
        changed = (
            np.abs(after - following).max(axis=1) > 0,
            np.abs(before - preceding).max(axis=1) > 0,
        )
        assert changed[0].tolist() == [
            time >= place for time in range(5)
        ]  # time predicts the word at time + 1
        assert changed[1].tolist() == [time <= place for time in range(5)]


def test_the_targets_are_the_words_as_they_are() -> None:
    """However inputs are masked, and after mentions were replaced; the tags show what was."""
    data = batches(
        ON,
        "vocabulary.word_dropout=0.5",
        "vocabulary.unknown_probability=0.5",
        "training.epoch_tokens=500",
    )
    honest = batches("training.epoch_tokens=500")
    replaced = 0
    for number in range(len(data)):
        (inputs, _), (plain, _) = data[number], honest[number]
        np.testing.assert_array_equal(inputs["targets"], plain["words"])
        assert (inputs["words"] != inputs["targets"]).any() or len(inputs["words"]) < 6
        assert "targets" not in plain
        words = inputs["targets"][inputs["tokens"]]
        assert ((words == PAD) == (inputs["tokens"] == 0)).all()
        known = {tuple(VOCABULARY.ids(sentence.tokens).tolist()) for sentence in SENTENCES}
        replaced += sum(tuple(row[row > 0].tolist()) not in known for row in words)
    assert replaced


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Config, Path]:
    folder = tmp_path_factory.mktemp("predicting")
    settings = settings_in(folder, ON, "training.averaging=0.7", "training.epochs=2")
    trainer.train(settings, folder / "run")
    return settings, folder / "run"


def test_an_interrupted_training_resumes_to_the_very_same_bundle(
    run: tuple[Config, Path], tmp_path: Path
) -> None:
    settings, whole = run
    with pytest.raises(KeyboardInterrupt):
        trainer.train(settings, tmp_path / "run", observer=Recorder(2))
    trainer.train(settings, tmp_path / "run", resume=True)
    assert contents(tmp_path / "run") == contents(whole)
    ends = [
        checkpoints.load(folder / "checkpoint" / "last.npz")[1]["now"]
        for folder in (tmp_path / "run", whole)
    ]
    assert all(np.array_equal(ends[0][name], array) for name, array in ends[1].items())


def test_the_bundle_is_that_of_a_tagger_and_nothing_else(
    run: tuple[Config, Path], tmp_path: Path
) -> None:
    """With a weight next to nothing it is even the same: what predicts words takes no part in
    chance, either.
    """
    settings, folder = run
    recorders = [Recorder(), Recorder()]
    plain, faint = (
        trainer.train(
            override(settings, [f"training.word_prediction={weight}"]),
            tmp_path / weight,
            observer=recorder,
        )
        for weight, recorder in zip(("0.0", "1e-30"), recorders, strict=True)
    )
    assert (
        recorders[0].facts.parameters
        == recorders[1].facts.parameters
        == sum(a.size for a in plain.weights.values())
    )
    differing = {
        name
        for name, data in contents(tmp_path / "0.0").items()
        if data != contents(tmp_path / "1e-30")[name]
    }
    assert differing <= {"config.toml", "README.md"}
    predicting = bundle.load(folder)
    assert {name: array.shape for name, array in predicting.weights.items()} == {
        n: a.shape for n, a in faint.weights.items()
    }
    assert any((predicting.weights[name] != array).any() for name, array in plain.weights.items())


@pytest.mark.parametrize(
    ("value", "found"), [("-0.1", "-0.1"), ("nan", "nan"), ("inf", "inf"), ("true", "True")]
)
def test_an_impossible_weight_is_refused(value: str, found: str) -> None:
    with pytest.raises(
        ConfigError, match=rf"training\.word_prediction: expected .*, found {found}"
    ):
        override(Config(), [f"training.word_prediction={value}"])
