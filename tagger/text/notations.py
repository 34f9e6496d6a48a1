"""Notations of tags: how the tags of a corpus are spelled, and their conversion to ``B-PER``.

Corpora write the same tags in many ways. Each of these is converted if all tags of a corpus agree:

    B_PER  B/PER  B:PER    another separator
    b-per  o               lower-case prefixes
    PER-B                  the prefix at the end
    0  _  -  o             another tag for "outside"
    M-PER  W-PER           BMES and BMEWO, the letters of IOBES in Chinese corpora
    I-PER  E-PER           IOE1 and IOE2, in which E marks the end of a span (Tjong Kim Sang and
                           Veenstra 1999)
    B  I  O                spans without a label; they receive the label ``SPAN``
    (PER*  *  *)           brackets of CoNLL-2011 and 2012
    PER  O                 labels without prefixes, if the scheme IO is declared

Anything else that resembles spans is an error rather than plain tags.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from tagger.text import schemes
from tagger.text.report import shown
from tagger.text.schemes import OUTSIDE, PLAIN, SchemeError
from tagger.text.spans import Span

__all__ = [
    "UNNAMED",
    "Notation",
    "NotationError",
    "code_points",
    "detect",
    "is_prefixed",
    "is_span_tag",
]

UNNAMED = "SPAN"
"""The label of spans in corpora whose tags are B, I and O."""

_OUTSIDES = ("O", "o", "0", "_", "-")
_LETTERS = "BIESLUMW"
_PREFIXED = re.compile(rf"([{_LETTERS}{_LETTERS.lower()}])([-_/:])(.+)", re.DOTALL)
_SUFFIXED = re.compile(rf"(.+)([-_/:])([{_LETTERS}{_LETTERS.lower()}])", re.DOTALL)
_BRACKETS = re.compile(r"(?:\([^()*\s]+)*\*?\)*")
_TWO_TAGS = re.compile(rf"[|,;+&/ ](?:[{_LETTERS}]-|O$)|^O[|,;+&/ ]")
_ANNOTATED = re.compile(r"[^\[\]]+\[\d+\](?:\|.*)?")
_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)*%?")
_CANONICAL = {"M": "I", "W": "S"}

# Share of tokens from which a tag O is taken for "outside" rather than for a plain tag.
_OUTSIDE_SHARE = 0.25
# Plain tags are a small set; a column with more than this many, nearly all different, is something
# else.
_MANY_TAGS = 12
_SHARE_OF_MANY = 0.6


class NotationError(ValueError):
    """Tags that resemble spans but have no certain reading.

    Args:
        message: Description, with the fix.
        tag: The first tag at fault.
    """

    def __init__(self, message: str, tag: str) -> None:
        self.tag = tag
        super().__init__(message)


@dataclass(frozen=True)
class Notation:
    """A notation of tags.

    Attributes:
        name: Description for users; empty for the standard notation.
        convert: Function from the tags of a sentence to tags of the form ``B-PER``. It raises
            `SchemeError` for tags that the notation does not allow.
        is_plain: Whether the tags do not encode spans.
    """

    name: str = ""
    convert: Callable[[Sequence[str]], Sequence[str]] = lambda tags: tags
    is_plain: bool = False


def detect(counts: Mapping[str, int], scheme: str = "") -> Notation:
    """Detect the notation of a corpus.

    Args:
        counts: Number of occurrences of each tag.
        scheme: The declared scheme; empty if it is to be detected.

    Returns:
        The notation of all tags.

    Raises:
        NotationError: Some tags resemble spans, but not all agree on one notation.
    """
    if scheme == PLAIN:
        return Notation(is_plain=True)
    if all(tag == OUTSIDE or schemes.split(tag)[0] for tag in counts):
        _refuse_two_tags(counts)
        return _IOE if not scheme and _is_ioe(counts) else Notation()
    outside = _outside(counts)
    others = {tag: count for tag, count in counts.items() if tag != outside}
    if not others and outside == OUTSIDE:
        return Notation()
    if not others and outside:
        raise NotationError(
            f"all tags are {shown(outside)}; expected tags such as B-PER and O: name the right "
            "column with --tag-column",
            outside,
        )
    if "*" in "".join(counts) and all(tag and _BRACKETS.fullmatch(tag) for tag in counts):
        return Notation("the brackets of CoNLL-2012", _brackets)
    for pattern, name in ((_PREFIXED, ""), (_SUFFIXED, "the prefix at the end")):
        if all(map(pattern.fullmatch, others)):
            return _spelled(counts, others, outside, pattern, name, scheme)
    if set(others) <= set(_LETTERS) and set(others) & set("BI") and outside:
        table = {tag: f"{_CANONICAL.get(tag, tag)}-{UNNAMED}" for tag in others}
        return _lookup(
            {**table, outside: OUTSIDE},
            outside,
            f"tags without labels; spans are labeled {UNNAMED}",
            scheme,
        )
    return _plain_or_bare(counts, others, outside, scheme)


def is_prefixed(tag: str) -> bool:
    """Return whether a tag consists of a prefix, a separator and a label, in any order."""
    return bool(_PREFIXED.fullmatch(tag) or _SUFFIXED.fullmatch(tag))


def is_span_tag(tag: str) -> bool:
    """Return whether a tag is O or the tag of a span, in the standard or another notation."""
    return tag == OUTSIDE or is_prefixed(tag)


def code_points(text: str) -> str:
    """Describe the characters of a tag or name that are easily mistaken for others.

    Returns:
        Such as `` (contains U+2013 EN DASH)``; empty if all characters are ASCII.
    """
    unusual = dict.fromkeys(character for character in text if not " " <= character <= "~")
    names = [
        f"U+{ord(character):04X} {unicodedata.name(character, '')}".strip()
        for character in list(unusual)[:3]
    ]
    return f" (contains {', '.join(names)})" if names else ""


def _outside(counts: Mapping[str, int]) -> str:
    """Return the tag that may stand for "outside": O, else the most frequent candidate, or ""."""
    if OUTSIDE in counts:
        return OUTSIDE
    candidates = [tag for tag in _OUTSIDES if tag in counts]
    return max(candidates, key=lambda tag: counts[tag], default="")


def _is_ioe(tags: Iterable[str]) -> bool:
    """Return whether tags of the form ``B-PER`` mark the ends of spans but no beginnings."""
    prefixes = {schemes.split(tag)[0] for tag in tags}
    return "E" in prefixes and not prefixes & set("BSLU")


def _refuse_two_tags(tags: Mapping[str, int]) -> None:
    """Raise NotationError if a cell contains two tags, such as ``B-PER|B-ORG``."""
    for tag in tags:
        if _TWO_TAGS.search(tag):
            raise NotationError(
                f"{shown(tag)} is two tags in one cell; expected one tag per token: keep one of "
                "them, since spans cannot overlap",
                tag,
            )


def _lookup(table: Mapping[str, str], outside: str, name: str, scheme: str) -> Notation:
    """Return a notation in which each tag has one translation."""
    names = [name] if name else []
    if outside not in ("", OUTSIDE):
        names.append(f"{outside!r} for {OUTSIDE}")
    inner = _IOE if not scheme and _is_ioe(table.values()) else Notation()
    if inner.name:
        names.append(inner.name)
    return Notation("; ".join(names), lambda tags: inner.convert([table[tag] for tag in tags]))


def _spelled(
    counts: Mapping[str, int],
    others: Mapping[str, int],
    outside: str,
    pattern: re.Pattern[str],
    name: str,
    scheme: str,
) -> Notation:
    """Return the notation of tags that all consist of a letter, a separator and a label."""
    table: dict[str, str] = {}
    variants: dict[tuple[str, bool], list[str]] = {}
    letters: dict[str, str] = {}
    for tag in others:
        match = pattern.fullmatch(tag)
        assert match is not None
        letter, separator, label = match.groups() if not name else reversed(match.groups())
        variants.setdefault((separator, letter.isupper()), []).append(tag)
        letters.setdefault(letter.upper(), tag)
        table[tag] = f"{_CANONICAL.get(letter.upper(), letter.upper())}-{label}"
    _refuse_two_tags(others)
    if {"M", "I"} <= set(letters):
        raise NotationError(
            f"the tags contain both M- and I-, which mean the same; {shown(letters['M'])} is one "
            "of them: use one of the letters throughout",
            letters["M"],
        )
    if len(variants) > 1:
        rare = min(variants.values(), key=lambda tags: sum(counts[tag] for tag in tags))
        raise NotationError(
            f"the tag {shown(rare[0])} is spelled unlike the others{code_points(rare[0])}; "
            "expected one separator and one case in all tags",
            rare[0],
        )
    if outside:
        table[outside] = OUTSIDE
    (separator, is_upper) = next(iter(variants))
    names = [name] if name else []
    names += [f"{separator!r} between prefix and label"] * (separator != "-")
    names += ["lower-case prefixes"] * (not is_upper)
    names += [f"{new} for {old}" for new, old in _CANONICAL.items() if new in letters]
    return _lookup(table, outside, "; ".join(names), scheme)


def _from_ioe(tags: Sequence[str]) -> Sequence[str]:
    """Convert IOE1 or IOE2 to IOB2: read backwards, they are IOB1 and IOB2 with E for B."""
    backwards = [
        f"B-{label}" if prefix == "E" else tag
        for tag in reversed(tags)
        for prefix, label in [schemes.split(tag)]
    ]
    spans = schemes.decode(backwards, "IOB1")
    length = len(tags)
    return schemes.encode(
        [Span(length - span.end, length - span.start, span.label) for span in spans],
        length,
        "IOB2",
    )


_IOE = Notation("IOE, in which E marks the end of a span", _from_ioe)


def _brackets(tags: Sequence[str]) -> list[str]:
    """Convert the brackets of CoNLL-2012 to IOB2."""
    converted, label, is_first = [], "", False
    for index, tag in enumerate(tags):
        opened = re.findall(r"\(([^()*\s]+)", tag)
        if len(opened) + bool(label) > 1:
            raise SchemeError(
                f"{shown(tag)} opens a span inside of another, which one tag per token cannot "
                "represent",
                index,
            )
        if opened:
            label, is_first = opened[0], True
        closed = tag.count(")")
        if closed > bool(label):
            raise SchemeError(f"{shown(tag)} closes a span that is not open", index)
        converted.append(f"{'B' if is_first else 'I'}-{label}" if label else OUTSIDE)
        label, is_first = "" if closed else label, False
    if label:
        raise SchemeError(f"the span ({label} is not closed in its sentence", len(tags) - 1)
    return converted


def _plain_or_bare(
    counts: Mapping[str, int], others: Mapping[str, int], outside: str, scheme: str
) -> Notation:
    """Return plain tags or, for the declared scheme IO, labels without prefixes."""
    total = sum(counts.values())
    _refuse_other_values(counts, others)
    prefixed = {tag: n for tag, n in others.items() if _PREFIXED.fullmatch(tag)}
    bare = {tag: n for tag, n in others.items() if tag not in prefixed}
    if prefixed:
        _refuse_mixture(counts, prefixed, bare)
    for tag in others:
        if _ANNOTATED.fullmatch(tag) or ("*" in tag and "(" in tag):
            raise NotationError(
                f"the tag {shown(tag)} resembles brackets of spans; expected tags such as B-PER "
                "and O, or, if these are tags of single tokens, --scheme plain",
                tag,
            )
    if scheme == "IO":
        table = {tag: f"I-{tag}" for tag in others}
        return _lookup({**table, outside: OUTSIDE}, outside, "labels without prefixes", scheme)
    if outside and counts[outside] >= _OUTSIDE_SHARE * total:
        names = ", ".join(shown(tag, 20) for tag in sorted(others)[:5])
        raise NotationError(
            f"the tags {names} have no prefixes, and {counts[outside]:,} of {total:,} tokens are "
            f"{shown(outside)}: declare --scheme IO to read each run of one label as a span, or "
            "--scheme plain to predict the tags as they are"
            + "; or name the right column with --tag-column"
            * (outside in ("_", "-")),
            next(iter(others)),
        )
    return Notation(is_plain=True)


def _refuse_other_values(counts: Mapping[str, int], others: Mapping[str, int]) -> None:
    """Raise NotationError for a column of numbers, texts or nearly always different values."""
    total, number = sum(counts.values()), len(others)
    examples = ", ".join(shown(tag, 20) for tag in list(counts)[:3])
    fix = "name the right column with --tag-column, or declare --scheme plain"
    fault = ""
    if 2 * sum(n for tag, n in counts.items() if _NUMBER.fullmatch(tag)) > total:
        fault = f"the tags are numbers, such as {examples}"
    elif 2 * sum(n for tag, n in counts.items() if " " in tag) > total:
        fault = f"the tags contain blanks, such as {examples}"
    elif number > _MANY_TAGS and _SHARE_OF_MANY * total <= number:
        fault = (
            f"the column has {number:,} different values for {total:,} tokens, such as {examples}"
        )
    if fault:
        raise NotationError(f"{fault}: they do not look like tags; {fix}", next(iter(counts)))


def _refuse_mixture(
    counts: Mapping[str, int], prefixed: Mapping[str, int], bare: Mapping[str, int]
) -> None:
    """Raise NotationError for the rarer of tags with and without a prefix."""
    few = min(bare, prefixed, key=lambda tags: sum(tags.values()))
    tag = next(iter(few))
    example = shown(next(iter(prefixed if few is bare else bare)), 20)
    count = sum(few.values())
    hint = ""
    if few is bare:
        if re.fullmatch(rf"[{_LETTERS}][-_/:]?", tag):
            hint = "it has no label; "
        elif tag in ("0", "o", "\u041e", "\u00d8", "\u041e"):
            hint = f"did you mean {OUTSIDE}? "
    raise NotationError(
        f"the tag {shown(tag, 40)}{code_points(tag)} ({count:,} of "
        f"{sum(counts.values()):,} tokens) does not belong to one scheme with tags such as "
        f"{example}; {hint}expected O or PREFIX-LABEL throughout: correct it, or declare --scheme "
        "plain if these are tags of single tokens",
        tag,
    )
