"""Kinds of bundles: what the folders of all kinds of models have in common, and how they differ.

Every bundle contains config.toml, metrics.json, weights.npz, README.md and a manifest, usually
ONNX graphs, and further files of its kind.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Generic, NoReturn, Protocol, TypeVar

from tagger.bundles import folder as folders
from tagger.bundles import metrics, migrations
from tagger.bundles.folder import MANIFEST
from tagger.bundles.npz import from_npz, to_npz
from tagger.bundles.weights import Weights, describe_mismatch
from tagger.config import schema, toml
from tagger.config.reference import commented_toml
from tagger.errors import BundleError

__all__ = [
    "CLASSIFIER",
    "LANGUAGE_MODEL",
    "SEQ2SEQ",
    "TAGGER",
    "Contents",
    "Kind",
    "kind_name_of",
    "noun_of",
]

TAGGER, LANGUAGE_MODEL = "", "language model"
CLASSIFIER, SEQ2SEQ = "classifier", "sequence to sequence"
"""The names of the kinds in manifests; that of a tagger, which came first, is left out there."""

_USES = {
    TAGGER: ("a tagger", "use it with tagger predict"),
    LANGUAGE_MODEL: (
        "a language model",
        "use it with tagger lm, or train a tagger with it: tagger train --language-model",
    ),
    CLASSIFIER: ("a text classifier", "use it with tagger classify"),
    SEQ2SEQ: ("a sequence-to-sequence model", "use it with tagger seq2seq"),
}

Settings = TypeVar("Settings")
T = TypeVar("T")


class _Bundle(Protocol):
    """The contents that all bundles share."""

    @property
    def config(self) -> Any: ...
    @property
    def weights(self) -> Weights: ...
    @property
    def metrics(self) -> dict[str, Any]: ...
    @property
    def graphs(self) -> dict[str, bytes]: ...


@dataclass(frozen=True)
class Kind(Generic[Settings]):
    """A kind of bundle.

    Attributes:
        name: Its name in manifests, one of the constants of this module.
        settings: The class of its settings.
        format: The newest version of its format.
        migrations: The migrations of older versions; see `tagger.bundles.migrations`.
        files: The parsers of further JSON files by name. They receive the parsed and migrated JSON
            and may raise any error.
        graphs: The names of all graphs that a bundle can contain.
        optional: The names of other files that not every bundle contains.
        scores: The objects of scores in metrics.json; see `metrics.checked`.
    """

    name: str
    settings: type[Settings]
    format: int
    migrations: dict[int, migrations.Migration]
    files: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)
    graphs: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    scores: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def save(
        self,
        folder: str | Path,
        bundle: _Bundle,
        texts: Mapping[str, str],
        files: Mapping[str, bytes] | None = None,
        fill: Callable[[Path], Iterable[str]] = lambda _: (),
    ) -> None:
        """Write a bundle, which replaces an earlier one as a whole or not at all.

        Args:
            folder: The folder.
            bundle: The bundle.
            texts: The contents of README.md, and of further files that are texts.
            files: The contents of further files.
            fill: Function that writes further files to the folder that it receives, and returns the
                names of those that the manifest lists.

        Raises:
            TaggerError: A file cannot be written.
        """
        texts = {
            "config.toml": commented_toml(bundle.config),
            "metrics.json": to_json(bundle.metrics),
            **texts,
        }
        contents = {name: text.encode() for name, text in texts.items()}
        contents |= {**(files or {}), "weights.npz": to_npz(bundle.weights), **bundle.graphs}
        head = {"format": self.format, **({"kind": self.name} if self.name else {})}
        # Files of an earlier bundle, such as graphs of other weights, must not remain.
        obsolete = sorted({*self.graphs, *self.optional} - {*contents})
        folders.save(Path(folder), contents, head, fill=fill, obsolete=obsolete)

    def read(self, folder: str | Path) -> Contents[Settings]:
        """Read a bundle's files, check them against the manifest, and migrate them.

        Args:
            folder: The folder of the bundle.

        Returns:
            The contents that all kinds have in common, and the means to read the others.

        Raises:
            BundleError: The folder is another kind of model or none, lacks a file, was damaged or
                changed, or has a newer format.
        """
        folder = Path(folder)
        manifest = folders.manifest(folder)
        if manifest.get("kind", TAGGER) != self.name:
            self._refuse(folder, manifest.get("kind", TAGGER))
        version = migrations.version_of(manifest, folder / MANIFEST, self.format)
        files = Files(folder, manifest["files"])
        contents: migrations.Contents = {
            "config.toml": files.parsed("config.toml", toml.parse),
            "weights.npz": from_npz(files.bytes("weights.npz"), folder / "weights.npz"),
        }
        for name in ("metrics.json", *self.files):
            contents[name] = files.parsed(name, lambda text: folders.parse_json(text.encode()))
        files.bytes("README.md")
        migrate = partial(
            migrations.migrate, version=version, newest=self.format, table=self.migrations
        )
        contents = folders.parse(folder, migrate, contents)

        def checked(name: str, check: Callable[[Any], T]) -> T:
            return folders.parse(folder / name, check, contents[name])

        def settings(data: Any) -> Settings:
            return schema.from_dict(self.settings, data, "config.toml")  # type: ignore[type-var]

        return Contents(
            folder=folder,
            files=files,
            config=checked("config.toml", settings),
            weights=contents["weights.npz"],
            metrics=checked("metrics.json", partial(metrics.checked, scores=self.scores)),
            parsed={name: checked(name, check) for name, check in self.files.items()},
        )

    def _refuse(self, folder: Path, name: Any) -> NoReturn:
        """Raise BundleError for a model of another kind."""
        noun, _ = _USES[self.name]
        found, use = _USES.get(name, (f"a model of kind {name!r}", "upgrade span-tagger"))
        raise BundleError(f"{folder}: {found}, not {noun}; {use}")


@dataclass(frozen=True)
class Contents(Generic[Settings]):
    """The contents of a bundle that all kinds have in common.

    Attributes:
        folder: The folder.
        files: All files of the manifest.
        config: The settings.
        weights: Arrays by their path in the network.
        metrics: The contents of metrics.json.
        parsed: The contents of the further JSON files of the kind, by name.
    """

    folder: Path
    files: Files
    config: Settings
    weights: Weights
    metrics: dict[str, Any]
    parsed: dict[str, Any]

    def graphs(self, names: Sequence[str]) -> dict[str, bytes]:
        """Read graphs by name; errors are those of `folder.graphs`."""
        return folders.graphs(self.folder, names, self.files.listed)

    def check_weights(self, shapes: Mapping[str, tuple[int, ...]]) -> None:
        """Check that the weights have the shapes that settings and vocabularies demand.

        Args:
            shapes: The expected shape of each weight by name.

        Raises:
            BundleError: A weight is missing, unexpected, wrongly shaped or not float32.
        """
        if wrong := describe_mismatch(self.weights, shapes):
            raise BundleError(
                f"{self.folder / 'weights.npz'}: does not fit config.toml and the vocabulary: "
                f"{wrong}; copy the whole folder again"
            )


class Files:
    """The files of a bundle, each checked against the manifest when it is read.

    Args:
        folder: The folder of the bundle.
        listed: The ``files`` of its manifest.

    Raises:
        BundleError: As `folder.read_verified` and `folder.parse`.
    """

    def __init__(self, folder: Path, listed: dict[str, Any]) -> None:
        self.folder = folder
        self.listed = listed

    def bytes(self, name: str) -> bytes:
        """Return the bytes of a file."""
        return folders.read_verified(self.folder, name, self.listed)

    def parsed(self, name: str, parse: Callable[[str], T]) -> T:
        """Return the result of `parse` for the text of a file."""
        content = self.bytes(name)
        return folders.parse(self.folder / name, lambda data: parse(data.decode()), content)

    def path(self, name: str) -> Path:
        """Return the path of a file after checking it in blocks."""
        folders.read_verified(self.folder, name, self.listed, content=False)
        return self.folder / name


def kind_name_of(folder: str | Path) -> str:
    """Return the name of the kind of model that the manifest of a folder declares.

    Args:
        folder: The folder of a model; nothing but the manifest is checked.

    Returns:
        One of the constants of this module, or another name of a later version.

    Raises:
        BundleError: The folder is not a model, or its manifest is damaged.
    """
    return str(folders.manifest(Path(folder)).get("kind", TAGGER))


def noun_of(name: str) -> str:
    """Return the noun of a kind of model with its article, such as "a language model"."""
    return _USES[name][0]


def to_json(data: Any) -> str:
    """Return data as the text of a JSON file of a bundle."""
    return json.dumps(data, indent=1, ensure_ascii=False) + "\n"
