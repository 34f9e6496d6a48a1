"""Word shapes: capitalization and digits, which lower-cased word vectors do not represent."""

from __future__ import annotations

__all__ = ["SHAPES", "shape_of"]

_CASES = ("none", "lower", "initial", "upper", "mixed")
_DIGITS = ("none", "some", "all")
SHAPES = 1 + len(_CASES) * len(_DIGITS)
"""The number of shape ids, padding included."""


def shape_of(word: str) -> int:
    """Return the shape id of a word.

    A shape combines the case (no cased letter, all lower, only the first letter upper, all upper
    with two or more letters, mixed) with the share of digits (none, some, all characters).

    Args:
        word: A token.

    Returns:
        Shape id, from 1 to `SHAPES` - 1; 0 is padding.

    >>> len({shape_of(word) for word in ("the", "The", "THE", "eBay", "-", "4-6", "1996", "F-16")})
    8
    """
    lower = sum(map(str.islower, word))
    upper = sum(map(str.isupper, word))
    if not lower and not upper:
        case = "none"
    elif not upper:
        case = "lower"
    elif upper == 1 and word[0].isupper():
        case = "initial"
    else:
        case = "mixed" if lower else "upper"
    digits = sum(map(str.isdigit, word))
    share = "none" if not digits else "all" if digits == len(word) else "some"
    return 1 + _CASES.index(case) * len(_DIGITS) + _DIGITS.index(share)
