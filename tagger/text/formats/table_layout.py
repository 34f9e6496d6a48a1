"""The columns of a table with a header row, found by their usual names."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from tagger.text.delimited import DELIMITERS
from tagger.text.formats.layouts import INVISIBLE
from tagger.text.options import Columns

__all__ = ["TableLayout", "plain_name", "table_layout"]

# Usual names of columns, in lower case and without blanks and underscores, the best first.
_TOKENS = ("token", "tokens", "word", "words", "form", "wordform")
_TAGS = (
    *(
        "ner",
        "nertag",
        "nertags",
        "tag",
        "tags",
        "netag",
        "bio",
        "iob",
        "label",
        "labels",
        "entity",
    ),
    *("ne", "entities", "chunk", "pos", "upos", "xpos"),
)
_SENTENCES = ("sentence#", "sentence", "sentenceid", "sentid", "sentenceidx", "sentencenumber")
_DOCUMENTS = ("document", "documentid", "docid", "doc", "file", "article", "articleid")
_TEXTS = ("text", "sentence", "document", "content")
_STARTS = ("start", "begin", "startoffset", "startchar", "offsetstart")
_ENDS = ("end", "endoffset", "endchar", "offsetend", "stop")
_LABELS = ("label", "entity", "type", "tag", "entitytype", "labels")
_IDS = ("id", "documentid", "docid", "document", "textid")
_SURFACES = ("surface", "mention", "spantext", "entitytext")
_SCORES = ("score", "probability", "confidence")


@dataclass
class TableLayout:
    """The layout of a table.

    Attributes:
        delimiter: The delimiter.
        header: The names of the columns.
        numbers: Numbers of the columns by role: token, tag, sentence, document, text, start, end,
            label, id, surface and score, those that exist.
    """

    delimiter: str
    header: list[str]
    numbers: dict[str, int] = field(default_factory=dict)

    def find(self, **roles: Sequence[str]) -> None:
        """Find the columns of some roles by their usual names."""
        plain = [plain_name(name) for name in self.header]
        for role, names in roles.items():
            for name in names:
                if name in plain and plain.index(name) not in self.numbers.values():
                    self.numbers[role] = plain.index(name)
                    break

    @property
    def has_spans(self) -> bool:
        """Rows are spans of characters."""
        return {"text", "start", "end", "label"} <= self.numbers.keys()

    def cell(self, row: Sequence[str], role: str) -> str:
        """Return the cell of a row for a role; "" if there is no such column."""
        return row[self.numbers[role]] if role in self.numbers else ""


def plain_name(name: str) -> str:
    """Return the name of a column in lower case and without blanks, hyphens and underscores."""
    return re.sub("[ _-]", "", name.strip(INVISIBLE).lower())


def table_layout(line: str, columns: Columns) -> TableLayout | None:
    """Return the layout that a header row describes, or None if it describes none."""
    declared = {"tab": "\t", "auto": "", "blank": ""}.get(columns.delimiter, columns.delimiter)
    for delimiter in [declared] if len(declared) == 1 else DELIMITERS:
        try:
            header = next(csv.reader([line], delimiter=delimiter, strict=True), [])
        except csv.Error:
            continue
        table = TableLayout(delimiter, header)
        table.find(text=_TEXTS, start=_STARTS, end=_ENDS, label=_LABELS)
        if table.has_spans:
            table.find(id=_IDS, surface=_SURFACES, score=_SCORES)
            return table
        table.numbers = {}
        table.find(token=_TOKENS, sentence=_SENTENCES, tag=_TAGS, document=_DOCUMENTS)
        if delimiter == "\t" and "sentence" not in table.numbers:
            continue  # columns with a header row, which the format conll reads
        names = {columns.token, columns.tag} & {*header}
        if {"token", "tag"} <= table.numbers.keys() or (names and len(header) > 1):
            return table
    return None
