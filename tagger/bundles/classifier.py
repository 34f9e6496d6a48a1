"""The bundle of a text classifier: a folder of plain data, read without executing anything.

    manifest.json          format version, kind, and size and SHA-256 of every other file
    config.toml            all settings of the training
    labels.json            the labels by id
    vocabulary/, vectors/  as in the bundle of a tagger (`tagger.bundles.tagger_files`)
    weights.npz            float32 arrays by their path in the network (NumPy's format, no pickle)
    words.onnx             features of distinct words, as in the bundle of a tagger
    texts.onnx             from these to the label: see `tagger.export.classifier`
    language_models/       one folder per language model, as in the bundle of a tagger
    metrics.json           the dev scores, and what was decided on dev
    README.md              a model card

`tagger.bundles.migrations` defines how the format may change.

Axes: K labels.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np

from tagger.bundles import kinds, migrations
from tagger.bundles.encoder import (
    describe_inputs,
    describe_layers,
    encoder_shapes,
    head_shapes,
    load_inputs,
    save_inputs,
)
from tagger.bundles.kinds import Kind
from tagger.bundles.language_model import LanguageModelBundle
from tagger.bundles.tagger import WORDS
from tagger.bundles.weights import digest
from tagger.config.classifier import ClassifierConfig, ClassifierModelConfig
from tagger.features.encode import WordFeatures

__all__ = [
    "KIND",
    "TEXTS",
    "ClassifierBundle",
    "describe",
    "graph_names",
    "load",
    "save",
    "shapes_of",
]

TEXTS = "texts.onnx"
_LABELS = 8  # labels that `repr` lists
_MOST_LABELS = 100_000


def _labels(data: Any) -> tuple[str, ...]:
    """Return the labels of a parsed labels.json, after a check."""
    labels = data["labels"]
    if not isinstance(labels, list) or not all(isinstance(one, str) and one for one in labels):
        raise ValueError("expected a list of labels")
    if not labels or len(set(labels)) != len(labels) or len(labels) > _MOST_LABELS:
        raise ValueError(f"expected 1 to {_MOST_LABELS:,} labels, and no label twice")
    return tuple(labels)


KIND = Kind(
    name=kinds.CLASSIFIER,
    settings=ClassifierConfig,
    format=1,
    migrations=migrations.CLASSIFIER,
    files={"labels.json": _labels},
    graphs=(WORDS, TEXTS),
    scores={
        "dev": (),
        "calibration": ("texts", "ece", "ece_before", "brier", "brier_before"),
        "temperatures": (),
        "decoding": ("threshold", "score", "without"),
    },
)
"""The kind of a classifier's bundle."""


@dataclass(frozen=True)
class ClassifierBundle:
    """A trained text classifier as plain data.

    Attributes:
        config: All settings.
        labels: The labels by id.
        features: The vocabularies and vectors that encode words.
        weights: float32 arrays by their path in the network; see `shapes_of`.
        metrics: The contents of metrics.json.
        graphs: The serialized graphs of `tagger.export.classifier` by file name. They are only
            missing in a bundle that is not yet complete.
        language_models: The language models whose states the classifier receives, in order.
    """

    config: ClassifierConfig
    labels: tuple[str, ...]
    features: WordFeatures
    weights: dict[str, np.ndarray]
    metrics: dict[str, Any]
    graphs: dict[str, bytes] = field(default_factory=dict, repr=False)
    language_models: tuple[LanguageModelBundle, ...] = field(default=(), repr=False)

    def __repr__(self) -> str:
        labels = ", ".join(self.labels[:_LABELS])
        more = f", … ({len(self.labels)})" if len(self.labels) > _LABELS else ""
        model, count = self.config.model, sum(array.size for array in self.weights.values())
        return (
            f"<ClassifierBundle: {labels}{more}; {model.cell}, {model.units} units, {count:,} "
            "parameters>"
        )

    @cached_property
    def weights_digest(self) -> str:
        """Return the SHA-256 of the weights, which graphs record to prove that they match."""
        return digest(self.weights)

    @property
    def is_multi_label(self) -> bool:
        """Return whether a text has any number of labels, each with its own probability."""
        return self.config.data.multi_label

    @property
    def temperatures(self) -> np.ndarray:
        """Return what the logits of each label are divided by, (K,) float64; ones by default."""
        common = self.metrics.get("calibration", {}).get("temperature", 1.0)
        found = self.metrics.get("temperatures", {})
        return np.array([found.get(label, common) for label in self.labels], dtype=np.float64)

    @property
    def threshold(self) -> float:
        """Return the probability from which labels are predicted, with several per text."""
        return float(self.metrics.get("decoding", {}).get("threshold", 0.5))


def graph_names(model: ClassifierModelConfig) -> list[str]:
    """Return the file names of the graphs of a bundle with these settings."""
    return [TEXTS] if model.input == "one-hot" else [WORDS, TEXTS]


