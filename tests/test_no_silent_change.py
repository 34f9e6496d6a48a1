"""No change of a file changes its spans silently: it is refused, or the summary shows it.

Valid files are generated and changed at random (seeded) in the ways in which files are damaged. The
positions and labels of spans are compared, not letters of tokens, which a reader cannot judge.
"""

from __future__ import annotations

import itertools
import json
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tagger.errors import TaggerError
from tagger.text import annotation, formats, schemes
from tagger.text.annotation import Corpus
from tagger.text.options import Columns, ReadOptions
from tagger.text.report import ReadReport
from tagger.text.spans import Span

WORDS = (
    "Anna",
    "Keller",
    "sailed",
    "from",
    "Oslo",
    "to",
    "the",
    "old",
    "harbor",
    "of",
    "Bergen",
    ",",
    "on",
    "Monday",
    "too",
    ".",
)
LABELS = ("PER", "LOC", "ORG")
EACH = 228
"""Changes of each valid file."""


@dataclass(frozen=True)
class Valid:
    """A valid file: its name, text and options, and the scheme with which it is read."""

    name: str
    text: str
    options: ReadOptions = field(default_factory=ReadOptions)
    scheme: str = "auto"


def documents(seed: int, count: int = 12) -> Iterator[tuple[list[str], list[Span]]]:
    """Yield words and spans of random sentences; spans are often adjacent."""
    rng = random.Random(seed)
    for number in range(count):
        words = [rng.choice(WORDS) for _ in range(rng.randrange(3, 10))]
        words[0] = f"{words[0].capitalize()}{number}"
        spans, start = [], rng.randrange(2)
        while start < len(words):
            end = min(start + rng.randrange(1, 4), len(words))
            spans.append(Span(start, end, rng.choice(LABELS)))
            start = end + rng.choice((0, 1, 3))
        yield words, spans


def columns(
    scheme: str, delimiter: str = " ", width: int = 2, tag: Callable[..., str] = str
) -> str:
    """A file of columns."""
    blocks = []
    for words, spans in documents(len(scheme) + width):
        tags = schemes.encode(spans, len(words), scheme)
        middle = [["NN", "VB"][len(word) % 2] for word in words]
        rows = zip(words, *[middle] * (width - 2), map(tag, tags), strict=True)
        blocks.append("".join(delimiter.join(row) + "\n" for row in rows))
    return "\n".join(blocks)


def brackets() -> str:
    """A file of columns with brackets instead of prefixes."""
    blocks = []
    for words, spans in documents(5):
        opened = {span.start: f"({span.label}" for span in spans}
        closed = {span.end - 1 for span in spans}
        blocks.append(
            "".join(
                f"{word} {opened.get(index, '')}*{')' * (index in closed)}\n"
                for index, word in enumerate(words)
            )
        )
    return "\n".join(blocks)


def json_lines(kind: str) -> str:
    """A file of JSON Lines with spans of tokens, with tags, or with spans of text."""
    lines = []
    for words, spans in documents(6):
        starts = list(itertools.accumulate([len(word) + 1 for word in words], initial=0))
        data: dict[str, object] = {"tokens": words}
        found = [[span.start, span.end, span.label] for span in spans]
        if kind == "text":
            data = {"text": " ".join(words)}
            found = [[starts[s.start], starts[s.end] - 1, s.label] for s in spans]
        data |= (
            {"tags": schemes.encode(spans, len(words), "IOB2")}
            if kind == "tags"
            else {"spans": found}
        )
        lines.append(json.dumps(data) + "\n")
    return "".join(lines)


def read_with(token: int = 0, tag: int = -1, delimiter: str = "auto") -> ReadOptions:
    """Options with some columns."""
    return ReadOptions(columns=Columns(token, tag, delimiter))


