"""Gradients of initial states, and through final states: equal to the scan's and to differences.

Axes: B batch, T time, F features, U units.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from tagger.cells import CELLS
from tagger.networks import fused
from tagger.networks.recurrent import Encoder, Recurrent

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="gradients are TensorFlow's"
)

LENGTHS = np.array([5, 1, 3, 0], dtype="int32")
FEATURES, UNITS = 4, 3
FUSED = [cell for cell in CELLS if CELLS[cell].is_fused]
RANDOM = np.random.default_rng(1)
X = RANDOM.normal(size=(4, 5, FEATURES)).astype("float32")
STATES = RANDOM.normal(0, 0.7, (2, 4, UNITS)).astype("float32")
OF_ACTIVATIONS = RANDOM.normal(size=(4, 5, UNITS)).astype("float32")
OF_ENDS = RANDOM.normal(size=(2, 4, UNITS)).astype("float32")


def layer_of(cell: str, *, backwards: bool = False, differentiable: bool = True) -> Recurrent:
    """Return a layer with weights far from their initial values."""
    layer = Recurrent(cell, UNITS, backwards=backwards, differentiable_states=differentiable)
    layer.build((None, None, FEATURES))
    random = np.random.default_rng(2)
    for weight in layer.trainable_weights:
        weight.assign(random.normal(0, 0.7, weight.shape))
    return layer


def total_of(layer: Recurrent, states: Any) -> Any:
    """Return a weighted sum of the real activations and of the final states."""
    real = (np.arange(5) < LENGTHS[:, None])[:, :, None]
    activations, ends = layer.with_state(keras.ops.convert_to_tensor(X), LENGTHS, tuple(states))
    parts = [keras.ops.sum(activations * (OF_ACTIVATIONS * real))]
    parts += [keras.ops.sum(end * of) for end, of in zip(ends, OF_ENDS, strict=False)]
    return sum(parts)


def gradients_of(layer: Recurrent) -> list[Any]:
    """Return the gradients of the sum by each initial state, then by each weight."""
    import tensorflow

    states = [tensorflow.constant(part) for part in STATES[: CELLS[layer.cell].states]]
    with tensorflow.GradientTape() as tape:
        tape.watch(states)
        total = total_of(layer, states)
    weights = [weight.value for weight in layer.trainable_weights]
    return list(tape.gradient(total, [*states, *weights]))


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("cell", CELLS)
def test_gradients_are_those_of_small_changes(cell: str, backwards: bool) -> None:
    layer = layer_of(cell, backwards=backwards)
    gradients = gradients_of(layer)
    parts, random, step = CELLS[cell].states, np.random.default_rng(3), 3e-3
    for number, gradient in enumerate(gradients[:parts]):
        direction = random.normal(size=STATES[0].shape)
        sums = []
        for sign in (1, -1):
            states = STATES[:parts].astype("float64")
            states[number] += sign * step * direction
            sums.append(float(total_of(layer, states.astype("float32"))))
        expected = float((gradient.numpy() * direction).sum())
        assert abs(expected) > 0.01
        assert (sums[0] - sums[1]) / (2 * step) == pytest.approx(expected, rel=0.02, abs=0.02)
    for weight, gradient in zip(layer.trainable_weights, gradients[parts:], strict=True):
        direction, before, sums = random.normal(size=weight.shape), weight.numpy(), []
        for sign in (1, -1):
            weight.assign(before + sign * step * direction)
            sums.append(float(total_of(layer, STATES[:parts])))
        weight.assign(before)
        expected = float((gradient.numpy() * direction).sum())
        assert (sums[0] - sums[1]) / (2 * step) == pytest.approx(expected, rel=0.03, abs=0.03)


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("cell", FUSED)
def test_gradients_of_the_kernel_equal_those_of_the_scan(
    cell: str, backwards: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer = layer_of(cell, backwards=backwards)
    found = gradients_of(layer)
    monkeypatch.setattr(fused, "available", lambda *_: False)
    for mine, expected in zip(found, gradients_of(layer), strict=True):
        assert np.abs(expected).max() > 0.01
        np.testing.assert_allclose(mine, expected, atol=1e-4)


@pytest.mark.parametrize("cell", CELLS)
def test_an_empty_row_passes_the_gradient_of_its_final_state_on(cell: str) -> None:
    for part, gradient in enumerate(gradients_of(layer_of(cell))[: CELLS[cell].states]):
        np.testing.assert_allclose(gradient[3], OF_ENDS[part, 3], atol=1e-6)


@pytest.mark.parametrize("cell", CELLS)
def test_by_default_states_have_no_gradient(cell: str) -> None:
    """The gradients of the weights are then those of the activations alone."""
    layer = layer_of(cell, differentiable=False)
    parts = CELLS[cell].states
    found = gradients_of(layer)
    assert found[:parts] == [None] * parts
    open_layer = layer_of(cell)
    assert not np.allclose(found[parts], gradients_of(open_layer)[parts])


def test_a_stack_passes_the_option_to_its_layers_and_its_configuration() -> None:
    stack = Encoder("gru", UNITS, layers=2, differentiable_states=True)
    assert all(layer.differentiable_states for sides in stack.stack for layer in sides)
    assert Encoder.from_config(stack.get_config()).stack[0][0].differentiable_states
