"""The tokenizer `romance`, for French, Italian, Catalan and other languages that elide vowels."""

from __future__ import annotations

from collections.abc import Iterator

from tagger.text.tokenizers.base import Offsets
from tagger.text.tokenizers.pattern import matches, token_pattern

__all__ = ["romance"]

LANGUAGES = ("fr", "it", "es", "pt")
"""Languages whose abbreviations do not end a sentence."""


def romance(text: str) -> Iterator[list[Offsets]]:
    """Split text into sentences and tokens, of which an elided word is one: "l'" + "Italie".

    The apostrophe belongs to the elided word. Enclitics of Catalan are tokens ("posa" + "'s"), and
    words such as "aujourd'hui" and "O'Brien" are not divided.

    Args:
        text: Any string.

    Returns:
        The token offsets of each sentence.
    """
    return matches(text, token_pattern(elisions=True), LANGUAGES)
