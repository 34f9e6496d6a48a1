"""The bundle of a language model: a folder of plain data, read without executing anything.

    manifest.json     format version, kind, and size and SHA-256 of every other file
    config.toml       all settings of the training
    vocabulary.json   words or characters by id, from 2, with counts; 0 is <EOS>, 1 is <UNK>
    labels.json       labels by id, from V, with their numbers of texts; of a conditional model only
    weights.npz       float32 arrays by their path in the network (NumPy's format, no pickle)
    *.onnx            the network up to its softmax: see `tagger.export.language_model`
    metrics.json      the dev scores
    README.md         a model card

`tagger.bundles.migrations` defines how the format may change.
"""

from __future__ import annotations

import hashlib
import json
import shlex
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from tagger.bundles import folder as folders
from tagger.bundles import kinds, migrations
from tagger.bundles.kinds import Kind
from tagger.bundles.weights import digest
from tagger.cells import CELLS, recurrent_shapes
from tagger.config.language_model import LanguageModelConfig, LanguageModelNetworkConfig
from tagger.features.text_labels import TextLabels
from tagger.features.vocabulary import Vocabulary

__all__ = [
    "GRAPH_FLOAT32",
    "GRAPH_INT8",
    "KIND",
    "LanguageModelBundle",
    "describe",
    "graph_names",
    "load",
    "save",
    "shapes_of",
]

GRAPH_FLOAT32, GRAPH_INT8 = "activations.onnx", "activations.int8.onnx"
LABELS = "labels.json"
_FILES = (
    "config.toml",
    "vocabulary.json",
    LABELS,
    "weights.npz",
    "metrics.json",
    "README.md",
    GRAPH_FLOAT32,
    GRAPH_INT8,
)


KIND = Kind(
    name=kinds.LANGUAGE_MODEL,
    settings=LanguageModelConfig,
    format=1,
    migrations=migrations.LANGUAGE_MODEL,
    graphs=(GRAPH_FLOAT32, GRAPH_INT8),
    optional=(LABELS,),
    scores={"dev": ()},
)
"""The kind of a language model's bundle."""


def graph_names(model: LanguageModelNetworkConfig, *, is_conditional: bool = False) -> list[str]:
    """Return the file names of the graphs of a bundle.

    Args:
        model: The settings of the network.
        is_conditional: Whether the model has labels. It then has no int8 graph, which serves
            hidden states at tokens only.
    """
    has_int8 = CELLS[model.cell].has_int8 and not is_conditional
    return [GRAPH_FLOAT32, *([GRAPH_INT8] if has_int8 else [])]


@dataclass(frozen=True)
class LanguageModelBundle:
    """A trained language model as plain data.

    Attributes:
        config: All settings.
        vocabulary: Words or characters by id.
        weights: float32 arrays by their path in the network; see `shapes_of`.
        metrics: The contents of metrics.json.
        graphs: The serialized graphs of `tagger.export.language_model` by file name. They must have
            been created from ``weights``; others are rejected on use. They are only missing in a
            bundle that is not yet complete.
        labels: The labels of a conditional model, whose x^<1> is the vector of a label; empty for
            others.
        folder: The folder that the bundle was read from, None if it was built in memory.
    """

    config: LanguageModelConfig
    vocabulary: Vocabulary
    weights: dict[str, np.ndarray]
    metrics: dict[str, Any]
    graphs: dict[str, bytes] = field(default_factory=dict, repr=False)
    labels: TextLabels = field(default_factory=TextLabels)
    folder: Path | None = field(default=None, compare=False)

    @property
    def units(self) -> int:
        """Return the width of the states: the units U of the last layer."""
        return self.config.model.units

    def __repr__(self) -> str:
        model, count = self.config.model, sum(array.size for array in self.weights.values())
        condition = f", conditional on {self.labels.summary()}" if self.labels else ""
        return (
            f"<LanguageModelBundle: {model.direction}, {model.level}, {model.cell}, {model.units} "
            f"units, {count:,} parameters{condition}>"
        )

    @cached_property
    def weights_digest(self) -> str:
        """Return the SHA-256 of the weights, which graphs record to prove that they match."""
        return digest(self.weights)

    @cached_property
    def digest(self) -> str:
        """Return a SHA-256 that identifies the model by the states and probabilities it computes.

        It covers weights, cell, vocabulary, labels, level and direction. It does not depend on the
        bundle's format, its graphs, or the counts of the vocabulary and of labels.
        """
        model = self.config.model
        facts = [
            self.weights_digest,
            model.cell,
            model.level,
            model.direction,
            self.vocabulary.words,
            *([self.labels.names] if self.labels else []),
        ]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def save(folder: str | Path, bundle: LanguageModelBundle) -> None:
    """Write a bundle, which replaces an earlier one as a whole or not at all.

    Args:
        folder: The folder.
        bundle: The bundle.

    Raises:
        TaggerError: A file cannot be written.
    """
    texts = {"vocabulary.json": bundle.vocabulary.to_json(), "README.md": _card(bundle)}
    if bundle.labels:
        texts[LABELS] = bundle.labels.to_json()
    KIND.save(folder, bundle, texts)


