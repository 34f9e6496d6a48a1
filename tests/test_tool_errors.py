"""Ill-formed files of annotation tools: one message with the place, what was expected, and why."""

from __future__ import annotations

from pathlib import Path

import pytest

from tagger.errors import DataError, TaggerError
from tagger.text import annotation, formats
from tagger.text.formats import ReadOptions
from tagger.text.formats.conll import Columns
from tagger.text.spans import Record, Sentence, Span

TSV = "#FORMAT=WebAnno TSV 3.3\n#T_SP=x.NamedEntity|value\n\n\n"
BIOC = (
    "<collection><document><id>1</id><passage><offset>0</offset><text>Mira sang.</text>{}"
    "</passage></document></collection>"
)
BIOC_JSON = '{{"documents": [{{"id": "1", "passages": [{}]}}]}}'
PASSAGE = '{{"offset": 0, "text": "Mira sang.", "annotations": [{}]}}'
ONE = '<annotation id="1">{}</annotation>'


def bioc(annotation: str) -> str:
    return BIOC.format(ONE.format(annotation))


def bioc_json(annotation: str) -> str:
    return BIOC_JSON.format(PASSAGE.format(annotation))


BRAT = [
    ("T1 PER 0 4\tMira", "1: expected a tab after the id and before the text, found 'T1 PER 0"),
    ("T1\tPER 0 4\tMira\nT1\tPER 5 9\tsang", "2: the id T1 occurs twice"),
    ("T1\tPER 0 x\tMira", "1: expected 'T1<tab>LABEL START END<tab>TEXT'"),
    ("T1\tPER 0;4\tMira", "1: expected 'T1<tab>LABEL START END<tab>TEXT'"),
    ("T1\tPER 0 4\tMira\nMira went", "2: expected 'T1<tab>LABEL START END<tab>TEXT', or a note"),
    ("T1\tPER 4 4\t", "1: document 'a': the span T1 4-4 (PER) is empty"),
    (
        "T1\tPER 0 99\tMira",
        "1: document 'a': the span T1 0-99 (PER) ends after the text, which has",
    ),
    ("T1\tPER 0 3\tMir", "1: document 'a': the span T1 0-3 ('Mir', PER) does not begin and"),
    ("T1\tPER 4 5\t ", "1: document 'a': the span T1 4-5 (' ', PER) contains blanks only"),
    ("T1\tPER 0 9\tMira sang\nT2\tX 5 9\tsang", "2: document 'a': the span T2 5-9"),
    ("T1\tPER LOC 0 4\tMira", "1: expected 'T1<tab>LABEL START END<tab>TEXT'"),
]
WEBANNO = [
    ("1-1\t0-4\tMira\tPER\n", "5: a token before the first line with #Text="),
    ("#Text=Mira\nMira went\n", "6: expected a row such as '1-1<tab>0-4<tab>Anna', found 'Mira"),
    ("#Text=Mira\n1-1\t0-4\tMira\n", "6: expected at least 4 columns, found 3"),
    ("#Text=Mira\n1-1\t0-4\tMire\t_\n", "6: the text from 0 to 4 is 'Mira', not 'Mire'"),
    ("#Text=Mira\n1-1\t0-9\tMira\t_\n", "6: the token 0-9 is outside of its sentence or cuts"),
    ("#Text=\U0001f6a2\n1-1\t0-1\t\U0001f6a2\t_\n", "6: the token 0-1 is outside of its sentence"),
    ("#Text=a b\n1-1\t4-2\ta\t_\n", "6: a token from 4 to 2 is empty"),
    ("#Text=a b\n1-1\t0-0\ta\t_\n", "6: a token from 0 to 0 is empty"),
    ("#Text=Ma\n1-1\t0-2\tMa\t_\n1-1.1\t0-1\tM\tPER\n", "7: the span 0-1 ('M', PER) does not beg"),
    ("#Text=Ma\n1-1\t0-2\tMa\tPER[1]|LOC[2]\n", "6: the span 0-2 ('Ma', LOC) overlaps the"),
    (
        "#Text=Ma\n1-1\t0-2\tMa\t_\n\n#Text=Mo\n2-1\t0-2\tMo\t_\n",
        "8: the sentence begins at 0, before the end of the previous one at 2",
    ),
    ("#Text=Ma\n1-1\t0-2\tMa\t_\n1-1.1\t0-7\tM\tPER\n", " a part of a token begins or ends at 7"),
]
ROW = "1\tMira\t_\t_\t_\t_\t_\t_\t_\tNER=O\n"
CONLLU = [
    (ROW + "2\tsang\n", "2: expected 10 columns separated by tabs, found 2: '2"),
    (ROW + "x\tsang\t_\t_\t_\t_\t_\t_\t_\t_\n", "2: expected the id of a word, such as 1, 1-2"),
    (ROW + "2\t\t_\t_\t_\t_\t_\t_\t_\t_\n", "2: the word is empty"),
    (ROW.replace("NER=O", "_"), "1: no column or key of MISC has a usual name of tags (NER, NE,"),
    (ROW.replace("NER=O", "Gloss=x"), "DEPS, MISC, Gloss of MISC"),
    (
        "# global.columns = ID FORM\n1\tMira\tx\n",
        "2: expected 2 columns separated by tabs, found 3",
    ),
    (ROW.replace("\tMira", "\t \u2003"), "1: the word is empty"),
    (
        ROW + ROW.replace("1", "2").replace("NER=O", "NER=I-PER").replace("Mira", "a"),
        "2: tag 'I-PER' cannot follow 'O' in IOB2 (token 'a'); correct the tag",
    ),
    (ROW * 2 + "3\n", "3: expected 10 columns separated by tabs, found 1: '3'"),
    (
        ROW + "\n\n\n" + ROW.replace("\tMira", ""),
        "5: expected 10 columns separated by tabs, found 9",
    ),
]
HEADER = "sentence,token,tag\n"
CSV = [
    (HEADER + "1,Mira\n", "2: expected 3 columns, found 2: '1 | Mira'"),
    (HEADER + "1,Mira,O,x\n", "2: expected 3 columns, found 4"),
    (HEADER + "1,,O\n", "2: the token is empty: '1 |  | O'; expected one in column 'token'"),
    (HEADER + "1,Mira,\n", "2: the tag is empty"),
    (HEADER + '1,"Mira,O\n1,b,O\n', "2: a quote does not end; expected quotes around values"),
    (HEADER + '1,"a"b,O\n', "2: ',' expected after '\"'; expected quotes around values"),
    (HEADER + '1,"a\nb",O\n1,c\n', "4: expected 3 columns, found 2"),
    (HEADER + "1,Mira,B-PER\n1,b,I-LOC\n", "3: tag 'I-LOC' cannot follow 'B-PER' in IOB2"),
    ("text,start,end,label\nMira,0,x,PER\n", "2: expected whole numbers in the columns of start"),
    ("text,start,end,label\nMira,0,9,PER\n", "2: the span 0-9 (PER) ends after the text"),
    ("text,start,end,label\nMira,0,3,PER\n", "2: the span 0-3 ('Mir', PER) does not begin and"),
    ("text,start,end,label\nMira,0,4\n", "2: expected 4 columns, found 3"),
]
XML = [
    (BIOC.format("<x>"), "1: not XML (mismatched tag); expected BioC XML"),
    ("<collection><document>", "2: not XML (no element found); expected BioC XML"),
    (
        '<!DOCTYPE collection [<!ENTITY a "aa">]>\n<collection><document/></collection>',
        "1: declares an XML entity, which BioC does not need; remove the declaration",
    ),
    (bioc('<location offset="0" length="4"/>'), "1: the document '1' is ill-formed: an annotation"),
    (bioc('<infon key="type">PER</infon>'), "an annotation (PER) has no location"),
    (bioc('<infon key="kind">PER</infon>'), "found the keys kind: choose one with --feature"),
    (bioc('<infon key="type">P</infon><location offset="0"/>'), "ill-formed: there is no 'length'"),
    (
        bioc('<infon key="type">P</infon><location offset="x" length="4"/>'),
        "1: the document '1' is ill-formed: invalid literal for int()",
    ),
    (
        bioc('<infon key="type">P</infon><location offset="0" length="3"/>'),
        "1: document '1': the span 1 0-3 ('Mir', P) does not begin and end with a token",
    ),
    (
        bioc('<infon key="type">P</infon><location offset="0" length="99"/>'),
        "1: document '1': the span 1 0-99 (P) ends after the text",
    ),
    (
        BIOC.format("</passage><passage><offset>4</offset><text>x</text>"),
        "the passage at 4 begins before the end of the previous one at 10",
    ),
]
JSON = [
    ('{"documents": [', "1: not JSON (Expecting value"),
    ('{"documents": [1, {"passages": []}]}', "1: expected a document, found '1'"),
    (BIOC_JSON.format("1"), " the document '1' is ill-formed: "),
    (BIOC_JSON.format('{"text": "a"}'), " the document '1' is ill-formed: there is no 'offset'"),
    (BIOC_JSON.format('{"offset": "x", "text": "a"}'), " the document '1' is ill-formed: invalid"),
    (bioc_json('{"infons": {"type": "P"}}'), "an annotation (P) has no location"),
    (bioc_json('{"infons": {"type": 1}}'), "an annotation has no infon 'type' with its label"),
    (bioc_json("{}"), "found the keys none: choose one with --feature"),
    (bioc_json('{"infons": {"type": "P"}, "locations": [{"offset": 0}]}'), "there is no 'length'"),
    (
        bioc_json('{"infons": {"type": "P"}, "locations": [{"offset": 4, "length": 1}]}'),
        " document '1': the span 4-5 (' ', P) contains blanks only; remove it",
    ),
    (BIOC_JSON.format('{"offset": 99999999999, "text": "a"}'), "is too far from the previous one"),
]
DOCUMENT = "1|t|Mira\n1|a|She sang.\n"
PUBTATOR = [
    ("1\t0\t4\tMira\tPER\n", "1: expected 'ID|t|TITLE' at the beginning of a document, found"),
    (DOCUMENT + "2\t0\t4\tMira\tPER\n", "3: expected a line of the document '1', found"),
    (DOCUMENT + "1\t0\tx\tMira\tPER\n", "3: expected 'ID<tab>START<tab>END<tab>MENTION<tab>LABEL'"),
    (DOCUMENT + "1\t0\t4\tMira\t\n", "3: expected 'ID<tab>START<tab>END<tab>MENTION<tab>LABEL'"),
    (DOCUMENT + "1\t0\t3\tMir\tPER\n", "3: document '1': the span 0-3 ('Mir', PER) does not begin"),
    (
        DOCUMENT + "1\t0\t99\tMir\tPER\n",
        "3: document '1': the span 0-99 (PER) ends after the text,",
    ),
    (DOCUMENT + "1\t4\t4\t\tPER\n", "3: document '1': the span 4-4 (PER) is empty"),
    (DOCUMENT + "1\t4\t5\t \tPER\n", "3: document '1': the span 4-5 (' ', PER) contains blanks"),
    (
        DOCUMENT + "1\t0\t4\tMira\tA\n1\t0\t4\tMira\tB\n",
        "4: document '1': the span 0-4 ('Mira', B) ov",
    ),
    (
        DOCUMENT + "\nMira\n",
        "4: expected 'ID|t|TITLE' at the beginning of a document, found 'Mira'",
    ),
]
CASES = [
    *(("brat", "a.ann", text, message) for text, message in BRAT),
    *(("webanno", "a.tsv", TSV + text, message) for text, message in WEBANNO),
    *(("conllu", "a.conllu", text, message) for text, message in CONLLU),
    *(("csv", "a.csv", text, message) for text, message in CSV),
    *(("bioc", "a.xml", text, message) for text, message in XML),
    *(("bioc-json", "a.json", text, message) for text, message in JSON),
    *(("pubtator", "a.txt", text, message) for text, message in PUBTATOR),
]


