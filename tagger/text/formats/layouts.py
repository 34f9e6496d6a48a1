"""Layouts that no reader reads and columns of another kind, recognized so that errors name them."""

from __future__ import annotations

import itertools
import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tagger.text import notations
from tagger.text.formats.json_documents import beginning
from tagger.text.report import shown
from tagger.text.schemes import OUTSIDE

__all__ = ["BEGIN_2012", "INVISIBLE", "STANDARD_COLUMNS", "Table", "foreign_layout", "is_prose"]

INVISIBLE = " \u00a0\u00ad\u200b\u2060\ufeff"
"""Characters that are removed around a tag, where they cannot be seen."""

STANDARD_COLUMNS = {
    "CoNLL-U": (1, 3, "parts of speech"),
    "CoNLL-2012": (3, 10, "named entities"),
}
"""Columns of the word and of a tag, and what the tag is, in files whose columns are known."""

BEGIN_2012 = "#begin document ("
"""The beginning of files of CoNLL-2011 and 2012, whose lines have different numbers of columns."""

_MARKUP = re.compile(
    r"\s*<(?:!doctype\b|\?xml\b|html\b|!--|[a-zA-Z][\w:.-]*(?:\s[^<>]*)?/?>)", re.I
)
_JOINED = re.compile(r"(\S+?)([/|]|###)(?:\S*[/|])?([^\s/|]+)")
_LAST_WORD = re.compile(r"\w[\w'\u2019-]+[.!?\u2026]['\"\u201d\u2019)]*")
_UNSPACED = re.compile(r".{6,}[\u3002\uff01\uff1f]['\"\u201d\u300d)]*")
# Words from which a line is text, whatever its other lines are.
_LONG = 60


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
    checks = [_joined, _sentence_per_line, _tags_alone]
    checks = checks if is_columns else [_json, _markup, *checks]
    return next((found for check in checks if (found := check(filled))), "")


def is_prose(lines: Sequence[str]) -> bool:
    """Return whether lines look like running text.

    Many lines of it end with a word and a period, have very many words, or hardly any two lines
    have the same number of words.

    Args:
        lines: First lines of a file, without their ends.
    """
    if any(line.startswith(BEGIN_2012) for line in lines):
        return False
    filled = [line for line in lines if line.strip() and "\t" not in line]
    rows = [[word for word in line.split(" ") if word] for line in filled]
    ends = sum(
        (len(words) > 2 and _LAST_WORD.fullmatch(words[-1]) is not None)
        or _UNSPACED.fullmatch(words[-1]) is not None
        for words in rows
    )
    widths = Counter(map(len, rows))
    is_ragged = len(rows) > 2 and 2 * max(widths.values()) <= len(rows)
    return 2 * ends > len(rows) or is_ragged or max(widths, default=0) >= _LONG


def _json(lines: Sequence[str]) -> str:
    """Describe JSON that no format of this package has."""
    values = [value for value in beginning(lines) if value is not None]
    if not values:
        return ""
    if not isinstance(values[0], dict):
        return f"JSON, but not of a format that is read; its first value is {_shown(values[0])}"
    keys = ", ".join(map(repr, values[0]))
    return f'JSON objects with the keys {keys}; expected "tokens" or "text"'


def _shown(value: object) -> str:
    """Return the beginning of a JSON value."""
    return shown(json.dumps(value, ensure_ascii=False))


def _markup(lines: Sequence[str]) -> str:
    """Describe HTML and XML."""
    if _MARKUP.match(lines[0]):
        return f"markup (HTML or XML): {shown(lines[0].strip())}; extract its text first"
    return ""


def _joined(lines: Sequence[str]) -> str:
    """Describe tokens and tags that are joined by a slash or bar."""
    words = [word for line in lines[:50] for word in line.split()]
    matches = [match for word in words if (match := _JOINED.fullmatch(word))]
    if len(words) < 2 or len(matches) < 0.8 * len(words):
        return ""
    tags = {match[3] for match in matches}
    joint = matches[0][2]
    if joint != "###" and not (OUTSIDE in tags or any(map(notations.is_prefixed, tags))):
        return ""
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


