"""Spans of annotation tools that need a decision, in every format that can hold them: units of
offsets, several parts, overlaps; and the line of each error.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.command_line import failed, invoke, worked

import tagger
from tagger.errors import DataError
from tagger.text import formats
from tagger.text.formats import ReadOptions, ReadReport

TEXT = "North and South America, \U0001f6a2 Zu\u0308rich.\n"


def labeled(path: Path | str, options: ReadOptions | None = None) -> list[str]:
    """The spans of a file."""
    found = formats.read(path, options=options)
    return [f"{span.label}:{span.text}" for sentence in found for span in sentence.spans or ()]


def notes(path: Path | str, options: ReadOptions | None = None) -> str:
    """What the reader of a file noted."""
    report = ReadReport()
    list(formats.read(path, options=options, report=report))
    return " ".join(report.notes)


# -- spans of several parts


def write_discontinuous(name: str) -> str:
    """A file in which one span has the parts 0-5 and 16-23."""
    if name == "brat":
        Path("a.txt").write_text(TEXT, encoding="utf-8")
        Path("a.ann").write_text("T1\tPER 27 34\tZu\u0308rich\nT2\tLOC 0 5;16 23\tNorth America\n")
        return "a.ann"
    locations = [{"offset": 0, "length": 5}, {"offset": 16, "length": 7}]
    if name == "bioc-json":
        annotation = {"id": "7", "infons": {"type": "LOC"}, "locations": locations}
        annotation["text"] = "North America"
        passage = {"offset": 0, "text": TEXT, "annotations": [annotation]}
        Path("a.json").write_text(json.dumps({"documents": [{"id": "d", "passages": [passage]}]}))
        return "a.json"
    if name == "bioc":
        places = "".join(
            f'<location offset="{x["offset"]}" length="{x["length"]}"/>' for x in locations
        )
        Path("a.xml").write_text(
            "<collection><document><id>d</id><passage><offset>0</offset>"
            f'<text>{TEXT}</text>\n<annotation id="7"><infon key="type">LOC</infon>{places}'
            "<text>North America</text></annotation></passage></document></collection>",
            encoding="utf-8",
        )
        return "a.xml"
    rows = ["1-1\t0-5\tNorth\tLOC[1]\t", "1-2\t6-9\tand\t_\t", "1-3\t10-15\tSouth\t_\t"]
    rows.append("1-4\t16-23\tAmerica\tLOC[1]\t")
    Path("a.tsv").write_text(
        "#FORMAT=WebAnno TSV 3.3\n#T_SP=x.Span|value\n\n\n#Text=North and South America\n"
        + "\n".join(rows)
        + "\n"
    )
    return "a.tsv"


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("brat", "a.ann:2: document 'a': the span 'North America' (LOC)"),
        ("bioc", "a.xml:3: document 'd': the span 'North America' (LOC)"),
        ("bioc-json", "a.json: document 'd': the span 'North America' (LOC)"),
        ("webanno", "a.tsv:6: the span 'North and South America' (LOC)"),
    ],
)
def test_spans_of_several_parts(here: Path, name: str, place: str) -> None:
    path = write_discontinuous(name)
    message = failed(invoke("convert", path, "b.conll"))
    assert f"{place} has the parts 0-5, 16-23, which tags of tokens cannot represent" in message
    done = invoke("convert", path, "b.conll", "--discontinuous", "cover", "--issues", "i")
    assert "North B-LOC\nand I-LOC\nSouth I-LOC\nAmerica I-LOC\n" in (here / "b.conll").read_text()
    assert "read as the span from their first to their last part" in done.stderr
    issue = json.loads((here / "i").read_text())
    assert (issue["kind"], issue["action"], issue["start"], issue["end"]) == (
        *("discontinuous", "covered"),
        *(0, 23),
    )


# -- units of offsets


@pytest.mark.parametrize("unit", ["utf-32", "utf-16", "utf-8"])
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_brat_may_count_in_any_unit_and_keeps_its_notes(here: Path, unit: str, ends: str) -> None:
    text = f"\U0001f6a2 one{ends}Zu\u0308rich, Hull."
    start = text.index("Zu")
    places = [(start, start + 7), (start + 9, start + 13)]

    def size(end: int) -> int:
        codec = {"utf-32": "utf-32-le", "utf-16": "utf-16-le", "utf-8": "utf-8"}[unit]
        return len(text[:end].encode(codec)) // {"utf-32": 4, "utf-16": 2, "utf-8": 1}[unit]

    (here / "a.txt").write_bytes(text.encode())
    lines = [
        f"T{n}\tLOC {size(a)} {size(b)}\t{text[a:b]}" for n, (a, b) in enumerate(places, 1)
    ] + ["#1\tAnnotatorNotes T2\ta port", "A1\tSure T1"]
    (here / "a.ann").write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert labeled("a.ann") == ["LOC:Zu\u0308rich", "LOC:Hull"]
    assert labeled("a.ann", ReadOptions(offsets=unit)) == ["LOC:Zu\u0308rich", "LOC:Hull"]
    tagger.convert("a.ann", "b.ann")
    assert (here / "b.txt").read_bytes() == text.encode()
    in_code_points = [f"T{n}\tLOC {a} {b}\t{text[a:b]}" for n, (a, b) in enumerate(places, 1)]
    assert (here / "b.ann").read_text(encoding="utf-8").splitlines() == in_code_points + lines[2:]


def bioc_of(unit: str, surface: str = "Zu\u0308rich") -> str:
    """A document whose second passage is annotated, with offsets in a unit."""
    codec, size = {"utf-32": ("utf-32-le", 4), "utf-16": ("utf-16-le", 2), "utf-8": ("utf-8", 1)}[
        unit
    ]

    def length(text: str) -> int:
        return len(text.encode(codec)) // size

    first, second = "\U0001f6a2 sails", "\U0001f6a2 Zu\u0308rich."
    offset = length(first) + 1
    annotation = {
        "id": "T1",
        "infons": {"type": "LOC", "identifier": "Q72"},
        "locations": [{"offset": offset + length("\U0001f6a2 "), "length": length(surface)}],
        "text": surface,
    }
    relation = {"id": "R1", "infons": {"type": "at"}, "nodes": [{"refid": "T1", "role": "x"}]}
    passages = [
        {"offset": 0, "text": first, "annotations": []},
        {"offset": offset, "text": second, "annotations": [annotation]},
    ]
    return json.dumps({"documents": [{"id": "d", "passages": passages, "relations": [relation]}]})


@pytest.mark.parametrize("unit", ["utf-32", "utf-16", "utf-8"])
def test_bioc_may_count_in_any_unit_and_keeps_its_annotations(here: Path, unit: str) -> None:
    (here / "a.json").write_text(bioc_of(unit))
    for offsets in ("auto", unit):
        assert labeled("a.json", ReadOptions(offsets=offsets)) == ["LOC:Zu\u0308rich"]
    assert ("offsets are counted in" in notes("a.json")) == (unit != "utf-32")
    tagger.convert("a.json", "b.bioc.json")
    (document,) = json.loads((here / "b.bioc.json").read_text())["documents"]
    (annotation,) = document["passages"][1]["annotations"]
    assert (annotation["id"], annotation["infons"]["identifier"]) == ("T1", "Q72")
    assert annotation["locations"] == [{"offset": 10, "length": 7}]
    assert document["relations"][0]["nodes"] == [{"refid": "T1", "role": "x"}]


def test_offsets_of_bioc_that_fit_nothing_or_contradict_each_other(here: Path) -> None:
    (here / "a.json").write_text(bioc_of("utf-32", "Hull"))
    with pytest.raises(DataError, match=r"a\.json: document 'd': the span T1 10-14 \(LOC\) is 'Zu"):
        labeled("a.json")
    bytes_, units = (json.loads(bioc_of(unit))["documents"][0] for unit in ("utf-8", "utf-32"))
    (here / "b.json").write_text(json.dumps({"documents": [bytes_, units]}))
    with pytest.raises(DataError, match="are counted in code points, as the texts of the spans"):
        labeled("b.json")


SHIPS = "\U0001f6a2\U0001f6a2\U0001f6a2"


@pytest.mark.parametrize(
    ("name", "says", "units"),
    [
        ("doccano", "'Bo' in UTF-16 units, 'Al' in grapheme clusters", ("utf-16", "graphemes")),
        (
            "label-studio",
            "'Bo' at 7 in code points, 'Bo' at 4 in UTF-16 units",
            ("utf-32", "utf-16"),
        ),
        ("spacy-json", "", ()),
    ],
)
def test_several_readings_are_an_error_that_shows_them(
    here: Path, name: str, says: str, units: tuple[str, ...]
) -> None:
    value: object = {"text": f"{SHIPS} Bo Al", "label": [[7, 9, "PER"]]}
    if name == "label-studio":
        region = {"start": 7, "end": 9, "text": "Bo", "labels": ["PER"]}
        result = [{"from_name": "l", "to_name": "t", "type": "labels", "value": region}]
        value = {"data": {"text": f"{SHIPS} Bo Bo"}, "annotations": [{"result": result}]}
    elif name == "spacy-json":  # Python's own, which counts code points
        value = [f"{SHIPS} Bo Al", {"entities": [[7, 9, "PER"]]}]
    (here / "a.json").write_text(json.dumps([value]))
    if not says:
        assert labeled("a.json") == ["PER:Al"]
        return
    with pytest.raises(DataError) as caught:
        labeled("a.json")
    assert f"the offsets have several readings: the span 7-9 (PER) is {says}" in str(caught.value)
    assert f"declare the unit with --offsets {' or --offsets '.join(units)}" in str(caught.value)
    for unit in units:
        assert len(labeled("a.json", ReadOptions(offsets=unit))) == 1


@pytest.mark.parametrize("unit", ["utf-32", "utf-16"])
def test_label_studio_counts_what_is_declared(here: Path, unit: str) -> None:
    text = "\U0001f6a2 Bo\u0301, Bo\u0301, Bo\u0301"
    spans = [{"start": 2, "end": 5, "text": "Bo\u0301", "labels": ["PER"]}]
    if unit == "utf-16":
        spans[0] |= {"start": 3, "end": 6}
    result = [{"from_name": "l", "to_name": "t", "type": "labels", "value": spans[0]}]
    tasks = [{"data": {"text": text}, "annotations": [{"result": result}]}]
    (here / "a.json").write_text(json.dumps(tasks))
    assert labeled("a.json") == ["PER:Bo\u0301"]
    assert labeled("a.json", ReadOptions(offsets=unit)) == ["PER:Bo\u0301"]
    other = "utf-16" if unit == "utf-32" else "utf-32"
    with pytest.raises(DataError, match=r"in the text, but its own text is|inside of a character"):
        labeled("a.json", ReadOptions(offsets=other))


def test_doccano_counts_what_fits_the_words(here: Path) -> None:
    text = "\U0001f469\u200d\U0001f680 Mira left"
    for unit, start, note in (("utf-16", 6, "UTF-16 units, as is usual"), ("graphemes", 2, "")):
        (here / "a.jsonl").write_text(
            json.dumps({"text": text, "label": [[start, start + 4, "P"]]})
        )
        assert labeled("a.jsonl", ReadOptions(offsets=unit)) == ["P:Mira"]
        if unit == "utf-16":
            assert labeled("a.jsonl") == ["P:Mira"]
            assert note in notes("a.jsonl")
        else:
            with pytest.raises(DataError, match="do not fit the words in UTF-16 units, but they"):
                labeled("a.jsonl")


# -- overlaps, in formats with tokens of their own


@pytest.mark.parametrize("name", ["gliner", "jsonl", "webanno"])
def test_overlaps_of_token_spans(here: Path, name: str) -> None:
    tokens = ["New", "York", "Times"]
    if name == "webanno":
        rows = ["New\tORG[1]|LOC[2]", "York\tORG[1]|LOC[2]", "Times\tORG[1]"]
        places = ["1-1\t0-3", "1-2\t4-8", "1-3\t9-14"]
        path, content = (
            "a.tsv",
            (
                "#FORMAT=WebAnno TSV 3.3\n#T_SP=x.Span|value\n\n\n#Text=New York Times\n"
                + "".join(f"{place}\t{row}\n" for place, row in zip(places, rows, strict=True))
            ),
        )
    elif name == "gliner":
        path, content = (
            "a.json",
            json.dumps([{"tokenized_text": tokens, "ner": [[0, 2, "ORG"], [0, 1, "LOC"]]}]),
        )
    else:
        spans = [{"start": 0, "end": 3, "label": "ORG"}, {"start": 0, "end": 2, "label": "LOC"}]
        path, content = "a.jsonl", json.dumps({"tokens": tokens, "spans": spans})
    (here / path).write_text(content + "\n")
    message = failed(invoke("convert", path, "b.conll"))
    assert "overlaps the span 0-8 ('New York', LOC); expected spans that do not overlap" in message
    assert "--overlaps: longest, first, outer" in message
    for choice in ("longest", "outer"):
        done = invoke("convert", path, "b.conll", "--overlaps", choice)
        assert "spans that overlap others are not used" in done.stderr
        assert "New B-ORG\nYork I-ORG\nTimes I-ORG" in (here / "b.conll").read_text()


def test_a_span_of_webanno_that_cuts_a_token_follows_the_options(here: Path) -> None:
    (here / "a.tsv").write_text(
        "#FORMAT=WebAnno TSV 3.3\n#T_SP=x.Span|value\n\n\n#Text=Mira sang\n"
        "1-1\t0-4\tMira\t_\t\n1-1.1\t0-2\tMi\tPER\t\n1-2\t5-9\tsang\t_\t\n"
    )
    message = failed(invoke("convert", "a.tsv", "b.conll"))
    assert "a.tsv:7: the span 0-2 ('Mi', PER) does not begin and end with a token" in message
    assert "Correct it; or declare what becomes of such spans with --misaligned" in message
    worked(invoke("convert", "a.tsv", "b.conll", "--misaligned", "expand"))
    assert (here / "b.conll").read_text() == "-DOCSTART- O\n\nMira B-PER\nsang O\n\n"


def test_answers_of_language_models_are_read(here: Path) -> None:
    entities = [{"text": "Mira", "label": "PER"}, {"text": "hull", "label": "LOC"}]
    value = {"text": "Mira left Hull.", "entities": entities, "n": 1}
    (here / "a.jsonl").write_text(json.dumps(value) + "\n")
    assert labeled("a.jsonl") == ["PER:Mira", "LOC:Hull"]
    tagger.convert("a.jsonl", "b.jsonl")
    written = json.loads((here / "b.jsonl").read_text())
    assert [*written] == ["text", "n", "spans"]
    assert [(span["start"], span["end"]) for span in written["spans"]] == [(0, 4), (10, 14)]
    (here / "c.jsonl").write_text(json.dumps(value | {"entities": ["Mira"]}) + "\n")
    with pytest.raises(DataError, match='no annotation; expected "spans"'):
        tagger.convert("c.jsonl", "d.jsonl")


def test_spans_without_offsets_that_do_not_occur_are_all_listed(here: Path) -> None:
    entities = {"PER": ["Mira", "Ines"], "LOC": ["Hull", "Lagos"]}
    value = {"input": "Mira left hull.", "output": {"entities": entities}}
    (here / "a.jsonl").write_text(json.dumps(value) + "\n")
    message = failed(invoke("convert", "a.jsonl", "b.conll", "--issues", "i"))
    assert "the text 'Ines' (PER) does not occur in the text of the document" in message
    assert "a.jsonl:1: not found: 'Lagos' (LOC)" in message
    issues = [json.loads(line) for line in (here / "i").read_text().splitlines()]
    assert [issue["text"] for issue in issues] == ["Ines", "Lagos"]
