"""The tokenizer `whitespace`, for text whose tokens are separated by blanks."""

from __future__ import annotations

from collections.abc import Iterator

from tagger.text.tokenizers.base import Offsets, lines, visible

__all__ = ["whitespace"]


def whitespace(text: str) -> Iterator[list[Offsets]]:
    """Split tokenized text, one sentence per line, at whitespace.

    Args:
        text: Any string.

    Yields:
        The token offsets of each line that is not blank.
    """
    for begin, line in lines(text):
        yield list(visible(text, begin, begin + len(line)))
