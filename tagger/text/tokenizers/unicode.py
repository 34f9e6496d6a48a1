"""The tokenizer `unicode`: words of Unicode Standard Annex #29, for text of any script."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from tagger.text.tokenizers.base import Offsets, lines, visible
from tagger.text.tokenizers.sentences import split

__all__ = ["unicode"]

LANGUAGES = ("en", "de", "es", "ru")
"""Languages whose abbreviations do not end a sentence."""


@cache
def _word() -> Any:
    """Compile the pattern of a word, up to the next word boundary of the annex."""
    import regex  # type: ignore[import-untyped,unused-ignore]

    return regex.compile(r"\S+?(?:\b|(?=\s)|\Z)", regex.V1 | regex.WORD)


def unicode(text: str) -> Iterator[list[Offsets]]:
    """Split text at the word boundaries of Unicode Standard Annex #29.

    Hyphens are tokens ("New", "York", "-", "based"), apostrophes between letters are not. The annex
    does not divide scripts without blanks into words: Chinese characters are tokens of their own.

    Args:
        text: Any string.

    Yields:
        The token offsets of each sentence.
    """
    find = _word().finditer
    for begin, line in lines(text):
        for start, end in split(line, LANGUAGES):
            yield [
                part
                for match in find(text, begin + start, begin + end)
                for part in visible(text, *match.span())
            ]
