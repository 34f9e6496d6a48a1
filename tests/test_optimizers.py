"""Optimization: Adam by rows against a slow one and against Keras', the average of weights, the
rate step by step.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import reference

from tagger.config.tagger import TrainingConfig
from tagger.training.optimizers import RowAdam, WeightAverage, compile_model
from tagger.training.schedule import Schedule

tensorflow_alone = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="gradients as rows are TensorFlow's"
)
ROWS, WIDTH = 6, 3
STEPS = [
    [0, 2, 3],
    [1, 1, 4],
    [2],
    [5, 5, 5, 0],
    [1, 2],
]  # rows, of which some stand twice and one step lacks most


def slices(rows: Sequence[int], gradients: np.ndarray) -> Any:
    import tensorflow

    return tensorflow.IndexedSlices(
        tensorflow.constant(gradients, "float32"),
        tensorflow.constant(rows),
        tensorflow.constant([ROWS, WIDTH]),
    )


def table(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(ROWS, WIDTH)).astype("float32")


def gradients_of(steps: Any, scale: float = 1.0) -> list[np.ndarray]:
    random = np.random.default_rng(1)
    return [scale * random.normal(size=(len(rows), WIDTH)).astype("float32") for rows in steps]


def dense(rows: Sequence[int], gradients: np.ndarray) -> np.ndarray:
    full = np.zeros((ROWS, WIDTH), "float32")
    np.add.at(full, rows, gradients)
    return full


@tensorflow_alone
def test_rows_equal_a_slow_lazy_adam() -> None:
    variable = keras.Variable(table())
    optimizer = RowAdam(0.1)
    optimizer.build([variable])
    gradients = gradients_of(STEPS)
    for rows, gradient in zip(STEPS, gradients, strict=True):
        before = variable.numpy().copy()
        optimizer.apply([slices(rows, gradient)], [variable])
        assert np.flatnonzero((variable.numpy() != before).any(axis=1)).tolist() == sorted(
            set(rows)
        )
    pairs = [
        list(zip(rows, gradient, strict=True))
        for rows, gradient in zip(STEPS, gradients, strict=True)
    ]
    np.testing.assert_allclose(
        variable.numpy(), reference.lazy_adam(pairs, table().astype("float64"), 0.1), atol=1e-5
    )


@tensorflow_alone
@pytest.mark.parametrize("clip", [0.0, 0.5, 100.0])
def test_with_all_rows_in_every_batch_it_is_keras_adam(clip: float) -> None:
    """Also where rows stand twice, and clipped by the norm of all gradients, as they would be if
    they were written down.
    """
    steps = [[*range(ROWS), 1, 1], [*range(ROWS)], [5, 0, *range(ROWS)]]
    other = np.random.default_rng(2).normal(size=(len(steps), 4)).astype("float32")
    mine, its = ([keras.Variable(table()), keras.Variable(np.ones(4, "float32"))] for _ in range(2))
    rowed, plain = RowAdam(0.1, clip=clip), keras.optimizers.Adam(0.1, global_clipnorm=clip or None)
    rowed.build(mine)
    plain.build(its)
    for rows, gradient, beside in zip(steps, gradients_of(steps), other, strict=True):
        beside = keras.ops.convert_to_tensor(beside)
        rowed.apply([slices(rows, gradient), beside], mine)
        plain.apply([keras.ops.convert_to_tensor(dense(rows, gradient)), beside], its)
        for one, another in zip(mine, its, strict=True):
            np.testing.assert_allclose(one.numpy(), another.numpy(), atol=1e-5)


@tensorflow_alone
@pytest.mark.parametrize("rows", [[0, 2], [3, 3, 1]])
def test_clipping_is_by_the_norm_of_the_gradients_summed_up(rows: Sequence[int]) -> None:
    """The first moment contains what remains of the first step: a tenth of the gradient."""
    gradient, beside = gradients_of([rows], scale=3.0)[0], np.array([1.0, -2.0], "float32")
    variables = [keras.Variable(table()), keras.Variable(np.zeros(2, "float32"))]
    optimizer = RowAdam(0.1, clip=0.5)
    optimizer.build(variables)
    optimizer.apply([slices(rows, gradient), keras.ops.convert_to_tensor(beside)], variables)
    full = dense(rows, gradient)
    norm = np.sqrt((full**2).sum() + (beside**2).sum())
    assert norm > 0.5
    for momentum, whole in zip(optimizer._momentums, (full, beside), strict=True):
        np.testing.assert_allclose(momentum.numpy(), 0.1 * whole * 0.5 / norm, atol=1e-6)


def test_without_rows_it_is_keras_adam_on_every_backend() -> None:
    mine, its = (keras.Variable(table()) for _ in range(2))
    rowed, plain = RowAdam(0.1, clip=1.0), keras.optimizers.Adam(0.1, global_clipnorm=1.0)
    for optimizer, variable in ((rowed, mine), (plain, its)):
        optimizer.build([variable])
        for seed in (1, 2):
            optimizer.apply([keras.ops.convert_to_tensor(table(seed))], [variable])
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(mine), keras.ops.convert_to_numpy(its), atol=1e-6
    )


# -- the average


class Scores(keras.Model):  # type: ignore[misc]
    """An embedding and a dense layer, whose mean output is the loss."""

    def __init__(self) -> None:
        super().__init__()
        keras.utils.set_random_seed(1)
        self.embed = keras.layers.Embedding(ROWS, WIDTH, name="words")
        self.dense = keras.layers.Dense(2, name="head")
        self(np.zeros((1, 1), "int32"))

    def call(self, inputs: Any) -> Any:
        return self.dense(self.embed(inputs))

    def compute_loss(self, x: Any, y: Any, y_pred: Any, *others: Any, **more: Any) -> Any:
        return keras.ops.mean(y_pred)


def stepped(optimizer: str, decay: float) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return the weights before and after a training step, by their names."""
    model = Scores()
    rates = TrainingConfig(
        optimizer=optimizer, learning_rate=0.1, schedule="constant", weight_decay=decay
    )
    compile_model(model, rates, steps=1)
    before = weights_of(model)
    model.fit(np.array([[0, 2, 3]]), epochs=1, verbose=0)
    return before, weights_of(model)


