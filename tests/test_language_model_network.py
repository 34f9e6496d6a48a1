"""States go in and out of recurrent layers; the Keras language model equals the lectures'
equations, window by window.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from support import small_language_models as small

from tagger.cells import CELLS
from tagger.networks import fused
from tagger.networks.recurrent import Encoder, Recurrent
from tagger.training.build_language_model import restore
from tagger.training.inputs.text_windows import Streams
from tagger.training.language_model import dev_score

FEATURES, UNITS = 3, 4


def numpy(tensor: Any) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(tensor))


def encoder_of(cell: str, layers: int = 2) -> Encoder:
    encoder = Encoder(cell, UNITS, layers=layers, bidirectional=False)
    encoder.build((None, None, FEATURES))
    random = np.random.default_rng(1)
    for directions in encoder.stack:
        for weight in directions[0].trainable_weights:
            weight.assign(random.normal(0, 0.7, weight.shape))
    return encoder


@pytest.mark.parametrize("scan", [False, True])
@pytest.mark.parametrize("cell", CELLS)
def test_two_windows_with_the_state_carried_equal_one_long_pass(
    cell: str, scan: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if scan:
        monkeypatch.setattr(fused, "available", lambda cell: False)
    encoder = encoder_of(cell)
    x = np.random.default_rng(2).normal(size=(3, 7, FEATURES)).astype("float32")
    whole, after = encoder.with_state(x, np.full(3, 7), None)
    first, state = encoder.with_state(x[:, :4], np.full(3, 4), None)
    second, end = encoder.with_state(x[:, 4:], np.full(3, 3), state)
    assert len(end) == 2 * CELLS[cell].states
    np.testing.assert_allclose(
        numpy(whole), np.concatenate([numpy(first), numpy(second)], axis=1), atol=1e-5
    )
    for mine, its in zip(end, after, strict=True):
        np.testing.assert_allclose(numpy(mine), numpy(its), atol=1e-5)


@pytest.mark.parametrize("backwards", [False, True])
def test_the_state_after_a_padded_row_is_that_of_its_last_token(backwards: bool) -> None:
    layer = Recurrent("lstm", UNITS, backwards=backwards)
    layer.build((None, None, FEATURES))
    x = np.random.default_rng(3).normal(size=(3, 5, FEATURES)).astype("float32")
    before = tuple(np.random.default_rng(4).normal(size=(2, 3, UNITS)).astype("float32"))
    lengths = np.array([5, 2, 0])
    _, after = layer.with_state(x, lengths, before)
    for row, length in enumerate(lengths[:2]):
        alone = layer.with_state(
            x[row : row + 1, :length],
            np.array([length]),
            tuple(part[row : row + 1] for part in before),
        )[1]
        for part, its in zip(after, alone, strict=True):
            np.testing.assert_allclose(numpy(part)[row], numpy(its)[0], atol=1e-5)
    for part, its in zip(after, before, strict=True):
        np.testing.assert_array_equal(numpy(part)[2], its[2])


@pytest.mark.parametrize("cell", [name for name, spec in CELLS.items() if spec.is_fused])
def test_kernel_and_scan_have_the_same_gradients_where_a_state_is_given(
    cell: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tensorflow

    encoder = encoder_of(cell, layers=1)
    random = np.random.default_rng(5)
    x = random.normal(size=(2, 5, FEATURES)).astype("float32")
    state = tuple(
        tensorflow.constant(part) for part in random.normal(size=(2, 2, UNITS)).astype("float32")
    )
    weighting = random.normal(size=(2, 5, UNITS)).astype("float32")

    def gradients() -> list[Any]:
        with tensorflow.GradientTape() as tape:
            tape.watch(state)
            total = tensorflow.reduce_sum(
                encoder.with_state(x, np.array([5, 5]), state)[0] * weighting
            )
        weights = [weight.value for weight in encoder.stack[0][0].trainable_weights]
        return [*tape.gradient(total, [*weights, *state])]

    *kernel, no_a, no_c = gradients()
    assert no_a is None and no_c is None  # noqa: PT018
    monkeypatch.setattr(fused, "available", lambda cell: False)
    for mine, its in zip(kernel, gradients()[:-2], strict=True):
        np.testing.assert_allclose(numpy(mine), numpy(its), atol=1e-4)


MODELS = [
    {"cell": cell, "embedding": embedding, "layers": layers}
    for cell, embedding, layers in [
        ("rnn", 4, 1),
        ("gru", 0, 2),
        ("lstm", 4, 2),
        ("lstm", 0, 1),
        ("gru-simplified", 4, 1),
    ]
] + [{"tied": True, "embedding": 6}]


@pytest.mark.parametrize("model", MODELS)
def test_log_probabilities_and_perplexity_equal_the_equations(model: dict[str, Any]) -> None:
    """Two streams, two windows of three, the state carried on: as one pass of each stream from its
    beginning.
    """
    bundle = small.bundle_of(**model)
    ids = np.array(
        [0, 2, 3, 0, 4, 1, 2, 5, 6, 0, 2, 3, 0], dtype=np.uint16
    )  # twelve to predict: six in each stream
    streams = Streams(ids, 2, 3)
    network = restore(bundle, streams=2)
    found = np.concatenate(
        [numpy(network.predict_on_batch(streams[number][0])) for number in range(len(streams))],
        axis=1,
    )
    expected = []
    for part in (ids[:7], ids[6:]):
        a = small.activations(bundle, part[:-1])
        kernel = (
            bundle.weights["embedding/embeddings"].T
            if model.get("tied")
            else bundle.weights["softmax/kernel"]
        )
        logits = a @ kernel + bundle.weights["softmax/bias"]
        p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        expected.append(np.log(p[np.arange(6), part[1:]]))
    np.testing.assert_allclose(found, expected, atol=1e-4)

    from tagger.language_models.text import Encoded

    figures = dev_score(network, streams, Encoded(ids, characters=20, unknown=1))
    assert figures["dev_perplexity"] == pytest.approx(np.exp(-np.mean(expected)), rel=1e-4)
    assert figures["dev_bits"] == pytest.approx(-np.sum(expected) / np.log(2) / 20, rel=1e-4)
    assert figures["dev_score"] == pytest.approx(100 / figures["dev_perplexity"])


def test_every_target_is_read_once_whatever_the_sizes() -> None:
    ids = np.arange(1, 24)
    for streams, window, epoch_tokens in [(1, 4, 0), (3, 5, 0), (4, 3, 8), (5, 100, 0), (30, 2, 0)]:
        data = Streams(ids, streams, window, epoch_tokens=epoch_tokens)
        found = []
        for epoch in range(data.chunks):
            data.epoch = epoch
            for number in range(len(data)):
                inputs, real = data[number]
                assert inputs["ids"].shape == (streams, window)
                assert (inputs["targets"][real > 0] == inputs["ids"][real > 0] + 1).all()
                found += inputs["targets"][real > 0].tolist()
        assert sorted(found) == list(range(2, 24))


def test_the_state_is_dropped_at_the_beginning_and_where_a_window_begins_with_a_sequence() -> None:
    ids = np.array([0, 5, 6, 0, 5, 6, 7, 0, 5])
    keeps = {
        restart: [Streams(ids, 1, 3, restart=restart)[n][0]["keep"][0] for n in range(3)]
        for restart in (False, True)
    }
    assert keeps == {False: [0, 1, 1], True: [0, 0, 1]}


@pytest.mark.slow
def test_one_step_of_training_lowers_the_loss_and_saves_and_loads(tmp_path: Path) -> None:
    network = restore(small.bundle_of(), streams=2)
    network.compile(optimizer=keras.optimizers.Adam(0.01))
    inputs, real = Streams(np.array([0, 2, 3, 0, 4, 2, 0, 3, 4]), 2, 4)[0]
    before = float(-np.sum(numpy(network.predict_on_batch(inputs)) * real))
    for _ in range(3):
        network.train_on_batch(inputs, real)
    after = numpy(network.predict_on_batch(inputs))
    assert float(-np.sum(after * real)) < before
    network.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(numpy(again.predict_on_batch(inputs)), after, atol=1e-5)
