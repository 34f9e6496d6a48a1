"""The network of sequence-to-sequence models: Keras, ONNX Runtime and the slow reference agree, and
padding never matters.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from support import small_seq2seq as small

from tagger.bundles.seq2seq import Seq2SeqBundle, shapes_of
from tagger.cells import CELLS
from tagger.features.batches import collate
from tagger.features.encode import WordEncoder
from tagger.networks.seq2seq import Seq2SeqNetwork
from tagger.seq2seq.decoding import Engine
from tagger.seq2seq.model import OnOnnx
from tagger.training.build_seq2seq import OnKeras, restore

SOURCES = ["abca", "d", "ba?"]  # of different lengths, one with an unknown symbol
TARGETS = [(2, 3, 4, 2, 3), (4,), ()]
CASES: list[dict[str, Any]] = [
    *({"model": {"cell": cell}, "decoder": {"cell": cell}} for cell in CELLS),
    {"model": {"cell": "lstm", "layers": 2}, "decoder": {"cell": "gru", "layers": 3}},
    {"model": {"cell": "gru", "layers": 2}, "decoder": {"cell": "lstm", "attention": "none"}},
    {"model": {"bidirectional": False, "units": 5}},  # no projection of states
    {"model": {"input": "one-hot"}, "decoder": {"embedding": 0}},
    {"model": {"input": "one-hot", "cell": "lstm", "layers": 2}, "decoder": {"cell": "lstm"}},
    {"model": {"input": "one-hot", "bidirectional": False}, "decoder": {"attention": "none"}},
]


def arrays_of(bundle: Seq2SeqBundle, sources: list[str]) -> dict[str, np.ndarray]:
    """Return the arrays of a batch of sources."""
    encoder = WordEncoder(bundle.features)
    ids = encoder.word_ids([tuple(source) for source in sources])
    return collate(np.arange(len(sources)), encoder, ids).inputs


def logits_of(engine: Engine, bundle: Seq2SeqBundle) -> list[np.ndarray]:
    """Return the log-probabilities (B, V) of each timestep of the targets, read side by side."""
    states, memory = engine.read(arrays_of(bundle, SOURCES))
    found = []
    for time in range(6):
        previous = [ids[time - 1] if 0 < time <= len(ids) else 0 for ids in TARGETS]
        logits, states = engine.step(np.array(previous, dtype=np.int32), states, memory)
        found.append(logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True)))
    return found


def check(engine: Engine, bundle: Seq2SeqBundle) -> None:
    """Assert that an engine, which computes padded batches, equals the reference."""
    found = logits_of(engine, bundle)
    for row, (source, ids) in enumerate(zip(SOURCES, TARGETS, strict=True)):
        encoded, ends = small.encode(bundle, source)
        states = small.initial_states(bundle, ends)
        for time, previous in enumerate((0, *ids)):
            expected, states = small.distribution(bundle, previous, states, encoded)
            np.testing.assert_allclose(found[time][row], expected, atol=2e-5)


@pytest.mark.parametrize("settings", CASES, ids=str)
def test_onnx_equals_the_reference(settings: dict[str, Any]) -> None:
    bundle = small.bundle_of(**settings)
    check(OnOnnx(bundle), bundle)


@pytest.mark.slow
@pytest.mark.parametrize("settings", CASES, ids=str)
def test_keras_equals_the_reference(settings: dict[str, Any]) -> None:
    bundle = small.bundle_of(**settings, graphs=False)
    check(OnKeras(restore(bundle)), bundle)


@pytest.mark.slow
@pytest.mark.parametrize("settings", CASES[-4:], ids=str)
def test_training_reads_a_whole_target_at_once_and_padding_never_matters(
    settings: dict[str, Any],
) -> None:
    bundle = small.bundle_of(**settings, graphs=False)
    network = restore(bundle)
    previous, targets, mask = (np.zeros((3, 8), dtype=np.int32) for _ in range(3))
    for row, ids in enumerate(TARGETS):
        previous[row, 1 : len(ids) + 1] = targets[row, : len(ids)] = ids
        mask[row, : len(ids) + 1] = 1
    inputs = {**arrays_of(bundle, SOURCES), "previous": previous, "targets": targets}
    inputs["tokens"] = np.pad(inputs["tokens"], ((0, 0), (0, 3)))
    values = network(inputs)
    expected = [small.log_probability(bundle, *pair) for pair in zip(SOURCES, TARGETS, strict=True)]
    np.testing.assert_allclose(np.sum(np.array(values) * mask, axis=1), expected, atol=1e-4)
    loss = float(network.compute_loss(y=mask, y_pred=values))
    assert loss == pytest.approx(-sum(expected) / mask.sum(), abs=1e-5)


@pytest.mark.parametrize("settings", CASES, ids=str)
def test_the_names_and_shapes_of_a_bundle_are_those_of_keras(settings: dict[str, Any]) -> None:
    bundle = small.bundle_of(**settings, graphs=False)
    expected = shapes_of(bundle.config, bundle.features, len(bundle.targets))
    named = restore(bundle).named_weights()
    assert {name: tuple(weight.shape) for name, weight in named.items()} == expected


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="a gradient of TensorFlow")
@pytest.mark.parametrize("attention", ["dot", "none"])
def test_the_encoder_learns_from_the_decoder(attention: str) -> None:
    """Without attention, all that the encoder learns comes through its last states."""
    import tensorflow

    bundle = small.bundle_of(
        model={"cell": "lstm"}, decoder={"cell": "lstm", "attention": attention}, graphs=False
    )
    network = restore(bundle)
    ids = np.array([[0, 2], [0, 3], [0, 4]], dtype=np.int32)
    inputs = {**arrays_of(bundle, SOURCES), "previous": ids, "targets": ids[:, ::-1]}
    with tensorflow.GradientTape() as tape:
        loss = network.compute_loss(y=np.ones_like(ids), y_pred=network(inputs))
    weights = network.named_weights()
    for name, gradient in zip(
        weights, tape.gradient(loss, [weight.value for weight in weights.values()]), strict=True
    ):
        assert np.abs(tensorflow.convert_to_tensor(gradient)).max() > 1e-4, name


def test_the_network_can_be_made_from_its_configuration() -> None:
    network = restore(small.bundle_of(graphs=False))
    again = Seq2SeqNetwork.from_config(network.get_config())
    assert again.architecture == network.architecture
