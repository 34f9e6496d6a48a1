"""brat standoff (brat.nlplab.org/standoff.html): a text NAME.txt with its annotations NAME.ann.

    T1	PER 0 9	Anna Berg
    T2	ORG 14 19;27 31	North Bank
    #1	AnnotatorNotes T1	score 0.98
    R1	Employer Arg1:T1 Arg2:T2

Offsets are half-open and count the characters of the text, line ends included. The parts of a
discontinuous span are separated by semicolons; a span over a line break is written in parts, too.
Notes, attributes, normalizations, relations and events are kept as lines, and written again where
what they refer to is written. The score of a predicted span is a note.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any

from tagger.errors import DataError
from tagger.files import atomic_write
from tagger.text import opening, units
from tagger.text.alignment import CharacterSpan, sentences_with
from tagger.text.formats.format import Format
from tagger.text.formats.whole import (
    Whole,
    check_spans,
    file_names,
    plain_tags,
    whole_documents,
)
from tagger.text.locating import located
from tagger.text.options import ReadOptions
from tagger.text.proving import has_text
from tagger.text.report import ReadReport, shown
from tagger.text.spans import Record, Sentence

__all__ = ["FORMAT", "annotation_of", "read", "recognizes", "save", "write"]

_NAME = "brat"
_SPAN = re.compile(r"(T\d+)\t(\S+) (\d+ \d+(?:;\d+ \d+)*)(?:\t(.*))?")
_OTHER = re.compile(r"(?:[REAMN]\d+\S*\t\S|#\d*\S*\t|\*\t)")
_SCORE = re.compile(r"#\d+\tAnnotatorNotes (T\d+)\tscore (1(?:\.0+)?|0(?:\.\d+)?)")
_REFERENCE = re.compile(r"\b([TREAM]\d+)\b")
_SUFFIX = ".ann"
_TEXT_SUFFIX = ".txt"
# Grapheme clusters count a Windows line end as one character, whatever the text is.
_UNITS = tuple(unit for unit in units.UNITS if unit != "graphemes")


def annotation_of(path: str) -> str:
    """Return the file of annotations beside a text.

    Args:
        path: Any file.

    Returns:
        NAME.ann if the path is NAME.txt and both exist, else the path.
    """
    beside = path[: -len(_TEXT_SUFFIX)] + _SUFFIX
    is_text = path.endswith(_TEXT_SUFFIX) and Path(path).is_file()
    return beside if is_text and Path(beside).is_file() else path


def read(
    lines: Iterable[tuple[int, str]], path: str, options: ReadOptions, report: ReadReport
) -> Iterator[Sentence]:
    """Parse the numbered lines of annotations, and read the text beside them.

    Args:
        lines: Line numbers, counted from 1, and lines without their ends.
        path: Path of the annotations, NAME.ann; the text is NAME.txt.
        options: Tokenizer, encoding of the text, and whether spans are read.
        report: Receives notes and the errors of single lines.

    Yields:
        The sentences of the text, which share a record.

    Raises:
        DataError: There is no text beside the annotations.
    """
    report.layout = "brat standoff"
    text_path = _text_path(path)
    if not text_path.is_file():
        raise DataError(
            path, None, f"annotations of brat need their text: there is no file {text_path}"
        )
    spans: dict[str, CharacterSpan] = {}
    others: list[str] = []
    scores: dict[str, float] = {}
    for number, line in lines:
        if not line.strip():
            continue
        if found := _SPAN.fullmatch(line):
            if found[1] in spans:
                report.problem(DataError(path, number, f"the id {found[1]} occurs twice"))
                continue
            spans[found[1]] = _span(found, number)
        elif found := _SCORE.fullmatch(line):
            scores[found[1]] = float(found[2])
        elif _OTHER.match(line):
            others.append(line)
        else:
            report.problem(DataError(path, number, _fault(line)))
    raw = opening.unchanged(text_path, options.encoding)
    text, shift = _fitting(raw, spans.values(), options, report)
    found_spans = [
        replace(_moved(span, shift), score=scores.get(name)) for name, span in spans.items()
    ]
    data: dict[str, Any] = {"lines": others}
    record = Record(path, 0, text, data=data, format=_NAME, id=text_path.stem)
    if others:
        report.note("notes, attributes and relations are kept, but are no spans")
    usable = located(found_spans, record, options, report if options.annotated else ReadReport())
    data["ids"] = {span.id: (span.start, span.end, span.label) for span in usable}
    yield from sentences_with(usable if options.annotated else None, record, options, report)


def _text_path(path: str) -> Path:
    """Return the path of the text that annotations belong to."""
    file = Path(path)
    return file.with_name(file.name.removesuffix(_SUFFIX) + _TEXT_SUFFIX)


def _span(found: re.Match[str], line: int) -> CharacterSpan:
    """Return the span of a T line."""
    parts = [tuple(map(int, part.split(" "))) for part in found[3].split(";")]
    pairs = tuple((start, end) for start, end in parts)
    return CharacterSpan(
        min(start for start, _ in pairs),
        max(end for _, end in pairs),
        found[2],
        text=found[4],
        parts=pairs if len(pairs) > 1 else (),
        line=line,
        id=found[1],
    )


def _fault(line: str) -> str:
    """Describe an ill-formed line."""
    if re.match(r"T\d+ ", line):
        return f"expected a tab after the id and before the text, found {shown(line)}"
    return (
        f"expected 'T1<tab>LABEL START END<tab>TEXT', or a note, attribute, relation or event; "
        f"found {shown(line)}"
    )


def _fitting(
    text: str, spans: Iterable[CharacterSpan], options: ReadOptions, report: ReadReport
) -> tuple[str, int]:
    """Return the text with the line ends that the offsets count, and how far to move these.

    Tools count a Windows line end as two characters or as one, and some count a byte order mark.
    """
    whole = [span for span in spans if span.text and not span.parts]
    best = _misses(text, whole, 0, options), text, 0, ""
    marked = "the offsets count the byte order mark"
    for candidate, shift, note in (
        (text.replace("\r\n", "\n"), 0, "the offsets count Windows line ends as one character"),
        (text, -1, marked),
        (text.replace("\r\n", "\n"), -1, f"{marked}, and Windows line ends as one character"),
    ):
        misses = _misses(candidate, whole, shift, options) if best[0] else 0
        if misses < best[0]:
            best = misses, candidate, shift, note
    if best[3] and not best[0]:
        report.note(best[3])
        return best[1], best[2]
    return text, 0


def _misses(text: str, spans: list[CharacterSpan], shift: int, options: ReadOptions) -> int:
    """Return the number of spans that do not have their text, in the unit with the fewest."""
    places = [(span.start + shift, span.end + shift) for span in spans]
    return min(
        sum(
            reading is None or not has_text(span, text[slice(*reading)])
            for span, reading in zip(spans, units.readings(text, places, unit), strict=True)
        )
        for unit in (_UNITS if options.offsets == units.AUTO else (options.offsets,))
    )


def _moved(span: CharacterSpan, shift: int) -> CharacterSpan:
    """Return a span that is moved by some characters."""
    if not shift:
        return span
    parts = tuple((start + shift, end + shift) for start, end in span.parts)
    return replace(span, start=span.start + shift, end=span.end + shift, parts=parts)


def recognizes(lines: Sequence[str]) -> bool:
    """Return whether the first lines look like brat's annotations.

    Args:
        lines: First lines of a file, without their ends.
    """
    filled = [line for line in lines if line.strip()][:_HEAD]
    good = sum(bool(_SPAN.fullmatch(line) or _OTHER.match(line)) for line in filled)
    has_span = any(re.match(r"T\d+[\t ]\S+ \d+ \d+", line) for line in filled)
    return bool(filled) and has_span and 2 * good > len(filled)


_HEAD = 50


def write(sentences: Iterable[Sentence], stream: IO[str], scheme: str) -> None:
    """Write the annotations of one document, without its text.

    Args:
        sentences: The sentences of one document.
        stream: Text stream to write to; it is not closed.
        scheme: Not used.

    Raises:
        DataError: There are several documents, or a label or plain tags cannot be written.
    """
    documents = list(islice(check_spans(whole_documents(sentences), _NAME), 2))
    if len(documents) > 1:
        raise DataError(
            _path_of(documents[1]),
            None,
            "contains several documents, but brat has a file per document; write into a folder",
        )
    stream.writelines(line + "\n" for one in documents for line in _lines(one))


def save(sentences: Iterable[Sentence], path: Path, scheme: str) -> None:
    """Write texts and annotations: NAME.txt and NAME.ann for each document.

    Args:
        sentences: Sentences, consumed lazily.
        path: A name that ends in .ann, for a single document; several are then written into the
            folder of that name without the suffix. Any other path is a folder.
        scheme: Not used.

    Raises:
        TaggerError: A file cannot be written, or a label or plain tags cannot be.
    """
    documents = check_spans(whole_documents(sentences), _NAME)
    if path.suffix == _SUFFIX and not path.is_dir():
        first = list(islice(documents, 2))
        if len(first) < 2:
            _save(first[0] if first else None, path)
            return
        documents, path = chain(first, documents), path.with_suffix("")
    for name, document in file_names(documents, _SUFFIX):
        _save(document, path / name)


def _save(document: Whole | None, path: Path) -> None:
    """Write the two files of a document."""
    lines = [] if document is None else _lines(document)
    with atomic_write(_text_path(str(path)), "wb") as stream:
        stream.write(b"" if document is None else document.text.encode())
    with atomic_write(path) as stream:
        stream.writelines(line + "\n" for line in lines)


def _lines(document: Whole) -> list[str]:
    """Return the lines of annotations of a document."""
    record = document.record
    own = record is not None and record.format == _NAME
    data: dict[str, Any] = dict(record.data or {}) if record is not None and own else {}
    ids: dict[str, tuple[int, int, str]] = data.get("ids", {})
    names = _names(document.spans, ids)
    taken = {int(name[1:]) for name in ids}
    kept: list[str] = list(data.get("lines", ()))
    numbers = (number for number in range(1, 1 << 60) if number not in taken)
    notes = (n for n in range(1, 1 << 60) if not any(k.startswith(f"#{n}\t") for k in kept))
    lines, scores, written = [], [], set()
    for span, known in zip(document.spans, names, strict=True):
        if re.search(r"\s", span.label) or ";" in span.label:
            message = f"the label {shown(span.label)} cannot be written as {_NAME}, which allows "
            raise DataError(_path_of(document), None, message + "no blanks and semicolons in it")
        name = known or f"T{next(numbers)}"
        written.add(name)
        lines.append(f"{name}\t{span.label} {_place(span, document.text)}")
        if span.score is not None:
            scores.append(f"#{next(notes)}\tAnnotatorNotes {name}\tscore {_number(span.score)}")
    return [*lines, *_referring(kept, ids.keys() - written), *scores]


def _names(spans: Sequence[CharacterSpan], ids: dict[str, tuple[int, int, str]]) -> list[str]:
    """Return the id that each span had when it was read, or "".

    A span whose borders have changed since has the id of a span of its label that it overlaps.
    """
    free = {place: name for name, place in reversed(ids.items())}
    exact = [free.pop((span.start, span.end, span.label), "") for span in spans]
    for index, span in enumerate(spans):
        if not exact[index]:
            overlapping = (
                place
                for place in free
                if place[2] == span.label and place[0] < span.end and span.start < place[1]
            )
            place = min(overlapping, default=None)
            exact[index] = free.pop(place) if place is not None else ""
    return exact


def _number(score: float) -> str:
    """Return a score with up to six decimals."""
    return f"{score:.6f}".rstrip("0").rstrip(".")


def _place(span: CharacterSpan, text: str) -> str:
    """Return offsets and surface of a span, in parts at line breaks."""
    pieces = [
        (span.start + found.start(), span.start + found.end())
        for found in re.finditer(r"[^\r\n]+", text[span.start : span.end])
    ]
    offsets = ";".join(f"{start} {end}" for start, end in pieces)
    return f"{offsets}\t{' '.join(text[start:end] for start, end in pieces)}"


def _referring(lines: list[str], missing: set[str]) -> list[str]:
    """Return the lines that refer to nothing missing, directly or through another line."""
    while True:
        dropped = {
            line: line.split("\t", 1)[0]
            for line in lines
            if missing & {*_REFERENCE.findall(line.split("\t", 2)[1])}
        }
        if not dropped:
            return lines
        lines = [line for line in lines if line not in dropped]
        missing = missing | {name for name in dropped.values() if name[0] in "REAM"}


def _path_of(document: Whole) -> str:
    """Return the path of the file that contained a document."""
    return document.record.path if document.record else "output"


FORMAT = Format(
    _NAME,
    (_SUFFIX,),
    recognizes,
    read,
    write,
    has_scores=True,
    refuses=lambda sentence: plain_tags(sentence, _NAME),
    suffix_means="new files",
    save=save,
    has_folders=True,
    takes_records=True,
    common_keys=frozenset({"ids", "document", "after"}),
)
