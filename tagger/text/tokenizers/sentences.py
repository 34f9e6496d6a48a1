"""Sentences of a line, found by the compiled library `sentencex` and thin rules of our own."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator
from functools import cache

from tagger.text.tokenizers.base import Offsets

__all__ = ["split"]

_CLOSING = "\"'\u201d\u2019)]\xbb"
# Characters that are replaced before sentencex is called. It never splits a quotation, but those in
# news contain many sentences; an unpaired quotation mark would join a whole paragraph; and matching
# the marks takes quadratic time.
_QUOTES = '"`\xab\xbb\u2018\u201a\u201b\u201c\u201d\u201e\u201f\u2039\u203a\u300a\u300b\u300c\u300d'
_MASK = dict.fromkeys(map(ord, _QUOTES), " ")
_MASK[ord("'")] = "\u2019"  # unambiguously an apostrophe, never an opening mark
_MASK |= dict.fromkeys(range(0xD800, 0xE000), "\ufffd")  # Rust refuses lone surrogates
# sentencex panics at blanks of several bytes before a full stop.
_MASK |= dict.fromkeys((0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029), " ")
_MASK |= dict.fromkeys((0x202F, 0x205F, 0x3000), " ")

_PLAIN_END = re.compile(r"[.!?\u2026\u3002\uff01\uff1f]+[\u2019)\]]*(?=\s+(\S))")


def split(line: str, languages: tuple[str, ...] = ("en",)) -> Iterator[Offsets]:
    """Yield start and end of the sentences of a line.

    Args:
        line: A line that is not blank.
        languages: Codes of the languages whose abbreviations do not end a sentence.

    Yields:
        Offsets of the sentences, none of them blank.
    """
    masked = line.replace(" '", "  ").translate(_MASK)
    # Only whitespace and quotation marks follow, which do not form a sentence.
    last = len(masked.rstrip())
    start = begin = 0
    for cut in _cuts(masked, languages):
        segment = masked[begin:cut].rstrip()
        end, begin = begin + len(segment), cut
        segment = segment.lstrip()
        if not segment or not start < end < last or not _is_end(segment, line[end : end + 4]):
            continue
        while end < last and line[end] in _CLOSING:
            end += 1
        if end < last:
            yield start, end
            start = end
    yield start, len(line.rstrip())


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


def _cuts(line: str, languages: tuple[str, ...]) -> Iterable[int]:
    """Return the offsets where sentencex splits a line in every language.

    No failure of the library loses a line: a plain rule replaces it there.
    """
    import sentencex  # type: ignore[import-untyped,unused-ignore]

    cuts: set[int] | None = None
    try:
        for language in languages:
            segments = sentencex.get_sentence_boundaries(language, line)
            ends = {segment["end_index"] for segment in segments}
            cuts = ends if cuts is None else cuts & ends
    except BaseException as error:
        # A panic of Rust is a BaseException; its class cannot be imported.
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        _log_failure()
        return _plain_cuts(line)
    return sorted(cuts or ())


def _plain_cuts(line: str) -> list[int]:
    """Return the offsets after marks that end a sentence before a blank and a capital letter."""
    return [match.end() for match in _PLAIN_END.finditer(line) if match[1].isupper()]


@cache
def _log_failure() -> None:
    """Log, once per process, that a plain rule splits the lines at which sentencex fails."""
    logging.getLogger("tagger").warning(
        "the library sentencex failed at a line; a plain rule splits such lines into sentences"
    )