@pytest.mark.parametrize(("format_name", "name", "text", "message"), CASES)
def test_what_is_ill_formed_is_one_message(
    here: Path, format_name: str, name: str, text: str, message: str
) -> None:
    (here / "a.txt").write_text("Mira sang.\n")
    (here / name).write_text(text)
    with pytest.raises(DataError) as caught:
        annotation.read(name, ReadOptions(format=format_name), "IOB2")
    assert str(caught.value).startswith(f"{name}:")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_annotations_without_their_text_say_so(here: Path) -> None:
    (here / "a.ann").write_text("T1\tPER 0 4\tMira\n")
    with pytest.raises(
        DataError, match=r"^a.ann: annotations of brat need their text: there is no"
    ):
        annotation.read("a.ann", ReadOptions())


@pytest.mark.parametrize(
    ("tag", "message"),
    [
        ("ner", "a.csv:1: there is no column 'ner' for the tag; expected one of word, tag"),
        ("word", "a.csv:1: the token and its tag would both be the column 'word'"),
        (7, "a.csv:1: there is no column 7 for the tag in 2"),
    ],
)
def test_a_column_that_does_not_exist(here: Path, tag: str | int, message: str) -> None:
    (here / "a.csv").write_text("word,tag\nMira,O\n")
    with pytest.raises(DataError) as caught:
        annotation.read("a.csv", ReadOptions(Columns(tag=tag)))
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("format_name", "label", "token", "message"),
    [
        ("brat", "A B", "x", "the label 'A B' cannot be written as brat, which allows no blanks"),
        ("conllu", "A", "x\ty", "cannot be written as CoNLL-U, whose columns have no tabs"),
        ("conllu", "A|B", "x", "the tag 'B-A|B' cannot be written: it contains |"),
        ("bioc", "A", "\0", r"the character '\x00' cannot be written as XML; write BioC JSON"),
        ("pubtator", "A\tB", "x", r"the label 'A\tB' cannot be written as pubtator"),
    ],
)
def test_what_a_format_cannot_hold(
    here: Path, format_name: str, label: str, token: str, message: str
) -> None:
    sentence = Sentence((token,), record=Record("a", 1)).with_spans([Span(0, 1, label)])
    with pytest.raises(TaggerError) as caught:
        formats.save([sentence], here / "out.ann", format_name)
    assert message in str(caught.value)


@pytest.mark.parametrize("name", ["brat", "webanno", "bioc", "bioc-json", "pubtator"])
def test_plain_tags_are_refused(here: Path, name: str) -> None:
    sentence = Sentence(("x",), tags=("NN",), record=Record("a.conll", 3))
    assert formats.named(name).refuses(sentence).startswith("plain tags cannot be written as ")
    with pytest.raises(DataError, match=r"a.conll:3: plain tags cannot be written as "):
        formats.save([sentence], here / "out.ann", name)
