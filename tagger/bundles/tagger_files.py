"""The folder on disk that is a trained model: a public format without code, read without executing
anything.

    manifest.json          format version, and size and SHA-256 of every other file
    config.toml            all settings of the training
    tags.json              the tags by number, the scheme of the user's corpus
    vocabulary/words.json  tokens by id, with counts; characters.json likewise, if it has characters
    vectors/               pretrained vectors, if any: words.txt, one word per line; table.npy,
                           their vectors in float16; index.npy, which finds a word in words.txt
    weights.npz            float32 arrays by their path in the network (NumPy's format, no pickle)
    *.onnx                 the network as graphs that run without Keras: see `tagger.export.tagger`
    language_models/       a folder for each language model that the tagger reads with, 1, 2, ...
                           (`tagger.bundles.language_model`), hard links where the disk has them
    metrics.json           what was measured on dev
    README.md              a model card

Other files of a training (history, checkpoints) may lie beside them and are no part of the model.
`tagger.bundles.migrations` says how the format may change.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from tagger.bundles import folder as folders
from tagger.bundles import language_model as language_models
from tagger.bundles import migrations
from tagger.bundles.card import card
from tagger.bundles.folder import MANIFEST
from tagger.bundles.language_model import Bundle as LanguageModel
from tagger.bundles.tagger import INT8, SENTENCES, WORDS, Bundle, graph_names
from tagger.bundles.tagger_weights import check
from tagger.config import tagger as configuration
from tagger.config.reference import commented_toml
from tagger.config.tagger import Config
from tagger.errors import BundleError
from tagger.features.encode import WordFeatures
from tagger.features.inputs import INPUTS
from tagger.features.inputs.base import Sources
from tagger.files import atomic_write
from tagger.text import schemes

__all__ = ["FORMAT", "GRAPHS", "load", "save", "sources_of"]

FORMAT = 1
_MODELS = "language_models"
GRAPHS = (WORDS, SENTENCES, INT8)
_AGREEMENT = ("weight", "score", "without")
_FILES = (
    "config.toml",
    "tags.json",
    "weights.npz",
    "metrics.json",
    "README.md",
)


def save(folder: str | Path, bundle: Bundle) -> None:
    """Write a bundle. The manifest comes last: a folder without one is no model yet.

    Raises:
        TaggerError: the disk does not let it be written.
    """
    folder = Path(folder)
    (folder / MANIFEST).unlink(missing_ok=True)
    contents = _contents(bundle)
    for name, content in contents.items():
        with atomic_write(folder / name, "wb") as stream:
            stream.write(content)
    names = list(contents)
    for number, model in enumerate(bundle.language_models, 1):
        language_models.save_linked(folder / _MODELS / str(number), model)
        names.append(f"{_MODELS}/{number}/{MANIFEST}")
    for one in bundle.features.inputs.values():
        names += one.save(folder)
    for name in {*GRAPHS} - {*names}:
        (folder / name).unlink(missing_ok=True)  # those of other weights must not lie beside these
    with atomic_write(folder / MANIFEST) as stream:
        stream.write(
            _json(
                {
                    "format": FORMAT,
                    "files": {name: folders.manifest_entry(folder / name) for name in names},
                }
            )
        )


def _contents(bundle: Bundle) -> dict[str, bytes]:
    texts = {
        "config.toml": commented_toml(bundle.config),
        "tags.json": _json({"scheme": bundle.scheme, "tags": list(bundle.tags)}),
        "metrics.json": _json(bundle.metrics),
        "README.md": card(bundle),
    }
    contents = {name: text.encode() for name, text in texts.items()}
    for one in bundle.features.inputs.values():
        contents |= one.files()
    return {**contents, "weights.npz": folders.to_npz(bundle.weights), **bundle.graphs}


def _json(data: Any) -> str:
    return json.dumps(data, indent=1, ensure_ascii=False) + "\n"


def load(folder: str | Path, *, with_graphs: bool = True) -> Bundle:
    """Read a bundle, check every byte of it against the manifest, and its weights against its
    settings.

    Args:
        folder: The folder of the bundle.
        with_graphs: Whether its graphs are read; they are left out to make new ones.

    Raises:
        BundleError: The folder is no bundle, lacks a file, was damaged or changed, or has a newer
            format; or its weights do not fit its settings.
    """
    folder = Path(folder)
    manifest = _manifest(folder)
    version = migrations.version_of(manifest, folder / MANIFEST, FORMAT)
    files = {name: folders.read_verified(folder, name, manifest["files"]) for name in _FILES}

    def parsed(name: str, parse: Callable[[Any], Any], content: Any) -> Any:
        return folders.parse(folder / name, parse, content)

    contents: migrations.Contents = {
        "config.toml": parsed("config.toml", _toml, files["config.toml"]),
        "tags.json": parsed("tags.json", json.loads, files["tags.json"]),
        "metrics.json": parsed("metrics.json", json.loads, files["metrics.json"]),
        "weights.npz": folders.from_npz(files["weights.npz"], folder / "weights.npz"),
    }
    migrate = partial(migrations.migrate, version=version, newest=FORMAT, table=migrations.TAGGER)
    contents = folders.parse(folder, migrate, contents)
    config = parsed("config.toml", _config, contents["config.toml"])
    tags, scheme = parsed("tags.json", _tags, contents["tags.json"])
    names = graph_names(config.model) if with_graphs else []
    models = _language_models(folder, manifest, len(config.data.language_models))
    features = _features(config, _Files(folder, manifest["files"]), sources_of(models))
    bundle = Bundle(
        config=config,
        tags=tags,
        scheme=scheme,
        features=features,
        weights=contents["weights.npz"],
        metrics=parsed("metrics.json", _metrics, contents["metrics.json"]),
        graphs=folders.graphs(folder, names, manifest["files"]),
        language_models=models,
    )
    check(bundle, folder / "weights.npz")
    return bundle


def _language_models(
    folder: Path, manifest: dict[str, Any], count: int
) -> tuple[LanguageModel, ...]:
    """Those that the tagger reads with. The tagger's manifest knows theirs, which know all the
    rest.
    """
    for number in range(1, count + 1):
        folders.read_verified(folder, f"{_MODELS}/{number}/{MANIFEST}", manifest["files"])
    return tuple(
        language_models.load(folder / _MODELS / str(number)) for number in range(1, count + 1)
    )


def _toml(data: bytes) -> dict[str, Any]:
    return tomllib.loads(data.decode())


def _config(data: Any) -> Config:
    return configuration.from_dict(data, "config.toml")


class _Files:
    """The files of a bundle for its inputs; errors are those of `folder.checked` and
    `folder.understood`.
    """

    def __init__(self, folder: Path, listed: dict[str, Any]) -> None:
        self.folder = folder
        self.listed = listed

    def parsed(self, name: str, parse: Callable[[str], Any]) -> Any:
        content = folders.read_verified(self.folder, name, self.listed)
        return folders.parse(self.folder / name, lambda data: parse(data.decode()), content)

    def path(self, name: str) -> Path:
        folders.read_verified(self.folder, name, self.listed, content=False)
        return self.folder / name


def _features(config: Config, files: _Files, sources: Sources) -> WordFeatures:
    names = ["words"] if config.model.input == "one-hot" else list(INPUTS)
    settings = asdict(config)
    found = [INPUTS[name].load(settings, files, sources) for name in names]
    return WordFeatures.of(*(one for one in found if one is not None))


def sources_of(models: Sequence[LanguageModel]) -> list[tuple[str, int]]:
    """Return of each language model a description and the number of its states."""
    return [(f"{one.config.model.direction} {one.config.model.level}", one.units) for one in models]


def _tags(data: Any) -> tuple[tuple[str, ...], str]:
    """Return the tags by id and the corpus' scheme."""
    tags, scheme = tuple(data["tags"]), data["scheme"]
    if scheme not in (*schemes.SCHEMES, schemes.PLAIN):
        raise ValueError(f"unknown scheme {scheme!r}")
    if (
        not tags
        or len(set(tags)) != len(tags)
        or not all(isinstance(tag, str) and tag for tag in tags)
    ):
        raise ValueError("expected tags that differ, at least one")
    if scheme != schemes.PLAIN and tags != schemes.tag_set(
        (schemes.split(tag)[1] for tag in tags[1:]), "IOBES"
    ):
        raise ValueError("expected O, then label by label the tags of IOBES")
    return tags, scheme


