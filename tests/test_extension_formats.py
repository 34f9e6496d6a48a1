"""A further file format is one value in one table: reading, writing, converting, tagging files and
the command line all see it.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO

import pytest
from support.command_line import failed, invoke, worked
from support.paths import GOLDEN

import tagger
from tagger.errors import DataError, TaggerError
from tagger.inference import file_jobs, files
from tagger.inference.predictor import load
from tagger.text import formats
from tagger.text.formats.format import Format
from tagger.text.options import ReadOptions
from tagger.text.report import ReadReport
from tagger.text.spans import Record, Sentence, Span

SENTENCE = Sentence(("Mira", "Okafor", "left")).with_spans([Span(0, 2, "PER")])


def recognizes(lines: Sequence[str]) -> bool:
    return bool(lines) and lines[0].startswith("%pipes")


def read(
    lines: Iterable[tuple[int, str]], path: str, options: ReadOptions, report: ReadReport
) -> Iterator[Sentence]:
    """A sentence per line: its tokens after bars; then, after ``=>``, spans as START:END:LABEL."""
    for number, line in lines:
        if line == "%pipes":
            continue
        tokens, arrow, annotation = line.partition(" => ")
        if not tokens.startswith("|"):
            raise DataError(path, number, "expected | before each token")
        sentence = Sentence(tuple(tokens[1:].split("|")), record=Record(path, number))
        if not arrow or not options.annotated:
            yield sentence
            continue
        parts = (part.split(":")[:3] for part in annotation.split())
        yield sentence.with_spans(Span(int(start), int(end), label) for start, end, label in parts)


def write(sentences: Iterable[Sentence], stream: IO[str], scheme: str) -> None:
    stream.write("%pipes\n")
    for sentence in sentences:
        spans = [f"{s.start}:{s.end}:{s.label}:{s.score}" for s in sentence.spans or ()]
        stream.write("".join(f"|{token}" for token in sentence.tokens))
        stream.write(f" => {' '.join(spans)}\n")


PIPES = Format("pipes", (".pipes", ".bars"), recognizes, read, write, has_scores=True)
TEXT = "%pipes\n|Mira|Okafor|left => 0:2:PER:None\n"


@pytest.fixture(autouse=True)
def _pipes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(formats.FORMATS, "pipes", PIPES)


def test_a_format_of_the_table_is_named_read_and_written(here: Path) -> None:
    assert [formats.format_of(name) for name in ("a.pipes", "A.BARS.gz", "a.txt")] == [
        "pipes",
        "pipes",
        "text",
    ]
    assert formats.format_of("a.pipes", annotated=True) == "pipes"
    stream = io.StringIO()
    formats.write([SENTENCE], stream, "pipes")
    assert stream.getvalue() == TEXT
    (here / "a.pipes").write_text(TEXT)
    assert list(formats.read("a.pipes", "pipes")) == [SENTENCE]
    (unread,) = formats.read("a.pipes", "pipes", ReadOptions(annotated=False))
    assert unread.spans is None
    (here / "a.pipes").write_text(TEXT + "?\n")
    with pytest.raises(TaggerError, match=r"^a.pipes:3: expected | before each token"):
        list(formats.read("a.pipes", "pipes"))


def test_it_is_converted_from_and_to(here: Path) -> None:
    (here / "a.pipes").write_text(TEXT)
    assert tagger.convert("a.pipes", "b.conll").corpus.sentences == [SENTENCE]
    assert (here / "b.conll").read_text() == "Mira B-PER\nOkafor I-PER\nleft O\n\n"
    worked(invoke("convert", "b.conll", "c.bars"))
    assert (here / "c.bars").read_text() == TEXT


def test_files_are_tagged_from_it_and_into_it_with_probabilities(here: Path) -> None:
    (here / "in").mkdir()
    (here / "in" / "a.pipes").write_text("%pipes\n|Mira|Okafor|left => \n")
    (here / "in" / "b.txt").write_text("Mira Okafor left\n")
    model, settings = load(GOLDEN), files.TaggingSettings(ReadOptions(annotated=False))
    for job in file_jobs.plan(["in"], "out", target_format="pipes"):
        assert files.run(model, job, settings).tokens == 3
    assert sorted(file.name for file in (here / "out").iterdir()) == ["a.pipes", "b.pipes"]
    for file in (here / "out").iterdir():
        tokens, _, annotation = file.read_text().splitlines()[1].partition(" => ")
        *span, score = annotation.split(":")
        assert (tokens, span) == ("|Mira|Okafor|left", ["0", "2", "PER"])
        assert 0 < float(score) <= 1


def test_the_command_line_offers_it(here: Path) -> None:
    out = worked(invoke("predict", GOLDEN, "-", "--to", "pipes", input="Mira Okafor left\n"))
    assert out.startswith("%pipes\n|Mira|Okafor|left => 0:2:PER:0.")
    given = "|Mira|Okafor|left\n"
    out = worked(invoke("predict", GOLDEN, "-", "--format", "pipes", "--to", "conll", input=given))
    assert out == "Mira B-PER\nOkafor I-PER\nleft O\n\n"
    help_text = worked(invoke("predict", "--help"))
    choices = "|".join(formats.FORMATS)
    assert "".join(help_text.split()).count(f"[{choices}]") == 2
    message = failed(invoke("predict", GOLDEN, "-", "--to", "pipe"), 2)
    assert "'pipe' is not one of " in message
    assert "'jsonl', 'conll', 'text', 'pipes'" in message


def test_it_is_recognized() -> None:
    assert PIPES.recognizes(TEXT.splitlines())
    assert not any(
        each.recognizes(TEXT.splitlines())
        for name, each in formats.FORMATS.items()
        if name not in ("pipes", "text")
    )
