"""Files in the layouts of annotation tools: read, converted, written again, tagged."""

from __future__ import annotations

import json
import shutil
from itertools import chain
from pathlib import Path

import pytest
from support.command_line import invoke, worked
from support.paths import GOLDEN, ROOT

import tagger
from tagger import corpora
from tagger.errors import DataError
from tagger.text import formats
from tagger.text.formats import ReadOptions, ReadReport
from tagger.text.formats.conll import Columns

FILES = ROOT / "tests" / "data" / "formats"


def spans_of(path: Path | str, options: ReadOptions | None = None) -> list[list[str]]:
    """The spans of each sentence, as LABEL:TEXT."""
    corpus = corpora.read_all([path], options or ReadOptions(), predictions=True)
    return [[f"{span.label}:{span.text}" for span in s.spans or ()] for s in corpus.sentences]


HARBOR = [[], ["PER:Mira Okafor"], ["LOC:New Haven"], [], ["PER:Pilar Ruiz", "ORG:South Bank"]]


@pytest.mark.parametrize(
    ("name", "format_name", "expected"),
    [
        ("harbor.ann", "brat", HARBOR),
        ("harbor.txt", "brat", HARBOR),
        ("harbor.conllu", "conllu", [["PER:Mira", "LOC:du Havre"], ["PER:Ines"]]),
        ("harbor.conllup", "conllu", [["PER:Mira Okafor"]]),
        ("kaggle.csv", "csv", [["per:Mira", "geo:Hull"], ["per:Ines"]]),
        ("spans.csv", "csv", [["PER:Mira"], ["LOC:Hull"], []]),
        ("harbor.webanno.tsv", "webanno", [["PER:Mira", "LOC_x:New Haven"], []]),
        ("seals.pubtator", "pubtator", [["Chemical:Naloxone", "Chemical:clonidine"], []]),
        ("seals.bioc.xml", "bioc", [["Chemical:Naloxone"], ["Chemical:clonidine"]]),
        ("seals.bioc.json", "bioc-json", [["Chemical:Naloxone"], ["Chemical:clonidine"]]),
    ],
)
def test_a_documented_layout_is_recognized_and_read(
    name: str, format_name: str, expected: list[list[str]]
) -> None:
    report = ReadReport()
    list(formats.read(FILES / name, report=report))
    assert report.format == format_name
    assert spans_of(FILES / name) == expected


@pytest.mark.parametrize(
    "name",
    [
        *("harbor.conllu", "harbor.conllup", "kaggle.csv", "seals.pubtator"),
        *("seals.bioc.json", "harbor.webanno.tsv", "spans.csv"),
    ],
)
def test_a_file_is_the_same_after_a_round_trip(here: Path, name: str) -> None:
    tagger.convert(FILES / name, f"once-{name}")
    tagger.convert(f"once-{name}", f"twice-{name}")
    once = (here / f"once-{name}").read_text()
    assert (here / f"twice-{name}").read_text() == once
    assert spans_of(f"once-{name}") == spans_of(FILES / name)
    if name in ("harbor.conllup", "kaggle.csv", "seals.pubtator"):
        assert once == (FILES / name).read_text()


def test_brat_keeps_notes_attributes_relations_and_events(here: Path) -> None:
    tagger.convert(FILES / "harbor.ann", "again.ann")
    assert (here / "again.ann").read_text() == (FILES / "harbor.ann").read_text()
    assert (here / "again.txt").read_bytes() == (FILES / "harbor.txt").read_bytes()


def test_columns_are_chosen_by_name(here: Path) -> None:
    def chosen(path: Path, tag: str | int) -> list[list[str]]:
        return spans_of(path, ReadOptions(Columns(tag=tag)))

    assert chosen(FILES / "harbor.conllup", "HARBOR:NE") == [["PER:Mira Okafor"]]
    assert chosen(FILES / "kaggle.csv", "Tag") == [["per:Mira", "geo:Hull"], ["per:Ines"]]
    (here / "a.tsv").write_text("form\tcoarse\tfine\nMira\tB-PER\tB-x\nleft\tO\tO\n")
    assert chosen(here / "a.tsv", "coarse") == [["PER:Mira"]]
    tagger.convert("a.tsv", "b.tsv", ReadOptions(Columns(tag="coarse")), target_scheme="IOBES")
    assert (here / "b.tsv").read_text() == ("form\tcoarse\tfine\nMira\tS-PER\tB-x\nleft\tO\tO\n\n")
    with pytest.raises(DataError, match=r"a.tsv:1: the first row has no columns named 'ner'"):
        chosen(here / "a.tsv", "ner")
    worked(invoke("convert", "a.tsv", "c.jsonl", "--tag-column", "fine"))
    assert json.loads((here / "c.jsonl").read_text())["spans"][0]["label"] == "x"