def save_linked(folder: Path, bundle: LanguageModelBundle) -> None:
    """Write a bundle into a subfolder of another model, as hard links where the disk supports them.

    With links, any number of taggers share one copy of a language model, and a copy of a tagger's
    folder is still complete.

    Args:
        folder: The subfolder.
        bundle: The bundle; its files are linked to if it was read from a folder.

    Raises:
        TaggerError: A file cannot be written.
    """
    if bundle.folder is None or not folders.hard_link_bundle(bundle.folder, folder, _FILES):
        save(folder, bundle)


def load(folder: str | Path, *, with_graphs: bool = True) -> LanguageModelBundle:
    """Read a bundle, and check its files against the manifest and its weights against its settings.

    Args:
        folder: The folder of the bundle.
        with_graphs: Whether to read the graphs; False in order to create new ones.

    Returns:
        The bundle, migrated to the newest format.

    Raises:
        BundleError: The folder is not a language model, lacks a file, was damaged or changed, or
            has a newer format; or its weights do not fit its settings.
    """
    contents = KIND.read(folder)
    model = contents.config.model
    vocabulary = contents.files.parsed("vocabulary.json", Vocabulary.from_json)
    labels = TextLabels()
    if LABELS in contents.files.listed:
        labels = contents.files.parsed(LABELS, TextLabels.from_json)
    contents.check_weights(shapes_of(model, len(vocabulary), len(labels)))
    names = graph_names(model, is_conditional=bool(labels)) if with_graphs else []
    return LanguageModelBundle(
        contents.config,
        vocabulary,
        contents.weights,
        contents.metrics,
        contents.graphs(names),
        labels,
        contents.folder,
    )


def shapes_of(
    model: LanguageModelNetworkConfig, vocabulary_size: int, labels: int = 0
) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the weights of a network with these settings, by name.

    Args:
        model: The settings of the network.
        vocabulary_size: The number of ids V, <EOS> and <UNK> included.
        labels: The number of labels L of a conditional model, whose inputs have V + L ids.

    Returns:
        The shape of each array by its path in the network, such as ``encoder/forward_1/kernel``.
    """
    shapes: dict[str, tuple[int, ...]] = {}
    if model.embedding:
        shapes["embedding/embeddings"] = (vocabulary_size + labels, model.embedding)
    for depth in range(model.layers):
        width = model.units if depth else model.embedding or vocabulary_size + labels
        shapes |= recurrent_shapes(f"encoder/forward_{depth + 1}", model.cell, width, model.units)
    if not model.tied:
        shapes["softmax/kernel"] = (model.units, vocabulary_size)
    return {**shapes, "softmax/bias": (vocabulary_size,)}


def describe(bundle: LanguageModelBundle) -> dict[str, str]:
    """Return the facts about a language model that `tagger info` shows.

    Args:
        bundle: The language model.

    Returns:
        Facts in words by topic, in the order in which they are shown: "predicts", "conditional on"
        (of conditional models only), "network", "parameters", "vocabulary", "tokenizer", "trained
        on" and "dev score".
    """
    model, data, dev = bundle.config.model, bundle.config.data, bundle.metrics.get("dev", {})
    inputs = f"embedding of {model.embedding}" if model.embedding else "one-hot"
    return {
        "predicts": f"{model.level}, "
        f"{'from the end of a text backward' if model.direction == 'backward' else 'forward'}",
        **({"conditional on": bundle.labels.summary()} if bundle.labels else {}),
        "network": f"{inputs}, {model.cell}, {model.layers} x {model.units} units, "
        f"softmax{' (tied)' if model.tied else ''}",
        "parameters": f"{sum(array.size for array in bundle.weights.values()):,}",
        "vocabulary": f"{len(bundle.vocabulary):,} {model.level}, <EOS> and <UNK> included",
        "tokenizer": data.tokenizer,
        "trained on": str(
            bundle.metrics.get("source")
            or f"{', '.join(data.train)}, seed {bundle.config.training.seed}"
        ),
        "dev score": ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in dev.items())
        or "not measured",
    }


def _card(bundle: LanguageModelBundle) -> str:
    """Return the text of README.md, in Markdown."""
    facts = "\n".join(f"- {topic}: {fact}" for topic, fact in describe(bundle).items())
    return f"""# A language model

`config.toml` contains all settings.

{facts}

{_usage(bundle)}
Expect a higher perplexity than that above on text that differs from the training data.
"""


def _usage(bundle: LanguageModelBundle) -> str:
    """Return the commands that use a model, in Markdown."""
    if not bundle.labels:
        return "Use it with `tagger lm score THIS_FOLDER FILE` and `tagger lm sample THIS_FOLDER`."
    label = f"--label {shlex.quote(bundle.labels.names[0])}"
    return (
        f"Use it with `tagger lm score THIS_FOLDER FILE {label}`,\n"
        f"`tagger lm sample THIS_FOLDER {label}` and `tagger lm evaluate THIS_FOLDER FILE`."
    )
