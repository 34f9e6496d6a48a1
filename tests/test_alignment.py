"""Spans that cut a token, overlap or have several parts: what the options do and list."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tagger.corpora.conversion import convert
from tagger.errors import DataError
from tagger.text import annotation
from tagger.text.alignment import CharacterSpan, sentences_of
from tagger.text.annotation import Corpus
from tagger.text.formats import ReadOptions, ReadReport
from tagger.text.spans import Record

TEXT = "The Oslo-based Annas met Bo."


def read(folder: Path, spans: list[Any], text: str = TEXT, **options: Any) -> Corpus:
    path = folder / "a.jsonl"
    path.write_text(json.dumps({"text": text, "spans": spans}) + "\n")
    return annotation.read(path, ReadOptions(**options))


def texts(corpus: Corpus) -> list[tuple[str, str]]:
    return [(span.text, span.label) for s in corpus.sentences for span in s.spans or ()]


@pytest.mark.parametrize(
    ("misaligned", "span", "expected", "note"),
    [
        (
            "expand",
            [15, 18, "PER"],
            [("Annas", "PER")],
            "spans that cut a token are expanded to whole tokens (line 1: 'Ann')",
        ),
        (
            "contract",
            [17, 27, "PER"],
            [("met Bo", "PER")],
            "spans that cut a token are contracted to whole tokens (line 1: 'nas met Bo')",
        ),
        (
            "contract",
            [15, 18, "PER"],
            [],
            "spans that contain no whole token are not used (line 1: 'Ann')",
        ),
        (
            "split",
            [15, 18, "PER"],
            [("Ann", "PER")],
            "tokens are split at the borders of spans, which the tokenizer does not do in "
            "prediction: there, such a token is in a span as a whole or not at all (line 1: "
            "'Annas')",
        ),
        (
            "missed",
            [15, 18, "PER"],
            [],
            "spans that cut a token count as missed, since no model can predict them (line 1: "
            "'Ann')",
        ),
    ],
)
def test_spans_that_cut_a_token(
    tmp_path: Path, misaligned: str, span: list[Any], expected: list[Any], note: str
) -> None:
    corpus = read(tmp_path, [span], misaligned=misaligned)
    assert texts(corpus) == expected
    assert corpus.report.notes == (note,)
    assert f"note: {note}" in corpus.summary()


def test_split_tokens_are_at_the_borders_of_spans(tmp_path: Path) -> None:
    corpus = read(tmp_path, [[4, 8, "LOC"], [15, 18, "PER"]], misaligned="split")
    [sentence] = corpus.sentences
    assert " ".join(sentence.tokens) == "The Oslo -based Ann as met Bo ."
    assert sentence.offsets is not None
    assert [TEXT[start:end] for start, end in sentence.offsets] == list(sentence.tokens)


def test_a_missed_span_is_kept_with_its_record(tmp_path: Path) -> None:
    corpus = read(tmp_path, [[15, 18, "PER"]], misaligned="missed")
    [(record, span)] = corpus.report.missed
    assert record is corpus.sentences[0].record
    assert span == CharacterSpan(15, 18, "PER", None, "Ann")


NESTED = [[0, 27, "X"], [4, 14, "LOC"], [25, 27, "PER"]]
CROSSING = [[0, 14, "X"], [4, 24, "Y"]]


@pytest.mark.parametrize(
    ("overlaps", "spans", "expected"),
    [
        ("longest", NESTED, [(TEXT[:27], "X")]),
        ("outer", NESTED, [(TEXT[:27], "X")]),
        ("first", NESTED, [(TEXT[:27], "X")]),
        ("longest", CROSSING, [(TEXT[4:24], "Y")]),
        ("first", CROSSING, [(TEXT[:14], "X")]),
        ("longest", [[0, 3, "X"], [0, 3, "Y"]], [("The", "X")]),
    ],
)
def test_spans_that_overlap(
    tmp_path: Path, overlaps: str, spans: list[Any], expected: list[Any]
) -> None:
    corpus = read(tmp_path, spans, overlaps=overlaps)
    assert texts(corpus) == expected
    dropped = len(spans) - len(expected)
    [note] = corpus.report.notes
    assert note.startswith(
        "spans that overlap others are not used; of each group, the "
        f"{'outer one' if overlaps == 'outer' else overlaps} is kept"
    )
    assert ("(2 times" in note) == (dropped == 2)


def test_outer_does_not_choose_between_crossing_spans(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        read(tmp_path, CROSSING, overlaps="outer")
    assert caught.value.message == (
        "the span 0-14 ('The Oslo-based', X) overlaps the span 4-24 ('Oslo-based Annas met', Y); "
        "expected spans that do not overlap: remove one of them, or declare which to keep with "
        "--overlaps: longest or first"
    )


def test_spans_that_expand_to_one_token_overlap(tmp_path: Path) -> None:
    spans = [[15, 17, "X"], [17, 20, "Y"]]
    corpus = read(tmp_path, spans, misaligned="expand", overlaps="longest")
    assert texts(corpus) == [("Annas", "Y")]
    with pytest.raises(DataError, match=r"the span 17-20 \('nas', Y\) overlaps the span 15-17"):
        read(tmp_path, spans, misaligned="expand")


def test_all_spans_that_cut_a_token_are_listed_and_written(tmp_path: Path) -> None:
    source, issues = tmp_path / "a.jsonl", tmp_path / "issues.jsonl"
    lines = [
        {"text": TEXT, "spans": [[15, 18, "PER"]]},
        {"text": "Oslos", "spans": [[0, 4, "LOC"]]},
    ]
    source.write_text("".join(json.dumps(line) + "\n" for line in lines))
    with pytest.raises(DataError) as caught:
        convert(source, tmp_path / "b.conll", issues=str(issues))
    assert str(caught.value) == (
        f"{source}:1: the span 15-18 ('Ann', PER) does not begin and end with a token; the tokens "
        "there are 'Annas' (15-20). Correct the span, provide tokens instead of text, "
        "or choose a tokenizer that fits with --tokenizer: characters; or declare what becomes "
        "of such spans with --misaligned (1 more error in this file, in line 2)"
    )
    assert caught.value.details == (
        f"{source}:1: misaligned: 'Ann' (PER), nearest token borders 15-20 ('Annas')",
        f"{source}:2: misaligned: 'Oslo' (LOC), nearest token borders 0-5 ('Oslos')",
    )
    first, second = map(json.loads, issues.read_text().splitlines())
    assert first.pop("message").startswith("the span 15-18 ('Ann', PER) does not begin")
    assert first == {
        "path": str(source),
        "line": 1,
        "kind": "misaligned",
        "action": "error",
        "start": 15,
        "end": 18,
        "label": "PER",
        "text": "Ann",
        "nearest": [15, 20],
        "tokens": "Annas",
    }
    assert (second["line"], second["text"]) == (2, "Oslo")
    convert(source, tmp_path / "b.conll", ReadOptions(misaligned="expand"), issues=str(issues))
    assert [json.loads(line)["action"] for line in issues.read_text().splitlines()] == [
        "expanded",
        "expanded",
    ]


def test_many_issues_are_listed_up_to_a_limit(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        read(tmp_path, [[i * 3, i * 3 + 1, "X"] for i in range(30)], "ab " * 30)
    assert len(caught.value.details) == 21
    assert caught.value.details[-1] == "… 10 more; --issues FILE lists all"


@pytest.mark.parametrize("discontinuous", ["error", "cover"])
def test_spans_of_several_parts(discontinuous: str) -> None:
    report = ReadReport("a.ann")
    span = CharacterSpan(0, 13, "LOC", None, "North America", ((0, 5), (16, 23)))
    text = "North and South America"
    options = ReadOptions(discontinuous=discontinuous)
    record = Record("a.ann", 0, id="a")
    [sentence] = sentences_of(text, [span], record, options, report)
    if discontinuous == "cover":
        assert [one.text for one in sentence.spans or ()] == [text]
        assert report.notes == (
            "discontinuous spans are read as the span from their first to their last part "
            "('North and South America')",
        )
        return
    with pytest.raises(DataError) as caught:
        report.finish()
    assert str(caught.value) == (
        "a.ann: document 'a': the span 'North America' (LOC) has the parts 0-5, 16-23, which tags "
        "of tokens cannot represent; remove it, or read the span from the first to the last part "
        "with --discontinuous cover"
    )
