"""File formats with streaming readers and writers, whose memory does not grow with the file.

    label-studio   tasks of Label Studio: JSON and JSON-MIN                     label_studio.py
    doccano        documents of doccano                                         doccano.py
    prodigy        examples of Prodigy                                          prodigy.py
    spacy-json     pairs of a text and its entities, as spaCy is trained on     spacy_json.py
    gliner         tokens with inclusive spans of GLiNER                        gliner.py
    gliner2        texts with mentions by label of GLiNER2                      gliner2.py
    jsonl          one JSON object per line: tokens, or text with spans         jsonl.py
    conll          columns: one token per line, blank lines between sentences   conll.py
    text           plain text, one paragraph per line                           plain.py

Files of annotation tools:

    webanno    WebAnno TSV 3 of INCEpTION and WebAnno                           webanno.py
    brat       annotations of brat, with their text in a file beside them       brat.py
    conllu     CoNLL-U and CoNLL-U Plus                                         conllu.py
    pubtator   PubTator                                                         pubtator.py
    bioc       BioC as XML, and as JSON (bioc-json)                             bioc.py
    cas        UIMA CAS as XMI and JSON, by dkpro-cassis                        cas.py
    spacy      spaCy's DocBin, by spaCy                                         docbin.py
    csv        tables with a header row                                         table.py

A format is a value, ``FORMAT``, in a module of its own, and a row of the table ``FORMATS``; no
other code lists the formats.

Readers yield `Sentence`. What a sentence cannot represent is kept in ``sentence.record``, so that
the writer of the same format reproduces the file, with the prediction added.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from tagger.errors import DataError, TaggerError
from tagger.files import atomic_write
from tagger.text import opening, repairing
from tagger.text.formats import (
    bioc,
    brat,
    cas,
    conll,
    conllu,
    docbin,
    doccano,
    gliner,
    gliner2,
    jsonl,
    label_studio,
    layouts,
    plain,
    prodigy,
    pubtator,
    spacy_json,
    table,
    webanno,
)
from tagger.text.formats.format import Format
from tagger.text.opening import STANDARD_INPUT, Opened, compression
from tagger.text.options import ReadOptions
from tagger.text.report import ReadReport
from tagger.text.spans import Sentence

__all__ = [
    "FORMATS",
    "STANDARD_INPUT",
    "Format",
    "ReadOptions",
    "ReadReport",
    "evident",
    "files_of",
    "format_of",
    "named",
    "opened",
    "read",
    "recognize",
    "save",
    "sharing_suffix",
    "write",
]

FORMATS = {
    each.name: each
    for each in (
        label_studio.FORMAT,
        doccano.FORMAT,
        prodigy.FORMAT,
        spacy_json.FORMAT,
        gliner.FORMAT,
        gliner2.FORMAT,
        webanno.FORMAT,
        brat.FORMAT,
        conllu.FORMAT,
        pubtator.FORMAT,
        bioc.XML,
        bioc.JSON,
        cas.FORMAT,
        docbin.FORMAT,
        table.FORMAT,
        jsonl.FORMAT,
        conll.FORMAT,
        plain.FORMAT,
    )
}
"""All formats by name. The first one that recognizes a file reads it, so that the formats of tools
precede ``jsonl``, and ``text``, which recognizes any lines, is the last.
"""

FALLBACK = conll.FORMAT.name
"""The format of files with an unknown suffix: corpora end in .tsv, .testb, …"""

_ANY_TEXT = plain.FORMAT.name

# Lines by which a format is recognized.
_HEAD = 1000


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
        annotated: Consider only formats that contain annotations; ``.txt`` then means CoNLL
            columns.

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
    return [] if any(each.claims_suffix for each in fitting) else [each.name for each in fitting]


def _named_by_suffix(path: str, annotated: bool) -> str:
    """Return the format that the suffix of a file names, or "" if it names none."""
    name = compression.unpacked_name(path.lower())
    for each in FORMATS.values():
        is_considered = each.claims_suffix and (each.has_annotations or not annotated)
        if is_considered and name.endswith(each.suffixes):
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
    named_format = _named_by_suffix(path, options.annotated)
    if named_format and FORMATS[named_format].is_evident:
        named_format = named_format if FORMATS[named_format].recognizes(head) else ""
    evident = [
        each.name
        for each in FORMATS.values()
        if each.name != _ANY_TEXT
        and (each.has_annotations or not options.annotated)
        and each.recognizes(head)
    ]
    layout = layouts.foreign_layout(head, is_columns=FALLBACK in evident)
    if layout and evident in ([], [FALLBACK]):
        raise DataError(path, None, f"looks like {layout}")
    if evident and not FORMATS[evident[0]].claims_suffix:
        name = compression.unpacked_name(path.lower())
        named_format = "" if name.endswith(FORMATS[evident[0]].suffixes) else named_format
    elif named_format in evident:
        return named_format
    if evident:
        if named_format:
            raise DataError(
                path,
                None,
                f"the name means {named_format}, but the content looks like {evident[0]}; add "
                f"--format {evident[0]} or --format {named_format}",
            )
        return evident[0]
    if not options.annotated:
        return named_format or (_ANY_TEXT if not _is_column_of_words(head) else FALLBACK)
    if layouts.is_prose(head):
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
        head = [line for _, line in itertools.islice(lines, _HEAD)]
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


def read(
    path: str | Path,
    format_name: str = "",
    options: ReadOptions | None = None,
    *,
    on_bytes_read: Callable[[int], None] | None = None,
    report: ReadReport | None = None,
) -> Iterator[Sentence]:
    """Read the sentences of a file, which may be compressed; see `text.opening`.

    The file is opened when iteration starts and closed when it ends.

    Args:
        path: The file; ``-`` reads standard input.
        format_name: Key of `FORMATS`; empty to recognize the format by the first lines.
        options: Reading options; the defaults of `ReadOptions` if None.
        on_bytes_read: Called after each block of about 64 KiB with the number of (compressed)
            bytes read.
        report: Receives the layout, notes, and the errors of single records, which are raised at
            the end of the file unless its `on_error` is another than "stop".

    Yields:
        The sentences in order.

    Raises:
        DataError: The file cannot be opened, is not text, is not in the expected encoding, or has
            an ill-formed line (``path:line: …``).
        TaggerError: The format or the name of the encoding is unknown.
    """
    with opened(
        path, format_name, options, on_bytes_read=on_bytes_read, report=report
    ) as sentences:
        yield from sentences


@contextmanager
def opened(
    path: str | Path,
    format_name: str = "",
    options: ReadOptions | None = None,
    *,
    on_bytes_read: Callable[[int], None] | None = None,
    report: ReadReport | None = None,
) -> Iterator[Iterator[Sentence]]:
    """Open a file whose format is known once the block begins.

    Args:
        path: As in `read`.
        format_name: As in `read`.
        options: As in `read`.
        on_bytes_read: As in `read`.
        report: As in `read`; its `format` is set when the block begins.

    Yields:
        An iterator over the sentences.

    Raises:
        DataError: As in `read`.
        TaggerError: As in `read`.
    """
    name = str(path)
    options = options or ReadOptions()
    report = report or ReadReport(name)
    if options.annotated and format_name in ("", brat.FORMAT.name):
        name = brat.annotation_of(name)
    report.path = name
    binary_format = format_name or _format_of_bytes(name)
    if binary_format and (load := named(binary_format).load):
        report.format = binary_format
        yield _complete(load(name, options, report), report)
        return

    def note(found: Opened) -> None:
        if found.note:
            report.note(found.note)

    lines = opening.lines(
        name, options.encoding, on_bytes_read=on_bytes_read, on_open=note, escapes=options.repair
    )
    try:
        head: list[tuple[int, str]] = []
        if not format_name:
            head = list(itertools.islice(lines, _HEAD))
            format_name = recognize(name, [line for _, line in head], options)
        report.format = format_name
        if named(format_name).keeps_returns and Path(name).is_file():
            lines.close()
            head = []
            lines = opening.lines(
                name, options.encoding, on_bytes_read=on_bytes_read, keeps_returns=True
            )
        numbered: Iterator[tuple[int, str]] = itertools.chain(head, lines)
        if options.repair:
            numbered = repairing.repaired_lines(
                numbered, name, report, are_columns=format_name == conll.FORMAT.name
            )
        yield _complete(named(format_name).read(numbered, name, options, report), report)
    finally:
        lines.close()


def _format_of_bytes(path: str) -> str:
    """Return the format of a file that is not text, or ""."""
    kinds = {kind: each.name for each in FORMATS.values() for kind in each.kinds}
    if not kinds or not Path(path).is_file():
        return ""
    with opening.content(path, [*kinds]) as content:
        return kinds.get(content.kind, "") if content.kind else ""


def files_of(path: str | Path) -> list[str]:
    """Return the files that a path stands for.

    Args:
        path: A file, or a folder, which stands for all files in it and its subfolders that are not
            hidden.

    Returns:
        The files, those of a folder in order of their names. A text that has annotations beside it
        in brat's format is represented by their file alone.

    Raises:
        DataError: A folder contains no file.
    """
    folder = Path(path)
    if not folder.is_dir():
        return [str(path)]
    below = (
        file
        for file in sorted(folder.rglob("*"))
        if file.is_file() and not any(p.startswith(".") for p in file.relative_to(folder).parts)
    )
    files = [str(file) for file in below if brat.annotation_of(str(file)) == str(file)]
    if not files:
        raise DataError(str(path), None, "is a folder without files")
    return files


def _complete(sentences: Iterator[Sentence], report: ReadReport) -> Iterator[Sentence]:
    """Yield sentences; at the end, raise the errors that the reader reported."""
    yield from sentences
    report.finish()


def save(
    sentences: Iterable[Sentence],
    path: Path,
    format_name: str,
    scheme: str = "IOB2",
    *,
    predictions: bool = False,
    sync: bool = True,
) -> None:
    """Write sentences to a file or, in a format of several files, to a folder; atomically.

    Args:
        sentences: Sentences, consumed lazily.
        path: File or folder to write.
        format_name: Key of `FORMATS`.
        scheme: Tagging scheme of the spans, in formats that write tags.
        predictions: Whether a model predicted the spans.
        sync: Whether a file is on the disk when it appears; see `files.atomic_write`.

    Raises:
        TaggerError: As for `write`, or the path cannot be written.
        SchemeError: As for `write`.
    """
    chosen = named(format_name)
    if chosen.save is not None:
        chosen.save(sentences, path, scheme)
        return
    with atomic_write(path, sync=sync) as stream:
        write(sentences, stream, format_name, scheme, predictions=predictions)


def write(
    sentences: Iterable[Sentence],
    stream: IO[str],
    format_name: str,
    scheme: str = "IOB2",
    *,
    predictions: bool = False,
) -> None:
    """Write sentences with their spans or plain tags.

    Args:
        sentences: Sentences, consumed lazily.
        stream: Text stream to write to; it is not closed.
        format_name: Key of `FORMATS`.
        scheme: Tagging scheme of the spans, in formats that write tags.
        predictions: Whether a model predicted the spans.

    Raises:
        TaggerError: The format or the encoding of `stream` cannot represent a token or tag, or the
            format is unknown.
        SchemeError: The scheme cannot represent the spans.
    """
    chosen = named(format_name)
    write_all = chosen.write_predictions if predictions else None
    try:
        (write_all or chosen.write)(sentences, stream, scheme)
    except UnicodeEncodeError as error:
        character = f"{error.object[error.start]!a}"
        raise TaggerError(
            f"the output is in {error.encoding}, which has no {character}; set PYTHONUTF8=1"
        ) from error
