"""What the network knows of a word: equal to a slow reference word by word, and the same however
much padding there is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import reference
from support.inputs import configs

from tagger.features.vocabulary import UNK
from tagger.networks.embedding import WordDropout, embedding
from tagger.networks.inputs.characters import CharacterCNN, CharacterRNN
from tagger.networks.inputs.vectors import DeltaEmbedding
from tagger.networks.sequence_tagger import Architecture, SequenceTagger

CHARACTERS, UNITS, WIDTH = 9, 5, 4
Characters = CharacterCNN | CharacterRNN
ENCODERS: dict[str, Callable[[], Characters]] = {
    "cnn": lambda: CharacterCNN(CHARACTERS, UNITS, embedding=WIDTH)
} | {
    cell: lambda cell=cell: CharacterRNN(CHARACTERS, UNITS, cell=cell, embedding=WIDTH)
    for cell in ("lstm-peephole", "gru")
}
FIXED = [
    [3, 4, 5],
    [2],
    [UNK],
    [UNK, UNK, 7, 8, 2, 2],
    [8, 3],
]  # a word of one character, unknown characters


def numpy(tensor: Any) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(tensor))


def padded(words: Sequence[Sequence[int]], width: int = 0) -> np.ndarray:
    array = np.zeros((len(words), max([width, *map(len, words)])), dtype="int32")
    for row, word in zip(array, words, strict=True):
        row[: len(word)] = word
    return array


def encoder_of(name: str) -> Characters:
    """A layer with weights far from their first values."""
    layer = ENCODERS[name]()
    layer.build((None, None))
    random = np.random.default_rng(6)
    for weight in layer.trainable_weights:
        weight.assign(random.normal(0, 0.7, weight.shape))
    return layer


@pytest.fixture(params=ENCODERS, scope="module")
def encoder(request: pytest.FixtureRequest) -> Characters:
    return encoder_of(request.param)


def expected(layer: Characters, word: Sequence[int]) -> np.ndarray:
    embeddings = numpy(layer.embed.embeddings).astype("float64")
    if isinstance(layer, CharacterCNN):
        return reference.character_cnn(
            word, embeddings, numpy(layer.convolution.kernel), numpy(layer.convolution.bias)
        )
    weights = [
        [numpy(weight) for weight in part.trainable_weights]
        for part in (layer.forward, layer.backward)
    ]
    return reference.character_rnn(layer.forward.cell, word, embeddings, *weights)


def test_characters_equal_the_reference(encoder: Characters) -> None:
    found = numpy(encoder(padded(FIXED)))
    assert found.shape == (len(FIXED), UNITS)
    for vector, word in zip(found, FIXED, strict=True):
        np.testing.assert_allclose(vector, expected(encoder, word), atol=1e-5)


@settings(max_examples=6, deadline=None)
@given(
    st.lists(
        st.lists(st.integers(1, CHARACTERS - 1), min_size=1, max_size=9), min_size=1, max_size=3
    ),
    st.integers(0, 12),
)
def test_any_length_and_padding(
    encoder: Characters, words: Sequence[Sequence[int]], width: int
) -> None:
    found = numpy(encoder(padded(words, width)))
    for vector, word in zip(found, words, strict=True):
        np.testing.assert_allclose(vector, expected(encoder, word), atol=1e-5)


def test_a_word_without_characters_is_the_same_in_every_batch(encoder: Characters) -> None:
    alone = numpy(encoder(np.zeros((1, 1), dtype="int32")))[0]
    assert np.isfinite(alone).all()
    np.testing.assert_allclose(
        numpy(encoder(padded([[3, 4, 5], [], []], 6)))[1:], [alone, alone], atol=1e-6
    )


@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="the packed way is TensorFlow's"
)
def test_the_packed_way_equals_the_padded_one_gradients_included() -> None:
    import tensorflow

    encoder = encoder_of("cnn")
    words = padded([*FIXED, [], [4]], 8)
    found = []
    for way in (encoder._packed, encoder._padded):
        with tensorflow.GradientTape() as tape:
            vectors = way(keras.ops.convert_to_tensor(words), training=False)
            loss = keras.ops.sum(vectors * np.arange(vectors.shape[0] * UNITS).reshape(-1, UNITS))
        gradients = tape.gradient(loss, encoder.trainable_weights)
        found.append([vectors, *map(tensorflow.convert_to_tensor, gradients)])
    for packed, plain in zip(*found, strict=True):
        np.testing.assert_allclose(numpy(packed), numpy(plain), atol=1e-4)


def test_padding_has_no_gradient_in_the_convolution() -> None:
    """Whatever stands in the table for padding is never read."""
    layer = ENCODERS["cnn"]()
    layer.build((None, None))
    before = numpy(layer(padded(FIXED)))
    table = numpy(layer.embed.embeddings).copy()
    table[0] = 1e6
    layer.embed.embeddings.assign(table)
    np.testing.assert_array_equal(numpy(layer(padded(FIXED))), before)


# -- fine-tuning


def test_pretrained_vectors_come_through_unchanged_at_first() -> None:
    layer = DeltaEmbedding(6, 3)
    layer.build()
    vectors = np.random.default_rng(1).normal(size=(4, 3)).astype("float32")
    np.testing.assert_array_equal(numpy(layer(np.array([0, 1, 2, 5]), vectors)), vectors)


def test_unknown_words_and_padding_never_differ_from_their_vectors() -> None:
    layer = DeltaEmbedding(6, 3)
    layer.build()
    table = np.random.default_rng(2).normal(size=(6, 3)).astype("float32")
    layer.differences.embeddings.assign(table)
    vectors = np.ones((5, 3), dtype="float32")
    found = numpy(layer(np.array([0, 1, 1, 2, 5]), vectors))
    np.testing.assert_array_equal(found[:3], vectors[:3])
    np.testing.assert_allclose(found[3:], 1 + table[[2, 5]], rtol=1e-6)


@pytest.mark.slow
def test_only_rows_of_the_batch_change() -> None:
    from tagger.training.optimizers import RowAdam

    keras.utils.set_random_seed(1)
    model = SequenceTagger.create(
        Architecture(
            vocabulary_size=8, tags=3, inputs=configs(words=4, vectors=3, fine_tune=True), units=3
        )
    )
    words = np.array([0, 1, 4, 6, 1], dtype="int32")  # <UNK> stands for two
    vectors = np.random.default_rng(3).normal(size=(5, 3)).astype("float32") * (words > 0)[:, None]
    inputs = {
        "tokens": np.array([[1, 2, 3], [4, 2, 0]], dtype="int32"),
        "words": words,
        "vectors": vectors,
    }
    model.compile(optimizer=RowAdam(0.1, clip=1.0), jit_compile=False)
    before = {name: numpy(weight).copy() for name, weight in model.named_weights().items()}
    for _ in range(3):
        model.train_on_batch(inputs, np.array([[1, 2, 0], [0, 2, 1]], dtype="int32"))
    after = {name: numpy(weight) for name, weight in model.named_weights().items()}
    tables = ["vectors/differences/embeddings", "words/embeddings"]
    changed = [
        np.flatnonzero((before[name] != after[name]).any(axis=1)).tolist() for name in tables
    ]
    assert changed == [[4, 6], [1, 4, 6]]
    assert not after["vectors/differences/embeddings"][:2].any()


# -- embeddings and dropout


def test_embedding_reads_rows() -> None:
    layer = embedding(7, 3)
    layer.build()
    ids = np.array([[0, 6], [2, 2]])
    np.testing.assert_array_equal(numpy(layer(ids)), numpy(layer.embeddings)[ids])


def test_word_dropout_takes_unknown_for_tokens_and_leaves_padding() -> None:
    keras.utils.set_random_seed(3)
    ids = np.where(np.arange(1000) < 900, 7, 0)[None].astype("int32")
    dropped = keras.ops.convert_to_numpy(WordDropout(0.3, unknown=1)(ids, training=True))[0]
    assert set(dropped[:900].tolist()) == {1, 7}
    assert 0.2 < np.mean(dropped[:900] == 1) < 0.4
    assert set(dropped[900:].tolist()) == {0}


def test_input_dropout_has_one_mask_a_sequence() -> None:
    keras.utils.set_random_seed(4)
    model = SequenceTagger.create(
        Architecture(
            vocabulary_size=8, tags=3, inputs=configs(words=50), units=3, input_dropout=0.5
        )
    )
    dropped = keras.ops.convert_to_numpy(
        model.input_drop(np.ones((2, 9, 50), "float32"), training=True)
    )
    assert np.all(dropped == dropped[:, :1])
    assert not np.array_equal(dropped[0], dropped[1])


def test_embedding_begins_in_the_stated_interval() -> None:
    layer = embedding(1000, 3)
    layer.build()
    vectors = keras.ops.convert_to_numpy(layer.embeddings)
    assert vectors.shape == (1000, 3)
    assert 0.9 < np.abs(vectors).max() <= 1.0