def weights_of(model: keras.Model) -> dict[str, np.ndarray]:
    """Return the weights by layer and name."""
    return {
        variable.path.partition("/")[2]: np.array(variable)
        for variable in model.trainable_variables
    }


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_weight_decay_subtracts_a_share_of_matrices_alone(optimizer: str) -> None:
    before, plain = stepped(optimizer, 0.0)
    again, decayed = stepped(optimizer, 0.5)
    for name, weight in before.items():
        assert np.array_equal(weight, again[name])
        share = 0.1 * 0.5 if name.endswith("kernel") else 0
        np.testing.assert_allclose(decayed[name], plain[name] - share * weight, atol=1e-6)
        assert not np.array_equal(plain[name], weight)


@settings(max_examples=20, deadline=None)
@given(st.floats(0, 1), st.integers(0, 60))
def test_the_average_equals_its_formula(momentum: float, steps: Any) -> None:
    """Weights w, taken n steps after those before, at step t: mean <- mean + max(1 - momentum^n, n
    / t) (w - mean).
    """
    weights = np.random.default_rng(3).normal(size=(steps, 2)).astype("float32")
    average = WeightAverage(momentum)
    mean, before = np.zeros(2), 0
    for step, now in enumerate(weights, 1):
        if step % 8 == 0 or step % 19 == 0:
            average.take({"a/b": now, "c": now[:1]}, step)
            mean += max(1 - momentum ** (step - before), (step - before) / step) * (now - mean)
            before = step
    assert average.arrays.keys() == ({"a/b", "c"} if before else set())
    assert average.steps == before
    if before:
        np.testing.assert_allclose(average.arrays["a/b"], mean, atol=1e-4)
        np.testing.assert_allclose(average.arrays["c"], mean[:1], atol=1e-4)
        assert average.arrays["c"].dtype == np.float32


def test_the_average_is_a_mean_at_first_and_keeps_no_view_of_the_weights() -> None:
    variable, average = keras.Variable(np.zeros(2, "float32")), WeightAverage(1.0)
    for step in range(1, 25):
        variable.assign(np.full(2, step, "float32"))
        if step % 8 == 0:
            average.take({"w": variable}, step)
    variable.assign(np.full(2, 99.0, "float32"))
    np.testing.assert_allclose(average.arrays["w"], (8 + 16 + 24) / 3)


# -- the rate


def rates(steps: Any, **changes: Any) -> np.ndarray:
    training = TrainingConfig(learning_rate=0.1, epochs=10, **changes)
    return np.array(
        [
            float(keras.ops.convert_to_numpy(Schedule(training, steps)(step)))
            for step in range(10 * steps + 1)
        ]
    )


def test_a_constant_rate_is_constant() -> None:
    np.testing.assert_allclose(rates(3, schedule="constant"), 0.1)


def test_a_linear_rate_falls_to_zero() -> None:
    found = rates(5, schedule="linear")
    assert found[0] == pytest.approx(0.1)
    assert found[25] == pytest.approx(0.05)
    assert found[-1] == pytest.approx(0, abs=1e-7)
    np.testing.assert_allclose(np.diff(found), -0.1 / 50, atol=1e-6)


def test_an_inverse_rate_falls_from_epoch_to_epoch() -> None:
    found = rates(5, schedule="inverse")
    np.testing.assert_allclose(
        found[:50], [0.1 / (1 + 0.05 * (step // 5)) for step in range(50)], rtol=1e-5
    )