def _tags_alone(lines: Sequence[str]) -> str:
    """Describe a file of tags whose tokens are in another one, a sentence per line."""
    rows = [line.split() for line in lines]
    tags = [tag for row in rows for tag in row]
    is_two_columns = max(map(len, rows)) <= 2
    if is_two_columns or OUTSIDE not in tags or not all(map(notations.is_span_tag, tags)):
        return ""
    return (
        f"tags without tokens, such as {shown(lines[0])}; expected one token and its tag per line: "
        "write the tokens, which are in another file, before their tags"
    )


@dataclass(frozen=True)
class Table:
    """The first token lines of a file, in which `fault` searches for misread columns.

    Attributes:
        rows: Fields of the lines, all of the same number.
        token: Column of the token.
        tag: Column of the tag, negative if counted from the last; None if no tag is read.
        standard: Key of `STANDARD_COLUMNS` if the columns are known; empty otherwise.
    """

    rows: Sequence[Sequence[str]]
    token: int
    tag: int | None
    standard: str = ""

    @property
    def tokens(self) -> list[str]:
        """The tokens."""
        return self.column(self.token)

    @property
    def tags(self) -> list[str]:
        """The tags, or the last column if no tag is read."""
        return [tag.strip(INVISIBLE) for tag in self.column(-1 if self.tag is None else self.tag)]

    @property
    def has_span_tags(self) -> bool:
        """True if as many tags as not are those of spans; slips are judged with all tags."""
        return 2 * sum(map(notations.is_span_tag, self.tags)) >= len(self.rows)

    @property
    def prefix(self) -> str:
        """The characters with which all tokens begin."""
        pairs = zip(min(self.tokens), max(self.tokens), strict=False)
        return "".join(a for a, _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))

    def column(self, number: int) -> list[str]:
        """Return one field of each row."""
        return [row[number] for row in self.rows]

    def fault(self, *, has_words: bool = True) -> str:
        """Describe columns that contain something else than tokens and tags.

        Args:
            has_words: Whether the tokens must look like words.

        Returns:
            The description with the options that read the right columns, for an error message;
            empty if nothing is suspicious.
        """
        checks = [self._standard_columns, self._several_tags]
        if has_words:
            checks += [self._repeated, self._numbers, self._texts, self._tags_as_tokens]
        checks.append(self._last_column)
        return next((found for check in checks if (found := check())), "")

    def _standard_columns(self) -> str:
        """Describe standard columns read with another token or, by default, the last column."""
        if not self.standard:
            return ""
        token, tag, name = STANDARD_COLUMNS[self.standard]
        if self.token == token and (self.tag != -1 or self.has_span_tags):
            return ""
        fix = f"--token-column {token}" + f" --tag-column {tag}" * (self.tag is not None)
        return f"the columns are those of {self.standard}: to read words and {name}, add {fix}"

    def _several_tags(self) -> str:
        """Describe a sentence per line, whose tags are one field."""
        blank = next(
            (tag for tag in self.tags if any(map(notations.is_span_tag, tag.split(" ")[1:]))), None
        )
        if blank is None or self.tag is None:
            return ""
        return (
            f"the tag {shown(blank)} is several tags; expected one token and its tag per line, not "
            "a sentence per line"
        )

    def _repeated(self) -> str:
        """Describe a token column with few values, such as ids of documents."""
        words, distinct = self._column_of_words(), len(set(self.tokens))
        is_varied = len(self.rows) < _FEW or distinct > max(len(self.rows) // 20, 2)
        if is_varied or words is None or len(set(self.column(words))) <= distinct:
            return ""
        example = shown(self.tokens[0], 20)
        return (
            f"the tokens in column {self.token} are nearly all alike, such as {example}"
            f"{self._options(words)}"
        )

    def _numbers(self) -> str:
        """Describe tokens that are numbers of lines, offsets or ids."""
        words = self._column_of_words()
        are_words = words is None and (self.tag is None or self.has_span_tags)
        if len(self.rows) < _ENOUGH or are_words or _share(self.tokens, _INDEX) <= _NEARLY_ALL:
            return ""
        examples = f"{shown(self.tokens[0], 20)} and {shown(self.tokens[1], 20)}"
        return (
            f"the tokens in column {self.token} look like numbers of lines or offsets, such as "
            f"{examples}{self._options(words)}"
        )

    def _texts(self) -> str:
        """Describe tokens that consist of several words."""
        texts = [token for token in self.tokens if token.count(" ") >= _BLANKS]
        if len(self.rows) < _FEW or 2 * len(texts) <= len(self.rows):
            return ""
        return (
            f"the tokens in column {self.token} are texts, such as {shown(texts[0])}; expected one "
            "token and its tag per line"
        )

    def _tags_as_tokens(self) -> str:
        """Describe tokens that are tags of spans, beside tags that are not."""
        are_tags = len(set(self.tokens)) > 1 and all(map(notations.is_span_tag, self.tokens))
        if len(self.rows) < _ENOUGH or not are_tags or all(map(notations.is_span_tag, self.tags)):
            return ""
        return (
            f"the tokens in column {self.token} look like tags, such as "
            f"{shown(self.tokens[0], 20)}; name the columns with --token-column and --tag-column"
        )

    def _last_column(self) -> str:
        """Describe a last column without tags of spans beside others that contain them."""
        found = self._columns_of_span_tags()
        if self.tag != -1 or not found:
            return ""
        columns = f"column{'s' * (len(found) > 1)} {', '.join(map(str, found))}"
        return (
            f"tags of spans are in {columns}, but the last column contains others, such as "
            f"{shown(self.tags[0], 20)}: add --tag-column {found[0]} or, if the last column is "
            f"meant, --tag-column {len(self.rows[0]) - 1}"
        )

    def _options(self, words: int | None) -> str:
        """Return the end of a message: the options that name the columns."""
        if words is None:
            return ""
        tags = [] if self.tag is None else self._columns_of_span_tags()
        option = f" --tag-column {tags[0]}" if tags else ""
        return f"; words are in column {words}: add --token-column {words}{option}"

    def _columns_of_span_tags(self) -> list[int]:
        """Return the columns of span tags, if the tags that are read are others."""
        if self.has_span_tags:
            return []
        return [
            number
            for number in range(len(self.rows[0]))
            for column in [self.column(number)]
            if number != self.token % len(self.rows[0])
            and any(map(notations.is_prefixed, column))
            and sum(map(notations.is_span_tag, column)) >= _NEARLY_ALL * len(column)
        ]

    def _column_of_words(self) -> int | None:
        """Return the first other column of words that has about as many different ones as any."""
        width = len(self.rows[0])
        tag = -1 if self.tag is None else self.tag
        different = {
            number: len(set(column))
            for number in range(width)
            for column in [self.column(number)]
            if number not in (self.token % width, tag % width)
            and _share(column, _WORD) > 0.5
            and 2 * sum(map(notations.is_span_tag, column)) < len(column)
        }
        most = max(different.values(), default=0)
        return next((column for column, count in different.items() if 2 * count >= most), None)


_INDEX = re.compile(r"\d+(?:[-.:]\d+)*|T\d+")
_WORD = re.compile(r"[^\W\d_].*", re.DOTALL)
# Rows from which a statistical judgment is made, and from which most tokens should differ.
_ENOUGH = 8
_FEW = 4
# Share of tags in a column of tags.
_NEARLY_ALL = 0.9
# Blanks in a token from which it is a text.
_BLANKS = 3


def _share(values: Sequence[str], pattern: re.Pattern[str]) -> float:
    """Return the share of values that match a pattern as a whole."""
    return sum(pattern.fullmatch(value) is not None for value in values) / max(len(values), 1)
