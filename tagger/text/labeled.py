"""Texts with labels: what a classifier learns from and is scored on.

A record names its text and its label, for example

    {"text": "A quiet, lovely film.", "label": "positive"}
    {"tokens": ["Rain", "stopped", "play"], "labels": ["sport", "weather"]}

and a table has a column for each. All tokens of a text belong to one sequence, whatever sentences
and lines the tokenizer finds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from tagger.errors import DataError
from tagger.text import tokenizers
from tagger.text.formats.layouts import INVISIBLE
from tagger.text.report import ReadReport, shown
from tagger.text.rows import Row, RowFile, column_of

__all__ = [
    "LABEL_NAMES",
    "TEXT_NAMES",
    "LabeledText",
    "TextOptions",
    "check_columns",
    "labeled_texts",
    "token_reader",
]

TEXT_NAMES = ("tokens", "text", "sentence", "content", "review", "message", "document")
"""Usual names of the text, the best first: tokens beside the text they were made from are used."""

LABEL_NAMES = ("label", "labels", "class", "category", "sentiment", "topic", "target")
"""Usual names of the label or labels, the best first."""


@dataclass(frozen=True)
class TextOptions:
    """The names of text and label in records, and how both are read.

    Args:
        text: Name of the text; empty for the first of `TEXT_NAMES` that a record has.
        label: Name of the label; empty for the first of `LABEL_NAMES`.
        separator: What separates several labels in the cell of a table.
        multi_label: Whether a text may have several labels, or none.
        tokenizer: Name of the tokenizer.
        encoding: Encoding of files.
    """

    text: str = ""
    label: str = ""
    separator: str = ","
    multi_label: bool = False
    tokenizer: str = tokenizers.DEFAULT
    encoding: str = "auto"


@dataclass(frozen=True)
class LabeledText:
    """A text with its labels.

    Attributes:
        tokens: All its tokens, at least one.
        labels: Its labels: exactly one, or any number of different ones with several per text.
        path: Path of its file, or name of its dataset.
        line: Its line, or its position in a dataset, counted from 1.
    """

    tokens: tuple[str, ...]
    labels: tuple[str, ...]
    path: str
    line: int

    def __len__(self) -> int:
        """Return the number of tokens."""
        return len(self.tokens)


def token_reader(options: TextOptions) -> Callable[[Row], tuple[str, ...]]:
    """Return a function from a record to the tokens of its text.

    Args:
        options: Name of the text, and the tokenizer.

    Returns:
        The function, which raises ValueError if a record has no text or one of another type. An
        empty text has no tokens.

    Raises:
        TaggerError: The tokenizer is unknown.
    """
    tokenize = tokenizers.get(options.tokenizer)

    def tokens_of(row: Row) -> tuple[str, ...]:
        name = column_of(row.values, options.text, TEXT_NAMES)
        if name is None:
            wanted = f'"{options.text}"' if options.text else '"text" or "tokens"'
            raise ValueError(
                f"has no text: expected {wanted}, found {_names(row)}; name it with --text-column"
            )
        value = row.values[name]
        if isinstance(value, str):
            return tuple(value[start:end] for part in tokenize(value) for start, end in part)
        if isinstance(value, list) and all(isinstance(token, str) and token for token in value):
            return tuple(value)
        raise ValueError(
            f'expected a string or a list of tokens as "{name}", found {shown(repr(value))}'
        )

    return tokens_of


def labeled_texts(
    rows: Iterable[Row], options: TextOptions, report: ReadReport
) -> Iterator[LabeledText]:
    """Yield the labeled texts of records.

    Args:
        rows: The records, consumed lazily.
        options: How they are read.
        report: Receives an error for each record without a text or label. The caller finishes it.

    Yields:
        The texts.
    """
    tokens_of = token_reader(options)
    for row in rows:
        try:
            tokens = tokens_of(row)
            if not tokens:
                raise ValueError("the text is empty; write one, or remove the record")
            labels = _labels(row, options)
        except ValueError as error:
            report.problem(DataError(row.path, row.line, str(error)))
        else:
            yield LabeledText(tokens, labels, row.path, row.line)


def check_columns(file: RowFile, path: str, options: TextOptions) -> None:
    """Check that a file can contain labeled texts, before its records are read.

    Args:
        file: The open file.
        path: Its path.
        options: How it is read.

    Raises:
        DataError: The file is plain text, or a table without a column for the text or the label.
    """
    if file.format == "text":
        raise DataError(
            path,
            None,
            'expected JSON Lines with "text" and "label", or a table whose header row names the '
            "columns of the text and the label; found plain text",
        )
    roles = (("text", options.text, TEXT_NAMES), ("label", options.label, LABEL_NAMES))
    for role, declared, usual in roles if file.columns else ():
        if column_of(file.columns, declared, usual) is None:
            wanted = shown(declared) if declared else f"such as {role}"
            raise DataError(
                path,
                1,
                f"there is no column {wanted} for the {role} among {', '.join(file.columns)}; name "
                f"it with --{role}-column",
            )


def _labels(row: Row, options: TextOptions) -> tuple[str, ...]:
    """Return the labels of a record; raise ValueError if they are missing or ill-formed."""
    name = column_of(row.values, options.label, LABEL_NAMES)
    if name is None:
        wanted = f'"{options.label}"' if options.label else '"label"'
        raise ValueError(
            f"has no label: expected {wanted}, found {_names(row)}; name it with --label-column"
        )
    value = row.values[name]
    if isinstance(value, list):
        labels = [_label(one, name) for one in value]
    elif options.multi_label and isinstance(value, str):
        labels = [_label(one, name) for one in value.split(options.separator) if one.strip()]
    else:
        labels = [_label(value, name)]
    if not options.multi_label and len(labels) != 1:
        raise ValueError(
            f'expected one label as "{name}", found {len(labels)}; '
            "--multi-label learns any number of labels per text"
        )
    if repeated := next((one for one in labels if labels.count(one) > 1), None):
        raise ValueError(f"the label {shown(repeated)} is there twice; remove one")
    return tuple(labels)


def _label(value: Any, name: str) -> str:
    """Return one label as text; raise ValueError if it is missing or of another type."""
    if isinstance(value, bool) or type(value) is int:
        return str(value).lower()
    label = value.strip(INVISIBLE) if isinstance(value, str) else value
    if label is None or label == "":
        raise ValueError(f'the label is missing: "{name}" is empty')
    if not isinstance(label, str):
        raise ValueError(f'expected a label as "{name}", found {shown(repr(value))}')
    return label


def _names(row: Row) -> str:
    """Return the names of the values of a record, for a message."""
    return ", ".join(f'"{name}"' for name in row.values)[:80] or "nothing"
