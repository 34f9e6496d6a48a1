"""Recognition of the encoding of a text that is not UTF-8, for the advice of error messages.

An encoding is only recommended if it decodes every byte and turns them into frequent letters of a
language, more so than any other encoding that would decode them differently.
"""

from __future__ import annotations

import codecs
import functools
import math
import unicodedata

from tagger.text.opening.letters import ENCODINGS, LETTERS

__all__ = ["candidates", "is_cesu8", "is_mostly_utf8", "utf16_or_utf32"]

_SAMPLE = 1 << 12  # bytes of lines with other bytes than ASCII that are examined

# Log-probabilities of characters beyond ASCII, in nats.
_PUNCTUATION = -2.5
_APOSTROPHE = -1.0
_MISPLACED = -7.0  # a quotation mark or dash within a word, for example
_FULL_WIDTH = -3.0
_IDEOGRAPH = -9.0  # a character of the right script that is not in the table
_STRANGE = -14.0
_ASCII = 3.7  # nats of an ASCII letter that became the second byte of a character
_OPENING, _CLOSING = "“‘„‚«‹¿¡", "”’“‘»›"
_TYPOGRAPHIC = frozenset("“”„‚‘’«»‹›–—…•·€£§°©®™№¡¿\u00a0²³½¼¾×±µ")
_WIDE = frozenset("、。，：；？！「」『』（）《》〈〉【】・〜～　“”‘’…—·％－／")

_FREQUENT = (
    frozenset("".join(letters for group in LETTERS.values() for letters in group))
    | _TYPOGRAPHIC
    | _WIDE
)
_WIDTHS = {"utf-32-le": 4, "utf-32-be": 4, "utf-16-le": 2, "utf-16-be": 2}

_MARGIN = 6.0  # nats by which an encoding must be more probable than others
_LEAST = -7.5  # nats per character beyond ASCII


def candidates(data: bytes, exclude: str = "") -> list[str]:
    """Return the encodings that a text probably has.

    Args:
        data: Part of the text, complete lines except perhaps at its end.
        exclude: An encoding that was declared and is wrong.

    Returns:
        Names of encodings, the most probable first: one if there is no doubt, two or three that
        cannot be distinguished, or none.
    """
    lines = [line for line in data.split(b"\n") if not line.isascii()]
    sample = b"\n".join(lines)[:_SAMPLE]
    scores: dict[str, float] = {}
    decoded: dict[str, str] = {}
    for name, (group, rarity) in ENCODINGS.items():
        decoder = codecs.getincrementaldecoder(name)()
        try:
            text = decoder.decode(sample)
            text += "\ufffd" * bool(decoder.getstate()[0])  # the sample ends within a character
        except UnicodeDecodeError:
            continue
        if name == exclude or text in decoded.values():
            continue
        decoded[name] = text
        consumed = sum(byte < 128 for byte in sample) - sum(one < "\x80" for one in text)
        best_score = max(_score(text, letters) for letters in LETTERS[group])
        scores[name] = best_score - rarity + _ASCII * consumed
    ranked = sorted(scores, key=lambda name: -scores[name])
    if not ranked:
        return []
    best = ranked[0]
    size = sum(character > "\x7f" for character in decoded[best])
    if scores[best] < _LEAST * size - 2:
        return []
    near = [name for name in ranked if scores[name] > scores[best] - _MARGIN]
    return near if len(near) <= 3 else []


def _score(text: str, letters: str) -> float:
    """Return the log-probability of a decoded text, were it in a language with these letters."""
    ranks = {letter: rank for rank, letter in reversed([*enumerate(letters)])}
    total, padded = 0.0, f"\n{text}\n"
    for position, character in enumerate(text, 1):
        if character > "\x7f":
            before, after = padded[position - 1], padded[position + 1]
            total += _probability(character, before, after, ranks)
            total += _fit(before, character) + (_fit(character, after) if after < "\x80" else 0.0)
    return total