VALID = {
    "blanks": Valid("a.conll", columns("IOB2")),
    "tabs": Valid("a.conll", columns("IOB2", "\t", 3)),
    "four columns": Valid("a.conll", "-DOCSTART- -X- -X- O\n\n" + columns("IOB1", " ", 4)),
    "comma": Valid("a.conll", columns("IOB2", ","), read_with(delimiter=",")),
    "header": Valid("a.tsv", "token\tpos\tner\n" + columns("IOBES", "\t", 3)),
    "tag first": Valid("a.conll", columns("IOB2", "\t", 4), read_with(0, 3)),
    "IOBES": Valid("a.conll", columns("IOBES")),
    "BILOU": Valid("a.conll", columns("BILOU", "\t")),
    "BMES": Valid("a.conll", columns("IOBES", tag=lambda tag: re.sub("^I", "M", tag))),
    "declared": Valid("a.conll", columns("IOB2"), scheme="IOB2"),
    "underscore": Valid("a.conll", columns("IOB2", tag=lambda tag: tag.replace("-", "_"))),
    "suffix": Valid("a.conll", columns("IOB2", tag=lambda tag: "-".join(tag.split("-")[::-1]))),
    "no labels": Valid("a.conll", columns("IOB2", tag=lambda tag: tag[0])),
    "brackets": Valid("a.conll", brackets()),
    "JSON spans": Valid("a.jsonl", json_lines("tokens")),
    "JSON tags": Valid("a.jsonl", json_lines("tags")),
    "JSON text": Valid("a.jsonl", json_lines("text")),
}

INSERTED = (
    " ",
    "\t",
    "\u00a0",
    "\u200b",
    "\u00ad",
    "#",
    "-",
    "O",
    "B",
    "I",
    "0",
    "|",
    ",",
    '"',
    "(",
)
SWAPPED = {"B": "I", "I": "B", "E": "S", "S": "E", "O": "0", "M": "I", "L": "U", "U": "L"}


def on_lines(change: Callable[[list[str], int, random.Random], None]) -> Callable[..., str]:
    """A change of the list of lines at a random one."""

    def changed(text: str, rng: random.Random) -> str:
        lines = text.split("\n")
        change(lines, rng.randrange(len(lines) - 1), rng)
        return "\n".join(lines)

    return changed


def on_character(change: Callable[[str, random.Random], str]) -> Callable[..., str]:
    """A replacement of a random character."""

    def changed(text: str, rng: random.Random) -> str:
        place = rng.randrange(len(text))
        return text[:place] + change(text[place], rng) + text[place + 1 :]

    return changed


def on_match(pattern: str, change: Callable[[str, random.Random], str]) -> Callable[..., str]:
    """A replacement of a random match of a pattern."""

    def changed(text: str, rng: random.Random) -> str:
        found = list(re.finditer(pattern, text))
        if not found:
            return text
        match = rng.choice(found)
        return text[: match.start()] + change(match[0], rng) + text[match.end() :]

    return changed


def exchange(lines: list[str], place: int, rng: random.Random, other: int | None = None) -> None:
    """Exchange a line with the next one or another."""
    other = place + 1 if other is None else other
    lines[place], lines[other] = lines[other], lines[place]


def reorder(text: str, rng: random.Random) -> str:
    """Exchange the first and last column of all lines from a random one on."""
    lines = text.split("\n")
    for index in range(rng.choice((0, rng.randrange(len(lines)))), len(lines)):
        delimiter = next((each for each in "\t ," if each in lines[index]), "\t")
        fields = re.split(f"({delimiter})", lines[index])
        lines[index] = (
            "".join([fields[-1], *fields[1:-1], fields[0]]) if fields[1:] else lines[index]
        )
    return "\n".join(lines)


CHANGES: dict[str, Callable[[str, random.Random], str]] = {
    "delete a character": on_character(lambda old, rng: ""),
    "insert a character": on_character(lambda old, rng: rng.choice(INSERTED) + old),
    "duplicate a character": on_character(lambda old, rng: old * 2),
    "exchange two characters": on_match(r"(?s)..", lambda old, rng: old[::-1]),
    "change the case": on_match("[A-Za-z]", lambda old, rng: old.swapcase()),
    "change a prefix": on_match(r"\b[BIESMLUO]\b", lambda old, rng: SWAPPED[old]),
    "change a label": on_match("PER|LOC|ORG", lambda old, rng: rng.choice([*LABELS, "PR", ""])),
    "change a delimiter": on_match("[ \t,]", lambda old, rng: rng.choice(["\t", " ", "", "  "])),
    "change a bracket": on_match(r"[][(){}*]", lambda old, rng: rng.choice(["(", ")", "", "*"])),
    "change a digit": on_match("[0-9]", lambda old, rng: rng.choice("0123456789")),
    "delete a line": on_lines(lambda lines, place, rng: lines.__delitem__(place)),
    "duplicate a line": on_lines(lambda lines, place, rng: lines.insert(place, lines[place])),
    "insert an empty line": on_lines(lambda lines, place, rng: lines.insert(place, "")),
    "exchange two lines": on_lines(exchange),
    "join two lines": on_match("\n", lambda old, rng: rng.choice(["", " "])),
    "change the end of a line": on_match("\n", lambda old, rng: rng.choice(["\r", "\r\n", " \n"])),
    "delete a field": on_match(r"[^ \t\n,]+", lambda old, rng: ""),
    "cut the file": lambda text, rng: text[: rng.randrange(1, len(text))],
    "exchange columns": reorder,
}
REORDERING = "exchange two lines"
"""The one change that no summary can show, unless it is a copy of the file: the file with two lines
in the other order is as good a corpus, with the same sentences, tokens and spans per label.
"""


