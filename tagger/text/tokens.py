"""Raw text -> sentences and tokens, as exact character offsets.

`text[start:end]` is the token, for any string, and no character that is not whitespace
(`str.isspace`) is ever lost: each lies in exactly one token. `get` returns the tokenizer of a name;
a trained model stores it.

The default is for English: the compiled library `sentencex` divides each line into sentences, and
one pattern of the library `regex` divides each sentence into tokens like those of CoNLL-2003. Both
were chosen by measurement: see `benchmarks/tokenization.py` and `CONTRIBUTING.md`. A line break
always ends a sentence (each that `str.splitlines` knows); in hard-wrapped text, first put a blank
for every single line break.
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
Tokenizer = Callable[[str], Iterable[list[Offsets]]]

DEFAULT = "english-conll-1"
"""English, CoNLL-like tokens. The number grows when the same text would give other tokens than
before.
"""


class TokenizerError(TaggerError, ValueError):
    """An unknown or doubly used name, or offsets that do not divide the text into tokens."""


# The order of the alternatives is their priority. What may read far and then fail is bounded, so
# that a line of a million characters without a blank takes linear time. The end (\Z) is the end of
# the sentence.
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
# What sentencex is to see instead. It never divides a quotation, but those in news are many
# sentences long; a mark without its partner would glue a paragraph together; and looking for
# partners takes it quadratic time.
_QUOTES = '"`\xab\xbb\u2018\u201a\u201b\u201c\u201d\u201e\u201f\u2039\u203a\u300a\u300b\u300c\u300d'
_MASK = dict.fromkeys(map(ord, _QUOTES), " ")
_MASK[ord("'")] = "\u2019"  # an apostrophe, and no more an opening mark
_MASK |= dict.fromkeys(range(0xD800, 0xE000), "\ufffd")  # Rust refuses lone surrogates


@cache
def _pattern() -> Any:
    # Imported at the first use, like sentencex below: tagging text that has tokens already needs
    # neither.
    import regex  # type: ignore[import-untyped,unused-ignore]

    return regex.compile(_TOKEN, regex.VERBOSE)


def _is_end(segment: str, after: str) -> bool:
    """Does a sentence end between this segment of sentencex' and the (up to four) characters after
    it?
    """
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
    """Start and end of the sentences, each with something to see; only whitespace lies outside of
    them.
    """
    import sentencex  # type: ignore[import-untyped,unused-ignore]

    masked = line.replace(" '", "  ").translate(_MASK)
    last = len(masked.rstrip())  # what follows, quotation marks at most, is no sentence of its own
    start = 0
    for found in sentencex.get_sentence_boundaries("en", masked):
        segment = masked[found["start_index"] : found["end_index"]].rstrip()
        end = found["start_index"] + len(segment)
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
    """English sentences, CoNLL-like tokens: "do" + "n't", "$" + "100", "U.S.", the final full stop
    apart.
    """
    spans = _pattern().finditer
    for begin, line in _lines(text):
        for start, end in _sentences(line):
            yield [match.span() for match in spans(text, begin + start, begin + end)]


def whitespace(text: str) -> Iterator[list[Offsets]]:
    """One sentence a line, tokens separated by whitespace: for text that was tokenized before."""
    for begin, line in _lines(text):
        sentence, at = [], 0
        for token in line.split():
            start = line.index(token, at)
            at = start + len(token)
            sentence.append((begin + start, begin + at))
        yield sentence


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """The lines that hold more than whitespace, each with its offset."""
    start = 0
    for line in text.splitlines(keepends=True):
        if not line.isspace():
            yield start, line
        start += len(line)


_TOKENIZERS: dict[str, Tokenizer] = {DEFAULT: english, "whitespace": whitespace}


def names() -> list[str]:
    """The names that `get` knows, sorted."""
    return sorted(_TOKENIZERS)


def register(name: str, tokenizer: Tokenizer) -> None:
    """Make `tokenizer` known by `name`, which trained models store; to load them, register it again
    first.

    Raises: TokenizerError: the name is taken by another tokenizer. A name must mean one thing, or
        else models
            would silently read other tokens than they were trained on.
    """
    if _TOKENIZERS.setdefault(name, tokenizer) is not tokenizer:
        raise TokenizerError(
            f"there is another tokenizer named {name!r}; taken are: {', '.join(names())}"
        )


def get(name: str) -> Tokenizer:
    """The tokenizer of this name; what it yields is checked (see `checked`).

    Raises:
        TokenizerError: (a ValueError) no such name; the message lists the known ones.
    """
    if name not in _TOKENIZERS:
        nearest = most_similar(name, _TOKENIZERS)
        hint = f" (did you mean {nearest!r}?)" if nearest else ""
        raise TokenizerError(
            f"unknown tokenizer {name!r}{hint}; known: {', '.join(names())}. "
            "One of your own must be registered first, with tagger.text.tokens.register"
        )
    return validated(_TOKENIZERS[name], name)


def validated(tokenizer: Tokenizer, name: str) -> Tokenizer:
    """`tokenizer`, whose every sentence is checked before it is handed on.

    A fault is an error and is not repaired: the model never saw in training what we would put in,
    and whoever wrote the tokenizer would never learn of it.

    Raises (while iterating): TokenizerError: an empty sentence or token, an offset outside of the
        text, tokens that overlap or are
            out of order, or a character outside of all tokens that is not whitespace.
    """

    def run(text: str) -> Iterator[list[Offsets]]:
        end = 0
        for sentence in tokenizer(text):
            if not sentence:
                raise TokenizerError(
                    f"tokenizer {name!r} gave an empty sentence after character {end}"
                )
            for token in sentence:
                if not end <= token[0] < token[1] <= len(text):
                    raise TokenizerError(
                        f"tokenizer {name!r} gave the token {tuple(token)} after character {end} "
                        "of "
                        f"{len(text)}: tokens must hold a character each, in order, without overlap"
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
        f"tokenizer {name!r} lost {gap.strip()[:30]!r} at character {at}: "
        "each character that is not whitespace must lie in a token"
    )
