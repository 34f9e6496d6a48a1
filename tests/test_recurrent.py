"""Every cell and direction equals the NumPy loop over the lectures' equations; padding never
matters.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from support import reference

from tagger.cells import CELLS
from tagger.networks.cells import STEPS
from tagger.networks.recurrent import Encoder, Recurrent, reverse_within

LENGTHS = np.array([7, 1, 4, 0], dtype="int32")  # mixed, one of them empty
FEATURES, UNITS, VOCABULARY = 5, 3, 11


def randomized(layer: Any, random: np.random.Generator) -> Any:
    """Weights far from their initial values, so that every block, bias and peephole counts."""
    for weight in layer.trainable_weights:
        weight.assign(random.normal(0, 0.7, weight.shape))
    return layer


def arguments(layer: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray | None]:
    peepholes = layer.peepholes.numpy() if CELLS[layer.cell].peepholes else None
    return layer.kernel.numpy(), layer.recurrent.numpy(), layer.bias.numpy(), peepholes


def numpy(tensor: Any) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(tensor))


def test_every_cell_of_the_table_has_its_step_and_the_other_way_round() -> None:
    assert list(CELLS) == list(STEPS)


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("cell", CELLS)
def test_cell_equals_the_lectures_equations(cell: str, backwards: bool) -> None:
    random = np.random.default_rng(1)
    x = random.normal(size=(4, 7, FEATURES)).astype("float32")
    layer = Recurrent(cell, UNITS, backwards=backwards)
    layer.build(x.shape)
    randomized(layer, random)
    found = numpy(layer(x, LENGTHS))
    for row, length in enumerate(LENGTHS):
        sequence = x[row, :length].astype("float64")
        expected = reference.run(cell, sequence[::-1] if backwards else sequence, *arguments(layer))
        expected = expected[::-1] if backwards else expected
        np.testing.assert_allclose(
            found[row, :length], np.reshape(expected, (length, UNITS)), atol=1e-5
        )


@pytest.mark.parametrize("cell", CELLS)
def test_one_hot_lookup_equals_the_dense_product(cell: str) -> None:
    random = np.random.default_rng(2)
    ids = random.integers(0, VOCABULARY, (4, 7))
    layer = Recurrent(cell, UNITS, vocabulary_size=VOCABULARY)
    layer.build(ids.shape)
    randomized(layer, random)
    dense = Recurrent(cell, UNITS)
    dense.build((4, 7, VOCABULARY))
    for mine, its in zip(dense.trainable_weights, layer.trainable_weights, strict=True):
        mine.assign(its)
    vectors = np.stack([reference.one_hot(row, VOCABULARY) for row in ids]).astype("float32")
    vectors[ids == 0] = 0.0  # padding is the zero vector
    np.testing.assert_allclose(
        numpy(layer(ids, LENGTHS)), numpy(dense(vectors, LENGTHS)), atol=1e-5
    )


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("cell", CELLS)
def test_padded_equals_unpadded(cell: str, layers: int) -> None:
    random = np.random.default_rng(3)
    x = random.normal(size=(4, 9, FEATURES)).astype("float32")
    encoder = Encoder(cell, UNITS, layers=layers, bidirectional=True)
    encoder.build(x.shape)
    randomized(encoder, random)
    together = numpy(encoder(x, LENGTHS))
    assert np.isfinite(together).all()
    for row, length in enumerate(LENGTHS):
        if length:
            alone = numpy(encoder(x[row : row + 1, :length], LENGTHS[row : row + 1]))
            np.testing.assert_allclose(together[row, :length], alone[0], atol=1e-5)


def test_a_bidirectional_layer_concatenates_forwards_and_backwards() -> None:
    random = np.random.default_rng(4)
    x = random.normal(size=(4, 7, FEATURES)).astype("float32")
    encoder = Encoder("gru", UNITS, bidirectional=True)
    encoder.build(x.shape)
    forwards, backwards = encoder.stack[0]
    both = numpy(encoder(x, LENGTHS))
    np.testing.assert_array_equal(both[..., :UNITS], numpy(forwards(x, LENGTHS)))
    np.testing.assert_array_equal(both[..., UNITS:], numpy(backwards(x, LENGTHS)))


def test_reverse_within_reverses_tokens_only_and_is_its_own_inverse() -> None:
    x = np.arange(12).reshape(2, 6)
    lengths = np.array([4, 6])
    reversed_once = numpy(reverse_within(x, lengths))
    np.testing.assert_array_equal(reversed_once, [[3, 2, 1, 0, 4, 5], [11, 10, 9, 8, 7, 6]])
    np.testing.assert_array_equal(numpy(reverse_within(reversed_once, lengths)), x)


@pytest.mark.parametrize("cell", CELLS)
def test_recurrent_dropout_acts_in_training_alone(cell: str) -> None:
    keras.utils.set_random_seed(5)
    x = np.ones((2, 30, FEATURES), dtype="float32")
    layer = Recurrent(cell, 40, recurrent_dropout=0.5)
    layer.build(x.shape)
    lengths = np.array([30, 30])
    first, second = numpy(layer(x, lengths, training=True)), numpy(layer(x, lengths, training=True))
    assert np.isfinite(first).all()
    assert not np.allclose(first, second)
    np.testing.assert_array_equal(
        numpy(layer(x, lengths)), numpy(layer(x, lengths, training=False))
    )


def test_unknown_cell_is_an_error_that_names_the_known() -> None:
    with pytest.raises(ValueError, match="lstm-peephole"):
        Recurrent("lstn", 3)
