"""The redaction of one file after another: which lines change, and how.

Lines are never added or removed, and a line is only rewritten if it contains a span.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from tagger.errors import DataError
from tagger.inference.operating_points import Thresholds
from tagger.inference.predictor import Predictor
from tagger.text import formats, opening
from tagger.text.documents import begins_document
from tagger.text.formats import ReadOptions, ReadReport
from tagger.text.opening import Opened
from tagger.text.spans import Sentence, Span, by_record

__all__ = ["FORMATS", "STYLES", "Redactor", "join_lines", "split_lines"]

FORMATS = ("text", "conll", "jsonl")
"""The formats in which text can be replaced."""
STYLES = ("label", "block", "pseudonym")
_ANNOTATION = ("spans", "tags", "ner_tags", "gold", "candidates", "best", "offsets")
_TEXT_COMMENT = re.compile(r"#\s*text\w*\s*=\s*")  # CoNLL-U's "# text = Anna Keller left."
_BLOCK = "█████"  # always as long, so that it does not reveal the length


def split_lines(text: str) -> list[tuple[str, str]]:
    """Return the lines of a text and their ends; the last ones may be empty."""
    found = []
    for line in text.split("\n"):
        bare = line.removesuffix("\r")
        found.append((bare, line[len(bare) :] + "\n"))
    line, end = found.pop()
    return [*found, (line, end[:-1])]


def join_lines(lines: Iterable[tuple[str, str]]) -> str:
    """Return the text of lines and their ends."""
    return "".join(itertools.chain.from_iterable(lines))


@dataclass
class Redactor:
    """The redaction of files, one after another.

    Args:
        model: The model.
        options: How files are read.
        thresholds: The minimum probabilities.
        labels: The labels to replace.
        style: One of `STYLES`.
        scope: "document" or "run".
    """

    model: Predictor
    options: ReadOptions
    thresholds: Thresholds
    labels: set[str]
    style: str
    scope: str
    count: int = 0
    notes: tuple[str, ...] = ()
    _names: dict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))

    def redact(self, path: str, format_name: str, source: str) -> tuple[bytes, dict[str, Any]]:
        """Return the redacted content of a file and its map."""
        with opening.content(path) as content:
            data = content.stream.read()
        report, how = ReadReport(source), list[Opened]()
        next(opening.lines(path, self.options.encoding, on_open=how.append), None)
        encoding = how[0].encoding
        lines = split_lines(data.decode(encoding))
        if join_lines(lines).encode(encoding) != data:
            raise DataError(source, None, f"cannot be written again in {encoding}; convert it")
        changed = self._changes(path, format_name, report, lines)
        mapping = {
            "encoding": encoding,
            "sha256": hashlib.sha256(data).hexdigest(),
            "lines": {str(number + 1): lines[number][0] for number in sorted(changed)},
        }
        for number, line in changed.items():
            lines[number] = (line, lines[number][1])
        self.notes = report.notes
        return join_lines(lines).encode(encoding), mapping

    def _changes(
        self, path: str, format_name: str, report: ReadReport, lines: list[tuple[str, str]]
    ) -> dict[int, str]:
        """Return the new lines of a file by their number, counted from 0."""
        changed: dict[int, str] = {}
        mark = "\ufeff" if lines[0][0].startswith("\ufeff") else ""
        lines[0] = (lines[0][0].removeprefix(mark), lines[0][1])
        with formats.opened(path, format_name, self.options, report=report) as sentences:
            head = [line for line, _ in lines[: formats.HEAD]]
            is_conllu = report.format == "conll" and formats.named("conllu").recognizes(head)
            if is_conllu or report.format not in FORMATS:
                name = "conllu" if is_conllu else report.format
                raise DataError(
                    report.path,
                    None,
                    f"is {name}, of which spans cannot be replaced; convert it to one of "
                    f"{', '.join(FORMATS)} with tagger convert",
                )
            for group in by_record(self._documents(self._predicted(sentences))):
                for number, line in self._edited(group, report.format, lines):
                    changed[number] = line
        lines[0] = (mark + lines[0][0], lines[0][1])
        if 0 in changed:
            changed[0] = mark + changed[0]
        return {number: line for number, line in changed.items() if line != lines[number][0]}

    def _predicted(self, sentences: Iterable[Sentence]) -> Iterator[Sentence]:
        """Yield the sentences with the parts to replace as their spans, which do not overlap."""
        limits = self.thresholds
        floor = min([limits.other, *limits.by_label.values()])
        for sentence in self.model.predict(sentences, candidates=floor):
            spans = [
                span
                for span in sentence.candidates or ()
                if span.label in self.labels
                and (span.score or 0) >= limits.by_label.get(span.label, limits.other)
            ]
            yield sentence.with_annotation(tuple(_merged(spans, sentence)))

    def _documents(self, sentences: Iterable[Sentence]) -> Iterator[Sentence]:
        """Yield the sentences; names are forgotten between documents if that is their scope."""
        previous = None
        for sentence in sentences:
            is_new = previous is None or begins_document(sentence, previous)
            if self.scope == "document" and is_new:
                self._names.clear()
            yield sentence
            previous = sentence

    def _edited(
        self, group: list[Sentence], format_name: str, lines: list[tuple[str, str]]
    ) -> Iterator[tuple[int, str]]:
        """Yield the lines of a record that change, by their number counted from 0."""
        record = group[0].record
        assert record is not None
        first = record.line - 1
        if format_name == "jsonl":
            yield first, self._object(group, lines[first][0])
        elif format_name == "text":
            pieces = split_lines(self._replaced(record.text, group))
            yield from ((first + place, piece) for place, (piece, _) in enumerate(pieces))
        else:
            for sentence in group:
                for span in sentence.spans or ():
                    yield from self._columns(sentence, span, lines)
                if sentence.spans:
                    yield from self._comments(sentence, lines)

    def _object(self, group: list[Sentence], line: str) -> str:
        """Return the line of a JSON object without its annotation, its names replaced."""
        data = dict((group[0].record and group[0].record.data) or {})
        if not _is_object(line):
            assert group[0].record is not None
            raise DataError(
                group[0].record.path,
                group[0].record.line,
                "is not one JSON object per line; convert it to JSON Lines with tagger convert",
            )
        annotated = [key for key in _ANNOTATION if key in data]
        if not annotated and not any(sentence.spans for sentence in group):
            return line
        if "text" in data:
            in_text = group[0].offsets is not None
            data["text"] = self._replaced(str(data["text"]), group) if in_text else data["text"]
        if "tokens" in data:
            tokens = list(group[0].tokens)
            for span in group[0].spans or ():
                stand_in = self._stand_in(span)
                tokens[span.start : span.end] = [stand_in] * (span.end - span.start)
            if "text" in data:  # the same text once more
                data["text"] = " ".join(tokens)
            data["tokens"] = tokens
        for key in annotated:
            del data[key]
        return json.dumps(data, ensure_ascii=False)

    def _replaced(self, text: str, group: list[Sentence]) -> str:
        """Return a text with its spans replaced; line breaks within them are kept."""
        pieces, written = [], 0
        for sentence in group:
            for span in sentence.spans or ():
                assert span.start_char is not None
                assert span.end_char is not None
                breaks = "\n" * text[span.start_char : span.end_char].count("\n")
                pieces += [text[written : span.start_char], self._stand_in(span) + breaks]
                written = span.end_char
        return "".join([*pieces, text[written:]])

    def _columns(
        self, sentence: Sentence, span: Span, lines: list[tuple[str, str]]
    ) -> Iterator[tuple[int, str]]:
        """Yield the lines of a span's tokens; all columns that repeat a token change with it."""
        record, stand_in = sentence.record, self._stand_in(span)
        assert record is not None
        for place in range(span.start, span.end):
            number = record.line_of(place) - 1
            token = sentence.tokens[place]
            fields = re.split(_separator(record.separator), lines[number][0])
            if token not in fields:  # a quoted field
                raise DataError(
                    record.path,
                    number + 1,
                    "contains a quoted token, which cannot be replaced; convert the file to JSON "
                    "Lines with tagger convert",
                )
            yield number, "".join(stand_in if part == token else part for part in fields)

    def _comments(
        self, sentence: Sentence, lines: list[tuple[str, str]]
    ) -> Iterator[tuple[int, str]]:
        """Yield the comments before a sentence that repeat its text, as ``# text =`` does."""
        assert sentence.record is not None
        number = sentence.record.line - 2
        while number >= 0 and lines[number][0].startswith("#"):
            if match := _TEXT_COMMENT.match(lines[number][0]):
                tokens = list(sentence.tokens)
                for span in reversed(sentence.spans or ()):
                    tokens[span.start : span.end] = [self._name(span)]
                yield number, match[0] + " ".join(tokens)
            number -= 1

    def _stand_in(self, span: Span) -> str:
        """Return what replaces a span, and count it."""
        self.count += 1
        return self._name(span)

    def _name(self, span: Span) -> str:
        """Return what replaces a span, the same for the same name."""
        if self.style == "block":
            return _BLOCK
        if self.style == "label":
            return f"[{span.label}]"
        names = self._names[span.label]
        return names.setdefault(
            " ".join(span.text.split()).casefold(), f"{span.label}-{len(names) + 1}"
        )


def _is_object(line: str) -> bool:
    """Return whether a line is a whole JSON object."""
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def _separator(separator: str) -> str:
    """Return the pattern of a column separator, which `re.split` returns with the fields."""
    return r"([ \t]+)" if separator == " " else f"({re.escape(separator)})"


def _merged(spans: Sequence[Span], sentence: Sentence) -> Iterator[Span]:
    """Yield the union of spans in order; overlapping ones become one of the most probable label."""
    group: list[Span] = []
    for span in sorted(spans, key=lambda one: one.start):
        if group and span.start >= max(one.end for one in group):
            yield _union(group, sentence)
            group = []
        group.append(span)
    if group:
        yield _union(group, sentence)


def _union(group: Sequence[Span], sentence: Sentence) -> Span:
    """Return the span over a group, with the label of its most probable member."""
    best = max(group, key=lambda one: one.score or 0)
    start, end = min(one.start for one in group), max(one.end for one in group)
    return sentence.span(start, end, best.label, best.score)
