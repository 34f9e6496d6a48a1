"""Migrations of older bundle formats to the newest one, for each kind of model.

The rule: a change of a format raises its ``FORMAT`` by one and adds a function to its table that
converts the contents of the previous format to the new one. Migrations are never changed
afterwards and import none of the other modules: plain data in, plain data out. So `load` only has
to read the newest format, and every bundle ever written can be read.

Contents are the parsed but unchecked files by name: ``config.toml``, ``metrics.json`` and, of some
kinds, ``tags.json`` or ``labels.json`` as dicts; ``weights.npz`` as a dict of arrays. If a
migration changes the weights, the bundle's graphs no longer match them, and ``tagger export RUN``
must be run once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tagger.errors import BundleError

__all__ = [
    "CLASSIFIER",
    "LANGUAGE_MODEL",
    "SEQ2SEQ",
    "TAGGER",
    "Contents",
    "Migration",
    "migrate",
    "version_of",
]

Contents = dict[str, Any]
"""The parsed files of a bundle by file name."""

Migration = Callable[[Contents], Contents]
"""A function from the contents of one format to those of the next."""

TAGGER: dict[int, Migration] = {}
"""The migrations of taggers, each by the format version that it converts from."""

LANGUAGE_MODEL: dict[int, Migration] = {}
"""The migrations of language models, each by the format version that it converts from."""

CLASSIFIER: dict[int, Migration] = {}
"""The migrations of classifiers, each by the format version that it converts from."""

SEQ2SEQ: dict[int, Migration] = {}
"""The migrations of sequence-to-sequence models, likewise."""


def version_of(manifest: Mapping[str, Any], path: Path, newest: int) -> int:
    """Return the format version of a bundle.

    Args:
        manifest: The parsed manifest.
        path: The path of the manifest, for errors.
        newest: The newest format that can be read.

    Returns:
        The version, from 1 to `newest`.

    Raises:
        BundleError: The version is not a positive integer, or is newer than `newest`.
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
    """Convert the contents of a bundle to the newest format.

    Args:
        contents: The parsed files by name, in the format `version`. Migrations may change them.
        version: The format version of the bundle.
        newest: The newest format version.
        table: `TAGGER` or `LANGUAGE_MODEL`.

    Returns:
        The contents in the newest format; `contents` itself if `version` is the newest.
    """
    for number in range(version, newest):
        contents = table[number](contents)
    return contents
