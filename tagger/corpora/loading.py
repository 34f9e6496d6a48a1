"""Hugging Face datasets, by their names on the Hub or their places on the disk."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tagger.errors import ConfigError, TaggerError

if TYPE_CHECKING:
    import datasets

__all__ = ["LOADERS", "is_saved", "library", "load"]

LOADERS = {".parquet": "parquet", ".arrow": "arrow", ".json": "json", ".jsonl": "json"}
_SAVED = ("state.json", "dataset_dict.json")  # what save_to_disk leaves of one split and of several
_NAME = re.compile(r"([^/@]+(?:/[^/@]+)?)(?:/([^/@]+))?(?:@(.+))?")
_EXPECTED_NAME = (
    "expected NAME, OWNER/NAME or OWNER/NAME/CONFIG, each with @REVISION if wanted, or an existing "
    "file or folder"
)


def load(name: str, setting: str = "") -> Mapping[str, datasets.Dataset]:
    """Return the splits of a dataset, by its path or else by its name on the Hub.

    Args:
        name: an existing file or folder, or ``[OWNER/]NAME[/CONFIG][@REVISION]``.
        setting: with what errors begin.

    Raises:
        ConfigError: the dataset cannot be loaded.
    """
    package = library()
    try:
        if Path(name).exists():
            found = _load_local(package, Path(name))
        else:
            dataset, config, revision = _parsed(name)
            found = package.load_dataset(dataset, config, revision=revision)
    except Exception as error:  # of many kinds, for a wrong name as for a missing network
        raise ConfigError(f"{setting}the dataset {name!r} cannot be loaded: {error}") from error
    return found if isinstance(found, Mapping) else {"train": found}


def _load_local(package: Any, path: Path) -> Any:
    if is_saved(path):
        return package.load_from_disk(str(path))
    if path.is_dir():  # files named after their splits, as the Hub has them
        return package.load_dataset(str(path))
    if path.suffix not in LOADERS:
        raise ValueError(f"its name should end in one of {', '.join(LOADERS)}")
    return package.load_dataset(LOADERS[path.suffix], data_files=str(path), split="train")


def _parsed(name: str) -> tuple[str, str | None, str | None]:
    """Divide ``[OWNER/]NAME[/CONFIG][@REVISION]``; a configuration can be named after an owner
    alone, since ``a/b`` is a dataset of the owner a.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        raise ValueError(_EXPECTED_NAME)
    dataset, config, revision = match.groups()
    return dataset, config, revision


def is_saved(path: Path) -> bool:
    """Return whether ``save_to_disk`` wrote this folder."""
    return any((path / name).is_file() for name in _SAVED)


def library() -> Any:
    """Import the package `datasets`.

    Raises:
        TaggerError: it is not installed.
    """
    try:
        import datasets
    except ModuleNotFoundError as error:
        raise TaggerError(
            f"this needs {error.name}, not installed here: pip install 'span-tagger[train]'"
        ) from error
    return datasets
