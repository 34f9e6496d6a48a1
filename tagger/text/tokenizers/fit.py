"""How well tokenizers agree with a corpus, and which of them fit a span."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress

from tagger.text.spans import Sentence
from tagger.text.tokenizers.base import Offsets, TokenizerError
from tagger.text.tokenizers.registry import DEFAULT, REPLACED, get, names, resolve

__all__ = ["advice", "agreement", "best_fit", "detokenized", "warning"]

SAMPLE = 2_000
"""Maximum number of sentences on which agreement is measured."""

MARGIN = 0.02
"""Difference in agreement from which another tokenizer is proposed."""

LOWEST = 0.9
"""Agreement below which a corpus is said to be unlike raw text."""

# Tokens that raw text writes without a blank before them, or after them.
_CLOSING = frozenset(".,;:!?)]}%\u2026\u2019\u201d\xbb") | {"...", "n't"}
_CLOSING |= {"'s", "'re", "'ve", "'m", "'ll", "'d"}
_OPENING = frozenset("([{$\u20ac\xa3#@\xbf\xa1\u201c\u2018\xab")
_APOSTROPHES = ("'", "\u2019")


def agreement(sentences: Sequence[Sentence]) -> dict[str, float]:
    """Measure which share of a corpus' tokens each tokenizer finds in raw text like the corpus.

    The text is restored from the tokens by `detokenized`, for an even sample of the sentences.
    Sentences with offsets are ignored: a tokenizer made their tokens.

    Args:
        sentences: Sentences of the corpus.

    Returns:
        Share of tokens, 0 to 1, by name of the tokenizer; empty without sentences to measure. Old
        versions of a tokenizer are left out, and so are tokenizers that fail.
    """
    usable = [sentence.tokens for sentence in sentences if sentence.offsets is None]
    sample = usable[:: max(1, -(-len(usable) // SAMPLE))]
    lines: list[str] = []
    expected: set[Offsets] = set()
    begin = 0
    for tokens in sample:
        line, offsets = detokenized(tokens)
        expected.update((begin + start, begin + end) for start, end in offsets)
        lines.append(line)
        begin += len(line) + 1
    text = "\n".join(lines)
    shares = {}
    for name in _current() if expected else ():
        with suppress(TokenizerError):
            offsets = [token for sentence in get(name)(text) for token in sentence]
            shares[name] = len(expected.intersection(offsets)) / len(expected)
    return shares


def detokenized(tokens: Sequence[str]) -> tuple[str, list[Offsets]]:
    """Join tokens as raw text is usually written.

    Blanks separate tokens, but not those of scripts without blanks, punctuation and the word that
    it follows or precedes, or the parts of contractions and elisions.

    Args:
        tokens: Tokens of a sentence.

    Returns:
        The text, and the offsets of the tokens in it.

    >>> detokenized(["Go", "to", "l'", "Aquila", "!"])[0]
    "Go to l'Aquila!"
    """
    text, offsets, previous = "", [], ""
    for token in tokens:
        text += " " if previous and not _is_glued(previous, token) else ""
        offsets.append((len(text), len(text) + len(token)))
        text += token
        previous = token
    return text, [(start, end) for start, end in offsets if start < end]


def _is_glued(left: str, right: str) -> bool:
    """Return whether raw text has no blank between two tokens."""
    return (
        right.lower() in _CLOSING
        or left in _OPENING
        or (len(left) > 1 and left.endswith(_APOSTROPHES) and left[-2].isalpha())
        or (_is_without_blanks(left[-1:]) and _is_without_blanks(right[:1]))
    )


def _is_without_blanks(character: str) -> bool:
    """Return whether a character belongs to a script that is written without blanks."""
    code = ord(character or " ")
    return (
        0x0E00 <= code < 0x1100  # Thai to Burmese
        or 0x1780 <= code < 0x1800  # Khmer
        or 0x2E80 <= code < 0xA4D0  # Chinese, Japanese, and their punctuation
        or 0xF900 <= code < 0xFB00
        or 0xFF00 <= code < 0xFF9F
        or 0x20000 <= code < 0x32000
    )


def best_fit(shares: Mapping[str, float]) -> str:
    """Return the tokenizer that agrees best with a corpus.

    Args:
        shares: Result of `agreement`.

    Returns:
        The name of the highest share, the default among several; empty without shares.
    """
    return max(shares, key=lambda name: (shares[name], name == DEFAULT), default="")


def warning(sentences: Sequence[Sentence], name: str) -> str | None:
    """Return a warning if a tokenizer splits raw text unlike the corpus.

    A model trained on the corpus would be given other tokens in use than in training.

    Args:
        sentences: Sentences of the corpus.
        name: Name of the model's tokenizer.

    Returns:
        One line that proposes the tokenizer that fits best; None if `name` fits, or if no sentence
        can be used.

    Raises:
        TokenizerError: The name is unknown.
    """
    get(name)  # registers it, so that it is measured
    shares = agreement(sentences)
    own = shares.get(resolve(name), 1.0)
    best = best_fit(shares)
    if own >= LOWEST and own >= shares.get(best, 1.0) - MARGIN:
        return None
    found = f"the tokenizer {resolve(name)} finds {own:.1%} of the tokens of train in raw text"
    if shares[best] < own + MARGIN:
        return f"{found}, and none finds more; to tag raw text, register one that fits"
    return f"{found}, {best} {shares[best]:.1%}; to tag raw text, add --tokenizer {best}"


def advice(text: str, start: int, end: int) -> str:
    """Return how to correct a span of characters that does not begin and end with a token.

    Args:
        text: Raw text; only the lines of the span are tokenized.
        start: First character of the span.
        end: Character after the last.

    Returns:
        One sentence, which names the tokenizers for which the span begins and ends with a token.
    """
    begin = text.rfind("\n", 0, start) + 1
    stop = text.find("\n", end)
    lines = text[begin : len(text) if stop < 0 else stop]
    fitting = []
    for name in _current():
        with suppress(TokenizerError):
            offsets = [token for sentence in get(name)(lines) for token in sentence]
            starts, ends = {one for one, _ in offsets}, {one for _, one in offsets}
            if start - begin in starts and end - begin in ends:
                fitting.append(name)
    if not fitting:
        return "Correct the span, which fits no known tokenizer, or provide tokens instead of text"
    return (
        "Correct the span, provide tokens instead of text, or choose a tokenizer that fits with "
        f"--tokenizer: {', '.join(fitting)}"
    )


def _current() -> list[str]:
    """Return the names of all tokenizers except for replaced versions."""
    return [name for name in names() if name not in REPLACED]
