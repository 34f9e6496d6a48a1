"""Repair of annotated files where a mistake has one sensible reading, with each change listed.

    lines   bytes of cp1252 in UTF-8, byte order marks inside of a file, blanks at the ends of lines
            that tabs separate
    tags    another separator or case than in most tags (``B_PER``), letters of another scheme
            (``U-`` among ``S-``), and tags that their scheme does not allow, read as the script
            conlleval reads them: each opens a span unless it continues one of its label

Only `tagger convert --repair` repairs; training and evaluation refuse the same mistakes.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from tagger.errors import DataError
from tagger.text import schemes
from tagger.text.opening.guessing import candidates
from tagger.text.report import Issue, ReadReport
from tagger.text.schemes import OUTSIDE
from tagger.text.spans import Sentence, Span

__all__ = ["REPAIRED", "repaired_lines", "repaired_spelling", "repaired_tags"]

REPAIRED = "repaired"
"""The action of the issues of repairs."""

_TAG = re.compile(r"([BIESLUMWbieslumw])([-_/:])(.+)", re.DOTALL)
_MARK = "\ufeff"
# Letters of the same meaning: those of IOBES, of BILOU and of BMES.
_LETTERS = {"S": "SUW", "E": "EL", "I": "IM"}


def repaired_lines(
    lines: Iterable[tuple[int, str]], path: str, report: ReadReport, *, are_columns: bool
) -> Iterator[tuple[int, str]]:
    """Yield the lines of a file, repaired.

    Args:
        lines: Line numbers and lines, in which bytes that are not UTF-8 are escaped as surrogates.
        path: Path of the file.
        report: Receives each change.
        are_columns: Whether marks and blanks are removed, which would shift offsets in other files.

    Yields:
        Line numbers and lines.

    Raises:
        DataError: The bytes that are not UTF-8 are not certainly cp1252.
    """
    found = list(lines)
    damaged = [(number, line) for number, line in found if _has_bytes(line)]
    if damaged:
        data = b"\n".join(_bytes_of(line) for _, line in damaged)
        names = candidates(data)
        if names != ["cp1252"]:
            maybe = f"; it may be {' or '.join(names)}: declare --encoding" if names else ""
            raise DataError(
                path, damaged[0][0], f"is not UTF-8, and not certainly cp1252 either{maybe}"
            )
    for number, line in found:
        new = line
        if _has_bytes(new):
            new = _changed(path, number, new, _from_cp1252(new), "bytes of cp1252", report)
        if are_columns and _MARK in new:
            without = new.replace(_MARK, "")
            new = _changed(path, number, new, without, "byte order marks inside", report)
        if are_columns and "\t" in new and new.endswith(" "):
            stripped = new.rstrip(" ")
            new = _changed(path, number, new, stripped, "blanks at the ends of lines", report)
        yield number, new


def _has_bytes(line: str) -> bool:
    """Return whether a line has escaped bytes."""
    return not line.isascii() and any("\udc80" <= character <= "\udcff" for character in line)


def _bytes_of(line: str) -> bytes:
    """Return the bytes of a line with escaped bytes."""
    return line.encode("utf-8", "surrogateescape")


def _from_cp1252(line: str) -> str:
    """Return a line with its escaped bytes read as cp1252, and the others as UTF-8."""
    return "".join(
        bytes([ord(character) - 0xDC00]).decode("cp1252", "replace")
        if "\udc80" <= character <= "\udcff"
        else character
        for character in line
    )


def _changed(path: str, line: int, old: str, new: str, what: str, report: ReadReport) -> str:
    """Report a change of a line or tag, and return it."""
    shown_old = _bytes_of(old).decode("cp1252", "replace") if _has_bytes(old) else old
    message = f"{what}: {shown_old!r} is repaired to {new!r}"
    issue = Issue(path, line, "repair", REPAIRED, message, text=shown_old, tokens=new)
    report.issue(issue, f"{what} are repaired")
    return new


def repaired_spelling(sentences: Sequence[Sentence], report: ReadReport) -> list[Sentence]:
    """Return sentences whose tags have the separator, the case and the letters of most of them.

    Args:
        sentences: Sentences with tags that are not decoded yet, or with spans.
        report: Receives each change.

    Returns:
        The sentences; unchanged if most of their tags have no prefix.
    """
    counts = Counter(tag for s in sentences if s.spans is None for tag in s.tags or ())
    table = _spelling(counts)
    return [
        _with_tags(sentence, [table.get(tag, tag) for tag in sentence.tags or ()], report)
        for sentence in sentences
    ]


def _spelling(counts: Mapping[str, int]) -> dict[str, str]:
    """Return the tags that are spelled unlike most others, and their repaired spelling."""
    matches = {tag: match for tag in counts if (match := _TAG.fullmatch(tag))}
    inside = sum(counts[tag] for tag in matches)
    if 2 * inside <= sum(n for tag, n in counts.items() if tag.upper() != OUTSIDE):
        return {}
    styles, letters = Counter[tuple[str, bool]](), Counter[str]()
    for tag, match in matches.items():
        styles[match[2], match[1].isupper()] += counts[tag]
        letters[match[1].upper()] += counts[tag]
    ((separator, is_upper), _), *_ = styles.most_common(1)
    same = {
        letter: max(group, key=lambda one: (letters[one], one == group[0]))
        for group in _LETTERS.values()
        for letter in group
    }
    table = {}
    for tag, match in matches.items():
        letter = same.get(match[1].upper(), match[1].upper())
        table[tag] = f"{letter if is_upper else letter.lower()}{separator}{match[3]}"
    if OUTSIDE in counts:
        table["o"] = OUTSIDE
    return {tag: new for tag, new in table.items() if tag != new}


def repaired_tags(
    sentences: Sequence[Sentence], scheme: str, report: ReadReport
) -> tuple[list[Sentence], str]:
    """Return sentences whose tags follow a scheme.

    Args:
        sentences: Sentences with tags of the form ``B-PER``, or with spans.
        scheme: The scheme; empty to detect it.
        report: Receives each change.

    Returns:
        The sentences, of which only those with tags that the scheme does not allow are changed;
        and the scheme.

    Raises:
        SchemeError: No scheme has the prefixes of the tags.
    """
    if not scheme:
        try:
            scheme = schemes.detect([s.tags or () for s in sentences if s.spans is None])
        except schemes.SchemeError as error:
            # A mixture of IOB1 and IOB2 has the same reading as either.
            scheme = error.scheme or ("IOB2" if error.sequence is not None else "")
            if not scheme:
                raise
    found = []
    for sentence in sentences:
        tags = sentence.tags or ()
        if sentence.spans is None and schemes.first_violation(tags, scheme) is not None:
            new = schemes.encode(_spans(tags), len(tags), scheme)
            sentence = _with_tags(sentence, new, report)
        found.append(sentence)
    return found, scheme


def _spans(tags: Sequence[str]) -> list[Span]:
    """Return the spans of any tags, as conlleval reads them; S and U are spans of one token."""
    spans: list[Span] = []
    start, label, is_open = 0, "", False
    for index, tag in enumerate([*tags, OUTSIDE]):
        prefix, here = schemes.split(tag)
        if is_open and (prefix in ("", "B", "S", "U") or here != label):
            spans.append(Span(start, index, label))
            is_open = False
        if prefix and not is_open:
            start, label, is_open = index, here, True
        if is_open and prefix in ("E", "L", "S", "U"):
            spans.append(Span(start, index + 1, label))
            is_open = False
    return spans


def _with_tags(sentence: Sentence, tags: Sequence[str], report: ReadReport) -> Sentence:
    """Return a sentence with other tags, after reporting those that differ."""
    if sentence.tags is None or sentence.spans is not None or tuple(tags) == sentence.tags:
        return sentence
    record = sentence.record
    for index, (old, new) in enumerate(zip(sentence.tags, tags, strict=True)):
        if old != new:
            path, line = (record.path, record.line_of(index)) if record else (report.path, 0)
            _changed(path, line, old, new, "tags", report)
    return replace(sentence, tags=tuple(tags))
