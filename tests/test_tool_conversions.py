"""What conversions between files and folders of tools keep, and what they say that they lose."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import pytest
from support.command_line import invoke, worked
from support.paths import ROOT

import tagger
from tagger.corpora import read_all
from tagger.errors import TaggerError
from tagger.text.formats import ReadOptions

FILES = ROOT / "tests" / "data" / "formats"
ONE = "A NN B-PER\n\n# c1\nB NN O\n\n# after\n"
TWO = "-DOCSTART- -X- O\n\nC NN B-LOC\nD NN O\n\n"


def lost(source: Path | str, target: str, *options: str) -> list[str]:
    """What a conversion says that its target does not contain."""
    return list(
        json.loads(worked(invoke("convert", source, target, "--json", *options)))["dropped"]
    )


def write(**contents: str) -> None:
    """Write files of a folder, in which an underscore stands for a point."""
    Path("f").mkdir(exist_ok=True)
    for name, content in contents.items():
        (Path("f") / name.replace("_", ".")).write_text(content)


def test_comments_after_the_last_sentence_are_kept(here: Path) -> None:
    write(a_conll=ONE)
    assert lost("f/a.conll", "b.conll") == []
    assert (here / "b.conll").read_text() == ONE
    assert lost("f/a.conll", "b.jsonl") == ["comments after the last sentence"]
    assert lost("f/a.conll", "b.json", "--as", "doccano") == ["further columns", "comments"]


def test_a_folder_of_columns_becomes_one_file_with_all_columns_and_comments(here: Path) -> None:
    write(a_conll=ONE, b_conll=ONE.replace("A", "Z"), c_conll=TWO)
    assert lost("f", "out.conll") == []
    expected = ONE + "-DOCSTART-\n\n" + ONE.replace("A", "Z") + TWO
    assert (here / "out.conll").read_text() == expected
    again = read_all(["out.conll"], ReadOptions())
    assert [s.tokens for s in again.sentences] == [
        s.tokens for s in read_all(["f"], ReadOptions()).sentences
    ]


def test_files_of_different_columns_become_tokens_and_tags_and_say_so(here: Path) -> None:
    write(a_conll=ONE, b_conll="token\ttag\nC\tB-LOC\nD\tO\n\n")
    assert lost("f", "out.conll") == ["further columns", "comments"]
    marked = "-DOCSTART- O\n\n"
    assert (here / "out.conll").read_text() == (
        f"{marked}A B-PER\n\nB O\n\n{marked}C B-LOC\nD O\n\n"
    )


def test_a_folder_of_different_formats_keeps_what_it_can(here: Path) -> None:
    row = {"tokens": ["X", "Y"], "spans": [{"start": 0, "end": 1, "label": "PER"}], "extra": 3}
    write(a_conll=ONE, b_jsonl=json.dumps(row) + "\n")
    assert lost("f", "out.jsonl") == ["comments after the last sentence"]
    found = [json.loads(line) for line in (here / "out.jsonl").read_text().splitlines()]
    assert found[0]["columns"] == [["A", "NN", "B-PER"]]
    assert found[1]["comments"] == ["# c1"]
    assert found[2]["extra"] == 3
    assert found[0]["document"] == found[1]["document"]
    assert lost("f", "out.conll") == ["further columns", "comments", "the keys extra"]


def test_tables_with_other_headers_do_not_share_columns(here: Path) -> None:
    write(a_csv="token,tag\nA,B-X\n", b_csv="tag,token\nO,B\nB-X,C\n")
    assert lost("f", "out.csv") == []
    assert [line.split(",")[2:] for line in (here / "out.csv").read_text().splitlines()] == [
        *(["token", "tag"], ["A", "B-X"]),
        *(["B", "O"], ["C", "B-X"]),
    ]
    (here / "s.csv").write_text("text,start,end,label,who\nMira left,0,4,PER,Bo\n")
    assert lost("s.csv", "t.csv") == ["the columns who"]


@pytest.mark.skipif(not find_spec("datasets"), reason="datasets is not installed")
def test_a_dataset_has_tokens_and_tags_alone(here: Path) -> None:
    write(a_conll=ONE)
    assert lost("f/a.conll", "a.parquet") == ["further columns", "comments"]
    value = {"id": "7", "text": "Bo left", "spans": [{"start": 0, "end": 2, "label": "PER"}]}
    value["spans"][0]["score"] = 0.5  # type: ignore[index]
    (here / "p.jsonl").write_text(json.dumps(value) + "\n")
    everything = [
        *("the boundaries of documents", "the text between tokens", "the ids of documents"),
        "probabilities",
    ]
    assert lost("p.jsonl", "p.parquet") == everything
    assert lost("p.jsonl", "p.parquet", "--reviewed") == everything[:-1]


def test_the_text_of_a_file_with_tokens_is_kept_by_tools_that_count_characters(here: Path) -> None:
    harbor = FILES / "harbor.webanno.tsv"
    (record,) = {s.record for s in read_all([harbor], ReadOptions()).sentences}
    assert record is not None
    for name in ("label-studio", "doccano", "prodigy", "spacy-json", "gliner2"):
        assert lost(harbor, "a.json", "--as", name) == []
        (value,) = (
            json.loads(f"[{','.join((here / 'a.json').read_text().splitlines())}]")
            if (name in ("doccano", "prodigy", "gliner2"))
            else json.loads((here / "a.json").read_text())
        )
        found = value[0] if isinstance(value, list) else value.get("data", value)
        found = found if isinstance(found, str) else found.get("text", found.get("input"))
        assert found == record.text
    assert lost(harbor, "a.jsonl") == ["the text between tokens"]


# -- predictions for INCEpTION


PREDICTED = {
    "text": "Mira Okafor left Hull.\nShe slept.",
    "spans": [
        {"start": 0, "end": 11, "label": "PER", "score": 0.987654},
        {"start": 17, "end": 21, "label": "LOC", "score": 0.5},
    ],
}
NAMED_ENTITY = "de.tudarmstadt.ukp.dkpro.core.api.ner.type.NamedEntity"


def scores_of(path: str) -> list[tuple[str, float | None]]:
    """Label and probability of each span of a file."""
    found = read_all([path], ReadOptions(), predictions=True).sentences
    return [(span.label, span.score) for sentence in found for span in sentence.spans or ()]


def test_predictions_in_webanno_have_their_scores_in_comments_that_every_project_imports(
    here: Path,
) -> None:
    (here / "p.jsonl").write_text(json.dumps(PREDICTED) + "\n")
    assert lost("p.jsonl", "p.webanno.tsv") == []
    lines = (here / "p.webanno.tsv").read_text().splitlines()
    assert lines[1] == f"#T_SP={NAMED_ENTITY}|identifier|value"  # the features of every project
    assert [line for line in lines if line.startswith("#Scores")] == ["#Scores=0.987654 0.5"]
    assert lines.index("#Scores=0.987654 0.5") + 1 == lines.index("#Text=Mira Okafor left Hull.")
    assert scores_of("p.webanno.tsv") == [("PER", 0.987654), ("LOC", 0.5)]
    with pytest.raises(
        TaggerError, match=r"p\.webanno\.tsv:6: the spans are predictions, since"
    ) as no:
        read_all(["p.webanno.tsv"], ReadOptions())
    assert "tagger convert --reviewed" in str(no.value)
    tagger.convert("p.webanno.tsv", "r.webanno.tsv", is_reviewed=True)
    assert "#Scores" not in (here / "r.webanno.tsv").read_text()
    corrected = (here / "p.webanno.tsv").read_text().replace("\t*\tLOC\t", "\t_\t_\t")
    (here / "c.webanno.tsv").write_text(corrected)
    assert scores_of("c.webanno.tsv") == [("PER", None)]
    done = invoke("convert", "c.webanno.tsv", "c.jsonl")
    assert "scores that are not one per span are not read" in done.stderr


def test_predictions_in_cas_have_their_scores_in_a_feature(here: Path) -> None:
    cassis = pytest.importorskip("cassis")
    (here / "p.jsonl").write_text(json.dumps(PREDICTED) + "\n")
    for target in ("p.xmi", "p.cas.json"):
        assert lost("p.jsonl", target) == []
        assert scores_of(target) == [("PER", pytest.approx(0.987654)), ("LOC", 0.5)]
        tagger.convert(target, f"r-{target}", is_reviewed=True)
        assert [score for _, score in scores_of(f"r-{target}")] == [None, None]
    tagger.convert("p.jsonl", "p.xmi")
    with open("p.xmi", "rb") as stream, open("TypeSystem.xml", "rb") as types:
        cas = cassis.load_cas_from_xmi(stream, cassis.load_typesystem(types))
    found = [(one.value, float(one.score)) for one in cas.select(NAMED_ENTITY)]
    assert found == [("PER", pytest.approx(0.987654)), ("LOC", 0.5)]


def test_layers_and_types_that_are_not_read_are_named(here: Path) -> None:
    (here / "a.tsv").write_text(
        f"#FORMAT=WebAnno TSV 3.3\n#T_SP=x.Pos|tag\n#T_SP={NAMED_ENTITY}|identifier|value\n\n\n"
        "#Text=Mira sang\n1-1\t0-4\tMira\tN\tQ7\tPER\t\n1-2\t5-9\tsang\tV\t_\t_\t\n"
    )
    done = invoke("convert", "a.tsv", "b.conll")
    assert (
        "note: other layers and features are not read (3 times; first in line 7: 'Pos, tag')"
        in (done.stderr)
    )
    cassis = pytest.importorskip("cassis")
    system = cassis.load_dkpro_core_typesystem()
    cas = cassis.Cas(typesystem=system)
    cas.sofa_string = "Mira sang"
    cas.add(system.get_type(NAMED_ENTITY)(begin=0, end=4, value="PER"))
    cas.add(system.get_type("de.tudarmstadt.ukp.dkpro.core.api.ner.type.Person")(begin=5, end=9))
    cas.to_json("a.cas.json")
    done = invoke("convert", "a.cas.json", "b.conll")
    assert "annotations of other types are not read ('Person')" in done.stderr


def test_reviewed_predictions_in_json_lines_are_annotation(here: Path) -> None:
    gold = [{"start": 0, "end": 4, "label": "LOC"}]
    (here / "p.jsonl").write_text(json.dumps(PREDICTED | {"gold": gold, "n": 1}) + "\n")
    tagger.convert("p.jsonl", "r.jsonl", is_reviewed=True)
    assert [*json.loads((here / "r.jsonl").read_text())] == ["text", "n", "spans"]
    assert len(read_all(["r.jsonl"], ReadOptions()).sentences) == 2


def test_a_folder_of_xmi_is_read_without_its_type_system(here: Path) -> None:
    pytest.importorskip("cassis")
    empty = json.dumps({"text": "Nobody left.", "spans": []})
    (here / "p.jsonl").write_text(f"{json.dumps(PREDICTED)}\n{empty}\n")
    tagger.convert("p.jsonl", "x/", target_format="cas")
    assert sorted(path.suffix for path in (here / "x").iterdir()) == [".xmi", ".xmi", ".xml"]
    assert scores_of("x") == [("PER", pytest.approx(0.987654)), ("LOC", 0.5)]


def test_errors_of_cas_name_the_annotation(here: Path) -> None:
    pytest.importorskip("cassis")
    (here / "p.jsonl").write_text(json.dumps(PREDICTED) + "\n")
    tagger.convert("p.jsonl", "p.xmi")
    content = (here / "p.xmi").read_text().replace('end="21" value="LOC"', 'end="20" value="LOC"')
    (here / "p.xmi").write_text(content.replace('begin="17" end="21"', 'begin="17" end="20"', 9))
    with pytest.raises(TaggerError, match=r"p\.xmi: document 'p': the span \d+ 17-20 \('Hul', LOC"):
        tagger.convert("p.xmi", "b.conll")


@pytest.mark.parametrize("target", ["out.bioc.xml", "out.conll"])
def test_the_head_of_a_bioc_collection_is_listed(here: Path, target: str) -> None:
    assert "the source, date and key of the BioC collection" in lost(
        FILES / "seals.bioc.xml", target
    )
