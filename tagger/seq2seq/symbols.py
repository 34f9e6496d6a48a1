"""Symbols of sources and targets: the characters of a text, or its tokens.

Both sides are normalized as the words of a tagger are (see `features.normalization`): invisible
characters are removed, and the rest is composed to Unicode's form NFC.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tagger.features.normalization import normalize

__all__ = ["feature_symbol", "symbols_of", "text_of"]


def symbols_of(value: Any, level: str) -> tuple[str, ...]:
    """Return the symbols of a source or a target.

    Args:
        value: A text; at the level of tokens also a list of tokens.
        level: "characters" or "tokens".

    Returns:
        The symbols, none for an empty text.

    Raises:
        ValueError: The value is something else, or a token contains a blank.

    >>> symbols_of("to be", "characters"), symbols_of("to be", "tokens")
    (('t', 'o', ' ', 'b', 'e'), ('to', 'be'))
    """
    if isinstance(value, str):
        text = normalize(value)
        return tuple(text) if level == "characters" else tuple(text.split())
    if level == "characters":
        raise ValueError(f"must be a string, found {repr(value)[:40]}")
    if not isinstance(value, list) or not all(isinstance(token, str) for token in value):
        raise ValueError(f"must be a string or a list of strings, found {repr(value)[:40]}")
    tokens = tuple(map(normalize, value))
    for token in tokens:
        if token.split() != [token]:
            raise ValueError(f"has the token {token!r}; expected tokens without blanks")
    return tokens


def text_of(symbols: Sequence[str], level: str) -> str:
    """Return the text of symbols: joined, at the level of tokens by blanks."""
    return ("" if level == "characters" else " ").join(symbols)


def feature_symbol(name: str, value: Any) -> str:
    """Return the symbol ``name=value`` of a feature of a source.

    Args:
        name: Name of the column or key.
        value: A text, a number, or true or false.

    Raises:
        ValueError: The value is something else.
    """
    if isinstance(value, bool):
        value = "true" if value else "false"
    if not isinstance(value, str | int | float):
        raise ValueError(f"{name!r} must be a text or a number, found {repr(value)[:40]}")
    return f"{name}={normalize(str(value)).strip()}"
