"""The type of a tokenizer, and the check of what it returns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from tagger.errors import TaggerError

__all__ = ["Offsets", "Tokenizer", "TokenizerError", "lines", "validated", "visible"]

Offsets = tuple[int, int]
"""Start and end of a token in its text, in code points, half-open."""

Tokenizer = Callable[[str], Iterable[list[Offsets]]]
"""A function from a text to the offsets of the tokens, one list per sentence."""


class TokenizerError(TaggerError, ValueError):
    """An unknown or duplicate name of a tokenizer, or offsets that do not cover the text."""


def lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield each line that is not blank with its offset; lines are those of `str.splitlines`."""
    start = 0
    for line in text.splitlines(keepends=True):
        if not line.isspace():
            yield start, line
        start += len(line)


def visible(text: str, start: int, end: int) -> Iterator[Offsets]:
    """Yield the offsets of the parts of `text[start:end]` between whitespace."""
    for part in text[start:end].split():
        start = text.index(part, start)
        yield start, start + len(part)
        start += len(part)


def validated(tokenizer: Tokenizer, name: str) -> Tokenizer:
    """Wrap a tokenizer so that each sentence is checked before it is yielded.

    Faults are errors and are not repaired: the model has never seen such a repair in training, and
    the author of the tokenizer would not notice the fault.

    Args:
        tokenizer: Tokenizer to check.
        name: Its name, for errors.

    Returns:
        A tokenizer with the same output. While iterating it raises `TokenizerError` for an empty
        sentence or token, an offset outside of the text, tokens that overlap or are out of order,
        and a character that is neither whitespace nor part of a token.
    """

    def run(text: str) -> Iterator[list[Offsets]]:
        end = 0
        for sentence in tokenizer(text):
            if not sentence:
                raise TokenizerError(
                    f"tokenizer {name!r} returned an empty sentence after character {end}"
                )
            for token in sentence:
                if not end <= token[0] < token[1] <= len(text):
                    raise TokenizerError(
                        f"tokenizer {name!r} returned the token {tuple(token)} after character "
                        f"{end} of {len(text)}; tokens must contain at least one character each, "
                        "in order and without overlap"
                    )
                _refuse_loss(text, end, token[0], name)
                end = token[1]
            yield sentence
        _refuse_loss(text, end, len(text), name)

    return run


def _refuse_loss(text: str, start: int, end: int, name: str) -> None:
    """Raise unless `text[start:end]`, which lies between two tokens, is whitespace."""
    if start == end or (gap := text[start:end]).isspace():
        return
    at = start + next(i for i, character in enumerate(gap) if not character.isspace())
    raise TokenizerError(
        f"tokenizer {name!r} lost {gap.strip()[:30]!r} at character {at}; "
        "each character that is not whitespace must be part of a token"
    )
