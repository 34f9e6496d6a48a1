"""Normalization of words before they become features; tokens of the output stay as they are.

Two words that look the same must have the same features. Text from PDF, HTML or macOS contains soft
hyphens, zero-width characters and decomposed accents, which annotated corpora rarely do.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

__all__ = ["normalize", "normalized", "unescape"]

# Scripts in which joiners (U+200C, U+200D) are visible, and emoji, which they combine.
_JOINED = (
    "\u0600-\u08ff\u0900-\u109f\u1780-\u18af\u1900-\u1cff\u2190-\u2bff\ua800-\uabff\ufb50-\ufdff"
    "\ufe0f\ufe70-\ufefc\U00010a00-\U00011fff\U0001e900-\U0001e95f\U0001f000-\U0001faff\U000e0020-\U000e007f"
)
# Signs after which a final joiner selects the shape of an Indic letter.
_VIRAMA = "\u094d\u09cd\u0a4d\u0acd\u0b4d\u0bcd\u0c4d\u0ccd\u0d4d\u0dca"
# Soft hyphen, grapheme joiner, marks of direction, zero-width blanks, byte-order mark.
_INVISIBLE = re.compile(
    "[\xad\u034f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]+"
)
_JOINER = re.compile(
    f"(?<![{_JOINED}])[\u200c\u200d]+|(?<![{_VIRAMA}])[\u200c\u200d]+(?![{_JOINED}\u200c\u200d])"
)
_BLANK = re.compile("[\xa0\u1680\u2000-\u200a\u202f\u205f\u3000]")

_ESCAPES = {
    "-LRB-": "(",
    "-RRB-": ")",
    "-LSB-": "[",
    "-RSB-": "]",
    "-LCB-": "{",
    "-RCB-": "}",
    "-lrb-": "(",
    "-rrb-": ")",
    "-lsb-": "[",
    "-rsb-": "]",
    "-lcb-": "{",
    "-rcb-": "}",
    "``": '"',
    "''": '"',
}


def normalize(word: str) -> str:
    r"""Return the form of a word from which its features are computed.

    Invisible characters are removed (soft hyphens, zero-width characters, marks of direction), wide
    blanks become blanks, and the rest is composed to Unicode's form NFC. Joiners are kept between
    letters of scripts that they shape, such as Arabic and Devanagari, and in emoji.

    Args:
        word: A token.

    Returns:
        The normalized word; `word` itself if nothing else is left of it.

    >>> normalize("Wash\u00ading\u200bton"), normalize("Zu\u0308rich") == "Z\u00fcrich"
    ('Washington', True)
    """
    if word.isascii():
        return word
    visible = unicodedata.normalize("NFC", _INVISIBLE.sub("", _BLANK.sub(" ", word)))
    return unicodedata.normalize("NFC", _JOINER.sub("", visible)) or word


def unescape(word: str) -> str:
    r"""Replace an escape of the Penn Treebank by the characters that it stands for.

    Args:
        word: A token.

    Returns:
        A bracket for "-LRB-" and the like, a straight quotation mark for two of its kind, and
        slashes and asterisks without a backslash before them; other words unchanged.

    >>> [unescape(word) for word in ("-LRB-", "``", r"1\/2", "word")]
    ['(', '"', '1/2', 'word']
    """
    if "\\" in word:
        return word.replace("\\/", "/").replace("\\*", "*")
    return _ESCAPES.get(word, word)


def normalized(words: Iterable[str], *, unescapes: bool = False) -> list[str]:
    """Return the forms of words from which their features are computed.

    Args:
        words: Tokens as in the input.
        unescapes: Whether escapes of the Penn Treebank are replaced; see `unescape`.

    Returns:
        One normalized word per token.
    """
    return [normalize(unescape(word) if unescapes else word) for word in words]
