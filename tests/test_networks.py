"""One parametrised test serves every layer and model: build, mask, config round trip, save and
load, a step that helps.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from support import reference
from support.inputs import configs

from tagger.cells import CELLS
from tagger.heads import HEADS
from tagger.networks.crf import CRFHead
from tagger.networks.embedding import WordDropout, embedding
from tagger.networks.heads import SoftmaxHead
from tagger.networks.inputs.characters import CharacterCNN, CharacterRNN
from tagger.networks.inputs.vectors import DeltaEmbedding
from tagger.networks.recurrent import Encoder, Recurrent
from tagger.networks.sequence_tagger import HEAD_LAYERS, Architecture, SequenceTagger
from tagger.networks.word_prediction import WordPrediction
from tagger.text.schemes import transition_table

VOCABULARY, CHARACTERS, SHAPES, VECTORS = 13, 7, 16, 3
TAGS = ["O", "B-X", "I-X", "E-X", "S-X"]
LENGTHS = np.array([6, 1, 3, 0], dtype="int32")


def of(**inputs: Any) -> dict[str, Any]:
    """Change the inputs of the network."""
    return {"inputs": configs(**inputs, sizes=(VOCABULARY, CHARACTERS))}


BASE = Architecture(vocabulary_size=VOCABULARY, tags=len(TAGS), **of(words=4), cell="lstm", units=3)
ALL: dict[str, Any] = {"words": 4, "characters": 3, "shape": 2, "vectors": VECTORS}
ALLOWED = [table.tolist() for table in transition_table(TAGS, "IOBES")]
Inputs = dict[str, np.ndarray]
OPTIONS: dict[str, dict[str, Any]] = {
    **{cell: {"cell": cell} for cell in CELLS},
    "one-hot": {"one_hot": True, "inputs": {}, "input_dropout": 0.2},
    "one direction": {"bidirectional": False, "layers": 2},
    "deep": {
        "layers": 3,
        "hidden": (4, 3),
        "input_dropout": 0.2,
        "dropout": 0.2,
        "recurrent_dropout": 0.2,
    },
    "all of a word": of(**ALL),
    "characters alone": {**of(characters=3, dropout=0.2), "input_dropout": 0.2},
    "recurrent characters": {**of(**ALL, encoder="rnn", dropout=0.2), "input_dropout": 0.2},
    "GRU for characters": {**of(**ALL, encoder="rnn", cell="gru"), "cell": "gru"},
    "an odd number of units for characters": of(**{**ALL, "characters": 1}, encoder="rnn"),
    "shapes": of(words=4, shape=2),
    "vectors alone": of(vectors=VECTORS),
    "fine-tuned vectors": of(**ALL, fine_tune=True),
    "fine-tuned vectors alone": of(vectors=VECTORS, fine_tune=True),
    "three layers": {"layers": 3, "dropout": 0.2},
    "CRF": {"head": "crf"},
    "word prediction": {"word_prediction": 0.1, "layers": 2, "dropout": 0.2},
    "constrained CRF": {**of(**ALL), "head": "crf", "allowed": ALLOWED, "hidden": (4,)},
}


def batch(architecture: Architecture | None = None) -> Inputs:
    """Inputs of a batch, right-padded with 0 to `LENGTHS`; features that the architecture has not
    are left out.
    """
    random = np.random.default_rng(0)
    words, places = 9, np.arange(6) < LENGTHS[:, None]
    tokens = np.where(places, random.integers(1, words, (4, 6)), 0)
    characters = np.where(
        np.arange(5) < random.integers(1, 6, words)[:, None],
        random.integers(1, CHARACTERS, (words, 5)),
        0,
    )
    inputs = {
        "tokens": tokens,
        "words": random.integers(1, VOCABULARY, words),
        "characters": characters,
        "shapes": random.integers(1, SHAPES, words),
        "vectors": random.normal(size=(words, VECTORS)),
        "targets": random.integers(1, VOCABULARY, words),
    }
    for name, array in inputs.items():
        if name != "tokens":
            array[0] = 0
    wanted = {"characters", "vectors", "shapes"}
    wanted &= {*(wanted if architecture is None else architecture.inputs)}
    wanted |= {"targets"} if architecture is not None and architecture.word_prediction else set()
    return {
        name: array.astype("float32" if name == "vectors" else "int32")
        for name, array in inputs.items()
        if name in ("tokens", "words", *wanted)
    }


def gold(inputs: Inputs) -> np.ndarray:
    """An allowed tag for every token: O or S-X, as its word wants."""
    return np.where(inputs["words"][inputs["tokens"]] % 2, 0, 4).astype("int32") * (
        inputs["tokens"] > 0
    )


@pytest.fixture(params=OPTIONS.values(), ids=list(OPTIONS))
def model(request: pytest.FixtureRequest) -> SequenceTagger:
    keras.utils.set_random_seed(1)
    return SequenceTagger.create(replace(BASE, **request.param))


@pytest.mark.slow
def test_a_model_does_what_every_model_must(model: SequenceTagger, tmp_path: Path) -> None:
    inputs = batch(model.architecture)
    check_the_compiled_network_is_the_network(model, inputs)
    check_padding_and_neighbours_change_nothing(model, inputs)
    if model.architecture.head == "softmax":
        np.testing.assert_allclose(np.exp(eager(model, inputs)).sum(axis=-1), 1, atol=1e-5)
    check_a_few_steps_lower_the_loss(
        model, inputs
    )  # and weights are no longer what they are at first
    check_config_and_weights_survive_saving(model, inputs, tmp_path / "model.keras")
    check_weights_have_names(model, inputs)


def eager(model: SequenceTagger, inputs: Inputs) -> np.ndarray:
    """What `model.emissions` computes, without tracing: that takes longer than all that is compared
    here.
    """
    return np.asarray(keras.ops.convert_to_numpy(model.head.emissions(model(inputs))))


def check_the_compiled_network_is_the_network(model: SequenceTagger, inputs: Inputs) -> None:
    np.testing.assert_allclose(model.emissions(inputs), eager(model, inputs), atol=1e-5)


def check_padding_and_neighbours_change_nothing(model: SequenceTagger, inputs: Inputs) -> None:
    together = eager(model, inputs)
    assert together.shape == (4, 6, len(TAGS))
    for row, length in enumerate(LENGTHS):
        if length:
            present, tokens = np.unique([0, *inputs["tokens"][row, :length]], return_inverse=True)
            alone = {name: array[present] for name, array in inputs.items() if name != "tokens"}
            if "characters" in alone:  # no wider than the longest of its own words
                alone["characters"] = alone["characters"][
                    :, : (alone["characters"] > 0).sum(axis=1).max()
                ]
            found = eager(model, {**alone, "tokens": tokens[None, 1:].astype("int32")})
            np.testing.assert_allclose(together[row, :length], found[0], atol=1e-5)


def check_a_few_steps_lower_the_loss(model: SequenceTagger, inputs: Inputs) -> None:
    model.compile(optimizer=keras.optimizers.Adam(0.05), jit_compile=False)
    losses = [float(model.train_on_batch(inputs, gold(inputs))) for _ in range(15)]
    assert np.isfinite(losses).all()
    assert min(losses[-3:]) < losses[0]


def check_config_and_weights_survive_saving(
    model: SequenceTagger, inputs: Inputs, path: Path
) -> None:
    model.save(path)
    loaded = keras.saving.load_model(path)
    assert replace(loaded.architecture, allowed=None) == replace(model.architecture, allowed=None)
    assert np.array_equal(
        np.array(loaded.architecture.allowed, object), np.array(model.architecture.allowed, object)
    )
    assert list(loaded.named_weights()) == list(model.named_weights())
    np.testing.assert_array_equal(eager(loaded, inputs), eager(model, inputs))


def check_weights_have_names(model: SequenceTagger, inputs: Inputs) -> None:
    """What a bundle holds is all that there is: put into another network of this kind, it gives the
    same.
    """
    named = model.named_weights()
    beside = model.word_prediction.trainable_weights if model.word_prediction is not None else []
    assert {id(weight) for weight in [*named.values(), *beside]} == {
        id(weight) for weight in model.trainable_weights
    }
    assert len(named) + len(beside) == len(model.trainable_weights)
    other = SequenceTagger.create(model.architecture)
    for name, weight in other.named_weights().items():
        weight.assign(named[name])
    np.testing.assert_array_equal(eager(other, inputs), eager(model, inputs))


def test_every_head_of_the_table_has_its_layer_and_the_other_way_round() -> None:
    assert list(HEADS) == list(HEAD_LAYERS)


def test_options_that_change_the_network_do_change_it() -> None:
    """Each of the inputs of a word is read."""
    keras.utils.set_random_seed(1)
    model = SequenceTagger.create(replace(BASE, **of(**ALL, fine_tune=True)))
    before = eager(model, batch())
    for name in ("words", "characters", "shapes", "vectors"):
        inputs = batch()
        inputs[name][2:] = inputs[name][2:][::-1]
        assert not np.allclose(eager(model, inputs), before)


@pytest.mark.parametrize(
    ("layer", "arguments"),
    [
        (
            Recurrent("gru", 3, backwards=True, recurrent_dropout=0.1),
            (np.ones((2, 4, 5), "float32"), np.array([4, 2])),
        ),
        (
            Recurrent("lstm-peephole", 3, vocabulary_size=9),
            (np.ones((2, 4), "int32"), np.array([4, 2])),
        ),
        (
            Encoder("rnn", 3, layers=2, dropout=0.1),
            (np.ones((2, 4, 5), "float32"), np.array([4, 2])),
        ),
        (Encoder("gru", 3, layers=2), (np.ones((2, 4, 5), "float32"), np.array([4, 2]))),
        (CharacterCNN(9, 4, embedding=3, dropout=0.1), (np.ones((6, 5), "int32"),)),
        (CharacterRNN(9, 5, cell="gru", embedding=3, dropout=0.1), (np.ones((6, 5), "int32"),)),
        (DeltaEmbedding(9, 3), (np.ones(6, "int32"), np.ones((6, 3), "float32"))),
        (embedding(9, 3), (np.ones(6, "int32"),)),
        (SoftmaxHead(5, hidden=(4,), dropout=0.1), (np.ones((2, 4, 5), "float32"),)),
        (CRFHead(5, hidden=(4,), dropout=0.1), (np.ones((2, 4, 5), "float32"),)),
        (WordDropout(0.5), (np.ones((2, 4), "int32"),)),
        (
            WordPrediction(9),
            (np.ones((2, 4, 6), "float32"), np.ones((2, 4), "int32"), np.ones((2, 4), "float32")),
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_layer_is_rebuilt_from_its_config(layer: Any, arguments: tuple[Any, ...]) -> None:
    output = layer(*arguments)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert again.get_config() == layer.get_config()
    assert (
        tuple(again(*arguments).shape)
        == tuple(output.shape)
        == tuple(layer.compute_output_shape(arguments[0].shape))
    )
    assert [weight.shape for weight in again.weights] == [weight.shape for weight in layer.weights]


def test_loss_is_the_mean_cross_entropy_of_real_tokens() -> None:
    random = np.random.default_rng(3)
    logits = random.normal(size=(4, 6, len(TAGS))).astype("float32")
    tags = random.integers(0, len(TAGS), (4, 6))
    each = []
    for row, length in enumerate(LENGTHS):
        for time in range(length):
            exponentials = np.exp(logits[row, time].astype("float64"))
            each.append(-np.log(exponentials[tags[row, time]] / exponentials.sum()))
    head = SoftmaxHead(len(TAGS))
    mask = np.arange(6) < LENGTHS[:, None]
    assert float(head.loss(logits, tags, mask)) == pytest.approx(np.mean(each), abs=1e-5)
    logits[~mask] = 1e6
    assert float(head.loss(logits, tags, mask)) == pytest.approx(np.mean(each), abs=1e-5)


def test_a_one_hot_model_never_writes_the_vectors_down_but_equals_the_product() -> None:
    """The first layer's input matrix has one row per token, and gathering equals multiplying by
    one-hot vectors.
    """
    keras.utils.set_random_seed(2)
    model = SequenceTagger.create(replace(BASE, **OPTIONS["one-hot"]))
    weights = {
        name: keras.ops.convert_to_numpy(weight) for name, weight in model.named_weights().items()
    }
    assert weights["encoder/forward_1/kernel"].shape == (VOCABULARY, 4 * 3)
    ids = batch()["tokens"][0]
    dense = Recurrent("lstm", 3)
    dense.build((1, 6, VOCABULARY))
    for weight, name in zip(dense.trainable_weights, ("kernel", "recurrent", "bias"), strict=True):
        weight.assign(weights[f"encoder/forward_1/{name}"])
    vectors = reference.one_hot(ids, VOCABULARY)[None].astype("float32")
    product = keras.ops.convert_to_numpy(dense(vectors, LENGTHS[:1]))
    gathered = keras.ops.convert_to_numpy(model.encoder.stack[0][0](ids[None], LENGTHS[:1]))
    np.testing.assert_allclose(gathered, product, atol=1e-6)
