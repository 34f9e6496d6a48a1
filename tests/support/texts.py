"""Labeled texts and classifiers of a few units, for tests of text classification."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from support import reference
from support.inputs import features_of
from support.json_lines import write_lines
from tagger.bundles.classifier import ClassifierBundle
from tagger.bundles.weights import layer_weights
from tagger.config.classifier import ClassifierConfig, override
from tagger.export.classifier import with_graphs
from tagger.features.encode import WordEncoder, WordFeatures
from tagger.features.vocabulary import Vocabulary
from tagger.networks.classifier import TextClassifier
from tagger.training.build_classifier import architecture

GOOD = ("lovely", "warm", "bright", "funny")
BAD = ("dull", "cold", "grey", "slow")
SMALL = [
    "model.embedding=8",
    "model.characters=0",
    "model.shape=0",
    "model.units=6",
    "model.pooling=last",
    "training.epochs=4",
    "training.learning_rate=0.02",
    "training.batch_tokens=64",
    "training.epoch_tokens=0",
]
WORDS = Vocabulary.build([["a", "lovely", "film", ".", "dull", "cold", "a", "not"]])
CHARACTERS = Vocabulary.build(WORDS.words)
TEXTS: list[tuple[str, ...]] = [
    ("a", "lovely", "film"),
    (),
    ("dull",),
    ("not", "a", "cold", "unseen", "film", ".") * 2,
    ("a", "dull", "Zebra", "."),
]
"""Texts of various lengths, one of them empty, with unknown words."""


def records(count: int = 60, *, multi_label: bool = False) -> list[dict[str, Any]]:
    """Return records whose words give their labels away; equal arguments yield equal records."""
    draw = np.random.default_rng(1)
    found: list[dict[str, Any]] = []
    for number in range(count):
        good, bad = draw.choice(GOOD, 2), draw.choice(BAD, 2)
        is_good = bool(number % 2)
        words = good if is_good else bad
        text = f"Number {number} is {words[0]}, and {words[1]}."
        if multi_label:
            labels = [["good"], ["bad"], ["good", "bad"], []][number % 4]
            parts = [f"{good[0]}"] * ("good" in labels) + [f"{bad[0]}"] * ("bad" in labels)
            found.append({"text": f"Number {number}: {' '.join(parts)}.", "labels": labels})
        else:
            found.append({"text": text, "label": "good" if is_good else "bad"})
    return found


def settings_in(folder: Path, *changes: str, multi_label: bool = False) -> ClassifierConfig:
    """Return settings of a small training on `records`, whose last third is dev."""
    rows = records(multi_label=multi_label)
    train = write_lines(folder / "train.jsonl", rows[:40])
    dev = write_lines(folder / "dev.jsonl", rows[40:])
    more = [f"data.multi_label={str(multi_label).lower()}"]
    return override(
        ClassifierConfig(), [f"data.train={train}", f"data.dev={dev}", *more, *SMALL, *changes]
    )


def made(
    *changes: str, labels: Sequence[str] = ("bad", "good", "mixed")
) -> tuple[ClassifierBundle, TextClassifier]:
    """Return a classifier of random weights with graphs, and its Keras network."""
    config = override(
        ClassifierConfig(),
        ["model.embedding=5", "model.characters=7", "model.shape=3", "model.units=4", *changes],
    )
    model = config.model
    features = (
        features_of(WORDS)
        if model.input == "one-hot"
        else features_of(WORDS, CHARACTERS if model.characters else None, bool(model.shape))
    )
    multi_label = config.data.multi_label
    keras = TextClassifier.create(
        architecture(model, features, len(labels), multi_label=multi_label)
    )
    random = np.random.default_rng(1)
    for weight in keras.named_weights().values():
        weight.assign(random.normal(0, 0.5, weight.shape))
    arrays = {name: np.asarray(weight.numpy()) for name, weight in keras.named_weights().items()}
    bundle = ClassifierBundle(config, tuple(labels), features, arrays, {})
    return with_graphs(bundle), keras


def reference_logits(bundle: ClassifierBundle, tokens: Sequence[str]) -> np.ndarray:
    """Return the logits (K,) of one text, slowly: token by token, layer by layer."""
    model, weights = bundle.config.model, bundle.weights
    x = _word_features(bundle, tokens)  # (T, F)
    for depth in range(1, model.layers + 1):
        forward = np.array(_run(bundle, f"forward_{depth}", x))
        x, before = forward, x
        if model.bidirectional:
            backward = np.array(_run(bundle, f"backward_{depth}", before[::-1]))[::-1]
            x = np.concatenate([forward, backward], axis=1)
    units = model.units
    if model.pooling == "mean":
        vector = sum(x) / len(x)
    elif model.pooling == "maximum":
        vector = np.array([max(column) for column in x.T])
    else:  # a^<T_x> of the forward direction, a^<1> of the backward one
        vector = np.concatenate([x[-1, :units], x[0, units:]])
    for number in range(1, len(model.hidden) + 1):
        layer = layer_weights(weights, f"head/hidden_{number}")
        vector = np.tanh(layer["kernel"].T @ vector + layer["bias"])
    head = layer_weights(weights, "head/labels")
    return np.asarray(head["kernel"].T @ vector + head["bias"])


def _run(bundle: ClassifierBundle, name: str, x: np.ndarray) -> list[np.ndarray]:
    """Run one direction of one layer."""
    layer = layer_weights(bundle.weights, f"encoder/{name}")
    return reference.run(bundle.config.model.cell, x, **layer)


def _word_features(bundle: ClassifierBundle, tokens: Sequence[str]) -> np.ndarray:
    """Return the features (T, F) of words: their vectors, or one-hot vectors without padding's."""
    features: WordFeatures = bundle.features
    ids = [_id_of(features, token) for token in tokens]
    if bundle.config.model.input == "one-hot":
        return reference.one_hot(np.array(ids), len(features.words))
    encoder = WordEncoder(features)
    rows = encoder.words(encoder.tokens([tokens]))
    parts = {"words": bundle.weights["words/embeddings"][ids]}
    if bundle.config.model.shape:
        parts["shapes"] = bundle.weights["shapes/embeddings"][rows["shapes"]]
    if bundle.config.model.characters:
        layer = layer_weights(bundle.weights, "characters")
        parts["characters"] = np.array(
            [
                reference.character_cnn(
                    [one for one in row.tolist() if one],
                    layer["embedding/embeddings"],
                    layer["convolution/kernel"],
                    layer["convolution/bias"],
                )
                for row in rows["characters"]
            ]
        )
    return np.concatenate([parts[name] for name in features.inputs], axis=1)


def _id_of(features: WordFeatures, token: str) -> int:
    """Return the vocabulary id of a token."""
    encoder = WordEncoder(features)
    return int(encoder.words(encoder.tokens([[token]]))["words"][0])
