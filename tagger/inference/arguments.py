"""Checks of the arguments of public functions, with clear errors."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

from tagger.text.spans import Sentence

__all__ = ["check_tokens", "checked", "sentence_of", "shown"]


def sentence_of(tokens: Iterable[str]) -> Sentence:
    """Create a sentence from its tokens, whose type is not checked.

    Args:
        tokens: The tokens.

    Returns:
        The sentence, without annotation.

    Raises:
        TypeError: `tokens` is a string, or not iterable.
    """
    if isinstance(tokens, str) or not isinstance(tokens, Iterable):
        raise TypeError(
            f"expected each sentence as a sequence of tokens of type str, got {shown(tokens)}"
        )
    return Sentence(tuple(tokens))


def checked(sentences: Iterable[Sentence]) -> Iterator[Sentence]:
    """Check the type of each sentence, lazily.

    Args:
        sentences: The sentences.

    Returns:
        An iterator over the same sentences, which raises TypeError at one of another type.

    Raises:
        TypeError: `sentences` is not iterable.
    """
    if not isinstance(sentences, Iterable):
        raise TypeError(f"expected sentences of type tagger.Sentence, got {shown(sentences)}")
    return map(_sentence, sentences)


def _sentence(sentence: Sentence) -> Sentence:
    """Return the sentence after checking its type."""
    if not isinstance(sentence, Sentence):
        raise TypeError(f"expected sentences of type tagger.Sentence, got {shown(sentence)}")
    return sentence


def check_tokens(sentences: list[tuple[str, ...]]) -> None:
    """Check the type of tokens.

    Args:
        sentences: The tokens of each sentence.

    Raises:
        TypeError: A token is not a string.
    """
    kinds = set(map(type, itertools.chain.from_iterable(sentences)))
    if wrong := {kind for kind in kinds if not issubclass(kind, str)}:
        token = next(
            token for token in itertools.chain.from_iterable(sentences) if type(token) in wrong
        )
        raise TypeError(f"expected tokens of type str, got {shown(token)}")


def shown(value: object) -> str:
    """Return the type and the first 60 characters of the `repr` of a value, for error messages."""
    return f"{type(value).__name__}: {repr(value)[:60]}"
