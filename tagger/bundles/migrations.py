"""Migrations of older bundle formats to the newest one, for taggers and for language models.

The rule: whoever changes a format raises its ``FORMAT`` by one and adds to its table the function
that turns the contents of the format before into those of the new one. Functions are never changed
afterwards, and know nothing of the code of their day: plain data in, plain data out. So a reader
knows the newest format alone, and every bundle ever written can be read.

Contents are what the files hold, parsed but not yet checked, by the names of the files:
``config.toml``, ``metrics.json`` and, of taggers, ``tags.json`` as dicts; ``weights.npz`` as a dict
of arrays. If a migration changes the weights, the bundle's graphs no longer match them; then
``tagger export RUN`` must be run once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tagger.errors import BundleError

__all__ = ["LANGUAGE_MODEL", "TAGGER", "Contents", "Migration", "migrate", "version_of"]

Contents = dict[str, Any]
Migration = Callable[[Contents], Contents]

TAGGER: dict[int, Migration] = {}
"""For each older format of taggers the function that makes the next format of it."""

LANGUAGE_MODEL: dict[int, Migration] = {}
"""The same for language models."""


def version_of(manifest: Mapping[str, Any], path: Path, newest: int) -> int:
    """Return the format of a bundle.

    Args:
        manifest: The parsed manifest.
        path: The path of the manifest, for errors.
        newest: The newest format that can be read.

    Raises:
        BundleError: The format is no number, or newer.
    """
    version = manifest.get("format")
    if type(version) is not int or version < 1:
        raise BundleError(f"{path}: damaged manifest; copy the whole folder again")
    if version > newest:
        raise BundleError(
            f"{path}: bundle format {version}, but this version reads up to {newest}; upgrade "
            "span-tagger"
        )
    return version


def migrate(contents: Contents, version: int, newest: int, table: dict[int, Migration]) -> Contents:
    """Return the contents of a bundle in the newest format.

    Args:
        contents: The parsed files by name, in the format `version`.
        version: The format of the bundle.
        newest: The newest format.
        table: `TAGGER` or `LANGUAGE_MODEL`.
    """
    for number in range(version, newest):
        contents = table[number](contents)
    return contents