def _probability(character: str, before: str, after: str, ranks: dict[str, int]) -> float:
    """Return the log-probability of a character beyond ASCII, next to its neighbors."""
    rank = ranks.get(character, ranks.get(character.lower()))
    is_wide = len(ranks) > 100
    if rank is not None:
        is_alone = character.isupper() and not before.isalpha() and not after.isalpha()
        return -math.log(6.0 * (rank + 5) if is_wide else 3.0 * (rank + 2)) - 3.0 * is_alone
    if is_wide and character in _WIDE:
        return _FULL_WIDTH
    if character in _TYPOGRAPHIC:
        if character == "’" and before.isalpha():
            return _APOSTROPHE
        return _PUNCTUATION if _is_in_place(character, before, after) else _MISPLACED
    if is_wide and ("\uff01" <= character <= "\uff5e" or _script(character) in ("CJK", "HANGUL")):
        return _IDEOGRAPH
    return _STRANGE


def _is_in_place(character: str, before: str, after: str) -> bool:
    """Return whether a quotation mark, dash or symbol stands where such a character stands."""
    if character in _OPENING and not before.isalnum() and not after.isspace():
        return True
    if character in _CLOSING and not before.isspace() and not after.isalnum():
        return True
    return character not in _OPENING + _CLOSING and not (before.isalpha() and after.isalpha())


def _fit(before: str, after: str) -> float:
    """Return the log-probability that two characters stand side by side."""
    if before.isdigit() != after.isdigit() and _is_of_word(before) != _is_of_word(after):
        return -3.0
    if not (_is_of_word(before) and _is_of_word(after)):
        return 0.0
    total = -4.0 if before.islower() and after.isupper() else 0.0
    one, other = _script(before), _script(after)
    if one != other:
        total -= 3.0 if {one, other} & {"CJK", "HANGUL"} else 6.0
    return total


def _is_of_word(character: str) -> bool:
    """Return whether a character is a letter, or a mark on one."""
    return character.isalpha() or unicodedata.category(character)[0] == "M"


@functools.lru_cache(1 << 14)
def _script(character: str) -> str:
    """Return the first word of a character's name: LATIN, CYRILLIC, CJK, …"""
    if character < "\x80":
        return "LATIN"
    script = unicodedata.name(character, "?").split(" ")[0].split("-")[0]
    return "CJK" if script in ("HIRAGANA", "KATAKANA") else script


def is_mostly_utf8(data: bytes) -> bool:
    """Return whether a text is UTF-8 but for a few bytes."""
    text = data.decode("utf-8", "surrogateescape")
    beyond = [character for character in text if character > "\x7f"]
    wrong = sum("\udc80" <= character <= "\udcff" for character in beyond)
    right = len(beyond) - wrong
    return right > 0 and right >= wrong


def is_cesu8(data: bytes) -> bool:
    """Return whether a text is CESU-8: UTF-8 with pairs of surrogates of three bytes each."""
    try:
        text = codecs.getincrementaldecoder("utf-8")("surrogatepass").decode(data)
        text = text[:-1] if "\ud800" <= text[-1:] <= "\udbff" else text  # it may be cut in a pair
        text.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
    except UnicodeDecodeError:
        return False
    return any("\ud800" <= character <= "\udbff" for character in text)


def utf16_or_utf32(data: bytes) -> str:
    """Recognize UTF-16 and UTF-32 without a byte order mark by the positions of zero bytes.

    Args:
        data: The first bytes of a text.

    Returns:
        utf-16-le, utf-16-be, utf-32-le, utf-32-be; or "" for anything else.
    """
    if b"\0" not in data or len(data) < 8:
        return ""
    shares = {}
    for name, width in _WIDTHS.items():
        try:
            text = codecs.getincrementaldecoder(name)().decode(data[:_SAMPLE])
        except UnicodeDecodeError:
            continue
        if len(data) % width == 0 or len(data) >= _SAMPLE:
            shares[name] = _natural_share(text)
    best = max(shares, key=lambda name: shares[name], default="")
    return best if best and shares[best] > 0.5 else ""


def _natural_share(text: str) -> float:
    """Return the share of characters that are ASCII or frequent in some language, at most 1.

    It is 0 if the text contains control characters or code points without a character.
    """
    if any(
        unicodedata.category(character) in ("Cc", "Cn", "Co", "Cs")
        for character in set(text) - set("\t\n\r\f\v")
    ):
        return 0.0
    return sum(character < "\x80" or character.lower() in _FREQUENT for character in text) / max(
        len(text), 1
    )
