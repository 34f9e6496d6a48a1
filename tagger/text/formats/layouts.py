"""Layouts that no reader of this package reads, recognized so that errors can name them."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from tagger.text import notations, schemes
from tagger.text.report import shown

__all__ = ["foreign_layout", "is_prose"]

_MARKUP = re.compile(
    r"\s*<(?:!doctype\b|\?xml\b|html\b|!--|[a-zA-Z][\w:.-]*(?:\s[^<>]*)?/?>)", re.I
)
_BRAT = re.compile(r"(?:T\d+\t\S+ \d+ \d+(?:;\d+ \d+)*\t|[REAMN]\d+\t\S|#\d+\t|\*\t)")
_JOINED = re.compile(r"(\S+?)([/|])(?:\S*[/|])?([^\s/|]+)")
_WORD_AND_PERIOD = re.compile(r"\w[\w'\u2019-]+[.!?]['\"\u201d\u2019)]*")


def foreign_layout(lines: Sequence[str], *, is_columns: bool = False) -> str:
    """Describe the layout of a file that has annotations in a form that is not read.

    Args:
        lines: First lines of a file, without their ends.
        is_columns: Whether the lines look like columns, so that their first token may be anything.

    Returns:
        The description with the way out, for an error message; empty if the layout is not known.
    """
    filled = [line for line in lines if line.strip()]
    if not filled:
        return ""
    checks = [_webanno, _brat, _joined, _sentence_per_line]
    checks = checks if is_columns else [_json, _markup, *checks]
    return next((found for check in checks if (found := check(filled))), "")


def is_prose(lines: Sequence[str]) -> bool:
    """Return whether lines look like running text: several words that end with a period.

    Args:
        lines: First lines of a file, without their ends.
    """
    rows = [line.split() for line in lines if line.strip() and "\t" not in line]
    ends = sum(
        len(words) > 2 and _WORD_AND_PERIOD.fullmatch(words[-1]) is not None for words in rows
    )
    return 2 * ends > len(rows)


def _json(lines: Sequence[str]) -> str:
    """Describe JSON that is not one object with "tokens" or "text" per line."""
    first = lines[0].strip()
    if first[0] == "[" and (first[1:].strip()[:1] in ("", "{", "[", '"', "]")):
        return "a JSON array; expected one JSON object per line (JSON Lines)"
    if first in ("{", "{}") or (
        first[0] == "{" and len(lines) > 1 and lines[-1].strip()[:1] == "}"
    ):
        try:
            json.loads(first)
        except (ValueError, RecursionError):
            return "a JSON object over several lines; expected one JSON object per line"
    if first[0] == "{":
        try:
            data = json.loads(first)
        except (ValueError, RecursionError):
            return ""
        keys = ", ".join(map(repr, data)) if isinstance(data, dict) else ""
        return f'JSON objects with the keys {keys}; expected "tokens" or "text"'
    return ""


def _markup(lines: Sequence[str]) -> str:
    """Describe HTML and XML."""
    if _MARKUP.match(lines[0]):
        return f"markup (HTML or XML): {shown(lines[0].strip())}; extract its text first"
    return ""


def _webanno(lines: Sequence[str]) -> str:
    """Describe WebAnno TSV."""
    if lines[0].startswith("#FORMAT=WebAnno TSV"):
        return "WebAnno TSV; export the documents as CoNLL columns or convert them first"
    return ""


def _brat(lines: Sequence[str]) -> str:
    """Describe brat's standoff annotations."""
    if all(map(_BRAT.match, lines[:20])):
        return (
            "brat standoff annotations, whose text is in a .txt file beside it; convert both to "
            'JSON Lines with "text" and "spans" first'
        )
    return ""


def _joined(lines: Sequence[str]) -> str:
    """Describe tokens and tags that are joined by a slash or bar."""
    words = [word for line in lines[:50] for word in line.split()]
    matches = [match for word in words if (match := _JOINED.fullmatch(word))]
    if len(words) < 2 or len(matches) < 0.8 * len(words):
        return ""
    tags = {match[3] for match in matches}
    if not (schemes.OUTSIDE in tags or any(map(notations.is_prefixed, tags))):
        return ""
    joint = matches[0][2]
    if all(len(line.split()) == 1 for line in lines):
        return f"columns separated by {joint!r}; add --delimiter {shown(joint)}"
    return (
        f"a sentence per line whose tokens and tags are joined by {joint!r}, such as "
        f"{shown(words[0], 30)}; expected one token and its tag per line"
    )


def _sentence_per_line(lines: Sequence[str]) -> str:
    """Describe a sentence and its tags in two cells of one line."""
    cells = [line.split("\t") for line in lines[:50]]
    if any(len(row) != 2 for row in cells):
        return ""
    listed = [row for row in cells if row[1].startswith("[") and row[1].endswith("]")]
    paired = [row for row in cells if len(row[0].split()) == len(row[1].split()) > 1]
    if len(listed) + len(paired) < max(len(cells) - 1, 1) or not (listed or paired):
        return ""
    return (
        f"a sentence and its tags per line, such as {shown(lines[-1])}; expected one token and "
        "its tag per line, and a blank line after each sentence"
    )
