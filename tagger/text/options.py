"""The options of reading files, shared by all formats."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tagger.text import tokenizers, units
from tagger.text.report import Issue

__all__ = ["DISCONTINUOUS", "MISALIGNED", "OFFSETS", "OVERLAPS", "Columns", "ReadOptions"]

OFFSETS = (units.AUTO, *units.UNITS)
"""The choices of ``--offsets``."""

MISALIGNED = ("error", "expand", "contract", "split")
"""The choices of ``--misaligned``: what happens to spans that cut a token."""

OVERLAPS = ("error", "longest", "first", "outer")
"""The choices of ``--overlaps``."""

DISCONTINUOUS = ("error", "cover")
"""The choices of ``--discontinuous``."""


@dataclass(frozen=True)
class Columns:
    """The columns of a CoNLL file, by name or counted from 0 or, if negative, from the last.

    Args:
        token: Column of the token. In a file that names its columns, the default is the one with a
            usual name, such as ``token``, ``word`` or ``FORM``.
        tag: Column of the tag, likewise; None reads tokens only.
        delimiter: ``auto`` (tabs if the first token line contains one, else blanks), ``blank``
            (one or more blanks or tabs), ``tab``, or any other string that separates columns.
        has_words: Whether the tokens must look like words; otherwise they may be tags or numbers.
    """

    token: int | str = 0
    tag: int | str | None = -1
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
        annotator: Name or id of the annotator whose annotation is read, in formats with several per
            text; empty for the latest annotation.
        label_field: Name of the labeling field that is read, in formats with several.
        layer: Layer or type of the spans, in formats with several; empty if there is only one.
        feature: Feature of the layer with the labels; empty for the usual one.
        offsets: Unit of the offsets of spans of characters, one of `units.UNITS`; ``auto`` proves
            it from the spans' surface texts, and else assumes the first one of `units`.
        units: Units in which a file of the format may count, the usual one first; set by formats
            whose files do not say which.
        misaligned: What happens to spans that cut a token: ``error``; ``expand`` them to the tokens
            that they touch; ``contract`` them to the tokens that they contain; ``split`` the
            tokens, which a model's tokenizer will not do; or ``missed``, in evaluation: list them
            in the report, to be counted as missed.
        overlaps: What happens to spans that overlap: ``error``; or keep the ``longest``, the
            ``first``, or the ``outer``, of which only those that contain each other can be used.
        discontinuous: What happens to spans of several parts: ``error``, or ``cover`` uses the span
            from the first to the last.
        repair: Whether tags and lines that have one sensible reading are repaired.
        on_issues: Called with the issues of each annotated file once it is read.
    """

    columns: Columns = field(default_factory=Columns)
    tokenizer: str = tokenizers.DEFAULT
    wrapped: bool = False
    annotated: bool = True
    format: str = ""
    encoding: str = "auto"
    annotator: str = ""
    label_field: str = ""
    layer: str = ""
    feature: str = ""
    offsets: str = units.AUTO
    units: tuple[str, ...] = units.UNITS
    misaligned: str = "error"
    overlaps: str = "error"
    discontinuous: str = "error"
    repair: bool = False
    on_issues: Callable[[Sequence[Issue]], None] | None = field(default=None, compare=False)
