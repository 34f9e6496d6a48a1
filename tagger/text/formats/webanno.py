"""WebAnno TSV 3 (INCEpTION, WebAnno): the tokens of one document with layers of annotation.

    #FORMAT=WebAnno TSV 3.3
    #T_SP=de.tudarmstadt.ukp.dkpro.core.api.ner.type.NamedEntity|identifier|value


    #Text=Anna Berg sang.
    1-1	0-4	Anna	*[1]	PER[1]
    1-2	5-9	Berg	*[1]	PER[1]
    1-3	10-14	sang	_	_
    1-4	14-15	.	_	_

Offsets count UTF-16 units. ``[1]`` joins the rows of one span, ``|`` separates stacked spans, rows
such as ``1-1.1`` are parts of a token, ``_`` is no annotation, and ``*`` no value. Characters with
a meaning are escaped by a backslash. Text between sentences is not in the file: blanks and line
breaks of its length stand for it.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from tagger.errors import DataError
from tagger.text.alignment import CharacterSpan, sentences_with
from tagger.text.formats.format import Format
from tagger.text.formats.webanno_writing import FORMAT_LINE, NAMED_ENTITY, SCORES, write
from tagger.text.formats.whole import plain_tags
from tagger.text.locating import located
from tagger.text.options import ReadOptions
from tagger.text.report import ReadReport, shown
from tagger.text.spans import Record, Sentence
from tagger.text.tokenizers import Offsets
from tagger.text.units import CODE_POINTS

__all__ = ["FORMAT", "read", "recognizes", "write"]

_NAME = "webanno"
_LAYER = re.compile(r"#T_(SP|CH|RL)=([^|]+)(.*)")
_ROW = re.compile(r"(\d+)-(\d+)(?:\.(\d+))?\t(\d+)-(\d+)\t")
_NUMBER = re.compile(r"(.*?)(?<!\\)((?:\\\\)*)\[(\d+)\]", re.DOTALL)
_NO_VALUE = re.compile(r"_?|\*(?:\[\d+\])?")
_VALUES = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "b": "\b"}
# Features with the labels, the best first.
_FEATURES = ("value", "label", "category", "PosValue", "entity", "type")


@dataclass(frozen=True)
class _Column:
    """A column of a span layer: its layer, feature and number in the rows."""

    layer: str
    feature: str
    number: int


@dataclass
class _State:
    """The rows, texts and spans of a document.

    Attributes:
        sentences: Line, start, end and token of the rows of each sentence.
        texts: Line and lines of the text of each sentence.
        spans: Start, end, label and line of the rows of each numbered span.
        single: The same of spans of a single row.
        scores: The scores in a comment before a sentence, by its position.
    """

    sentences: list[list[tuple[int, int, int, str]]] = field(default_factory=list)
    texts: list[tuple[int, list[str]]] = field(default_factory=list)
    spans: dict[str, list[tuple[int, int, str, int]]] = field(default_factory=dict)
    single: list[tuple[int, int, str, int]] = field(default_factory=list)
    scores: dict[int, list[float | None]] = field(default_factory=dict)


def recognizes(lines: Sequence[str]) -> bool:
    """Return whether the first line names the format.

    Args:
        lines: First lines of a file, without their ends.
    """
    return bool(lines) and lines[0].startswith(FORMAT_LINE)


def read(
    lines: Iterable[tuple[int, str]], path: str, options: ReadOptions, report: ReadReport
) -> Iterator[Sentence]:
    """Parse the numbered lines of a document.

    Args:
        lines: Line numbers, counted from 1, and lines without their ends.
        path: Path of the file, for records and errors.
        options: Layer and feature of the labels, and whether annotations are read.
        report: Receives the layout, notes, and the errors of single rows and spans.

    Yields:
        The sentences with the tokens of the file. They share a record.

    Raises:
        DataError: The file has no header, or several layers or features and none is declared.
    """
    columns: list[_Column] = []
    others: dict[int, str] = {}
    numbers = 3
    chosen: _Column | None = None
    state, is_body = _State(), False
    for number, line in lines:
        if not is_body and (found := _LAYER.match(line)):
            features = found[3].split("|")[1:]
            for feature in features:
                others[numbers] = f"{found[2].rpartition('.')[2]}, {feature}"
                if found[1] == "SP" and not feature.startswith("ROLE_") and "." not in feature:
                    columns.append(_Column(found[2], feature, numbers))
                numbers += 1
            numbers += not features
        elif line.startswith("#Text="):
            if not is_body:
                is_body = True
                chosen = _chosen(columns, options, path) if options.annotated else None
            _add_text(state, number, line)
        elif found := SCORES.fullmatch(line):
            state.scores[len(state.sentences)] = [float(one) for one in found[1].split()]
        elif _ROW.match(line):
            _add_row(state, number, line, chosen, path, report)
            if chosen is not None:
                _note_others(line, chosen, others, number, report)
        elif line.strip() and not line.startswith("#"):
            message = "expected a row such as '1-1<tab>0-4<tab>Anna', found"
            report.problem(DataError(path, number, f"{message} {shown(line)}"))
    layer = f"{chosen.layer.rpartition('.')[2]}, {chosen.feature}" if chosen else "no layer"
    report.layout = f"WebAnno TSV: {layer}"
    yield from _sentences(state, chosen, path, options, report)


def _chosen(columns: list[_Column], options: ReadOptions, path: str) -> _Column | None:
    """Return the column with the labels; None if there are no layers of spans."""
    layers = list(dict.fromkeys(column.layer for column in columns))
    fitting = [
        column
        for column in columns
        if not options.layer or options.layer in (column.layer, column.layer.rpartition(".")[2])
    ]
    if options.layer and not fitting:
        expected = ", ".join(layer.rpartition(".")[2] for layer in layers) or "none at all"
        raise DataError(
            path, None, f"has no layer {shown(options.layer)}; found the layers {expected}"
        )
    if not fitting:
        return None
    if len({column.layer for column in fitting}) > 1:
        fitting = [column for column in fitting if column.layer == NAMED_ENTITY] or fitting
    if len({column.layer for column in fitting}) > 1:
        names = ", ".join(layer.rpartition(".")[2] for layer in layers)
        raise DataError(
            path, None, f"has several layers of spans; choose one with --layer: {names}"
        )
    if options.feature:
        named = [column for column in fitting if column.feature == options.feature]
    elif len(fitting) == 1:
        named = fitting
    else:
        named = [c for name in _FEATURES for c in fitting if c.feature == name]
    if not named:
        names = ", ".join(column.feature for column in fitting)
        wrong = f"has no feature {shown(options.feature)}" if options.feature else "has several"
        raise DataError(
            path,
            None,
            f"the layer {wrong} features; choose one with --feature: {names}"
            if not options.feature
            else f"the layer {wrong}; found the features {names}",
        )
    return named[0]


def _add_text(state: _State, number: int, line: str) -> None:
    """Add a line of text to the sentence that begins, or that has no rows yet."""
    if not state.texts or state.sentences[-1]:
        state.texts.append((number, []))
        state.sentences.append([])
    state.texts[-1][1].append(_unescaped(line.removeprefix("#Text=")))


def _add_row(
    state: _State,
    number: int,
    line: str,
    chosen: _Column | None,
    path: str,
    report: ReadReport,
) -> None:
    """Add a token or a part of one, and its spans."""
    found = _ROW.match(line)
    assert found is not None
    start, end = int(found[4]), int(found[5])
    cells = line.split("\t")
    if not state.sentences:
        report.problem(DataError(path, number, "a token before the first line with #Text="))
        return
    if start > end or (start == end and not found[3]):
        report.problem(DataError(path, number, f"a token from {start} to {end} is empty"))
        return
    if not found[3]:
        state.sentences[-1].append((number, start, end, cells[2]))
    if chosen is None:
        return
    if len(cells) <= chosen.number:
        message = f"expected at least {chosen.number + 1} columns, found {len(cells)}"
        report.problem(DataError(path, number, f"{message}: {shown(line)}"))
        return
    for value in _split(cells[chosen.number]):
        if value == "_" or not value:
            continue
        if start == end:
            report.note("annotations of no characters are not read", number, line)
            continue
        joint = _NUMBER.fullmatch(value)
        label = _unescaped(joint[1] + joint[2] if joint else value)
        if (joint[1] + joint[2] if joint else value) == "*":
            label = ""
        part = (start, end, label, number)
        if joint:
            state.spans.setdefault(joint[3], []).append(part)
        else:
            state.single.append(part)


def _note_others(
    line: str, chosen: _Column, columns: dict[int, str], number: int, report: ReadReport
) -> None:
    """Note values in the columns of other layers and features, which are not read."""
    for column, cell in enumerate(line.split("\t")):
        if column in columns and column != chosen.number and not _NO_VALUE.fullmatch(cell):
            report.note("other layers and features are not read", number, columns[column])


def _split(cell: str) -> list[str]:
    """Split a cell at the bars that are not escaped."""
    values, start, index = [], 0, 0
    while index < len(cell):
        if cell[index] == "\\":
            index += 1
        elif cell[index] == "|":
            values.append(cell[start:index])
            start = index + 1
        index += 1
    return [*values, cell[start:]]


def _unescaped(value: str) -> str:
    """Return a value without the backslashes that escape characters."""
    if "\\" not in value:
        return value
    return re.sub(r"\\(->|.)", lambda found: _VALUES.get(found[1], found[1]), value, flags=re.S)


def _sentences(
    state: _State,
    chosen: _Column | None,
    path: str,
    options: ReadOptions,
    report: ReadReport,
) -> Iterator[Sentence]:
    """Yield the sentences of a document."""
    text, places = _document(state, path, report)
    if text is None:
        return
    record = Record(
        path,
        state.texts[0][0] if state.texts else 1,
        text,
        format=_NAME,
        data={"document": path},
        is_tokenized=True,
    )
    spans = []
    for parts in [*state.spans.values(), *([part] for part in state.single)]:
        span = _joined(parts, places, text)
        if span.label:
            spans.append(span)
        else:
            report.note("annotations without a value are not read", span.line)
    is_annotated = options.annotated and chosen is not None
    tokens = [
        [(places[start], places[end]) for _, start, end, _ in rows]
        for rows in state.sentences
        if rows
    ]
    reading = replace(options, offsets=CODE_POINTS)
    usable = located(_scored(spans, tokens, state, report), record, reading, report)
    yield from sentences_with(usable if is_annotated else None, record, reading, report, tokens)


def _scored(
    spans: list[CharacterSpan],
    tokens: list[list[Offsets]],
    state: _State,
    report: ReadReport,
) -> list[CharacterSpan]:
    """Return the spans with the scores in the comments before their sentences."""
    found = sorted(spans, key=lambda span: (span.start, span.end))
    rest, scored = deque(found), []
    filled = [number for number, rows in enumerate(state.sentences) if rows]
    for number, offsets in zip(filled, tokens, strict=True):
        inside = []
        while rest and rest[0].start < offsets[-1][1]:
            inside.append(rest.popleft())
        scores = state.scores.get(number, [None] * len(inside))
        if len(scores) != len(inside):
            report.note("scores that are not one per span are not read", state.texts[number][0])
            scores = [None] * len(inside)
        scored += [replace(s, score=one) for s, one in zip(inside, scores, strict=True)]
    return [*scored, *rest]


def _joined(
    rows: list[tuple[int, int, str, int]], places: dict[int, int], text: str
) -> CharacterSpan:
    """Return the span that the rows with one number form, in parts if it has gaps."""
    parts: list[Offsets] = []
    for first, last, _, _ in sorted(rows):
        start, end = places[first], places[last]
        if parts and not text[parts[-1][1] : start].strip():
            start, end = parts[-1][0], max(end, parts.pop()[1])
        parts.append((start, end))
    start, end = parts[0][0], max(end for _, end in parts)
    return CharacterSpan(
        start,
        end,
        rows[0][2],
        text=text[start:end],
        parts=tuple(parts) if len(parts) > 1 else (),
        line=rows[0][3],
    )


def _document(state: _State, path: str, report: ReadReport) -> tuple[str | None, dict[int, int]]:
    """Return the text of a document, and the code point of each UTF-16 offset of a row."""
    pieces: list[str] = []
    position = 0  # in UTF-16 units
    for (number, lines), rows in zip(state.texts, state.sentences, strict=True):
        start = rows[0][1] if rows else position
        if start < position:
            message = f"the sentence begins at {start}, before the end of the previous one"
            report.problem(DataError(path, number, f"{message} at {position}"))
            return None, {}
        gap = start - position
        pieces.append("\n" * min(gap, 2) + " " * (gap - 2) if pieces else " " * gap)
        sentence = "\n".join(lines)
        pieces.append(sentence)
        position = start + len(sentence.encode("utf-16-le", "surrogatepass")) // 2
    text = "".join(pieces)
    places = {}
    unit = 0
    for index, character in enumerate(text):
        places[unit] = index
        unit += 1 + (character > "\uffff")
    places[unit] = len(text)
    for rows in state.sentences:
        for number, start, end, token in rows:
            if start not in places or end not in places:
                message = f"the token {start}-{end} is outside of its sentence or cuts a character"
                report.problem(DataError(path, number, message))
                return None, {}
            surface = text[places[start] : places[end]]
            if surface != token and surface != _unescaped(token):
                message = f"the text from {start} to {end} is {shown(surface)}, not {shown(token)}"
                report.problem(
                    DataError(path, number, f"{message}; offsets count UTF-16 units of #Text=")
                )
                return None, {}
    missing = {p[i] for ps in [*state.spans.values(), state.single] for p in ps for i in (0, 1)}
    if outside := sorted(missing - places.keys()):
        report.problem(
            DataError(
                path,
                None,
                f"a part of a token begins or ends at {outside[0]}, where no character does",
            )
        )
        return None, {}
    return text, places


FORMAT = Format(
    _NAME,
    (".webanno.tsv", ".webanno"),
    recognizes,
    read,
    write,
    has_scores=True,
    refuses=lambda sentence: plain_tags(sentence, _NAME),
    suffix_means="new files",
    takes_records=True,
    common_keys=frozenset({"document"}),
)
