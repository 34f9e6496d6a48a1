"""What callers may pass to a model, and clear errors for what they may not."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

from tagger.text.spans import Sentence

__all__ = ["check_tokens", "checked", "sentence_of", "shown"]


def sentence_of(tokens: Iterable[str]) -> Sentence:
    """Return a sentence of these tokens.

    Raises:
        TypeError: it is a string, or no sequence.
    """
    if isinstance(tokens, str) or not isinstance(tokens, Iterable):
        raise TypeError(
            f"expected each sentence as a sequence of tokens of type str, got {shown(tokens)}"
        )
    return Sentence(tuple(tokens))


def checked(sentences: Iterable[Sentence]) -> Iterator[Sentence]:
    """Yield sentences after a check of their type, lazily.

    Raises:
        TypeError: they are no iterable (at once), or one is no sentence.
    """
    if not isinstance(sentences, Iterable):
        raise TypeError(f"expected sentences of type tagger.Sentence, got {shown(sentences)}")
    return map(_sentence, sentences)


def _sentence(sentence: Sentence) -> Sentence:
    if not isinstance(sentence, Sentence):
        raise TypeError(f"expected sentences of type tagger.Sentence, got {shown(sentence)}")
    return sentence


def check_tokens(sentences: list[tuple[str, ...]]) -> None:
    """Raise TypeError if a token is no string."""
    kinds = set(map(type, itertools.chain.from_iterable(sentences)))
    if wrong := {kind for kind in kinds if not issubclass(kind, str)}:
        token = next(
            token for token in itertools.chain.from_iterable(sentences) if type(token) in wrong
        )
        raise TypeError(f"expected tokens of type str, got {shown(token)}")


def shown(value: object) -> str:
    """Return the type and the beginning of a value, for messages."""
    return f"{type(value).__name__}: {repr(value)[:60]}"
