"""TOML text, parsed at a bounded cost."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from tagger.errors import ConfigError, DataError
from tagger.text import opening

__all__ = ["parse", "read"]

_LARGEST = 1 << 20  # bytes or characters
_MOST_STEPS = 10_000_000  # of the parser for dotted keys, about a third of a second


def read(path: str | Path) -> str:
    """Return the text of a TOML file, without its byte-order mark.

    Args:
        path: The file.

    Returns:
        Its text, at most 1 MB.

    Raises:
        ConfigError: The file cannot be read, is larger, or is not UTF-8.
    """
    try:
        with opening.content(path) as content:
            size = len(content.stream.read(_LARGEST + 1))
        if size > _LARGEST:
            raise ConfigError(
                f"{path}: has more than {_LARGEST:,} bytes; expected a file of settings"
            )
        return opening.text(path)
    except DataError as error:
        raise ConfigError(str(error)) from error


def parse(text: str) -> dict[str, Any]:
    """Parse TOML text.

    The time and memory of Python's parser grow with the square of the number of parts of a dotted
    key, and with their product with the number of lines, so texts with too many dots are rejected.

    Args:
        text: The text.

    Returns:
        The tables by name.

    Raises:
        ValueError: The text is not TOML, larger than 1 MB, or has too many dots in a line.
    """
    if len(text) > _LARGEST:
        raise ValueError(f"has {len(text):,} characters; expected at most {_LARGEST:,}")
    lines = text.split("\n")
    deepest = max(line.count(".") for line in lines)
    if deepest * (deepest + len(lines)) > _MOST_STEPS:
        raise ValueError(f"has a line with {deepest:,} dots")
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise ValueError("is nested too deeply") from error
