"""The classifier's network equals a slow reference, in Keras and in ONNX, whole and in chunks."""

from __future__ import annotations

import itertools
import json

import keras
import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.texts import TEXTS, made, reference_logits

from tagger.bundles.classifier import TEXTS as GRAPH
from tagger.bundles.classifier import shapes_of
from tagger.cells import CELLS
from tagger.classification.classifier import Classifier
from tagger.config.classifier import POOLINGS
from tagger.export import classifier as export
from tagger.features.batches import collate
from tagger.features.encode import WordEncoder
from tagger.inference import chunks
from tagger.networks.classifier import SigmoidHead, TextClassifier
from tagger.networks.heads import SoftmaxHead
from tagger.networks.pooling import pool

STACKS = {
    "one direction": ["model.bidirectional=false", "model.layers=2"],
    "two": ["model.layers=1"],
    "deep": ["model.layers=3", "model.hidden=[5,4]"],
}
INPUTS = {"words, characters, shapes": [], "one-hot": ["model.input=one-hot"]}
CASES = [
    *itertools.product(["lstm"], INPUTS, STACKS, POOLINGS),
    *((cell, "one-hot", "two", "last") for cell in CELLS if cell != "lstm"),
    ("gru", "words, characters, shapes", "deep", "maximum"),
]


def keras_logits(
    network: TextClassifier, encoder: WordEncoder, texts: list[tuple[str, ...]]
) -> np.ndarray:
    """Return the logits (B, K) of texts as one padded batch."""
    batch = collate(np.arange(len(texts)), encoder, encoder.word_ids(texts))
    return np.asarray(network(batch.inputs))  # eagerly: nothing to compile


@pytest.mark.slow
@pytest.mark.parametrize(("cell", "inputs", "stack", "pooling"), CASES)
def test_network_equals_the_reference_in_every_form(
    cell: str, inputs: str, stack: str, pooling: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Padded and alone, in Keras and in ONNX, whole and in chunks of three tokens."""
    changes = [f"model.cell={cell}", f"model.pooling={pooling}", *INPUTS[inputs], *STACKS[stack]]
    bundle, network = made(*changes)
    shapes = {name: array.shape for name, array in bundle.weights.items()}
    assert shapes_of(bundle.config.model, bundle.features, 3) == shapes
    encoder = WordEncoder(bundle.features)
    padded = keras_logits(network, encoder, TEXTS)
    model = Classifier(bundle)
    together = model.logits(TEXTS)
    alone = np.concatenate([model.logits([text]) for text in TEXTS])
    monkeypatch.setattr(chunks, "CHUNK_TOKENS", 3)
    in_chunks = np.concatenate([model.logits([text]) for text in TEXTS])
    for found in (together, alone, in_chunks):
        np.testing.assert_allclose(found, padded, atol=1e-5)
    for number, text in enumerate(TEXTS):
        if text:
            expected = reference_logits(bundle, text)
            np.testing.assert_allclose(padded[number], expected, atol=1e-4)
            single = keras_logits(network, encoder, [text])
            np.testing.assert_allclose(single[0], padded[number], atol=1e-5)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_an_empty_text_is_the_zero_vector(pooling: str) -> None:
    bundle, _ = made(f"model.pooling={pooling}")
    np.testing.assert_allclose(
        Classifier(bundle).logits([()])[0], bundle.weights["head/labels/bias"], atol=1e-6
    )


@given(
    st.lists(st.integers(0, 5), min_size=1, max_size=4),
    st.sampled_from(POOLINGS),
    st.booleans(),
    st.integers(0, 2**32 - 1),
)
@settings(deadline=None, max_examples=60)
def test_pooling_ignores_padding(
    lengths: list[int], pooling: str, bidirectional: bool, seed: int
) -> None:
    activations = np.random.default_rng(seed).normal(size=(len(lengths), 5, 4)).astype("float32")
    found = np.asarray(pool(activations, np.array(lengths), pooling, bidirectional=bidirectional))
    for row, length in enumerate(lengths):
        real = activations[row, :length]
        expected = np.zeros(4)
        if length and pooling == "mean":
            expected = real.mean(axis=0)
        elif length and pooling == "maximum":
            expected = real.max(axis=0)
        elif length:
            expected = np.append(real[-1, :2], real[0, 2:]) if bidirectional else real[-1]
        np.testing.assert_allclose(found[row], expected, atol=1e-6)


def test_pooling_of_another_name_is_an_error() -> None:
    with pytest.raises(ValueError, match="unknown pooling 'first'; expected last, mean or maximum"):
        pool(np.zeros((1, 2, 2), "float32"), np.array([1]), "first", bidirectional=False)


def test_losses_are_negative_log_likelihoods_per_text() -> None:
    logits = np.array([[2.0, -1.0, 0.5], [0.0, 3.0, -2.0], [9.0, 9.0, 9.0]], dtype="float32")
    mask = np.array([[1], [1], [0]])  # the last row is padding
    single = SoftmaxHead(3).loss(logits[:, None], np.array([[0], [2], [1]]), mask)
    soft = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert float(single) == pytest.approx(-np.log([soft[0, 0], soft[1, 2]]).mean(), rel=1e-5)
    targets = np.array([[1, 0, 1], [0, 0, 0], [1, 1, 1]], dtype="float32")
    several = SigmoidHead(3).loss(logits[:, None], targets[:, None], mask)
    p = 1 / (1 + np.exp(-logits[:2]))
    nats = -np.log(np.where(targets[:2] == 1, p, 1 - p)).sum(axis=1).mean()
    assert float(several) == pytest.approx(nats, rel=1e-5)


@pytest.mark.slow
def test_every_pooling_passes_gradients_to_the_encoder() -> None:
    for pooling in POOLINGS:
        bundle, network = made(f"model.pooling={pooling}", "model.dropout=0")
        encoder = WordEncoder(bundle.features)
        batch = collate(np.arange(2), encoder, encoder.word_ids([TEXTS[0], TEXTS[3]]))
        network.compile("sgd", run_eagerly=True)
        before = {name: np.array(weight) for name, weight in network.named_weights().items()}
        network.train_on_batch(batch.inputs, np.array([0, 2]))
        for name, weight in network.named_weights().items():
            assert not np.array_equal(before[name], np.array(weight)), (pooling, name)


def test_a_network_survives_its_configuration() -> None:
    _, network = made("model.hidden=[5]", "data.multi_label=true")
    copy = TextClassifier.from_config(network.get_config())
    copy.build()
    assert copy.architecture == network.architecture
    assert {name: weight.shape for name, weight in copy.named_weights().items()} == {
        name: weight.shape for name, weight in network.named_weights().items()
    }
    assert isinstance(copy.head, SigmoidHead)
    assert isinstance(copy.head, keras.layers.Layer)


def test_a_graph_contains_its_documentation_and_standard_operators_alone() -> None:
    for pooling in POOLINGS:
        bundle, _ = made(f"model.pooling={pooling}", "data.multi_label=true")
        assert export.with_graphs(bundle).graphs == bundle.graphs
        assert [*bundle.graphs] == ["words.onnx", GRAPH]
        model = onnx.load_from_string(bundle.graphs[GRAPH])
        facts = {entry.key: entry.value for entry in model.metadata_props}
        assert json.loads(facts["labels"]) == ["bad", "good", "mixed"]
        assert facts["multi_label"] == "true"
        assert all(value.doc_string for value in (*model.graph.input, *model.graph.output))
        onnx.checker.check_model(model, full_check=True)
