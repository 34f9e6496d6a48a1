"""Tagging schemes: encoding, decoding, detection, validation and allowed transitions.

A tag is ``O`` or ``<prefix>-<label>``; the label is everything after the first hyphen, so
``B-GPE-CITY`` has the label ``GPE-CITY``. The schemes differ only in their prefixes:

    IO      I                     cannot separate two adjacent spans of one label
    IOB1    I, B                  B only where a span follows another of the same label (CoNLL-2003)
    IOB2    B, I                  B opens every span (Ratnaparkhi 1998; CoNLL-2002)
    IOBES   B, I, E, S            E closes a span, S is a span of one token
    BILOU   B, I, L, U            the same with the letters L and U (Ratinov and Roth 2009)

Everything follows from one function, `may_follow`: which tag may follow which.

Axes: K tags.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

import numpy as np

from tagger.text.spans import Span

__all__ = [
    "ALIASES",
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
    "violations",
]

ALIASES = {
    "BIO": "IOB2",
    "BIO2": "IOB2",
    "BIOES": "IOBES",
    "BMES": "IOBES",
    "BMEWO": "IOBES",
    "BILUO": "BILOU",
}
"""Other names of the schemes."""

OUTSIDE = "O"
"""The tag of a token outside of all spans."""

PREFIXES = {"IOB2": "BI", "IO": "I", "IOB1": "IB", "IOBES": "BIES", "BILOU": "BILU"}
"""The prefixes of each scheme."""

SCHEMES = tuple(PREFIXES)
"""The names of the schemes, in the order in which `detect` prefers them."""

TRAINING_SCHEME = "IOBES"
"""The scheme of a network's tags. Each span has exactly one encoding, so its probability is that of
a path segment.
"""

PLAIN = "plain"
"""The name for tags that do not encode spans, such as parts of speech."""

# Prefixes that always open a span.
_OPENING = frozenset("BSU")


class SchemeError(ValueError):
    """A violation of a scheme by tags or spans.

    Args:
        message: Description of the violation.
        index: Index of the offending token, counted from 0.
        scheme: The scheme that is violated, if it was detected.
        sequence: Index of the offending sequence, if there are several.
    """

    def __init__(
        self, message: str, index: int = 0, *, scheme: str = "", sequence: int | None = None
    ) -> None:
        self.index = index
        self.scheme = scheme
        self.sequence = sequence
        super().__init__(message)


def split(tag: str) -> tuple[str, str]:
    """Split a tag into prefix and label.

    Returns:
        The prefix and the label; two empty strings for ``O`` and for any tag that does not have the
        form ``<prefix>-<label>`` with a prefix of `PREFIXES`.
    """
    prefix, hyphen, label = tag.partition("-")
    return (prefix, label) if hyphen and label and prefix in _ALL_PREFIXES else ("", "")


_ALL_PREFIXES = frozenset("".join(PREFIXES.values()))


@lru_cache(maxsize=1 << 16)
def may_follow(scheme: str, previous: str | None, tag: str | None) -> bool:
    """Return whether `tag` may directly follow `previous`.

    Args:
        scheme: Name of the scheme.
        previous: The previous tag; None at the start of a sentence.
        tag: The tag; None at the end of a sentence.

    Returns:
        True if the scheme allows the pair. In IO and IOB1 every pair of its tags is allowed.
    """
    previous_prefix, previous_label = split(previous or OUTSIDE)
    prefix, label = split(tag or OUTSIDE)
    if prefix and prefix not in PREFIXES[scheme]:
        return False
    same_label = bool(prefix) and label == previous_label
    if scheme in ("IO", "IOB1"):
        # A B that IOB1 does not need is unambiguous, and the train set of CoNLL-2003 has two.
        return True
    if scheme == "IOB2":
        return prefix != "I" or same_label
    is_open = previous_prefix in ("B", "I")
    continues = bool(prefix) and prefix not in _OPENING
    return same_label if is_open and continues else not is_open and not continues


def first_violation(tags: Sequence[str], scheme: str) -> int | None:
    """Return the index of the first tag that violates a scheme.

    Args:
        tags: Tags of one sentence.
        scheme: Name of the scheme.

    Returns:
        The index, counted from 0, or None if the tags are valid. A span that is still open at the
        end of the sentence (IOBES, BILOU) is reported at the last token.
    """
    previous: str | None = None
    for index, tag in enumerate(tags):
        if not _well_formed(tag) or not may_follow(scheme, previous, tag):
            return index
        previous = tag
    return None if may_follow(scheme, previous, None) else len(tags) - 1


def _well_formed(tag: str) -> bool:
    """Return whether a tag is ``O`` or has the form ``<prefix>-<label>``."""
    return tag == OUTSIDE or split(tag)[0] != ""


def detect(sequences: Sequence[Sequence[str]]) -> str:
    """Detect the scheme of tag sequences, whose tags have the form ``B-PER`` or are ``O``.

    If several schemes fit, the sequences encode the same spans in each of them, and the first of
    `SCHEMES` is returned. IOB1 is returned only if nearly all spans open as IOB1 requires; a
    mixture of IOB1 and IOB2 is an error rather than a guess.

    Args:
        sequences: Tags of each sentence.

    Returns:
        The scheme in which all sequences are valid.

    Raises:
        SchemeError: No scheme fits. Its `scheme` is the one with the fewest violations, if the
            tags use the prefixes of any.
    """
    candidates = list(SCHEMES)
    opened_by_i = needless_b = 0
    first_needless = (0, 0)
    examples: dict[str, str] = {}
    for number, tags in enumerate(sequences):
        for index, (before, tag) in enumerate(zip([OUTSIDE, *tags], tags, strict=False)):
            prefix, label = split(tag)
            examples.setdefault(prefix, tag)
            opens = label != split(before)[1]
            if prefix == "B" and opens:
                first_needless = first_needless if needless_b else (number, index)
                needless_b += 1
            opened_by_i += prefix == "I" and opens
        candidates = [scheme for scheme in candidates if first_violation(tags, scheme) is None]
    if candidates and (candidates[0] != "IOB1" or needless_b * 100 <= opened_by_i):
        return candidates[0]
    if candidates and opened_by_i > needless_b:
        number, index = first_needless
        raise SchemeError(
            f"{opened_by_i:,} spans open with I- as in IOB1, but {needless_b:,} with B- as in "
            "IOB2, this one first: expected one scheme; correct those tags, or declare --scheme "
            "IOB1, in which I- after another label opens a span",
            index,
            sequence=number,
        )
    used = set(examples) - {""}
    fitting = [scheme for scheme in SCHEMES if used <= set(PREFIXES[scheme])]
    if not fitting:
        raise SchemeError(
            f"no scheme of {', '.join(SCHEMES)} has all prefixes of the tags "
            f"{', '.join(repr(examples[prefix]) for prefix in sorted(used))}; expected the "
            "prefixes of one scheme"
        )
    # IO and IOB1 allow every pair of their tags, so they explain no error.
    strict = [scheme for scheme in fitting if scheme not in ("IO", "IOB1")]
    faults = {
        scheme: sum(first_violation(tags, scheme) is not None for tags in sequences)
        for scheme in strict
    }
    nearest = min(strict, key=lambda name: faults[name])
    number, index = next(
        (number, index)
        for number, tags in enumerate(sequences)
        for index in [first_violation(tags, nearest)]
        if index is not None
    )
    hint = ", or declare --scheme IOB1, in which it opens a span" if used <= {*"IB"} else ""
    raise SchemeError(
        f"{_explanation(sequences[number], index, nearest)}, the scheme of most tags: correct the "
        f"tag{hint}",
        index,
        scheme=nearest,
        sequence=number,
    )


def violations(tags: Sequence[str], scheme: str) -> Iterator[tuple[int, str]]:
    """Yield all violations of a scheme.

    Args:
        tags: Tags of one sentence.
        scheme: Name of the scheme.

    Yields:
        The index of each tag that violates the scheme, counted from 0, and an explanation.
    """
    start = 0
    while (index := first_violation(tags[start:], scheme)) is not None:
        yield start + index, _explanation(tags, start + index, scheme)
        start += index + 1
        # Skip the rest of the same faulty span: one error for each.
        while start < len(tags) and split(tags[start])[0] not in ("", *_OPENING):
            start += 1


def decode(tags: Sequence[str], scheme: str) -> list[Span]:
    """Decode the tags of one sentence to spans.

    Args:
        tags: Tags of one sentence.
        scheme: Name of the scheme.

    Returns:
        The spans in order, without text and character offsets.

    Raises:
        SchemeError: The tags violate the scheme.
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
    """Yield the correctly encoded spans of tags that may violate their scheme.

    This is seqeval's strict mode: a tag without a valid opening or closing tag makes no span.

    Args:
        tags: Tags of one sentence.
        scheme: IOB2, IOBES or BILOU.

    Yields:
        Start and end (token indices, half-open) and label of each span.
    """
    closing = PREFIXES[scheme][2:3]  # empty in IOB2, where the next tag closes the span
    start, label = -1, ""  # start is -1 outside of spans
    for position, tag in enumerate([*tags, OUTSIDE]):
        prefix, current = split(tag)
        if start >= 0 and current == label and prefix == "I":
            continue
        if start >= 0 and (not closing or (prefix == closing and current == label)):
            yield start, position + len(closing), label
        start = position if prefix == "B" else -1
        label = current
        if prefix in ("S", "U"):
            yield position, position + 1, label


