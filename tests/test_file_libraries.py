"""What is written is read by the tools' own libraries, where they are installed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from support.command_line import failed, invoke
from support.paths import ROOT

import tagger
from tagger.corpora import read_all
from tagger.text.formats import ReadOptions

FILES = ROOT / "tests" / "data" / "formats"


def test_conllu_reads_ours(here: Path) -> None:
    conllu = pytest.importorskip("conllu")
    for source in ("harbor.ann", "harbor.webanno.tsv", "harbor.conllu"):
        tagger.convert(FILES / source, "a.conllu")
        ours = read_all(["a.conllu"], ReadOptions()).sentences
        theirs = conllu.parse((here / "a.conllu").read_text())
        words = [[t["form"] for t in s if isinstance(t["id"], int)] for s in theirs]
        assert words == [list(sentence.tokens) for sentence in ours]
        tags = [t["misc"]["NER"] for s in theirs for t in s if isinstance(t["id"], int)]
        assert sum(tag.startswith("B-") for tag in tags) == sum(len(s.spans or ()) for s in ours)


def test_spacy_reads_ours_and_we_read_its(here: Path) -> None:
    spacy = pytest.importorskip("spacy")
    tagger.convert(FILES / "harbor.ann", "a.spacy")
    nlp = spacy.blank("en")
    (doc,) = spacy.tokens.DocBin().from_disk("a.spacy").get_docs(nlp.vocab)
    assert doc.text == (FILES / "harbor.txt").read_text()
    assert [(e.label_, e.text) for e in doc.ents] == [
        *(("PER", "Mira Okafor"), ("LOC", "New Haven"), ("PER", "Pilar Ruiz")),
        ("ORG", "South Bank"),
    ]
    doc = nlp("Mira Okafor  left Hull.\nShe slept.")
    doc.ents = [doc.char_span(0, 11, "PER"), doc.char_span(18, 22, "LOC")]
    doc.spans["ships"] = [doc.char_span(0, 4, "SHIP")]
    spacy.tokens.DocBin(docs=[doc]).to_disk("b.spacy")

    def spans(layer: str = "") -> list[str]:
        found = read_all(["b.spacy"], ReadOptions(layer=layer)).sentences
        return [f"{span.label}:{span.text}" for s in found for span in s.spans or ()]

    assert spans() == ["PER:Mira Okafor", "LOC:Hull"]
    assert spans("ships") == ["SHIP:Mira"]
    message = failed(invoke("convert", "b.spacy", "b.jsonl", "--layer", "boats"))
    assert "has no span group 'boats'; found ships" in message
    (here / "bad.spacy").write_bytes((here / "b.spacy").read_bytes()[:40])
    assert "bad.spacy: cannot be read by spaCy" in failed(invoke("convert", "bad.spacy", "c.jsonl"))


def test_cassis_reads_ours_and_we_read_its(here: Path) -> None:
    cassis = pytest.importorskip("cassis")
    name = "de.tudarmstadt.ukp.dkpro.core.api.ner.type.NamedEntity"
    for target in ("a.xmi", "a.cas.json"):
        tagger.convert(FILES / "harbor.ann", target)
        with open(target, "rb") as stream:
            if target.endswith("json"):
                cas = cassis.load_cas_from_json(stream)
            else:
                with open("TypeSystem.xml", "rb") as types:
                    system = cassis.load_typesystem(types)
                cas = cassis.load_cas_from_xmi(stream, system)
        assert cas.sofa_string == (FILES / "harbor.txt").read_text()
        found = [(one.value, one.get_covered_text()) for one in cas.select(name)]
        assert found[:2] == [("PER", "Mira Okafor"), ("LOC", "New Haven")]
        tagger.convert(target, "back.ann")
        assert (here / "back.txt").read_text() == cas.sofa_string
        assert [line.split("\t")[2] for line in (here / "back.ann").read_text().splitlines()] == [
            text for _, text in found
        ]
    (here / "TypeSystem.xml").unlink()
    message = failed(invoke("convert", "a.xmi", "b.jsonl"))
    assert "a.xmi: CAS XMI needs its type system: there is no file TypeSystem.xml" in message


@pytest.mark.parametrize(
    ("package", "name", "content", "extra"),
    [
        ("cassis", "a.xmi", b'<xmi:XMI xmlns:xmi="http://www.omg.org/XMI"/>', "cas"),
        ("spacy", "a.spacy", b"x\x9c\x03\x00\x00\x00\x00\x01", "spacy"),
    ],
)
def test_an_error_names_the_extra(
    here: Path,
    monkeypatch: pytest.MonkeyPatch,
    package: str,
    name: str,
    content: bytes,
    extra: str,
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    (here / name).write_bytes(content)
    message = failed(invoke("convert", name, "b.jsonl"))
    assert f"not installed here: pip install 'span-tagger[{extra}]'" in message