def shapes_of(
    model: ClassifierModelConfig, features: WordFeatures, labels: int
) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the weights of a network with these settings, by name.

    Args:
        model: The settings of the network.
        features: The vocabularies and vectors, which determine the shapes of the inputs.
        labels: The number of labels K.

    Returns:
        The shape of each array by its path in the network, such as ``head/labels/kernel``.
    """
    shapes, width = encoder_shapes(model, features)
    return shapes | head_shapes("labels", model.hidden, width, labels)


def save(folder: str | Path, bundle: ClassifierBundle) -> None:
    """Write a bundle, which replaces an earlier one as a whole or not at all.

    Args:
        folder: The folder.
        bundle: The bundle; its language models are hard-linked where possible.

    Raises:
        TaggerError: A file cannot be written.
    """
    texts = {
        "labels.json": kinds.to_json({"labels": list(bundle.labels)}),
        "README.md": _card(bundle),
    }
    KIND.save(folder, bundle, texts, bundle.features.files(), partial(save_inputs, bundle))


def load(folder: str | Path, *, with_graphs: bool = True) -> ClassifierBundle:
    """Read a bundle, and check its files against the manifest and its weights against its settings.

    Args:
        folder: The folder of the bundle.
        with_graphs: Whether to read the graphs; False in order to create new ones.

    Returns:
        The bundle, migrated to the newest format. Its pretrained vectors are memory-mapped.

    Raises:
        BundleError: The folder is not a classifier, lacks a file, was damaged or changed, or has a
            newer format; or its weights do not fit its settings.
    """
    contents = KIND.read(folder)
    config, labels = contents.config, contents.parsed["labels.json"]
    features, models = load_inputs(contents)
    contents.check_weights(shapes_of(config.model, features, len(labels)))
    return ClassifierBundle(
        config=config,
        labels=labels,
        features=features,
        weights=contents.weights,
        metrics=contents.metrics,
        graphs=contents.graphs(graph_names(config.model) if with_graphs else []),
        language_models=models,
    )


def describe(bundle: ClassifierBundle) -> dict[str, str]:
    """Return the facts about a classifier that `tagger info` shows.

    Args:
        bundle: The classifier.

    Returns:
        Facts in words by topic, in the order in which they are shown: "predicts", "inputs",
        "network", "parameters", "vocabulary", "tokenizer", "trained on", "dev score" and
        "probabilities".
    """
    model, data, metrics = bundle.config.model, bundle.config.data, bundle.metrics
    hidden = f", {' and '.join(map(str, model.hidden))} hidden units" if model.hidden else ""
    dev = ", ".join(
        f"{name.replace('_', ' ')} {value}" for name, value in metrics.get("dev", {}).items()
    )
    kind = "any number of labels per text" if bundle.is_multi_label else "one label per text"
    return {
        "predicts": f"{kind}: {', '.join(bundle.labels)}",
        "inputs": describe_inputs(model, bundle.features),
        "network": f"{describe_layers(model)}, pooling {model.pooling}{hidden}",
        "parameters": f"{sum(array.size for array in bundle.weights.values()):,}",
        "vocabulary": f"{len(bundle.features.words):,}",
        "tokenizer": data.tokenizer,
        "trained on": f"{', '.join(data.train) or data.hub}, {metrics.get('train_texts', 0):,} "
        f"texts, seed {bundle.config.training.seed}",
        "dev score": f"{dev} (epoch {metrics.get('best_epoch')})",
        "probabilities": _probabilities(bundle),
    }


def _probabilities(bundle: ClassifierBundle) -> str:
    """Return how probabilities are calibrated, and what dev shows of it."""
    found = bundle.metrics.get("calibration")
    if found is None:
        return "not calibrated"
    low, high = float(bundle.temperatures.min()), float(bundle.temperatures.max())
    temperatures = f"{low:g}" if low == high else f"{low:g} to {high:g} by label"
    threshold = f"; labels from a probability of {bundle.threshold:g}"
    return (
        f"at temperature {temperatures} (dev, calibrated and not: expected calibration error "
        f"{found['ece']} and {found['ece_before']}, Brier score {found['brier']} and "
        f"{found['brier_before']})" + threshold * bundle.is_multi_label
    )


def _card(bundle: ClassifierBundle) -> str:
    """Return the text of README.md, in Markdown."""
    facts = "\n".join(f"- {topic}: {fact}" for topic, fact in describe(bundle).items())
    return f"""# A text classifier

Trained with `tagger classify train`; `config.toml` contains all settings.

{facts}

Use it with `tagger classify predict THIS_FOLDER FILE`, or
`tagger.classification.load(folder).classify(text)` in Python.
Expect lower scores than those above on text that differs from the training data.
"""
