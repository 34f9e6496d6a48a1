"""Loading of Hugging Face datasets from the Hub or from disk."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tagger.errors import ConfigError, not_installed

if TYPE_CHECKING:
    import datasets

__all__ = [
    "DATASETS",
    "LOADERS",
    "is_saved",
    "library",
    "load",
    "load_single",
    "load_train_and_dev",
    "without_bars",
]

LOADERS = {".parquet": "parquet", ".arrow": "arrow", ".json": "json", ".jsonl": "json"}
"""The loading script of the package `datasets` for each suffix of a file."""

DATASETS = (".parquet", ".arrow")
"""Suffixes of files that only the package `datasets` reads and writes."""

# Files that save_to_disk writes for one split and for several.
_SAVED = ("state.json", "dataset_dict.json")
_NAME = re.compile(r"([^/@]+(?:/[^/@]+)?)(?:/([^/@]+))?(?:@(.+))?")
_EXPECTED_NAME = (
    "expected NAME, OWNER/NAME or OWNER/NAME/CONFIG, each optionally followed by @REVISION, or an "
    "existing file or folder"
)


def load(name: str, setting: str = "") -> Mapping[str, datasets.Dataset]:
    """Load a dataset from disk, if `name` is an existing path, or else from the Hub.

    Args:
        name: An existing file or folder, or ``[OWNER/]NAME[/CONFIG][@REVISION]``.
        setting: Prefix of error messages, such as "data.hub: ".

    Returns:
        The splits by name; a single file or split is named "train".

    Raises:
        ConfigError: The dataset cannot be loaded.
        TaggerError: The package `datasets` is not installed.
    """
    package = library()
    try:
        if Path(name).exists():
            with without_bars(package):
                loaded = _load_local(package, Path(name))
        else:
            dataset, config, revision = _parsed(name)
            with nullcontext() if sys.stderr.isatty() else without_bars(package):  # downloads
                loaded = package.load_dataset(dataset, config, revision=revision)
    except Exception as error:  # many types, for a wrong name as well as for a missing network
        raise ConfigError(f"{setting}the dataset {name!r} cannot be loaded: {error}") from error
    return loaded if isinstance(loaded, Mapping) else {"train": loaded}


def load_single(path: str | Path) -> datasets.Dataset:
    """Load a dataset with a single split from disk.

    Args:
        path: The file or folder.

    Returns:
        The split.

    Raises:
        ConfigError: The dataset cannot be loaded, or has several splits.
        TaggerError: The package `datasets` is not installed.
    """
    parts = load(str(path))
    if len(parts) != 1:
        raise ConfigError(
            f"{path}: contains the splits {', '.join(parts)}; expected one, or name it with --hub"
        )
    (dataset,) = parts.values()
    return dataset


def load_train_and_dev(hub: str, *, needs_dev: bool = True) -> dict[str, datasets.Dataset]:
    """Load the splits train and dev of the dataset that the setting data.hub names.

    Args:
        hub: Name of the dataset; see `load`.
        needs_dev: Whether it must have the split validation or dev.

    Returns:
        The splits by name, ``train`` and ``dev``.

    Raises:
        ConfigError: The dataset cannot be loaded, or lacks a split.
        TaggerError: The package `datasets` is not installed.
    """
    parts = load(hub, "data.hub: ")
    dev = "validation" if "validation" in parts else "dev"
    wanted = ("train", dev) if needs_dev else ("train",)
    if not {*wanted} <= set(parts):
        expected = "train and validation, or train with --dev none" if needs_dev else "train"
        raise ConfigError(
            f"data.hub: {hub!r} has the splits {', '.join(parts)}; expected {expected}"
        )
    found = {"train": parts["train"]}
    return found | {"dev": parts[dev]} if dev in parts else found


def _load_local(package: Any, path: Path) -> Any:
    """Load a dataset from a file or folder."""
    if is_saved(path):
        return package.load_from_disk(str(path))
    if path.is_dir():  # a folder of files named after their splits, as on the Hub
        return package.load_dataset(str(path))
    if path.suffix not in LOADERS:
        raise ValueError(f"its name should end in one of {', '.join(LOADERS)}")
    return package.load_dataset(LOADERS[path.suffix], data_files=str(path), split="train")


def _parsed(name: str) -> tuple[str, str | None, str | None]:
    """Split ``[OWNER/]NAME[/CONFIG][@REVISION]`` into name, configuration and revision.

    A configuration requires an owner, since ``a/b`` is the dataset b of the owner a.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        raise ValueError(_EXPECTED_NAME)
    dataset, config, revision = match.groups()
    return dataset, config, revision


def is_saved(path: Path) -> bool:
    """Return whether a path is a folder that ``save_to_disk`` wrote."""
    return any((path / name).is_file() for name in _SAVED)


def library() -> Any:
    """Import and return the package `datasets`.

    Raises:
        TaggerError: The package is not installed.
    """
    try:
        import datasets
    except ModuleNotFoundError as error:
        raise not_installed(f"this needs {error.name}", "train") from error
    return datasets


@contextmanager
def without_bars(package: Any) -> Iterator[None]:
    """Return a context in which `datasets` draws no progress bars.

    Args:
        package: The package, as `library` returns it.
    """
    if package.are_progress_bars_disabled():
        yield
        return
    package.disable_progress_bars()
    try:
        yield
    finally:
        package.enable_progress_bars()
