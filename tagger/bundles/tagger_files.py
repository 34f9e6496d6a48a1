"""The bundle of a tagger: a folder in a public format, read without executing anything.

    manifest.json          format version, and size and SHA-256 of every other file
    config.toml            all settings of the training
    tags.json              the tags by id, and the tagging scheme of the training corpus
    vocabulary/words.json  tokens by id, with counts; characters.json likewise, if it has characters
    vectors/               pretrained vectors, if any: words.txt, one word per line; table.npy,
                           their vectors in float16; index.npy, the lookup index of words.txt
    weights.npz            float32 arrays by their path in the network (NumPy's format, no pickle)
    *.onnx                 the network as graphs that run without Keras: see `tagger.export.tagger`
    language_models/       one folder per language model of the tagger, 1, 2, ... (see
                           `tagger.bundles.language_model`), hard links where the disk allows
    metrics.json           the dev scores
    README.md              a model card

Other files of a training (history, checkpoints) may be in the folder and are not part of the model.
`tagger.bundles.migrations` defines how the format may change.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from tagger.bundles import folder as folders
from tagger.bundles import language_model as language_models
from tagger.bundles import metrics, migrations
from tagger.bundles.card import card
from tagger.bundles.folder import MANIFEST
from tagger.bundles.language_model import LanguageModelBundle
from tagger.bundles.npz import from_npz, to_npz
from tagger.bundles.tagger import INT8, SENTENCES, WORDS, Bundle, graph_names
from tagger.bundles.tagger_weights import check
from tagger.config import tagger as configuration
from tagger.config import toml
from tagger.config.reference import commented_toml
from tagger.config.tagger import Config
from tagger.errors import BundleError
from tagger.features.encode import WordFeatures
from tagger.features.inputs import INPUTS
from tagger.features.inputs.base import Sources
from tagger.text import schemes

__all__ = ["FORMAT", "GRAPHS", "load", "save", "sources_of"]

FORMAT = 1
_MODELS = "language_models"
_MOST_TAGS = 10_000  # the decoder needs memory for all pairs
GRAPHS = (WORDS, SENTENCES, INT8)
_SCORES = {
    "dev": (),
    "agreement": ("weight", "score", "without"),
    "calibration": ("temperature", "spans", "ece", "ece_before", "brier", "brier_before"),
    "decoding": ("threshold", "score", "without"),
    "int8": ("score", "float32"),
}
_FILES = (
    "config.toml",
    "tags.json",
    "weights.npz",
    "metrics.json",
    "README.md",
)


def save(folder: str | Path, bundle: Bundle) -> None:
    """Write a bundle, which replaces an earlier one as a whole or not at all.

    Args:
        folder: The folder.
        bundle: The bundle; its language models are hard-linked where possible.

    Raises:
        TaggerError: A file cannot be written.
    """

    def fill(temporary: Path) -> list[str]:
        names = []
        for number, model in enumerate(bundle.language_models, 1):
            language_models.save_linked(temporary / _MODELS / str(number), model)
            names.append(f"{_MODELS}/{number}/{MANIFEST}")
        for one in bundle.features.inputs.values():
            names += one.save(temporary)
        return names

    contents = _contents(bundle)
    # Graphs of earlier weights must not remain in the folder.
    obsolete = {*GRAPHS} - {*contents}
    folders.save(Path(folder), contents, {"format": FORMAT}, fill=fill, obsolete=sorted(obsolete))


def _contents(bundle: Bundle) -> dict[str, bytes]:
    """Return the bytes of the files by name, except for language models and vectors."""
    texts = {
        "config.toml": commented_toml(bundle.config),
        "tags.json": _json({"scheme": bundle.scheme, "tags": list(bundle.tags)}),
        "metrics.json": _json(bundle.metrics),
        "README.md": card(bundle),
    }
    contents = {name: text.encode() for name, text in texts.items()}
    for one in bundle.features.inputs.values():
        contents |= one.files()
    return {**contents, "weights.npz": to_npz(bundle.weights), **bundle.graphs}


def _json(data: Any) -> str:
    """Return data as the text of a JSON file."""
    return json.dumps(data, indent=1, ensure_ascii=False) + "\n"


def load(folder: str | Path, *, with_graphs: bool = True) -> Bundle:
    """Read a bundle, and check its files against the manifest and its weights against its settings.

    Args:
        folder: The folder of the bundle.
        with_graphs: Whether to read the graphs; False in order to create new ones.

    Returns:
        The bundle, migrated to the newest format. Its pretrained vectors are memory-mapped.

    Raises:
        BundleError: The folder is not a tagger, lacks a file, was damaged or changed, or has a
            newer format; or its weights do not fit its settings.
    """
    folder = Path(folder)
    manifest = _manifest(folder)
    version = migrations.version_of(manifest, folder / MANIFEST, FORMAT)
    files = {name: folders.read_verified(folder, name, manifest["files"]) for name in _FILES}

    def parsed(name: str, parse: Callable[[Any], Any], content: Any) -> Any:
        return folders.parse(folder / name, parse, content)

    contents: migrations.Contents = {
        "config.toml": parsed("config.toml", _toml, files["config.toml"]),
        "tags.json": parsed("tags.json", folders.parse_json, files["tags.json"]),
        "metrics.json": parsed("metrics.json", folders.parse_json, files["metrics.json"]),
        "weights.npz": from_npz(files["weights.npz"], folder / "weights.npz"),
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
        metrics=parsed(
            "metrics.json", partial(metrics.checked, scores=_SCORES), contents["metrics.json"]
        ),
        graphs=folders.graphs(folder, names, manifest["files"]),
        language_models=models,
    )
    check(bundle, folder / "weights.npz")
    return bundle


def _language_models(
    folder: Path, manifest: dict[str, Any], count: int
) -> tuple[LanguageModelBundle, ...]:
    """Read the language models of a tagger from its subfolders.

    The tagger's manifest lists their manifests, and each of these lists the files of its folder.
    """
    for number in range(1, count + 1):
        folders.read_verified(folder, f"{_MODELS}/{number}/{MANIFEST}", manifest["files"])
    return tuple(
        language_models.load(folder / _MODELS / str(number)) for number in range(1, count + 1)
    )


def _toml(data: bytes) -> dict[str, Any]:
    """Return the parsed content of a TOML file."""
    return toml.parse(data.decode())


def _config(data: Any) -> Config:
    """Return the checked settings of a parsed config.toml."""
    return configuration.from_dict(data, "config.toml")


class _Files:
    """The files of a bundle as its inputs read them.

    Raises:
        BundleError: As `folder.read_verified` and `folder.parse`.
    """

    def __init__(self, folder: Path, listed: dict[str, Any]) -> None:
        self.folder = folder
        self.listed = listed

    def parsed(self, name: str, parse: Callable[[str], Any]) -> Any:
        """Return the result of `parse` for the text of a file."""
        content = folders.read_verified(self.folder, name, self.listed)
        return folders.parse(self.folder / name, lambda data: parse(data.decode()), content)

    def path(self, name: str) -> Path:
        """Return the path of a file after checking it in blocks."""
        folders.read_verified(self.folder, name, self.listed, content=False)
        return self.folder / name


def _features(config: Config, files: _Files, sources: Sources) -> WordFeatures:
    """Read the vocabularies and vectors of the inputs that the settings ask for."""
    names = ["words"] if config.model.input == "one-hot" else list(INPUTS)
    settings = asdict(config)
    inputs = [
        folders.parse(files.folder, lambda name: INPUTS[name].load(settings, files, sources), name)
        for name in names
    ]
    return WordFeatures.of(
        *(one for one in inputs if one is not None), unescapes=config.data.unescape
    )


def sources_of(models: Sequence[LanguageModelBundle]) -> list[tuple[str, int]]:
    """Return the description of each language model, such as "forward characters", and its width.

    The width is the number of units of its states, U.
    """
    return [(f"{one.config.model.direction} {one.config.model.level}", one.units) for one in models]


def _tags(data: Any) -> tuple[tuple[str, ...], str]:
    """Return the tags by id and the tagging scheme of a parsed tags.json, after a check."""
    tags, scheme = tuple(data["tags"]), data["scheme"]
    if not isinstance(scheme, str) or scheme not in (*schemes.SCHEMES, schemes.PLAIN):
        raise ValueError(f"unknown scheme {scheme!r}")
    if len(tags) > _MOST_TAGS:
        raise ValueError(f"has {len(tags):,} tags; expected at most {_MOST_TAGS:,}")
    if (
        not tags
        or len(set(tags)) != len(tags)
        or not all(isinstance(tag, str) and tag for tag in tags)
    ):
        raise ValueError("expected at least one tag, and no tag twice")
    if scheme != schemes.PLAIN and tags != schemes.tag_set(
        (schemes.split(tag)[1] for tag in tags[1:]), "IOBES"
    ):
        raise ValueError("expected the tags of IOBES: O, then those of each label in turn")
    return tags, scheme


def _manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of a tagger; raise BundleError if the folder is not a tagger."""
    path = folder / MANIFEST
    if not path.is_file():
        hint = (
            "its training has not finished; continue it with: tagger train --resume"
            if (folder / "checkpoint").is_dir()
            else ""
        )
        raise BundleError(f"{folder}: {hint or f'not a trained model: there is no {MANIFEST}'}")
    manifest = folders.manifest(folder)
    if manifest.get("kind") == language_models.KIND:
        raise BundleError(
            f"{folder}: a language model, not a tagger; use it with tagger lm, or train a tagger "
            "with it: tagger train --language-model"
        )
    return manifest
