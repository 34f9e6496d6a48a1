"""The folder on disk that is a trained language model: plain data, read without executing anything.

manifest.json     format version, kind, and size and SHA-256 of every other file
config.toml       all settings of the training
vocabulary.json   words or characters by id, from 2, with counts; 0 is <EOS>, 1 is <UNK>
weights.npz       float32 arrays by their path in the network (NumPy's format, no pickle)
*.onnx            the network up to its softmax: see `tagger.export.language_model`
metrics.json      what was measured on dev
README.md         a model card

`tagger.bundles.migrations` says how the format may change.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np

from tagger.bundles import folder as folders
from tagger.bundles import migrations
from tagger.bundles.folder import MANIFEST
from tagger.bundles.weights import describe_mismatch, digest
from tagger.cells import CELLS, recurrent_shapes
from tagger.config import language_model as configuration
from tagger.config.language_model import Config, ModelConfig
from tagger.config.reference import commented_toml
from tagger.errors import BundleError
from tagger.features.vocabulary import Vocabulary

__all__ = [
    "FORMAT",
    "GRAPH_FLOAT32",
    "GRAPH_INT8",
    "KIND",
    "Bundle",
    "describe",
    "graph_names",
    "is_language_model",
    "load",
    "save",
    "shapes_of",
]

FORMAT = 1
KIND = "language model"
GRAPH_FLOAT32, GRAPH_INT8 = "activations.onnx", "activations.int8.onnx"


def graph_names(model: ModelConfig) -> list[str]:
    """Return the names of the graphs that a bundle with these settings has."""
    return [GRAPH_FLOAT32, *([GRAPH_INT8] if CELLS[model.cell].has_int8 else [])]


@dataclass(frozen=True)
class Bundle:
    """A trained language model as plain data.

    ``graphs`` are the files of `tagger.export.language_model`, made of ``weights``: with others
    they are refused when they are used. They are only missing in a bundle that is not yet complete.
    ``folder`` is where it was read from.
    """

    config: Config
    vocabulary: Vocabulary
    weights: dict[str, np.ndarray]
    metrics: dict[str, Any]
    graphs: dict[str, bytes] = field(default_factory=dict, repr=False)
    folder: Path | None = field(default=None, compare=False)

    @property
    def units(self) -> int:
        """How many numbers it knows at each place of a text: those of its last layer's
        activation.
        """
        return self.config.model.units

    @cached_property
    def weights_digest(self) -> str:
        """SHA-256 of the weights, by which the graphs are known to be made of them."""
        return digest(self.weights)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of what decides which states and probabilities a text has: weights, cell,
        vocabulary, level and direction.

        It does not depend on the bundle's format, on its graphs, or on how often the vocabulary was
        seen.
        """
        model = self.config.model
        facts = [
            self.weights_digest,
            model.cell,
            model.level,
            model.direction,
            self.vocabulary.words,
        ]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def save(folder: str | Path, bundle: Bundle) -> None:
    """Write a bundle, the manifest last.

    Raises:
        TaggerError: the disk does not let it be written.
    """
    texts = {
        "config.toml": commented_toml(bundle.config),
        "vocabulary.json": bundle.vocabulary.to_json(),
        "metrics.json": json.dumps(bundle.metrics, indent=1, ensure_ascii=False) + "\n",
        "README.md": _card(bundle),
    }
    contents = {name: text.encode() for name, text in texts.items()}
    contents |= {"weights.npz": folders.to_npz(bundle.weights), **bundle.graphs}
    folders.save(Path(folder), contents, {"format": FORMAT, "kind": KIND})
    for name in {GRAPH_FLOAT32, GRAPH_INT8} - {*bundle.graphs}:
        (Path(folder) / name).unlink(
            missing_ok=True
        )  # those of other weights must not lie beside these


def is_language_model(folder: str | Path) -> bool:
    """Whether a folder says that it is a language model, whole or not."""
    try:
        return bool(folders.manifest(Path(folder)).get("kind") == KIND)
    except BundleError:
        return False


def save_linked(folder: Path, bundle: Bundle) -> None:
    """Write a bundle into a folder of its own within another model's. Where the disk can, its files
    are links to those that it was read from: any number of taggers then share one copy, and a copy
    of the tagger's folder is whole all the same.

    Raises:
        TaggerError: the disk does not let it be written.
    """
    if bundle.folder is None or not folders.hard_link_bundle(bundle.folder, folder):
        save(folder, bundle)


