"""The layout of CoNLL columns: delimiter, number of columns, header row, comments.

The layout is determined by the first lines of a file, and every other line must fit it. Only ASCII
blanks and tabs separate columns by default, so a no-break space or any other unusual character is
part of a token.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from tagger.errors import DataError
from tagger.text import notations, schemes
from tagger.text.documents import DOCUMENT_MARK
from tagger.text.formats.layouts import BEGIN_2012, INVISIBLE, Table
from tagger.text.options import Columns
from tagger.text.report import ReadReport, shown

__all__ = ["BLANKS", "Layout", "replace_field"]

BLANKS = re.compile(r"[ \t]+")

_NAMED_DELIMITERS = {"blank": None, "tab": "\t"}
_SHOWN_DELIMITERS = {None: "blanks", "\t": "tabs"}
# Names of columns in header rows, in lower case.
_TOKEN_NAMES = frozenset({"token", "tokens", "word", "words", "form", "text", "wordform"})
_TAG_NAMES = frozenset(
    {"tag", "tags", "label", "labels", "ner", "nertag", "nertags", "pos", "upos", "xpos"}
    | {"chunk", "entity", "entities", "iob", "bio", "ne", "ne-tag", "netag", "deprel"}
)
_HEADER_TAG = re.compile(r"ne-(?:coarse|fine)\b.*")
# Columns of CoNLL-2012 up to the named entities. Those of the predicates follow, one for each of a
# sentence, and the coreference is the last.
_CONLL_2012 = 11
# Number of rows and of characters from which a prefix that all tokens share is noted.
_ENOUGH = 20
_PREFIX = 2


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
        is_conll2012: Whether the columns are those of CoNLL-2012, whose number varies.
        token: Column of the token: its number once the first lines are known.
        tag: Column of the tag, likewise; None for no tags.
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
    is_conll2012: bool = False
    token: int | str = field(init=False)
    tag: int | str | None = field(init=False)

    def __post_init__(self) -> None:
        if not self.columns.delimiter:
            raise DataError(
                self.path,
                None,
                "the delimiter of columns is empty; expected auto, blank, tab or a string",
            )
        self.delimiter = _NAMED_DELIMITERS.get(self.columns.delimiter, self.columns.delimiter)
        self.token, self.tag = self.columns.token, self.columns.tag

    @property
    def token_number(self) -> int:
        """The number of the column of the token; 0 while only its name is known."""
        return self.token if isinstance(self.token, int) else 0

    @property
    def tag_number(self) -> int | None:
        """The number of the column of the tag; -1 while only its name is known."""
        return -1 if isinstance(self.tag, str) else self.tag

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
        begins = any(line.startswith(BEGIN_2012) for _, line in head)
        self.is_conll2012 = begins and len(rows[0][1].split()) > _CONLL_2012
        first, line = self._typical(rows)
        fields = self.split(line)
        if self.delimiter is not None and len(fields) > 1 and not fields[-1]:
            self.trailing = True
            report.note("lines end with a delimiter; the empty last column is ignored", first)
            fields = fields[:-1]
        self.width = len(fields)
        is_named = isinstance(self.token, str) or isinstance(self.tag, str)
        self.token = self._numbered(self.token, fields, first)
        self.tag = None if self.tag is None else self._numbered(self.tag, fields, first)
        self._check_columns(first, line)
        split = [(number, self.fields(line)) for number, line in rows]
        fitting = [(number, fields) for number, fields in split if len(fields) == self.width]
        self.is_conllu = self.width == 10 and all(_ID.fullmatch(fields[0]) for _, fields in fitting)
        if self.is_conllu:
            fitting = [each for each in fitting if each[1][0].isdecimal()]
        has_header = is_named or self._is_header([fields for _, fields in fitting])
        header = first if has_header else 0
        if header:
            report.note("a header row is skipped", header, " ".join(fields))
            report.header = tuple(fields)
            fitting = fitting[1:]
        number = fitting[0][0] if fitting else first
        self._judge([fields for _, fields in fitting], number, report)
        report.layout = self.describe()
        return header

    def _numbered(self, column: int | str, names: Sequence[str], number: int) -> int:
        """Return the number of a column, which the first row may name."""
        if isinstance(column, int):
            return column
        found = [index for index, name in enumerate(names) if name.strip(INVISIBLE) == column]
        if len(found) != 1:
            listed = ", ".join(f"{index} {name}" for index, name in enumerate(names))
            raise DataError(
                self.path,
                number,
                f"the first row has {len(found) or 'no'} columns named {shown(column)}; expected "
                f"a header row with the name, or the number of a column: {listed}",
            )
        return found[0]

    def describe(self) -> str:
        """Return a description of the layout for users."""
        token, tag = self.token_number % self.width, self.tag_number
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
            fields = BLANKS.split(line.strip(" \t"))
            is_long = self.is_conll2012 and len(fields) > _CONLL_2012
            return [*fields[:_CONLL_2012], fields[-1]] if is_long else fields
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
            token = self.token_number % self.width
            if not fields[token] and not fields[token + 1] and self.delimiter:
                # The token is the delimiter itself, unquoted.
                return [*fields[:token], self.delimiter, *fields[token + 2 :]]
        return fields

    def is_comment(self, line: str) -> bool:
        """Return whether a line that starts with '#', before a sentence, is not a token line."""
        if not self.width:
            return not self._ends_with_span_tag(line)
        fields = self.fields(line)
        if len(fields) != self.width or (self.delimiter and " " in fields[0].strip()):
            return True
        column = -1 if self.tag_number is None else self.tag_number
        if column % self.width == self.token_number % self.width:
            return False
        tag = fields[column].strip(INVISIBLE)
        if self.has_span_tags:
            return tag not in self.tags and not (tag == schemes.OUTSIDE or schemes.split(tag)[0])
        return tag not in self.tags and (tag.isdecimal() or tag != tag.upper())

    def _ends_with_span_tag(self, line: str) -> bool:
        """Return whether the last field of a line is a span tag or O."""
        fields = BLANKS.split(line.strip(" \t"))
        return len(fields) > 1 and notations.is_span_tag(fields[-1])

    def _typical(self, rows: Sequence[tuple[int, str]]) -> tuple[int, str]:
        """Determine the delimiter; return the first line with the most frequent number of columns.

        A slip in the first line is then an error there, not in all others.
        """
        has_tabs = 2 * sum("\t" in line for _, line in rows) >= len(rows)
        self._set_delimiter(*next(row for row in rows if ("\t" in row[1]) == has_tabs))
        widths = Counter(len(self.split(line)) for _, line in rows)
        width = widths.most_common(1)[0][0]
        return next(row for row in rows if len(self.split(row[1])) == width)

    def _set_delimiter(self, number: int, line: str) -> None:
        """Determine the delimiter by a typical token line."""
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
        token, tag = self.token_number, self.tag_number
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
        first = [name.strip(INVISIBLE).lower().replace("_", "") for name in rows[0]]
        named = [
            name in _TOKEN_NAMES or name in _TAG_NAMES or _HEADER_TAG.fullmatch(name) is not None
            for name in first
        ]
        if self.tag_number is None:
            return sum(named) >= 2 and first[self.token_number] in _TOKEN_NAMES
        others = {row[self.tag_number] for row in rows[1:]}
        return (
            first[self.token_number] in _TOKEN_NAMES
            and sum(named) >= 2
            and rows[0][self.tag_number] not in others
        )

    def _judge(self, rows: Sequence[Sequence[str]], number: int, report: ReadReport) -> None:
        """Determine the kind of tags; raise DataError if the columns contain something else."""
        column = -1 if self.tag_number is None else self.tag_number
        if not rows or column % self.width == self.token_number % self.width:
            return
        known = "CoNLL-U" if self.is_conllu else "CoNLL-2012" if self.is_conll2012 else ""
        table = Table(rows, self.token_number, self.tag_number, known)
        if fault := table.fault(has_words=self.columns.has_words):
            raise DataError(self.path, number, fault + report.named_columns)
        self.tags = frozenset(table.tags)
        self.has_span_tags = table.has_span_tags
        if len(rows) >= _ENOUGH and len(table.prefix) >= _PREFIX:
            note = "all tokens begin with the same characters, which are kept"
            report.note(note, number, table.prefix)


def _other_delimiter(line: str) -> str:
    """Return a hint at the delimiter that a line without blanks and tabs seems to have."""
    found = next((delimiter for delimiter in ",;|/" if delimiter in line.strip(",;|/")), "")
    return f". If columns are separated by {found!r}, add --delimiter {shown(found)}" * bool(found)


_ID = re.compile(r"\d+(?:[-.]\d+)?")


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
