"""One parametrised test serves every layer and model: build, mask, config round trip, save and load, a step that helps."""

import keras
import numpy as np
import pytest
import reference

from tagger.networks.cells import CELLS
from tagger.networks.embedding import WordDropout, embedding
from tagger.networks.heads import SoftmaxHead
from tagger.networks.recurrent import Encoder, Recurrent
from tagger.networks.sequence_tagger import Architecture, SequenceTagger

VOCABULARY, TAGS = 13, 5
LENGTHS = np.array([6, 1, 3, 0], dtype="int32")
BASE = Architecture(vocabulary_size=VOCABULARY, tags=TAGS, embedding=4, cell="lstm", units=3)
ARCHITECTURES = [
    *(Architecture(**{**vars(BASE), "cell": cell}) for cell in CELLS),
    Architecture(**{**vars(BASE), "embedding": 0, "input_dropout": 0.2}),
    Architecture(**{**vars(BASE), "bidirectional": False, "layers": 2}),
    Architecture(**{**vars(BASE), "layers": 3, "hidden": (4, 3), "input_dropout": 0.2, "dropout": 0.2, "recurrent_dropout": 0.2}),
]


def words(seed=0):
    """Token numbers (B, T), right-padded with 0 to `LENGTHS`."""
    numbers = np.random.default_rng(seed).integers(1, VOCABULARY, (4, 6)).astype("int32")
    return np.where(np.arange(6) < LENGTHS[:, None], numbers, 0).astype("int32")


def identity(architecture):
    return f"{architecture.cell}-{architecture.embedding}-{architecture.layers}"


@pytest.fixture(params=ARCHITECTURES, ids=identity)
def model(request):
    keras.utils.set_random_seed(1)
    return SequenceTagger.create(request.param)


def test_padding_and_neighbours_change_nothing(model):
    together = model.emissions({"words": words()})
    for row, length in enumerate(LENGTHS):
        if length:
            alone = model.emissions({"words": words()[row : row + 1, :length]})
            np.testing.assert_allclose(together[row, :length], alone[0], atol=1e-5)


def test_emissions_are_log_probabilities(model):
    np.testing.assert_allclose(np.exp(model.emissions({"words": words()})).sum(axis=-1), 1, atol=1e-5)


def test_config_and_weights_survive_saving(model, tmp_path):
    path = tmp_path / "model.keras"
    model.save(path)
    loaded = keras.saving.load_model(path)
    assert loaded.architecture == model.architecture
    assert list(loaded.named_weights()) == list(model.named_weights())
    np.testing.assert_array_equal(loaded.emissions({"words": words()}), model.emissions({"words": words()}))


def test_a_few_steps_lower_the_loss(model):
    tags = (words() % TAGS).astype("int32")
    model.compile(optimizer=keras.optimizers.Adam(0.05), jit_compile=False)
    losses = [float(model.train_on_batch({"words": words()}, tags)) for _ in range(15)]
    assert np.isfinite(losses).all()
    assert min(losses[-3:]) < losses[0]


@pytest.mark.parametrize(
    ("layer", "arguments"),
    [
        (Recurrent("gru", 3, backwards=True, recurrent_dropout=0.1), (np.ones((2, 4, 5), "float32"), np.array([4, 2]))),
        (Recurrent("lstm-peephole", 3, vocabulary_size=9), (np.ones((2, 4), "int32"), np.array([4, 2]))),
        (Encoder("rnn", 3, layers=2, dropout=0.1), (np.ones((2, 4, 5), "float32"), np.array([4, 2]))),
        (SoftmaxHead(5, hidden=(4,), dropout=0.1), (np.ones((2, 4, 5), "float32"),)),
        (WordDropout(0.5), (np.ones((2, 4), "int32"),)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_layer_is_rebuilt_from_its_config(layer, arguments):
    output = layer(*arguments)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert again.get_config() == layer.get_config()
    assert tuple(again(*arguments).shape) == tuple(output.shape) == tuple(layer.compute_output_shape(arguments[0].shape))
    assert [weight.shape for weight in again.weights] == [weight.shape for weight in layer.weights]


def test_loss_is_the_mean_cross_entropy_of_real_tokens():
    random = np.random.default_rng(3)
    logits = random.normal(size=(4, 6, TAGS)).astype("float32")
    tags = random.integers(0, TAGS, (4, 6))
    each = []
    for row, length in enumerate(LENGTHS):
        for time in range(length):
            exponentials = np.exp(logits[row, time].astype("float64"))
            each.append(-np.log(exponentials[tags[row, time]] / exponentials.sum()))
    mask = np.arange(6) < LENGTHS[:, None]
    assert float(SoftmaxHead.loss(logits, tags, mask)) == pytest.approx(np.mean(each), abs=1e-5)
    logits[~mask] = 1e6
    assert float(SoftmaxHead.loss(logits, tags, mask)) == pytest.approx(np.mean(each), abs=1e-5)


def test_a_one_hot_model_never_writes_the_vectors_down_but_equals_the_product():
    """The first layer's input matrix has a row a token, and gathering equals multiplying by one-hot vectors."""
    keras.utils.set_random_seed(2)
    model = SequenceTagger.create(Architecture(**{**vars(BASE), "embedding": 0}))
    weights = {name: keras.ops.convert_to_numpy(weight) for name, weight in model.named_weights().items()}
    assert weights["encoder/forward_1/kernel"].shape == (VOCABULARY, 4 * 3)
    numbers = words()[0]
    dense = Recurrent("lstm", 3)
    dense.build((1, 6, VOCABULARY))
    for weight, name in zip(dense.trainable_weights, ("kernel", "recurrent", "bias"), strict=True):
        weight.assign(weights[f"encoder/forward_1/{name}"])
    vectors = reference.one_hot(numbers, VOCABULARY)[None].astype("float32")
    product = keras.ops.convert_to_numpy(dense(vectors, LENGTHS[:1]))
    gathered = keras.ops.convert_to_numpy(model.encoder.stack[0][0](numbers[None], LENGTHS[:1]))
    np.testing.assert_allclose(gathered, product, atol=1e-6)


def test_word_dropout_takes_unknown_for_tokens_and_leaves_padding():
    keras.utils.set_random_seed(3)
    numbers = np.where(np.arange(1000) < 900, 7, 0)[None].astype("int32")
    dropped = keras.ops.convert_to_numpy(WordDropout(0.3, unknown=1)(numbers, training=True))[0]
    assert set(dropped[:900].tolist()) == {1, 7}
    assert 0.2 < np.mean(dropped[:900] == 1) < 0.4
    assert set(dropped[900:].tolist()) == {0}


def test_input_dropout_has_one_mask_a_sequence():
    keras.utils.set_random_seed(4)
    model = SequenceTagger.create(Architecture(**{**vars(BASE), "embedding": 50, "input_dropout": 0.5}))
    dropped = keras.ops.convert_to_numpy(model.input_drop(np.ones((2, 9, 50), "float32"), training=True))
    assert np.all(dropped == dropped[:, :1])
    assert not np.array_equal(dropped[0], dropped[1])


def test_embedding_begins_in_the_stated_interval():
    layer = embedding(1000, 3)
    layer.build()
    vectors = keras.ops.convert_to_numpy(layer.embeddings)
    assert vectors.shape == (1000, 3)
    assert 0.9 < np.abs(vectors).max() <= 1.0
