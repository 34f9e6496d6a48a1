"""The table of formats, and the recognition of files by their content and name."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from tagger.errors import DataError, TaggerError
from tagger.text import opening
from tagger.text.formats.bioc import JSON as BIOC_JSON
from tagger.text.formats.bioc import XML as BIOC_XML
from tagger.text.formats.brat import FORMAT as BRAT
from tagger.text.formats.cas import FORMAT as CAS
from tagger.text.formats.conll import FORMAT as CONLL
from tagger.text.formats.conllu import FORMAT as CONLLU
from tagger.text.formats.docbin import FORMAT as DOCBIN
from tagger.text.formats.doccano import FORMAT as DOCCANO
from tagger.text.formats.format import Format
from tagger.text.formats.gliner import FORMAT as GLINER
from tagger.text.formats.gliner2 import FORMAT as GLINER2
from tagger.text.formats.html import FORMAT as HTML
from tagger.text.formats.jsonl import FORMAT as JSONL
from tagger.text.formats.label_studio import FORMAT as LABEL_STUDIO
from tagger.text.formats.layouts import foreign_layout, is_prose
from tagger.text.formats.plain import FORMAT as PLAIN
from tagger.text.formats.prodigy import FORMAT as PRODIGY
from tagger.text.formats.pubtator import FORMAT as PUBTATOR
from tagger.text.formats.spacy_json import FORMAT as SPACY_JSON
from tagger.text.formats.table import FORMAT as TABLE
from tagger.text.formats.webanno import FORMAT as WEBANNO
from tagger.text.opening import compression
from tagger.text.options import ReadOptions

__all__ = [
    "FALLBACK",
    "FORMATS",
    "HEAD",
    "evident",
    "format_of",
    "named",
    "recognize",
    "sharing_suffix",
]

FORMATS = {
    each.name: each
    for each in (
        LABEL_STUDIO,
        DOCCANO,
        PRODIGY,
        SPACY_JSON,
        GLINER,
        GLINER2,
        WEBANNO,
        BRAT,
        CONLLU,
        PUBTATOR,
        BIOC_XML,
        BIOC_JSON,
        CAS,
        DOCBIN,
        TABLE,
        HTML,
        JSONL,
        CONLL,
        PLAIN,
    )
}
"""All formats by name. The first one that recognizes a file reads it, so that the formats of tools
precede ``jsonl``, and ``text``, which recognizes any lines, is the last.
"""

FALLBACK = CONLL.name
"""The format of files with an unknown suffix: corpora end in .tsv, .testb, …"""

_ANY_TEXT = PLAIN.name

HEAD = 1000
"""Number of lines by which a format is recognized."""


def named(name: str) -> Format:
    """Return a format by name.

    Args:
        name: Key of `FORMATS`.

    Returns:
        The format.

    Raises:
        TaggerError: The name is unknown.
    """
    if name not in FORMATS:
        raise TaggerError(f"unknown format {name!r}; expected one of {', '.join(FORMATS)}")
    return FORMATS[name]


def format_of(path: str, *, annotated: bool = False) -> str:
    """Return the format that the suffix of a file names.

    A final ``.gz`` or other suffix of compressed files is ignored.

    Args:
        path: Name of the file, which need not exist.
        annotated: Ignore suffixes of files to read that contain no annotations; ``.txt`` then
            means CoNLL columns.

    Returns:
        Name of the format; ``conll`` if the suffix is unknown or that of several formats.
    """
    return _named_by_suffix(path, annotated) or FALLBACK


def sharing_suffix(path: str) -> list[str]:
    """Return the formats that share the suffix of a file, if it means none of them.

    Args:
        path: Name of the file, which need not exist.
    """
    name = compression.unpacked_name(path.lower())
    fitting = [each for each in FORMATS.values() if name.endswith(each.suffixes)]
    if any(each.suffix_means != "nothing" for each in fitting):
        return []
    return [each.name for each in fitting]


def _named_by_suffix(path: str, annotated: bool) -> str:
    """Return the format that the suffix of a file names, or "" if it names none."""
    name = compression.unpacked_name(path.lower())
    for each in FORMATS.values():
        fits = each.has_annotations or each.suffix_means == "new files" or not annotated
        if fits and each.suffix_means != "nothing" and name.endswith(each.suffixes):
            return each.name
    return ""


def recognize(path: str, head: Sequence[str], options: ReadOptions) -> str:
    """Determine the format of a file from its first lines; its name only helps.

    Args:
        path: Name of the file; ``-`` is standard input.
        head: First lines of the file, without their ends.
        options: With `annotated`, only formats with annotations are considered.

    Returns:
        Name of the format.

    Raises:
        DataError: The content contradicts the name, or is of a kind that is not read.
    """
    fitting = [
        each.name
        for each in FORMATS.values()
        if each.name != _ANY_TEXT
        and (each.has_annotations or not options.annotated)
        and each.recognizes(head)
    ]
    named_format = _named_by_suffix(path, options.annotated)
    is_of_new_files = named_format and FORMATS[named_format].suffix_means == "new files"
    if is_of_new_files and named_format not in fitting:
        named_format = ""
    layout = foreign_layout(head, is_columns=FALLBACK in fitting)
    if layout and fitting in ([], [FALLBACK]):
        raise DataError(path, None, f"looks like {layout}")
    if fitting and FORMATS[fitting[0]].suffix_means == "nothing":
        name = compression.unpacked_name(path.lower())
        named_format = "" if name.endswith(FORMATS[fitting[0]].suffixes) else named_format
    elif named_format in fitting:
        return named_format
    if fitting:
        if named_format:
            raise DataError(
                path,
                None,
                f"the name means {named_format}, but the content looks like {fitting[0]}; add "
                f"--format {fitting[0]} or --format {named_format}",
            )
        return fitting[0]
    if not options.annotated:
        return named_format or (_ANY_TEXT if not _is_column_of_words(head) else FALLBACK)
    if is_prose(head):
        raise DataError(
            path,
            None,
            "looks like running text without annotation; expected one token and its tag per line, "
            "or JSON Lines",
        )
    return named_format or FALLBACK


def evident(path: str, options: ReadOptions) -> str:
    """Return the format that the first lines of a file show, apart from columns and plain text.

    Args:
        path: The file.
        options: Its encoding.

    Returns:
        Name of the format; "" if the lines show none.

    Raises:
        DataError: The file cannot be opened, is not text, or is in another encoding.
    """
    lines = opening.lines(path, options.encoding)
    try:
        head = [line for _, line in itertools.islice(lines, HEAD)]
    finally:
        lines.close()
    others = (each for each in FORMATS.values() if each.name not in (FALLBACK, _ANY_TEXT))
    return next((each.name for each in others if each.recognizes(head)), "")


def _is_column_of_words(head: Sequence[str]) -> bool:
    """Return whether lines look like one token each: no blanks, and some are punctuation alone."""
    filled = [line for line in head if line.strip()]
    return (
        len(filled) < len(head)
        and not any(" " in line.strip() for line in filled)
        and any(not any(map(str.isalnum, line)) for line in filled)
    )