def _explanation(tags: Sequence[str], index: int, scheme: str) -> str:
    """Describe the violation at a token."""
    tag, before = tags[index], repr(tags[index - 1]) if index else "the start of a sentence"
    prefixes = "O, " + ", ".join(f"{prefix}-LABEL" for prefix in PREFIXES[scheme])
    if not _well_formed(tag) or split(tag)[0] not in ("", *PREFIXES[scheme]):
        return f"tag {tag!r} is not in the scheme {scheme}, whose tags are {prefixes}"
    if may_follow(scheme, tags[index - 1] if index else None, tag):
        return (
            f"tag {tag!r} leaves a span open at the end of the sentence, which {scheme} does not "
            "allow"
        )
    return f"tag {tag!r} cannot follow {before} in {scheme}"


def encode(spans: Iterable[Span], length: int, scheme: str) -> list[str]:
    """Encode the spans of one sentence as tags.

    Args:
        spans: Spans in any order.
        length: Number of tokens in the sentence.
        scheme: Name of the scheme.

    Returns:
        One tag per token.

    Raises:
        SchemeError: Spans overlap or extend beyond the sentence; or `scheme` is IO and two spans of
            one label are adjacent.
    """
    tags = [OUTSIDE] * length
    if not spans:
        return tags
    previous = Span(0, 1, OUTSIDE)
    previous_end = 0
    for span in sorted(spans, key=lambda span: span.start):
        if span.start < previous_end or span.end > length:
            raise SchemeError(
                f"the span {span.start}-{span.end} ({span.label}) overlaps another or ends after "
                f"the last of {length} tokens",
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
    """Return the prefixes of a span of `size` tokens, `adjacent` to another of its label or not."""
    if scheme == "IO" or (scheme == "IOB1" and not adjacent):
        return "I" * size
    if scheme in ("IOB1", "IOB2"):
        return "B" + "I" * (size - 1)
    last, single = PREFIXES[scheme][2], PREFIXES[scheme][3]
    return single if size == 1 else "B" + "I" * (size - 2) + last


def convert(tags: Sequence[str], source: str, target: str) -> list[str]:
    """Convert the tags of one sentence to another scheme.

    Args:
        tags: Tags of one sentence.
        source: Scheme of `tags`.
        target: Scheme of the result.

    Returns:
        One tag per token.

    Raises:
        SchemeError: The tags violate `source`, or `target` cannot represent the spans.
    """
    return encode(decode(tags, source), len(tags), target)


def tag_set(labels: Iterable[str], scheme: str) -> tuple[str, ...]:
    """Return all tags of a scheme for some labels.

    Args:
        labels: Labels in any order, with or without repetitions.
        scheme: Name of the scheme.

    Returns:
        ``O``, then the tags of each label, with the labels sorted.
    """
    return (
        OUTSIDE,
        *(f"{prefix}-{label}" for label in sorted(set(labels)) for prefix in PREFIXES[scheme]),
    )


def transition_table(tags: Sequence[str], scheme: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return which tags and pairs of tags a scheme allows.

    Args:
        tags: The K tags.
        scheme: Name of the scheme.

    Returns:
        Boolean arrays: which tags may be first (K,), whether tag j may follow tag i at ``[i, j]``
        (K, K), and which tags may be last (K,).
    """
    start = np.array([may_follow(scheme, None, tag) for tag in tags], dtype=bool)
    end = np.array([may_follow(scheme, tag, None) for tag in tags], dtype=bool)
    parts = [split(tag) for tag in tags]
    kinds, prefixes = np.unique([prefix for prefix, _ in parts], return_inverse=True)
    _, labels = np.unique([label for _, label in parts], return_inverse=True)
    # (P, P, 2): whether prefix j may follow prefix i, with another label and with the same one.
    allowed = np.array(
        [
            [
                [may_follow(scheme, _tag(before, "x"), _tag(after, label)) for label in ("y", "x")]
                for after in kinds
            ]
            for before in kinds
        ],
        dtype=bool,
    ).reshape(len(kinds), len(kinds), 2)
    same_label = (labels[:, None] == labels).astype(np.int8)
    return start, allowed[prefixes[:, None], prefixes, same_label], end


def _tag(prefix: str, label: str) -> str:
    """Return the tag of a prefix and a label; ``O`` for an empty prefix."""
    return f"{prefix}-{label}" if prefix else OUTSIDE