def understood(folder: Path, valid: Valid, text: str) -> Corpus:
    """Read a text with the options of a valid file."""
    (folder / valid.name).write_bytes(text.encode())
    return annotation.read(folder / valid.name, valid.options, valid.scheme)


def positions(corpus: Corpus) -> tuple[list[int], list[tuple[int, int, int, str]]]:
    """Lengths of the sentences, and the place and label of each span."""
    return [len(sentence) for sentence in corpus.sentences], [
        (number, span.start, span.end, span.label)
        for number, sentence in enumerate(corpus.sentences)
        for span in sentence.spans or ()
    ]


def outcome(folder: Path, valid: Valid, before: Corpus, text: str) -> str:
    """What becomes of a changed file: refused, visible, harmless or silent."""
    try:
        after = understood(folder, valid, text)
    except TaggerError:
        return "refused"
    if after.summary() != before.summary():
        return "visible"
    return "harmless" if positions(after) == positions(before) else "silent"


@pytest.mark.parametrize("kind", VALID)
def test_no_change_of_an_annotated_file_is_silent(kind: str, tmp_path: Path) -> None:
    valid, rng = VALID[kind], random.Random(kind)
    before = understood(tmp_path, valid, valid.text)
    assert sum(before.label_counts().values()) > 12
    counts: Counter[str] = Counter()
    for name, change in itertools.islice(itertools.cycle(CHANGES.items()), EACH):
        text = change(valid.text, rng)
        found = outcome(tmp_path, valid, before, text)
        counts[found] += 1
        assert found != "silent" or name == REORDERING, (name, text)
    assert counts["refused"] + counts["visible"] > EACH // 2
    assert counts["silent"] < EACH // 19  # fewer than the exchanges of lines


@pytest.mark.parametrize("name", ["a.txt", "a"])
def test_a_changed_text_is_read_whole_or_refused(name: str, tmp_path: Path) -> None:
    text = "".join(" ".join(words) + ".\n" for words, _ in documents(7))
    rng = random.Random(name)
    for change in itertools.islice(itertools.cycle(CHANGES.values()), EACH):
        changed = change(text, rng)
        (tmp_path / name).write_bytes(changed.encode())
        report = ReadReport()
        options = ReadOptions(annotated=False)
        try:
            found = list(formats.read(tmp_path / name, options=options, report=report))
        except TaggerError:
            continue
        assert report.format == "text"
        records = {
            sentence.record.line: sentence.record.text for sentence in found if sentence.record
        }
        lines = changed.removesuffix("\n").split("\n")
        assert [records[number] for number in sorted(records)] == [
            line.removesuffix("\r") for line in lines
        ]


@pytest.mark.parametrize(
    "kind", ["blanks", "tabs", "four columns", "IOBES", "JSON spans", "JSON text"]
)
def test_a_changed_file_keeps_its_format_in_prediction(kind: str, tmp_path: Path) -> None:
    valid, rng = VALID[kind], random.Random(kind)
    expected = "jsonl" if kind.startswith("JSON") else "conll"
    options = ReadOptions(columns=Columns(0, None), annotated=False)
    changes = [change for change in CHANGES.values() if change is not reorder or kind[0] != "J"]
    for change in itertools.islice(itertools.cycle(changes), EACH // 4):
        text = change(valid.text, rng)
        (tmp_path / "file").write_bytes(text.encode())
        report = ReadReport()
        try:
            list(formats.read(tmp_path / "file", options=options, report=report))
        except TaggerError:
            continue
        assert report.format == expected, text
