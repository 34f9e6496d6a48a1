"""What the JSON formats with raw text share: checked spans, and offsets in UTF-16 code units."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from typing import Any

from tagger.text.alignment import CharacterSpan

__all__ = ["checked_span", "is_list_of_spans", "utf16_offsets"]


def checked_span(
    source: Any, start: Any, end: Any, label: Any, text: Any = None, score: Any = None
) -> CharacterSpan:
    """Return a span of checked values.

    Args:
        source: What the file has, for the error.
        start: Offset of the first character.
        end: Offset after the last character.
        label: Label.
        text: Surface, or None.
        score: Probability, or None.

    Raises:
        ValueError: A value is of another type, or the label is empty.
    """
    if (
        type(start) is not int
        or type(end) is not int
        or not isinstance(label, str)
        or not label
        or not isinstance(text, str | None)
        or not isinstance(score, int | float | None)
    ):
        raise ValueError(
            "expected a span with integers for start and end and a string for the label, found "
            f"{json.dumps(source, ensure_ascii=False)[:80]}"
        )
    return CharacterSpan(start, end, label, score, text)


def is_list_of_spans(values: Any) -> bool:
    """Return whether a value is a list of ``[start, end, label]``, possibly empty."""
    return isinstance(values, list) and all(
        isinstance(value, list) and len(value) >= 3 and type(value[0]) is int for value in values
    )


def utf16_offsets(text: str) -> Sequence[int]:
    """Return the offset in UTF-16 code units of each character, and that of the end.

    Args:
        text: A text.
    """
    if text.isascii():
        return range(len(text) + 1)
    return list(itertools.accumulate((1 + (c > "\uffff") for c in text), initial=0))
