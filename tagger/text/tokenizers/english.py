"""The default tokenizer: English sentences, and tokens like those of CoNLL-2003."""

from __future__ import annotations

from collections.abc import Iterator

from tagger.text.tokenizers.base import Offsets
from tagger.text.tokenizers.pattern import matches, token_pattern

__all__ = ["english", "english_1"]


def english(text: str, *, tolerant: bool = True) -> Iterator[list[Offsets]]:
    """Split English text into sentences and CoNLL-like tokens.

    Contractions, currency signs and the final full stop are separate tokens ("do" + "n't", "$" +
    "100"); abbreviations such as "U.S." are one token.

    Args:
        text: Any string.
        tolerant: Whether HTML entities, invisible characters and Hebrew abbreviations are
            recognized; see `token_pattern`.

    Returns:
        The token offsets of each sentence.
    """
    return matches(text, token_pattern(tolerant=tolerant, contractions=True))


def english_1(text: str) -> Iterator[list[Offsets]]:
    """Split English text as `english-conll-1` did, for models that were trained with it.

    Args:
        text: Any string.

    Returns:
        The token offsets of each sentence.
    """
    return english(text, tolerant=False)
