"""The layout of CoNLL columns: delimiter, number of columns, header row, comments.

The layout is determined by the first lines of a file, and every other line must fit it. Only ASCII
blanks and tabs separate columns by default, so a no-break space or any other unusual character is
part of a token.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass

from tagger.errors import DataError
from tagger.text import notations, schemes
from tagger.text.documents import DOCUMENT_MARK
from tagger.text.options import Columns
from tagger.text.report import ReadReport, shown

__all__ = ["BLANKS", "INVISIBLE", "Layout", "replace_field", "span_tag"]

BLANKS = re.compile(r"[ \t]+")
INVISIBLE = " \u00a0\u00ad\u200b\u2060\ufeff"
"""Characters that are removed around a tag, where they cannot be seen."""

_NAMED_DELIMITERS = {"blank": None, "tab": "\t"}
_SHOWN_DELIMITERS = {None: "blanks", "\t": "tabs"}
# Names of columns in header rows, in lower case.
_TOKEN_NAMES = frozenset({"token", "tokens", "word", "words", "form", "text", "wordform"})
_TAG_NAMES = frozenset(
    {"tag", "tags", "label", "labels", "ner", "ner_tag", "ner_tags", "pos", "upos", "xpos"}
    | {"chunk", "entity", "entities", "iob", "bio", "ne", "ne-tag", "ne_tag"}
)
_HEADER_TAG = re.compile(r"ne-(?:coarse|fine)\b.*")
_INDEX = re.compile(r"\d+(?:[-.:]\d+)*|T\d+")
# Rows from which a statistical judgment is made.
_ENOUGH = 8
_FEW = 4


@dataclass
class Layout:
    """The layout of the columns of one file.

    Attributes:
        path: Path of the file, for errors.
        columns: The declared columns.
        delimiter: The delimiter; None for blanks and tabs.
        separator: What is written between columns.
        width: Number of columns; 0 until it is known.
        has_span_tags: Whether the tags encode spans.
        tags: The tags in the first lines, to tell comments from tokens.
        trailing: Whether lines end with a delimiter.
        is_conllu: Whether the ten columns are those of CoNLL-U, in which lines with ids such as 1-2
            and 1.1 are no tokens.
    """

    path: str
    columns: Columns
    delimiter: str | None = None
    separator: str = " "
    width: int = 0
    has_span_tags: bool = False
    tags: frozenset[str] = frozenset()
    trailing: bool = False
    is_conllu: bool = False

    def __post_init__(self) -> None:
        if not self.columns.delimiter:
            raise DataError(
                self.path,
                None,
                "the delimiter of columns is empty; expected auto, blank, tab or a string",
            )
        self.delimiter = _NAMED_DELIMITERS.get(self.columns.delimiter, self.columns.delimiter)

    def determine(self, head: Sequence[tuple[int, str]], report: ReadReport) -> int:
        """Determine the layout by the first lines of a file.

        Args:
            head: Numbers and lines.
            report: Receives notes about what was found.

        Returns:
            The number of the header row; 0 without one.

        Raises:
            DataError: The declared columns do not exist, or the lines are not columns.
        """
        candidates = [
            (number, line)
            for number, line in head
            if line.strip(" \t") and not line.startswith(DOCUMENT_MARK)
        ]
        certain = [each for each in candidates if not each[1].startswith("#")]
        # If all lines start with '#', "# NN O" is a token line, "# a remark" is not.
        rows = certain or [each for each in candidates if self._ends_with_span_tag(each[1])]
        if not rows:
            return 0
        first, line = rows[0]
        self._set_delimiter(first, line)
        fields = self.split(line)
        if self.delimiter is not None and len(fields) > 1 and not fields[-1]:
            self.trailing = True
            report.note("lines end with a delimiter; the empty last column is ignored", first)
            fields = fields[:-1]
        self.width = len(fields)
        self._check_columns(first, line)
        split = [(number, self.fields(line)) for number, line in rows]
        fitting = [(number, fields) for number, fields in split if len(fields) == self.width]
        self.is_conllu = self.width == 10 and all(_ID.fullmatch(fields[0]) for _, fields in fitting)
        if self.is_conllu:
            fitting = [each for each in fitting if each[1][0].isdecimal()]
        header = first if self._is_header([fields for _, fields in fitting]) else 0
        if header:
            report.note("a header row is skipped", header, " ".join(fields))
            report.header = tuple(fields)
            fitting = fitting[1:]
        self._judge([fields for _, fields in fitting], fitting[0][0] if fitting else first)
        report.layout = self.describe()
        return header

    def describe(self) -> str:
        """Return a description of the layout for users."""
        token, tag = self.columns.token % self.width, self.columns.tag
        parts = [f"token in column {token}"]
        if tag is not None:
            parts.append(f"tag in column {tag % self.width}")
        return f"columns separated by {self.shown_delimiter}: {', '.join(parts)} of {self.width}"

    @property
    def shown_delimiter(self) -> str:
        """The delimiter for messages."""
        return _SHOWN_DELIMITERS.get(self.delimiter, repr(self.delimiter))

    def split(self, line: str) -> list[str]:
        """Split a line at every delimiter; quotes are honored where the delimiter is a character.

        A quoted field may contain the delimiter, as in CSV. Blanks and tabs have no quotes.

        Args:
            line: A line.

        Returns:
            The fields.
        """
        if self.delimiter is None:
            return BLANKS.split(line.strip(" \t"))
        if '"' in line and self.delimiter != "\t" and len(self.delimiter) == 1:
            quoted = next(csv.reader([line], delimiter=self.delimiter), [])
            if not self.width or len(quoted) == self.width:
                return quoted
        return line.split(self.delimiter)

    def fields(self, line: str) -> list[str]:
        """Split a line into its fields, without the empty one after a trailing delimiter.

        Args:
            line: A token line of the determined layout.

        Returns:
            The fields; their number may differ from `width`, which is an error of the line.
        """
        fields = self.split(line)
        if len(fields) == self.width + 1:
            if not fields[-1] and self.delimiter is not None:
                return fields[:-1]
            token = self.columns.token % self.width
            if not fields[token] and not fields[token + 1] and self.delimiter:
                # The token is the delimiter itself, unquoted.
                return [*fields[:token], self.delimiter, *fields[token + 2 :]]
        return fields

    def is_comment(self, line: str) -> bool:
        """Return whether a line that starts with '#', before a sentence, is not a token line."""
        if not self.width:
            return not self._ends_with_span_tag(line)
        fields = self.fields(line)
        if len(fields) != self.width:
            return True
        column = -1 if self.columns.tag is None else self.columns.tag
        if column % self.width == self.columns.token % self.width:
            return False
        tag = fields[column].strip(INVISIBLE)
        if self.has_span_tags:
            return tag not in self.tags and not (tag == schemes.OUTSIDE or schemes.split(tag)[0])
        return tag not in self.tags and (tag.isdecimal() or tag != tag.upper())

    def _ends_with_span_tag(self, line: str) -> bool:
        """Return whether the last field of a line is a span tag or O."""
        fields = BLANKS.split(line.strip(" \t"))
        return len(fields) > 1 and span_tag(fields[-1])

    def _set_delimiter(self, number: int, line: str) -> None:
        """Determine the delimiter by the first token line."""
        declared = self.columns.delimiter
        if declared == "auto":
            self.delimiter = "\t" if "\t" in line else None
        self.separator = self.delimiter or ("\t" if "\t" in line else " ")
        if declared in ("auto", "blank") or self.delimiter is None or self.delimiter in line:
            return
        if BLANKS.search(line.strip(" \t")):
            raise DataError(
                self.path,
                number,
                f"no {self.delimiter!r} in {shown(line)}, but blanks; columns were declared to be "
                f"separated by {self.shown_delimiter}: add --delimiter auto",
            )

    def _check_columns(self, number: int, line: str) -> None:
        """Raise DataError unless the declared columns exist and differ."""
        token, tag = self.columns.token, self.columns.tag
        for name, column in (("token", token), ("tag", tag)):
            if column is not None and not -self.width <= column < self.width:
                raise DataError(
                    self.path,
                    number,
                    f"there is no column {column} for the {name}: {shown(line)} has {self.width} "
                    f"columns, separated by {self.shown_delimiter}. Columns are counted from 0, "
                    "negative from the last",
                )
        if tag is not None and token % self.width == tag % self.width:
            raise DataError(
                self.path,
                number,
                f"the token and its tag would both be column {token % self.width} of {self.width} "
                f"in {shown(line)}; expected two columns, separated by {self.shown_delimiter}"
                f"{_other_delimiter(line)}",
            )

    def _is_header(self, rows: Sequence[Sequence[str]]) -> bool:
        """Return whether the first row contains names of columns."""
        if not rows or self.width < 2:
            return False
        first = [name.strip(INVISIBLE).lower() for name in rows[0]]
        named = [
            name in _TOKEN_NAMES or name in _TAG_NAMES or _HEADER_TAG.fullmatch(name) is not None
            for name in first
        ]
        if self.columns.tag is None:
            return sum(named) >= 2 and first[self.columns.token] in _TOKEN_NAMES
        others = {row[self.columns.tag] for row in rows[1:]}
        return (
            first[self.columns.token] in _TOKEN_NAMES
            and sum(named) >= 2
            and rows[0][self.columns.tag] not in others
        )

    def _judge(self, rows: Sequence[Sequence[str]], number: int) -> None:
        """Determine the kind of tags; raise DataError if the columns contain something else."""
        column = -1 if self.columns.tag is None else self.columns.tag
        if not rows or column % self.width == self.columns.token % self.width:
            return
        tokens = [row[self.columns.token] for row in rows]
        tags = [row[column].strip(INVISIBLE) for row in rows]
        self.tags = frozenset(tags)
        # As many as not: headers and slips are judged later, with all tags of the file.
        self.has_span_tags = 2 * sum(map(span_tag, tags)) >= len(tags)
        if self.columns.tag is None:
            return
        blank = next((tag for tag in tags if any(map(span_tag, tag.split(" ")[1:]))), None)
        if blank is not None:
            raise DataError(
                self.path,
                number,
                f"the tag {shown(blank)} is several tags; expected one token and its tag per line, "
                "not a sentence per line",
            )
        if not self.columns.has_words:
            return
        self._refuse_one_token(tokens, rows, number)
        if len(rows) >= _ENOUGH:
            self._judge_tokens(tokens, tags, rows, number)

    def _refuse_one_token(
        self, tokens: Sequence[str], rows: Sequence[Sequence[str]], number: int
    ) -> None:
        """Raise DataError if the token column repeats few values, such as ids of documents."""
        if len(rows) < _FEW or len(set(tokens)) > max(len(rows) // 20, 2):
            return
        words = self._column_of_words(rows)
        if words is not None and len({row[words] for row in rows}) > len(set(tokens)):
            raise DataError(
                self.path,
                number,
                f"the tokens in column {self.columns.token} are nearly all alike, such as "
                f"{shown(tokens[0], 20)}; words are in column {words}: add --token-column {words}",
            )

    def _column_of_words(self, rows: Sequence[Sequence[str]]) -> int | None:
        """Return another column that contains words, the one with the most different ones."""
        tag = -1 if self.columns.tag is None else self.columns.tag
        others = set(range(self.width)) - {self.columns.token % self.width, tag % self.width}
        worded = [c for c in sorted(others) if _share([row[c] for row in rows], _WORD) > 0.5]
        return max(worded, key=lambda c: len({row[c] for row in rows}), default=None)

    def _judge_tokens(
        self,
        tokens: Sequence[str],
        tags: Sequence[str],
        rows: Sequence[Sequence[str]],
        number: int,
    ) -> None:
        """Raise DataError if the tokens look like indices or tags."""
        if _share(tokens, _INDEX) > 0.95:
            words = self._column_of_words(rows)
            if words is not None:
                raise DataError(
                    self.path,
                    number,
                    f"the tokens in column {self.columns.token} look like numbers of lines or "
                    f"offsets, such as {shown(tokens[0], 20)} and {shown(tokens[1], 20)}; words "
                    f"are in column {words}: add --token-column {words}",
                )
        if all(map(span_tag, tokens)) and len(set(tokens)) > 1 and not all(map(span_tag, tags)):
            raise DataError(
                self.path,
                number,
                f"the tokens in column {self.columns.token} look like tags, such as "
                f"{shown(tokens[0], 20)}; name the columns with --token-column and --tag-column",
            )


def _other_delimiter(line: str) -> str:
    """Return a hint at the delimiter that a line without blanks and tabs seems to have."""
    found = next((delimiter for delimiter in ",;|/" if delimiter in line.strip(",;|/")), "")
    return f". If columns are separated by {found!r}, add --delimiter {shown(found)}" * bool(found)


_ID = re.compile(r"\d+(?:[-.]\d+)?")
_WORD = re.compile(r"[^\W\d_].*", re.DOTALL)


def _share(values: Sequence[str], pattern: re.Pattern[str]) -> float:
    """Return the share of values that match a pattern as a whole."""
    return sum(pattern.fullmatch(value) is not None for value in values) / max(len(values), 1)


def span_tag(tag: str) -> bool:
    """Return whether a field is O or the tag of a span, in the standard or another notation."""
    return tag == schemes.OUTSIDE or notations.is_prefixed(tag)


def replace_field(line: str, delimiter: str | None, column: int, value: str) -> str:
    """Replace one field of a line; the rest of the line is unchanged.

    Args:
        line: A token line.
        delimiter: The delimiter; None for blanks and tabs.
        column: Column of the field, from 0 or, if negative, from the last.
        value: The new field.

    Returns:
        The new line.
    """
    if delimiter is not None:
        is_trailing = line.endswith(delimiter) and column < 0
        body = line[: -len(delimiter)] if is_trailing else line
        fields = body.split(delimiter)
        if '"' in line and delimiter != "\t":
            stream = io.StringIO()
            fields = next(csv.reader([body], delimiter=delimiter))
            fields[column] = value
            csv.writer(stream, delimiter=delimiter, lineterminator="").writerow(fields)
            return stream.getvalue() + delimiter * is_trailing
        fields[column] = value
        return delimiter.join(fields) + delimiter * is_trailing
    match = list(re.finditer(r"[^ \t]+", line))[column]
    return line[: match.start()] + value + line[match.end() :]
