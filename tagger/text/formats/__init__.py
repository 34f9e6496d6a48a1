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
    html       pages that show spans, which are only written                    html.py

A format is a value, ``FORMAT``, in a module of its own, and a row of the table ``FORMATS`` of
recognition.py; no other code lists the formats.

Readers yield `Sentence`. What a sentence cannot represent is kept in ``sentence.record``, so that
the writer of the same format reproduces the file, with the prediction added.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from tagger.errors import DataError, TaggerError
from tagger.files import atomic_write
from tagger.text import opening, repairing
from tagger.text.formats import brat, conll
from tagger.text.formats.format import Format
from tagger.text.formats.recognition import (
    FALLBACK,
    FORMATS,
    HEAD,
    evident,
    format_of,
    named,
    recognize,
    sharing_suffix,
)
from tagger.text.opening import STANDARD_INPUT, BinaryFileError, Opened
from tagger.text.opening.binary import Kind
from tagger.text.options import ReadOptions
from tagger.text.report import ReadReport
from tagger.text.spans import Sentence

__all__ = [
    "FALLBACK",
    "FORMATS",
    "HEAD",
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
    if format_name and (load := named(format_name).load):
        report.format = format_name
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
            try:
                head = list(itertools.islice(lines, HEAD))
            except BinaryFileError as error:
                chosen = _format_of_kind(error.kind)
                if chosen is None or chosen.load is None or not Path(name).is_file():
                    raise
                report.format = chosen.name
                yield _complete(chosen.load(name, options, report), report)
                return
            format_name = recognize(name, [line for _, line in head], options)
        report.format = format_name
        if named(format_name).keeps_returns and Path(name).is_file():
            lines.close()
            head = []
            lines = opening.lines(
                name,
                options.encoding,
                on_bytes_read=on_bytes_read,
                keeps_returns=True,
                escapes=options.repair,
            )
        numbered: Iterator[tuple[int, str]] = itertools.chain(head, lines)
        if options.repair:
            numbered = repairing.repaired_lines(
                numbered, name, report, are_columns=format_name == conll.FORMAT.name
            )
        yield _complete(named(format_name).read(numbered, name, options, report), report)
    finally:
        lines.close()


def _format_of_kind(kind: Kind) -> Format | None:
    """Return the format of files that are not text but of this kind, or None."""
    return next((each for each in FORMATS.values() if kind in each.kinds), None)


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
