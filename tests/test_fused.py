"""The LSTM in one kernel: the same activations and the same gradients as the scan over the
lectures' cells.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from support import reference

from tagger.networks import fused
from tagger.networks.recurrent import Recurrent

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="the kernel is TensorFlow's"
)

LENGTHS = np.array([7, 1, 4, 0], dtype="int32")
FEATURES, UNITS = 5, 3
CASES = [(cell, backwards) for cell in ("lstm", "lstm-peephole") for backwards in (False, True)]


def layer_of(cell: str, backwards: bool) -> Recurrent:
    """Weights far from their initial values, so that every block, bias and peephole counts."""
    layer = Recurrent(cell, UNITS, backwards=backwards)
    layer.build((None, None, FEATURES))
    random = np.random.default_rng(1)
    for weight in layer.trainable_weights:
        weight.assign(random.normal(0, 0.7, weight.shape))
    return layer


def inputs() -> np.ndarray:
    return np.random.default_rng(2).normal(size=(4, 7, FEATURES)).astype("float32")


@pytest.mark.parametrize(("cell", "backwards"), CASES)
def test_activations_equal_the_equations(cell: str, backwards: bool) -> None:
    assert fused.available(cell)
    layer, x = layer_of(cell, backwards), inputs()
    weights = [weight.numpy() for weight in layer.trainable_weights]
    found = keras.ops.convert_to_numpy(layer(x, LENGTHS))
    for row, length in enumerate(LENGTHS):
        sequence = x[row, :length].astype("float64")
        expected = reference.run(cell, sequence[::-1] if backwards else sequence, *weights)
        expected = expected[::-1] if backwards else expected
        np.testing.assert_allclose(
            found[row, :length], np.reshape(expected, (length, UNITS)), atol=1e-5
        )


def values_and_gradients(layer: Recurrent, x: np.ndarray) -> tuple[Any, list[Any]]:
    """Activations where there are tokens, and gradients of their weighted sum by the input and all
    weights.
    """
    import tensorflow

    real = (np.arange(7) < LENGTHS[:, None])[:, :, None]
    weighting = np.random.default_rng(3).normal(size=(4, 7, UNITS)).astype("float32") * real

    @tensorflow.function  # type: ignore[untyped-decorator]
    def run(x: np.ndarray) -> tuple[Any, list[Any]]:
        with tensorflow.GradientTape() as tape:
            tape.watch(x)
            activations = layer(x, LENGTHS)
            total = tensorflow.reduce_sum(activations * weighting)
        return activations, tape.gradient(
            total, [x, *(weight.value for weight in layer.trainable_weights)]
        )

    activations, gradients = run(tensorflow.constant(x))
    return activations.numpy() * real, [gradient.numpy() for gradient in gradients]


@pytest.mark.slow
@pytest.mark.parametrize(("cell", "backwards"), CASES)
def test_values_and_gradients_equal_those_of_the_scan(
    cell: str, backwards: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer, x = layer_of(cell, backwards), inputs()
    ran = []
    kernel = fused.lstm

    def counted(*given: Any, **options: Any) -> Any:
        ran.append(1)
        return kernel(*given, **options)

    monkeypatch.setattr(fused, "lstm", counted)
    values, gradients = values_and_gradients(layer, x)
    assert ran
    monkeypatch.setattr(fused, "available", lambda *_: False)
    ran.clear()
    expected_values, expected_gradients = values_and_gradients(layer, x)
    assert not ran
    np.testing.assert_allclose(values, expected_values, atol=1e-5)
    assert len(gradients) == len(expected_gradients) == 4 + (cell == "lstm-peephole")
    for gradient, expected in zip(gradients, expected_gradients, strict=True):
        assert np.abs(expected).max() > 0.01
        np.testing.assert_allclose(gradient, expected, atol=1e-4)
    padding = np.arange(7) >= LENGTHS[:, None]
    assert not gradients[0][padding].any()


@pytest.mark.parametrize("cell", ["lstm", "lstm-peephole"])
def test_gradients_are_those_of_small_changes(cell: str) -> None:
    """Against differences, which owe nothing to either implementation."""
    layer, x = layer_of(cell, backwards=True), inputs()
    _, gradients = values_and_gradients(layer, x)
    random = np.random.default_rng(4)
    for weight, gradient in zip(layer.trainable_weights, gradients[1:], strict=True):
        direction = random.normal(size=weight.shape)
        before, sums = weight.numpy(), []
        for sign in (1, -1):
            weight.assign(before + sign * 1e-2 * direction)
            activations = keras.ops.convert_to_numpy(layer(x, LENGTHS)).astype("float64")
            real = (np.arange(7) < LENGTHS[:, None])[:, :, None]
            sums.append(
                (
                    activations
                    * real
                    * np.random.default_rng(3).normal(size=(4, 7, UNITS)).astype("float32")
                ).sum()
            )
        weight.assign(before)
        assert (sums[0] - sums[1]) / 2e-2 == pytest.approx(
            (gradient * direction).sum(), rel=0.02, abs=0.02
        )


def test_recurrent_dropout_drops_the_same_weights_in_kernel_and_scan(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    layer = Recurrent("lstm", UNITS, recurrent_dropout=0.5)
    x = inputs()
    layer.build(x.shape)
    mask = np.random.default_rng(1).integers(0, 2, (UNITS, 4 * UNITS)).astype("float32")
    layer._drop = lambda weights, training: weights * mask if training else weights
    kernel, plain = np.array(layer(x, LENGTHS, training=True)), np.array(layer(x, LENGTHS))
    monkeypatch.setattr(fused, "available", lambda cell: False)
    scan = np.array(layer(x, LENGTHS, training=True))
    real = np.arange(x.shape[1]) < LENGTHS[:, None]
    np.testing.assert_allclose(kernel[real], scan[real], atol=1e-5)
    assert not np.allclose(kernel[real], plain[real])