def load(folder: str | Path, *, with_graphs: bool = True) -> Bundle:
    """Read a bundle, check every byte of it against the manifest, and its weights against its
    settings.

    Args:
        folder: The folder of the bundle.
        with_graphs: Whether its graphs are read; they are left out to make new ones.

    Raises:
        BundleError: The folder is no language model, lacks a file, was damaged or changed, or has a
            newer format; or its weights do not fit its settings.
    """
    folder = Path(folder)
    manifest = folders.manifest(folder)
    if manifest.get("kind") != KIND:
        raise BundleError(
            f"{folder}: is no language model; tagger lm train makes one, and tagger lm import "
            "reads others'"
        )
    version = migrations.version_of(manifest, folder / MANIFEST, FORMAT)

    def content(name: str) -> bytes:
        return folders.read_verified(folder, name, manifest["files"])

    def parsed(name: str, parse: Callable[[Any], Any], data: Any) -> Any:
        return folders.parse(folder / name, parse, data)

    toml = parsed("config.toml", lambda data: tomllib.loads(data.decode()), content("config.toml"))
    contents: migrations.Contents = {
        "config.toml": toml,
        "metrics.json": parsed("metrics.json", json.loads, content("metrics.json")),
        "weights.npz": folders.from_npz(content("weights.npz"), folder / "weights.npz"),
    }
    migrate = partial(
        migrations.migrate, version=version, newest=FORMAT, table=migrations.LANGUAGE_MODEL
    )
    contents = folders.parse(folder, migrate, contents)
    config = parsed(
        "config.toml",
        lambda data: configuration.from_dict(data, "config.toml"),
        contents["config.toml"],
    )
    vocabulary = parsed("vocabulary.json", Vocabulary.from_json, content("vocabulary.json"))
    _fit(contents["weights.npz"], config.model, len(vocabulary), folder)
    metrics = parsed("metrics.json", _metrics, contents["metrics.json"])
    names = graph_names(config.model) if with_graphs else []
    graphs = folders.graphs(folder, names, manifest["files"])
    return Bundle(config, vocabulary, contents["weights.npz"], metrics, graphs, folder)


def shapes_of(model: ModelConfig, vocabulary_size: int) -> dict[str, tuple[int, ...]]:
    """The weights that such a network has: their shapes by name."""
    shapes: dict[str, tuple[int, ...]] = {}
    if model.embedding:
        shapes["embedding/embeddings"] = (vocabulary_size, model.embedding)
    for depth in range(model.layers):
        width = model.units if depth else model.embedding or vocabulary_size
        shapes |= recurrent_shapes(f"encoder/forward_{depth + 1}", model.cell, width, model.units)
    if not model.tied:
        shapes["softmax/kernel"] = (model.units, vocabulary_size)
    return {**shapes, "softmax/bias": (vocabulary_size,)}


def _fit(
    weights: dict[str, np.ndarray], model: ModelConfig, vocabulary_size: int, folder: Path
) -> None:
    if wrong := describe_mismatch(weights, shapes_of(model, vocabulary_size)):
        path = folder / "weights.npz"
        raise BundleError(
            f"{path}: does not fit config.toml and the vocabulary: {wrong}; copy the whole folder "
            "again"
        )


def _metrics(metrics: Any) -> dict[str, Any]:
    if not isinstance(metrics, dict) or not isinstance(metrics.get("dev", {}), dict):
        raise ValueError('expected an object, in it an object "dev"')
    return metrics


def describe(bundle: Bundle) -> dict[str, str]:
    """What a reader wants to know of a model, by topic, in words."""
    model, data, dev = bundle.config.model, bundle.config.data, bundle.metrics.get("dev", {})
    inputs = f"embedding of {model.embedding}" if model.embedding else "one-hot"
    return {
        "predicts": f"{model.level}, "
        f"{'from the end of a text backwards' if model.direction == 'backward' else 'forwards'}",
        "network": f"{inputs}, {model.cell}, {model.layers} x {model.units} units, "
        f"softmax{' (tied)' if model.tied else ''}",
        "parameters": f"{sum(array.size for array in bundle.weights.values()):,}",
        "vocabulary": f"{len(bundle.vocabulary):,} {model.level}, <EOS> and <UNK> included",
        "tokenizer": data.tokenizer,
        "trained on": str(
            bundle.metrics.get("source")
            or f"{', '.join(data.train)}, seed {bundle.config.training.seed}"
        ),
        "on dev": ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in dev.items())
        or "not measured",
    }


def _card(bundle: Bundle) -> str:
    facts = "\n".join(f"- {topic}: {fact}" for topic, fact in describe(bundle).items())
    return f"""# A language model

`config.toml` holds every setting.

{facts}

Use it with `tagger lm score THIS_FOLDER FILE` and `tagger lm sample THIS_FOLDER`.
Text of another kind than the training data will be less probable than the figures above say.
"""
