"""Tokenizers: raw text to sentences and tokens, as exact character offsets.

For any string, `text[start:end]` is the token, and each character that is not whitespace
(`str.isspace`) lies in exactly one token. Tokenizers are registered by name; a trained model stores
the name, and `get` returns the tokenizer.

The default is for English: the compiled library `sentencex` splits each line into sentences, and
one pattern of the library `regex` splits each sentence into tokens like those of CoNLL-2003. Both
were chosen by measurement: see `benchmarks/tokenization.py` and `CONTRIBUTING.md`. Every line break
of `str.splitlines` ends a sentence; in hard-wrapped text, first replace single line breaks by
blanks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any

from tagger.errors import TaggerError, most_similar

__all__ = [
    "DEFAULT",
    "Offsets",
    "Tokenizer",
    "TokenizerError",
    "english",
    "get",
    "names",
    "register",
    "whitespace",
]

Offsets = tuple[int, int]
"""Start and end of a token in its text, in code points, half-open."""

Tokenizer = Callable[[str], Iterable[list[Offsets]]]
"""A function from a text to the offsets of the tokens, one list per sentence."""

DEFAULT = "english-conll-1"
"""The default tokenizer: English, CoNLL-like tokens. The number in its name is increased whenever
the tokens of some text change.
"""


class TokenizerError(TaggerError, ValueError):
    """An unknown or duplicate name of a tokenizer, or offsets that do not cover the text."""


# The order of the alternatives is their priority. Quantifiers that can match far ahead and then
# fail are bounded, so that a line of a million characters without a blank takes linear time. \Z is
# the end of the sentence.
_TOKEN = r"""
    [a-zA-Z]++(?=[\ ,])                                             # most words, quickly
  # URL, without the punctuation behind it
  | (?i:(?:https?|ftp)://|www\.)[^\s\x1f]*[\w/]                   
  | [\w.+-]{1,64}+@\w[\w-]{0,62}+(?:\.\w[\w-]{0,62}+)++             # mail address
  | \w{1,24}?(?=(?i:n['\u2019]t)\b) | (?i:n['\u2019]t)\b            # do + n't
  | (?i:['\u2019](?:s|re|ve|m|ll|d))\b                              # 's, 'll
  | \p{L}(?:\.\p{L}(?!\w))++                                        # U.S., a.m., U.S.-led
    (?:\.(?!["'\u201d\u2019]*+\Z)(?:-\w++)*+)?+                     # at the end U.S + .
  | \p{Lu}{1,3}\p{Sc}                                               # US$
  | (?:(?<![^\s(])[+-](?=\.?\d))?+(?:\.(?=\d))?+[\w\p{N}]++         # a word; +44, -0.3, .500
    # Inzamam-ul-Haq, 1996-08-22, AT&T
    (?: [-&\xad][\w\p{N}]++                                       
      | (?<=\d)[.,:/](?=\d)[\w\p{N}]++                              # 10,000, 2:29.34, 1/2
      | \.(?=[\p{Ll}\d])[\w\p{N}]++                                 # example.com
      | ['\u2019](?!(?i:s|re|ve|m|ll|d)\b)\p{L}++                   # O'Brien
    )*+
    (?:(?<!\p{Ll}{5})\.(?=[\s,;:]))?+                               # Inc., as the sentence goes on
  | ([.\-*=!?~\#+<>`'])\1++                                         # ..., --
  | \p{RI}{2}                                                       # flags
  | \p{ExtPict}[\p{M}\p{EMod}\U000E0020-\U000E007F]*+               # emoji
    (?:\u200d\p{ExtPict}[\p{M}\p{EMod}]*+)*+
  # any other character, with its marks
  | [^\s\x1f][\p{M}\u200d]*+                                      
"""
_CLOSING = "\"'\u201d\u2019)]\xbb"
# Characters that are replaced before sentencex is called. It never splits a quotation, but those in
# news contain many sentences; an unpaired quotation mark would join a whole paragraph; and matching
# the marks takes quadratic time.
_QUOTES = '"`\xab\xbb\u2018\u201a\u201b\u201c\u201d\u201e\u201f\u2039\u203a\u300a\u300b\u300c\u300d'
_MASK = dict.fromkeys(map(ord, _QUOTES), " ")
_MASK[ord("'")] = "\u2019"  # unambiguously an apostrophe, never an opening mark
_MASK |= dict.fromkeys(range(0xD800, 0xE000), "\ufffd")  # Rust refuses lone surrogates


@cache
def _pattern() -> Any:
    """Compile the token pattern once."""
    # Imported at first use, like sentencex below: tokenized input needs neither.
    import regex  # type: ignore[import-untyped,unused-ignore]

    return regex.compile(_TOKEN, regex.VERBOSE)


def _is_end(segment: str, after: str) -> bool:
    """Return whether a sentence ends between a segment of sentencex and the next 1-4 characters."""
    if segment[-1:].isalnum():  # "(Jun / 26)"
        return False
    if after[0] in _CLOSING:  # "Go!" / he said.
        return not after.lstrip(_CLOSING + " ")[:1].islower()
    if not segment.endswith("."):
        return True
    tail = segment[-3:-1].lstrip(" (")
    initial = len(tail) == 1 and tail.isupper() and tail != "I"  # J. / Smith
    numbered = segment[:-1].isdecimal()  # 2. / The second
    return after[0].isspace() and not initial and not numbered  # Iraq-U. / N. talks


def _sentences(line: str) -> Iterator[Offsets]:
    """Yield start and end of the sentences of a line, none of them blank."""
    import sentencex  # type: ignore[import-untyped,unused-ignore]

    masked = line.replace(" '", "  ").translate(_MASK)
    # Only whitespace and quotation marks follow, which do not form a sentence.
    last = len(masked.rstrip())
    start = 0
    for boundary in sentencex.get_sentence_boundaries("en", masked):
        segment = masked[boundary["start_index"] : boundary["end_index"]].rstrip()
        end = boundary["start_index"] + len(segment)
        segment = segment.lstrip()
        if not segment or not start < end < last or not _is_end(segment, line[end : end + 4]):
            continue
        while end < last and line[end] in _CLOSING:
            end += 1
        if end < last:
            yield start, end
            start = end
    yield start, len(line.rstrip())


def english(text: str) -> Iterator[list[Offsets]]:
    """Split English text into sentences and CoNLL-like tokens.

    Contractions, currency signs and the final full stop are separate tokens ("do" + "n't", "$" +
    "100"); abbreviations such as "U.S." are one token.

    Args:
        text: Any string.

    Yields:
        The token offsets of each sentence.
    """
    spans = _pattern().finditer
    for begin, line in _lines(text):
        for start, end in _sentences(line):
            yield [match.span() for match in spans(text, begin + start, begin + end)]


def whitespace(text: str) -> Iterator[list[Offsets]]:
    """Split tokenized text, one sentence per line, at whitespace.

    Args:
        text: Any string.

    Yields:
        The token offsets of each line that is not blank.
    """
    for begin, line in _lines(text):
        sentence, end = [], 0
        for token in line.split():
            start = line.index(token, end)
            end = start + len(token)
            sentence.append((begin + start, begin + end))
        yield sentence


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield each line that is not blank with its offset."""
    start = 0
    for line in text.splitlines(keepends=True):
        if not line.isspace():
            yield start, line
        start += len(line)


_TOKENIZERS: dict[str, Tokenizer] = {DEFAULT: english, "whitespace": whitespace}


def names() -> list[str]:
    """Return the names of all registered tokenizers, sorted."""
    return sorted(_TOKENIZERS)


def register(name: str, tokenizer: Tokenizer) -> None:
    """Register a tokenizer by name, for this process.

    Trained models store the name, so a custom tokenizer must be registered before they are loaded.
    Registering the same tokenizer again has no effect.

    Args:
        name: Unique name.
        tokenizer: Function from a text to the token offsets of each sentence.

    Raises:
        TokenizerError: Another tokenizer has this name. A name must be unambiguous, or models would
            silently be given other tokens than they were trained on.
    """
    if _TOKENIZERS.setdefault(name, tokenizer) is not tokenizer:
        raise TokenizerError(
            f"another tokenizer named {name!r} is registered; choose a name other than "
            f"{', '.join(names())}"
        )


def get(name: str) -> Tokenizer:
    """Return a registered tokenizer, whose output is checked by `validated`.

    Args:
        name: Name of the tokenizer.

    Returns:
        A function from a text to the token offsets of each sentence.

    Raises:
        TokenizerError: The name is not registered; the message lists all that are.
    """
    if name not in _TOKENIZERS:
        nearest = most_similar(name, _TOKENIZERS)
        hint = f" (did you mean {nearest!r}?)" if nearest else ""
        raise TokenizerError(
            f"unknown tokenizer {name!r}{hint}; known: {', '.join(names())}. "
            "A custom tokenizer must be registered first, with tagger.text.tokens.register"
        )
    return validated(_TOKENIZERS[name], name)


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