def test_layers_of_webanno_are_chosen_by_name(here: Path) -> None:
    path = FILES / "harbor.webanno.tsv"
    message = r":19: the span 33-37 \('Hull', part\) does not begin and end with a token"
    with pytest.raises(DataError, match=message):
        spans_of(path, ReadOptions(layer="Vessel"))
    (here / "whole.tsv").write_text(path.read_text().replace("2-1.1\t34-38", "2-1.1\t29-38"))
    vessels = spans_of("whole.tsv", ReadOptions(layer="custom.Vessel"))
    assert vessels == [["boat_1|x:\U0001f6a2"], ["part:Anti-Hull"]]
    tags = spans_of(path, ReadOptions(layer="POS"))
    assert tags[0][:3] == ["NNP:Mira", "SYM:\U0001f6a2", "VBD:sailed"]
    with pytest.raises(DataError, match="no layer 'Ship'; found the layers POS, NamedEntity, Ves"):
        spans_of(path, ReadOptions(layer="Ship"))
    with pytest.raises(DataError, match="'color'; found the features identifier, value"):
        spans_of(path, ReadOptions(layer="NamedEntity", feature="color"))
    text = path.read_text().replace("ner.type.NamedEntity", "x.Place")
    (here / "a.tsv").write_text(text)
    with pytest.raises(DataError, match="choose one with --layer: POS, Place, Vessel"):
        spans_of(here / "a.tsv")


def test_a_folder_of_brat_is_a_document_per_pair(here: Path) -> None:
    (here / "in" / "sub").mkdir(parents=True)
    for folder in (here / "in", here / "in" / "sub"):
        shutil.copy(FILES / "harbor.ann", folder / "harbor.ann")
        shutil.copy(FILES / "harbor.txt", folder / "harbor.txt")
    (here / "in" / ".hidden").write_text("x")
    assert formats.files_of("in") == ["in/harbor.ann", "in/sub/harbor.ann"]
    assert spans_of("in") == [*HARBOR, *HARBOR]
    tagger.convert("in", "all.conllu")
    assert (here / "all.conllu").read_text().count("# newdoc id = harbor") == 2
    tagger.convert("in", "out/")
    assert sorted(path.name for path in (here / "out").iterdir()) == [
        *("harbor-2.ann", "harbor-2.txt", "harbor.ann", "harbor.txt")
    ]
    scores = tagger.evaluate(GOLDEN, "in").as_json()
    assert scores["strict"]["gold"] == 8
    (here / "empty").mkdir()
    with pytest.raises(DataError, match="empty: is a folder without files"):
        spans_of("empty")


def test_predictions_go_into_the_tools_and_come_back_reviewed(here: Path) -> None:
    (here / "letter.txt").write_text("Dear all,\nMira Okafor left Lisbon \U0001f6a2.\n")
    worked(invoke("predict", GOLDEN, "letter.txt", "--to", "brat", "--output", "out"))
    assert (here / "out" / "letter.txt").read_text() == (here / "letter.txt").read_text()[:-1]
    lines = (here / "out" / "letter.ann").read_text().splitlines()
    assert lines[0].startswith("T1\t")
    spans = sum(line.startswith("T") for line in lines)
    notes = [line.split("\t")[1:] for line in lines[spans:]]
    assert [note[0] for note in notes] == [f"AnnotatorNotes T{n + 1}" for n in range(spans)]
    assert all(0 < float(note[1].removeprefix("score ")) <= 1 for note in notes)
    with pytest.raises(DataError, match="the spans are predictions, since they have scores"):
        corpora.read_all(["out"], ReadOptions())
    worked(invoke("convert", "out", "gold/", "--reviewed"))
    assert "score" not in (here / "gold" / "letter.ann").read_text()
    assert corpora.read_all(["gold"], ReadOptions()).label_counts()
    for name in ("bioc", "bioc-json", "csv", "webanno", "conllu", "pubtator"):
        worked(invoke("predict", GOLDEN, "letter.txt", "--to", name, "--output", f"as-{name}"))
        (written,) = (here / f"as-{name}").iterdir()
        assert [*chain(*spans_of(written))] == [*chain(*spans_of("gold"))]


def test_a_tagged_file_of_a_tool_keeps_its_rows(here: Path) -> None:
    shutil.copy(FILES / "kaggle.csv", here)
    out = worked(invoke("predict", GOLDEN, "kaggle.csv"))
    assert out.splitlines()[0] == "Sentence #,Word,POS,Tag,tag"
    assert [line.rsplit(",", 1)[0] for line in out.splitlines()[1:]] == (
        (FILES / "kaggle.csv").read_text().splitlines()[1:]
    )


def test_parquet_and_arrow_are_read_and_written(here: Path) -> None:
    for name in ("a.parquet", "a.arrow"):
        tagger.convert(FILES / "kaggle.csv", name)
        assert spans_of(name) == [["per:Mira", "geo:Hull"], ["per:Ines"]]
        worked(invoke("convert", name, f"{name}.csv"))
        assert spans_of(f"{name}.csv") == [["per:Mira", "geo:Hull"], ["per:Ines"]]


def test_windows_line_ends_are_counted_as_the_tool_did(here: Path) -> None:
    text = "Harbor\r\nMira left\r\nHull.\r\n"
    (here / "a.txt").write_bytes(text.encode())
    for start, note in ((8, ""), (7, "count Windows line ends as one character")):
        (here / "a.ann").write_text(f"T1\tPER {start} {start + 4}\tMira\n")
        report = ReadReport()
        found = list(formats.read(here / "a.ann", report=report))
        assert [span.text for s in found for span in s.spans or ()] == ["Mira"]
        assert note in " ".join(report.notes)


def test_a_span_over_a_line_break_is_written_in_parts(here: Path) -> None:
    (here / "a.txt").write_text("They met New\nHaven today.\n")
    (here / "a.ann").write_text("T1\tLOC 9 12;13 18\tNew Haven\n")
    assert spans_of(here / "a.ann") == [["LOC:New\nHaven"]]
    tagger.convert("a.ann", "b.ann")
    assert (here / "b.ann").read_text() == (here / "a.ann").read_text()
