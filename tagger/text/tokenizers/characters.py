"""The tokenizer `characters`, for scripts without blanks, such as Chinese."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from tagger.text.tokenizers.base import Offsets, lines, visible

__all__ = ["characters"]


@cache
def _patterns() -> tuple[Any, Any]:
    """Compile the patterns of a sentence and of a character with its marks."""
    import regex  # type: ignore[import-untyped,unused-ignore]

    # A sentence does not end inside of a character with marks.
    marks = r"[\p{GCB=Extend}\p{GCB=SpacingMark}\p{GCB=ZWJ}]*+"
    sentence = (
        r"[^\u3002\uff01\uff1f\uff61!?]*+(?:[\u3002\uff01\uff1f\uff61!?]" + marks + ")*+"
        r"(?:[\"'\u201d\u2019\u300d\u300f\uff09\u300b\u3011)\]]" + marks + ")*+"
    )
    return regex.compile(sentence), regex.compile(r"\X")


def characters(text: str) -> Iterator[list[Offsets]]:
    """Split text into characters, each with its marks: the grapheme clusters of Unicode.

    Args:
        text: Any string.

    Yields:
        The token offsets of each sentence, which ends at an ideographic full stop, an exclamation
        or question mark, with the quotation marks and brackets that it closes, or with its line.
    """
    sentence, character = _patterns()
    for begin, line in lines(text):
        for match in sentence.finditer(text, begin, begin + len(line)):
            tokens = [
                part
                for cluster in character.finditer(text, *match.span())
                for part in visible(text, *cluster.span())
            ]
            if tokens:
                yield tokens