def _metrics(metrics: Any) -> dict[str, Any]:
    if not isinstance(metrics, dict) or not isinstance(metrics.get("dev", {}), dict):
        raise ValueError('expected an object, in it an object "dev"')
    if type(metrics.get("train_sentences", 0)) is not int:
        raise ValueError('expected a whole number of "train_sentences"')
    agreement = metrics.get("agreement", dict.fromkeys(_AGREEMENT, 0))
    if not isinstance(agreement, dict) or not all(
        isinstance(agreement.get(name), int | float) for name in _AGREEMENT
    ):
        raise ValueError('expected numbers "weight", "score" and "without" in "agreement"')
    if metrics.get("precision", "float32") not in ("float32", "int8"):
        raise ValueError('expected float32 or int8 as "precision"')
    return metrics


def _manifest(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    if not path.is_file():
        hint = (
            "its training has not ended; go on with: tagger train --resume"
            if (folder / "checkpoint").is_dir()
            else ""
        )
        raise BundleError(f"{folder}: {hint or f'not a trained model: there is no {MANIFEST}'}")
    manifest = folders.manifest(folder)
    if manifest.get("kind") == language_models.KIND:
        raise BundleError(
            f"{folder}: is a language model, no tagger; tagger lm uses it, or tagger train "
            "--language-model"
        )
    return manifest
