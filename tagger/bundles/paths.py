"""Paths of the files of a bundle, from names that somebody else may have written.

Everything that reads, links, moves or deletes a file which a manifest names goes through `member`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from tagger.errors import BundleError

__all__ = ["is_name", "member"]

_PART = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}"
_NAME = re.compile(rf"{_PART}(?:/{_PART}){{0,4}}")


def is_name(name: Any) -> bool:
    """Return whether a value is a name that a file of a bundle can have.

    Names are relative paths with / as separator. No part begins with a dot, so none is ``..``.
    """
    return isinstance(name, str) and _NAME.fullmatch(name) is not None


def member(folder: Path, name: Any) -> Path:
    """Return the path of a file of a bundle, which need not exist.

    Args:
        folder: The folder of the bundle, which may itself be a link.
        name: The name of the file in it.

    Returns:
        The path. It lies in the folder even if links are followed.

    Raises:
        BundleError: It does not, or the name is not one of a bundle's file.
    """
    if not is_name(name):
        raise BundleError(
            f"{folder}: names the file {name!r}, which cannot be part of a model; do not use it"
        )
    path = folder / str(name)
    try:
        is_inside = path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError):  # a link to itself
        is_inside = False
    if not is_inside:
        raise BundleError(
            f"{path}: not a regular file in this folder; copy the whole folder again, with files "
            "instead of links"
        )
    return path
