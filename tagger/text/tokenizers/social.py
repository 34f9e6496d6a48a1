"""The tokenizer `social`, for posts in social media."""

from __future__ import annotations

from collections.abc import Iterator

from tagger.text.tokenizers.base import Offsets
from tagger.text.tokenizers.pattern import matches, token_pattern

__all__ = ["social"]


def social(text: str) -> Iterator[list[Offsets]]:
    """Split posts into sentences and tokens as `english` does, except for their own notation.

    Hashtags, mentions, cashtags, URLs and emoticons are one token each.

    Args:
        text: Any string.

    Returns:
        The token offsets of each sentence.
    """
    return matches(text, token_pattern(contractions=True, social=True))
