"""Tagging schemes: spans to tags and back, detection, validation, and the transitions that a scheme
allows.

A tag is ``O`` or ``<prefix>-<label>``; the label is all that follows the first hyphen, so
``B-GPE-CITY`` has the label ``GPE-CITY``. The schemes differ in their prefixes only:

    IO      I                     cannot separate two adjacent spans of one label
    IOB1    I, B                  B only where a span follows another of the same label (CoNLL-2003)
    IOB2    B, I                  B opens every span (Ratnaparkhi 1998; CoNLL-2002)
    IOBES   B, I, E, S            E closes a span, S is a span of one token
    BILOU   B, I, L, U            the same with the letters L and U (Ratinov and Roth 2009)

Everything here follows from one function, `allowed`: which tag may follow which.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

import numpy as np

from tagger.text.spans import Span

__all__ = [
    "OUTSIDE",
    "PLAIN",
    "PREFIXES",
    "SCHEMES",
    "TRAINING_SCHEME",
    "SchemeError",
    "convert",
    "decode",
    "detect",
    "encode",
    "first_violation",
    "may_follow",
    "strict_spans",
    "tag_set",
    "transition_table",
]

OUTSIDE = "O"
PREFIXES = {"IOB2": "BI", "IO": "I", "IOB1": "IB", "IOBES": "BIES", "BILOU": "BILU"}
SCHEMES = tuple(PREFIXES)
TRAINING_SCHEME = "IOBES"
"""The scheme of a network's tags: a span is exactly one sequence of tags, so its probability is
that of a path segment.
"""

PLAIN = "plain"
"""The name for tags that are no encoding of spans, such as parts of speech."""

_OPENING = frozenset("BSU")


class SchemeError(ValueError):
    """A tag sequence that its scheme does not allow. ``index`` is the offending token, counted from
    0.
    """

    def __init__(self, message: str, index: int = 0) -> None:
        self.index = index
        super().__init__(message)


def split(tag: str) -> tuple[str, str]:
    """The prefix and the label of a tag; both are empty for ``O`` and for whatever is not
    ``<prefix>-<label>``.
    """
    prefix, hyphen, label = tag.partition("-")
    return (prefix, label) if hyphen and label and prefix in _ALL_PREFIXES else ("", "")


_ALL_PREFIXES = frozenset("".join(PREFIXES.values()))


@lru_cache(maxsize=1 << 16)
def may_follow(scheme: str, previous: str | None, tag: str | None) -> bool:
    """Whether `tag` may follow `previous` in `scheme`; None stands for the border of the
    sentence.
    """
    before, label_before = split(previous or OUTSIDE)
    here, label = split(tag or OUTSIDE)
    if here and here not in PREFIXES[scheme]:
        return False
    goes_on = bool(here) and label == label_before
    if scheme in ("IO", "IOB1"):
        # B where IOB1 needs none is unambiguous, and CoNLL-2003's own train set has two of them
        return True
    if scheme == "IOB2":
        return here != "I" or goes_on
    inside = before in ("B", "I")
    continues = bool(here) and here not in _OPENING
    return goes_on if inside and continues else not inside and not continues


def first_violation(tags: Sequence[str], scheme: str) -> int | None:
    """The index of the first tag that `scheme` does not allow where it stands, or None.

    A span that the sentence's end leaves open (IOBES, BILOU) is reported at the last token.
    """
    previous: str | None = None
    for index, tag in enumerate(tags):
        if not _well_formed(tag) or not may_follow(scheme, previous, tag):
            return index
        previous = tag
    return None if may_follow(scheme, previous, None) else len(tags) - 1


def _well_formed(tag: str) -> bool:
    return tag == OUTSIDE or split(tag)[0] != ""


def detect(sequences: Iterable[Sequence[str]]) -> str:
    """The scheme in which all `sequences` are valid, or ``plain`` if no tag but O has the form of a
    span's tag.

    Where several fit, the sequences hold the same spans in each, and the first of `SCHEMES` is
    named. IOB1 is named only if nearly all spans open as it writes them; a mixture of IOB1 and IOB2
    is refused rather than guessed.

    Raises: SchemeError: tags with and without the form ``<prefix>-<label>`` are mixed, or no scheme
        fits.
    """
    candidates, plain, prefixed = list(SCHEMES), "", ""
    opened_by_i, needless_b, orphan = 0, 0, ""
    for tags in sequences:
        for before, tag in zip([OUTSIDE, *tags], tags, strict=False):
            prefix, label = split(tag)
            prefixed, plain = (
                (tag, plain) if prefix else (prefixed, plain if tag == OUTSIDE else tag)
            )
            opens = label != split(before)[1]
            needless_b += prefix == "B" and opens
            if prefix == "I" and opens:
                opened_by_i, orphan = opened_by_i + 1, orphan or f"{tag!r} in {' '.join(tags)!r}"
        if plain and prefixed:
            raise SchemeError(
                f"the tags {prefixed!r} and {plain!r} do not belong to one scheme: expected O or "
                "PREFIX-LABEL throughout, "
                f"with the prefixes of one of {', '.join(SCHEMES)}; declare scheme {PLAIN!r} if "
                "these are plain tags"
            )
        if not plain:
            candidates = [scheme for scheme in candidates if first_violation(tags, scheme) is None]
    if plain:
        return PLAIN
    if not candidates:
        raise SchemeError(
            f"no scheme of {', '.join(SCHEMES)} fits all tags; declare the scheme to see the "
            "first mistake"
        )
    if candidates[0] == "IOB1" and needless_b * 100 > opened_by_i:
        raise SchemeError(
            f"{opened_by_i} spans open with I- as in IOB1 (the first: {orphan}), but {needless_b} "
            "open with B- as in IOB2: "
            "expected one scheme; mend those tags, or declare IOB1, in which I- after another "
            "label opens a span"
        )
    return candidates[0]


def decode(tags: Sequence[str], scheme: str) -> list[Span]:
    """The spans that `tags` encode.

    Raises:
        SchemeError: the sequence is not valid in `scheme`.
    """
    index = first_violation(tags, scheme)
    if index is not None:
        raise SchemeError(_explanation(tags, index, scheme), index)
    spans, start, previous_label = [], 0, ""
    for position, tag in enumerate([*tags, OUTSIDE]):
        prefix, label = split(tag)
        if previous_label and (prefix in _OPENING or label != previous_label):
            spans.append(Span(start, position, previous_label))
            previous_label = ""
        if label and not previous_label:
            start, previous_label = position, label
    return spans


def strict_spans(tags: Sequence[str], scheme: str) -> Iterator[tuple[int, int, str]]:
    """Start, end and label of the spans of a sentence in IOB2, IOBES or BILOU that holds mistakes:
    a stray tag makes no span.
    """
    closing = PREFIXES[scheme][2:3]  # in IOB2 there is none: what comes next closes
    begun, label = -1, ""
    for at, tag in enumerate([*tags, OUTSIDE]):
        prefix, here = split(tag)
        if begun >= 0 and here == label and prefix == "I":
            continue
        if begun >= 0 and (not closing or (prefix == closing and here == label)):
            yield begun, at + len(closing), label
        begun = at if prefix == "B" else -1
        label = here
        if prefix in ("S", "U"):
            yield at, at + 1, label


def _explanation(tags: Sequence[str], index: int, scheme: str) -> str:
    tag, before = tags[index], repr(tags[index - 1]) if index else "the start of a sentence"
    prefixes = "O, " + ", ".join(f"{prefix}-LABEL" for prefix in PREFIXES[scheme])
    if not _well_formed(tag) or split(tag)[0] not in ("", *PREFIXES[scheme]):
        return f"tag {tag!r} is not of the scheme {scheme}, whose tags are {prefixes}"
    if may_follow(scheme, tags[index - 1] if index else None, tag):
        return (
            f"tag {tag!r} leaves a span open at the end of the sentence, which {scheme} does not "
            "allow"
        )
    return f"tag {tag!r} cannot follow {before} in {scheme}"


def encode(spans: Iterable[Span], length: int, scheme: str) -> list[str]:
    """The tags of a sentence of `length` tokens that holds `spans`.

    Raises: SchemeError: spans overlap or reach past the end; or `scheme` is IO and two of one label
        are adjacent.
    """
    tags = [OUTSIDE] * length
    if not spans:
        return tags
    previous = Span(0, 1, OUTSIDE)
    previous_end = 0
    for span in sorted(spans, key=lambda span: span.start):
        if span.start < previous_end or span.end > length:
            raise SchemeError(
                f"{span.label} {span.start}-{span.end} overlaps or leaves {length} tokens",
                span.start,
            )
        adjacent = span.start == previous_end > 0 and span.label == previous.label
        if adjacent and scheme == "IO":
            raise SchemeError(
                f"IO cannot separate two adjacent spans of {span.label}; use IOB2", span.start
            )
        for offset, prefix in enumerate(_prefixes(span.end - span.start, scheme, adjacent)):
            tags[span.start + offset] = f"{prefix}-{span.label}"
        previous, previous_end = span, span.end
    return tags


def _prefixes(size: int, scheme: str, adjacent: bool) -> str:
    if scheme == "IO" or (scheme == "IOB1" and not adjacent):
        return "I" * size
    if scheme in ("IOB1", "IOB2"):
        return "B" + "I" * (size - 1)
    last, single = PREFIXES[scheme][2], PREFIXES[scheme][3]
    return single if size == 1 else "B" + "I" * (size - 2) + last


def convert(tags: Sequence[str], source: str, target: str) -> list[str]:
    """`tags` of the scheme `source` in the scheme `target`, through the spans."""
    return encode(decode(tags, source), len(tags), target)


def tag_set(labels: Iterable[str], scheme: str) -> tuple[str, ...]:
    """All tags of a scheme for these labels: O first, then label by label in sorted order."""
    return (
        OUTSIDE,
        *(f"{prefix}-{label}" for label in sorted(set(labels)) for prefix in PREFIXES[scheme]),
    )


def transition_table(tags: Sequence[str], scheme: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What the scheme allows, as booleans: first tags (K,), ``[i, j]`` for i -> j (K, K), last tags
    (K,).
    """
    start = np.array([may_follow(scheme, None, tag) for tag in tags], dtype=bool)
    between = np.array(
        [[may_follow(scheme, before, tag) for tag in tags] for before in tags], dtype=bool
    )
    end = np.array([may_follow(scheme, tag, None) for tag in tags], dtype=bool)
    return start, between.reshape(len(tags), len(tags)), end
