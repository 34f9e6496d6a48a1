"""The options of reading files, shared by all formats."""

from __future__ import annotations

from dataclasses import dataclass, field

from tagger.text import tokenizers

__all__ = ["Columns", "ReadOptions"]


@dataclass(frozen=True)
class Columns:
    """The columns of a CoNLL file, counted from 0 or, if negative, from the last.

    Args:
        token: Column of the token.
        tag: Column of the tag; None reads tokens only.
        delimiter: ``auto`` (tabs if the first token line contains one, else blanks), ``blank``
            (one or more blanks or tabs), ``tab``, or any other string that separates columns.
        has_words: Whether the tokens must look like words; otherwise they may be tags or numbers.
    """

    token: int = 0
    tag: int | None = -1
    delimiter: str = "auto"
    has_words: bool = True


@dataclass(frozen=True)
class ReadOptions:
    """The options of reading a file.

    Args:
        columns: Columns of CoNLL files.
        tokenizer: Name of the tokenizer for raw text.
        wrapped: Whether paragraphs of plain text span several lines and end at a blank line;
            otherwise each line is a paragraph.
        annotated: Whether annotations are read. Prediction ignores those in its input.
        format: Name of the format; empty to recognize it by the first lines.
        encoding: Encoding of the file; ``auto`` is UTF-8, or what a byte order mark says.
    """

    columns: Columns = field(default_factory=Columns)
    tokenizer: str = tokenizers.DEFAULT
    wrapped: bool = False
    annotated: bool = True
    format: str = ""
    encoding: str = "auto"
