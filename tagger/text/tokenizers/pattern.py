"""The pattern of CoNLL-like tokens, with optional parts for a language or a kind of text."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from tagger.text.tokenizers.base import Offsets, lines
from tagger.text.tokenizers.sentences import split

__all__ = ["matches", "token_pattern"]

_ENTITY = r"&(?:[a-zA-Z][a-zA-Z0-9]{1,31}|\#(?:\d{1,7}|[xX][0-9a-fA-F]{1,6}));"
# Soft hyphens, zero-width characters and marks of direction, which a word may contain anywhere.
_INVISIBLE = r"\xad\u034f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff"
# What follows an apostrophe as a token of its own.
_CONTRACTED = "s|re|ve|m|ll|d"
_ENCLITIC = "s|m|t|ns?|ls?"  # of Catalan; "'s" also of English names
# Words of French and names whose apostrophe ends no elided word.
_UNDIVIDED = (
    r"(?i:aujourd|prud|quelqu|grand|presqu(?=['\u2019][i\xee]))['\u2019]|[ON]['\u2019]\p{Lu}"
)

# Marks of Hebrew abbreviations and foreign names.
_HEBREW = r"""
          | (?<=\p{Hebrew})["\u05f3\u05f4](?=\p{Hebrew})\w++
          | (?<=\p{Hebrew})['\u2019\u05f3]
"""
_EMOTICON = r"""
    [<>]?[:;=]['\u2019]?[-o^]?(?:[)(\]\[{}|/\\*@$]++|[dDpPoO3sScCxX](?!\w))
  | (?:<[3\\/]3*+|[xX]D++)(?!\w) | \(-?[:=](?!\w) | (?P<eye>[oO0^TuU><=-])[._]++(?P=eye)(?!\w)
  | \\[oO]/ | \xaf\\_\(\u30c4\)_/\xaf
"""


@cache
def token_pattern(
    *,
    tolerant: bool = True,
    contractions: bool = False,
    elisions: bool = False,
    social: bool = False,
) -> Any:
    """Compile the pattern of a token of `regex`, whose matches cover all but whitespace.

    Args:
        tolerant: Whether HTML entities and tags are tokens, invisible characters belong to the word
            around them, and marks between Hebrew letters do not divide an abbreviation.
        contractions: Whether contractions of English are divided: do + n't.
        elisions: Whether words are divided after an apostrophe: l' + Italie.
        social: Whether hashtags, mentions, cashtags and emoticons are tokens.

    Returns:
        The compiled pattern.
    """
    # Imported at first use: tokenized input does not need it.
    import regex  # type: ignore[import-untyped,unused-ignore]

    follows = _CONTRACTED if contractions else _ENCLITIC if elisions else r"\Z"
    invisible = f"[{_INVISIBLE}]*+" if tolerant else ""
    hyphens = rf"(?:[-\xad]|[{_INVISIBLE}]++|&amp;|&(?!{_ENTITY[1:]}))" if tolerant else r"[-&\xad]"
    # The order of the alternatives is their priority. Quantifiers that can match far ahead and then
    # fail are bounded, so that a line of a million characters without a blank takes linear time. \Z
    # is the end of the sentence.
    alternatives = [
        r"[a-zA-Z]++(?=[\ ,])",  # most words, quickly
        # URL, without the punctuation behind it
        r"(?i:(?:https?|ftp)://|www\.)[^\s\x1f]*[\w/]",
        # HTML: &nbsp; <b> </p>
        *([_ENTITY, "</?[a-zA-Z][a-zA-Z0-9]{0,15}+/?>"] if tolerant else []),
        r"[\w.+-]{1,64}+@\w[\w-]{0,62}+(?:\.\w[\w-]{0,62}+)++",  # mail address
        # @anna, #Oslo, $TSLA
        *(
            [
                r"(?<!\w)(?:[@\uff20\#\uff03]\w++|\$[a-zA-Z]{1,6}+(?!\w))",
                rf"(?<![\w:])(?:{_EMOTICON})",
            ]
            if social
            else []
        ),
        # l' + Italie, dell' + arte
        *(
            [rf"(?!{_UNDIVIDED})\p{{L}}{{1,12}}+['\u2019](?!(?i:{follows})\b)(?=[\w\xab\u201c\"])"]
            if elisions
            else []
        ),
        *([r"\w{1,24}?(?=(?i:n['\u2019]t)\b)", r"(?i:n['\u2019]t)\b"] if contractions else []),
        rf"(?i:['\u2019](?:{follows}))\b",  # 's, 'll
        # U.S., a.m., U.S.-led; at the end U.S + .
        r"""\p{L}(?:\.\p{L}(?!\w))++(?:\.(?!["'\u201d\u2019]*+\Z)(?:-\w++)*+)?+""",
        r"\p{Lu}{1,3}\p{Sc}",  # US$
        # a word; +44, -0.3, .500
        rf"""{invisible}(?:(?<![^\s(])[+-](?=\.?\d))?+(?:\.(?=\d))?+[\w\p{{N}}]++
        (?: {hyphens}[\w\p{{N}}]++                      # Inzamam-ul-Haq, 1996-08-22, AT&T
          | (?<=\d)[.,:/](?=\d)[\w\p{{N}}]++            # 10,000, 2:29.34, 1/2
          | \.(?=[\p{{Ll}}\d])[\w\p{{N}}]++             # example.com
          | ['\u2019](?!(?i:{follows})\b)\p{{L}}++      # O'Brien
          {_HEBREW if tolerant else ""}
        )*+{invisible}
        (?:(?<!\p{{Ll}}{{5}})\.(?=[\s,;:]))?+           # Inc., as the sentence goes on
        """,
        r"(?P<repeated>[.\-*=!?~\#+<>`'])(?P=repeated)++",  # ..., --
        r"\p{RI}{2}",  # flags
        # emoji
        r"""\p{ExtPict}[\p{M}\p{EMod}\U000E0020-\U000E007F]*+
            (?:\u200d\p{ExtPict}[\p{M}\p{EMod}]*+)*+""",
        # any other character, with its marks
        rf"[^\s\x1f][\p{{M}}\u200d{_INVISIBLE if tolerant else ''}]*+",
    ]
    return regex.compile("\n|".join(alternatives), regex.VERBOSE)


def matches(
    text: str, pattern: Any, languages: tuple[str, ...] = ("en",)
) -> Iterator[list[Offsets]]:
    """Split text into sentences, and sentences into the matches of a pattern.

    Args:
        text: Any string.
        pattern: Result of `token_pattern`.
        languages: Languages whose abbreviations do not end a sentence.

    Yields:
        The offsets of the matches in each sentence.
    """
    find = pattern.finditer
    for begin, line in lines(text):
        for start, end in split(line, languages):
            yield [match.span() for match in find(text, begin + start, begin + end)]
