"""Files and calls that people really have, each standing for its kind.

Every case is either read right, and the summary shows how, or refused with a message that says what
was found, where, and what to do.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.paths import GOLDEN

import tagger
from tagger import corpora
from tagger.config.tagger import Config, DataConfig, reading
from tagger.corpora.conversion import convert
from tagger.errors import DataError


def sentences(*lines: str, count: int = 20, between: str = "\n") -> str:
    """The same sentence several times, one line per token, with a blank line after each."""
    return between.join("".join(f"{line}\n" for line in lines) for _ in range(count))


def converted(
    folder: Path, name: str, text: str | bytes, scheme: str = "auto", **data: Any
) -> tuple[str, str]:
    """Convert a file to JSON Lines; return the summary without the path, and the output."""
    source, target = folder / name, folder / "out.jsonl"
    source.write_bytes(text if isinstance(text, bytes) else text.encode())
    options = reading(Config(), {f"data.{key}": value for key, value in data.items()})
    done = convert(source, target, options, scheme)
    return done.corpus.summary().replace(f"{folder}/", ""), target.read_text("utf-8")


def spans_of(output: str) -> list[list[str]]:
    """Labels and texts of the spans of each sentence of JSON Lines."""
    return [
        [f"{span['label']}:{span['text']}" for span in json.loads(line)["spans"]]
        for line in output.splitlines()
    ]


GOOD = ("Maren B-PER", "Holt I-PER", "left O", "Lisbon B-LOC", ". O")
MAREN = ["PER:Maren Holt", "LOC:Lisbon"]


@pytest.mark.parametrize(
    ("lines", "scheme", "notation", "spans"),
    [
        (GOOD, "auto", "scheme IOB2", MAREN),
        (
            ("Maren B", "Holt I", "left O", "Lisbon B", ". O"),
            "auto",
            "scheme IOB2 (tags without labels; spans are labeled SPAN)",
            ["SPAN:Maren Holt", "SPAN:Lisbon"],
        ),
        (
            ("Maren b-per", "Holt i-per", "left o", "Lisbon b-loc", ". o"),
            "auto",
            "scheme IOB2 (lower-case prefixes; 'o' for O)",
            ["per:Maren Holt", "loc:Lisbon"],
        ),
        (
            ("Maren B/PER", "Holt I/PER", "left O", "Lisbon B/LOC", ". O"),
            "auto",
            "scheme IOB2 ('/' between prefix and label)",
            MAREN,
        ),
        (
            ("Maren B:PER", "Holt I:PER", "left O", "Lisbon B:LOC", ". O"),
            "auto",
            "scheme IOB2 (':' between prefix and label)",
            MAREN,
        ),
        (
            ("Maren B_PER", "Holt I_PER", "left 0", "Lisbon B_LOC", ". 0"),
            "auto",
            "scheme IOB2 ('_' between prefix and label; '0' for O)",
            MAREN,
        ),
        (
            ("Maren PER-B", "Holt PER-I", "left O", "Lisbon LOC-B", ". O"),
            "auto",
            "scheme IOB2 (the prefix at the end)",
            MAREN,
        ),
        (
            ("Maren B-PER", "Anna M-PER", "Holt E-PER", "left O", "Lisbon S-LOC"),
            "auto",
            "scheme IOBES (M for I)",
            ["PER:Maren Anna Holt", "LOC:Lisbon"],
        ),
        (
            ("Maren B-PER", "Anna M-PER", "Holt E-PER", "left O", "Lisbon W-LOC"),
            "auto",
            "scheme IOBES (M for I; W for S)",
            ["PER:Maren Anna Holt", "LOC:Lisbon"],
        ),
        (
            ("Maren I-PER", "Holt E-PER", "left O", "Lisbon E-LOC", ". O"),
            "auto",
            "scheme IOB2 (IOE, in which E marks the end of a span)",
            MAREN,
        ),
        (
            ("Maren (PER*", "Holt *)", "left *", "Lisbon (LOC)", ". *"),
            "auto",
            "scheme IOB2 (the brackets of CoNLL-2012)",
            MAREN,
        ),
        (
            ("Maren PER", "Holt PER", "left O", "Lisbon LOC", ". O"),
            "IO",
            "scheme IO (labels without prefixes)",
            MAREN,
        ),
        (
            ("Maren PER", "Holt PER", "left 0", "Lisbon LOC", ". 0"),
            "IO",
            "scheme IO (labels without prefixes; '0' for O)",
            MAREN,
        ),
        (GOOD, "BIO", "scheme IOB2", MAREN),
    ],
)
def test_a_notation_on_which_all_tags_agree_is_read(
    tmp_path: Path, lines: tuple[str, ...], scheme: str, notation: str, spans: list[str]
) -> None:
    summary, output = converted(tmp_path, "train.conll", sentences(*lines), scheme)
    first, size, labels, example = summary.splitlines()
    assert first == (
        f"train.conll: columns separated by blanks: token in column 0, tag in column 1 of 2, "
        f"{notation}"
    )
    assert size == "  20 sentences, 100 tokens, 1 document"
    names = [span.split(":")[0] for span in spans]
    sizes = [20 * len(span.split()) for span in spans]
    if len(set(names)) == 1:
        assert labels == f"  labels: {names[0]} 40 (tokens: {sum(sizes)})"
    else:
        counts = ", ".join(f"{name} 20" for name in names)
        assert labels == f"  labels: {counts} (tokens: {', '.join(map(str, sizes))})"
    assert example.startswith(f"  first: [{spans[0].replace(':', ' ')}] left [")
    assert spans_of(output) == [spans] * 20


REFUSED = [
    # Labels without prefixes: the adjacent spans of a label cannot be separated.
    (
        "train.conll",
        sentences("Maren PER", "Holt PER", "left O", "Lisbon LOC", ". O"),
        ":1: the tags 'LOC', 'PER' have no prefixes, and 40 of 100 tokens are 'O': declare "
        "--scheme IO to read each run of one label as a span, or --scheme plain to predict the "
        "tags as they are",
    ),
    (
        "train.conll",
        sentences("Maren PER", "Holt PER", "left 0", "Lisbon LOC", ". 0"),
        ":1: the tags 'LOC', 'PER' have no prefixes, and 40 of 100 tokens are '0': declare "
        "--scheme IO to read each run of one label as a span, or --scheme plain to predict the "
        "tags as they are",
    ),
    # One slip among good tags.
    (
        "train.conll",
        sentences(*GOOD) + "\nBo B-PER\nleft 0\n",
        ":122: the tag '0' (1 of 102 tokens) does not belong to one scheme with tags such as "
        "'B-PER'; did you mean O? expected O or PREFIX-LABEL throughout: correct it, or declare "
        "--scheme plain if these are tags of single tokens",
    ),
    (
        "train.conll",
        sentences(*GOOD) + "\nBo B-\nleft O\n",
        ":121: the tag 'B-' (1 of 102 tokens) does not belong to one scheme with tags such as "
        "'B-PER'; it has no label; expected O or PREFIX-LABEL throughout: correct it, or declare "
        "--scheme plain if these are tags of single tokens",
    ),
    (
        "train.conll",
        sentences(*GOOD) + "\n[SEP] X\nleft O\n",
        ":121: the tag 'X' (1 of 102 tokens) does not belong to one scheme with tags such as "
        "'B-PER'; expected O or PREFIX-LABEL throughout: correct it, or declare --scheme plain if "
        "these are tags of single tokens",
    ),
    (
        "train.conll",
        sentences(*GOOD) + "\nBo B\u2013PER\nleft O\n",
        ":121: the tag 'B\u2013PER' (contains U+2013 EN DASH) (1 of 102 tokens) does not belong to "
        "one scheme with tags such as 'B-PER'; expected O or PREFIX-LABEL throughout: correct it, "
        "or declare --scheme plain if these are tags of single tokens",
    ),
    (
        "train.conll",
        sentences(*GOOD) + "\nBo B_PER\nleft O\n",
        ":121: the tag 'B_PER' is spelled unlike the others; expected one separator and one case "
        "in all tags; tagger convert --repair changes 1 tag and lists each change",
    ),
    (
        "train.conll",
        sentences(*GOOD) + "\nBo B-PER|B-ORG\nleft O\n",
        ":121: 'B-PER|B-ORG' is two tags in one cell; expected one tag per token: keep one of "
        "them, since spans cannot overlap",
    ),
    (
        "train.conll",
        sentences(*GOOD) + "\nBo I-PER\nleft O\n\nin O\nRome I-LOC\n",
        ":121: tag 'I-PER' cannot follow the start of a sentence in IOB2 (token 'Bo'); the other "
        "tags follow IOB2: correct the tag, or declare --scheme IOB1, in which I- after another "
        "label opens a span (1 more error in this file, in line 125); tagger convert --repair "
        "changes 2 tags and lists each change",
    ),
    (
        "train.conll",
        sentences("Maren (PER*", "Holt (LOC)", "left *)"),
        ":2: '(LOC)' opens a span inside of another, which one tag per token cannot represent "
        "(19 more errors in this file, in lines 6, 10, 14, 18, 22, …)",
    ),
    # Other layouts.
    (
        "train.iob",
        "Ann|NNP|B-PER left|VBD|O .|.|O\nBo|NNP|B-PER ran|VBD|O .|.|O\n",
        ": looks like a sentence per line whose tokens and tags are joined by '|', such as "
        "'Ann|NNP|B-PER'; expected one token and its tag per line",
    ),
    (
        "train.txt",
        "Ann/PERSON left/O ./O\nBo/PERSON ran/O ./O\n",
        ": looks like a sentence per line whose tokens and tags are joined by '/', such as "
        "'Ann/PERSON'; expected one token and its tag per line",
    ),
    (
        "train.iob",
        "Ann|B-PER\nBo|B-PER\n",
        ": looks like columns separated by '|'; add --delimiter '|'",
    ),
    (
        "train.tsv",
        "Ann left for Graz\tB-PER O O B-LOC\nBo ran to Oslo\tB-PER O O B-LOC\n",
        ": looks like a sentence and its tags per line, such as 'Bo ran to Oslo\\tB-PER O O "
        "B-LOC'; expected one token and its tag per line, and a blank line after each sentence",
    ),
    (
        "list.tsv",
        "sentence\ttags\nAnn left\t['B-PER', 'O']\n",
        ": looks like a sentence and its tags per line, such as 'Ann left\\t['B-PER', 'O']'; "
        "expected one token and its tag per line, and a blank line after each sentence",
    ),
    (
        "page.html",
        "<!doctype html>\n<p>Ann left.</p>\n",
        ": looks like markup (HTML or XML): '<!doctype html>'; extract its text first",
    ),
    (
        "notes.txt",
        "Ann Berg left for Oslo yesterday.\n",
        ": looks like running text without annotation; expected one token and its tag per line, or "
        "JSON Lines",
    ),
    (
        "train.conll",
        '{"tokens": ["Ann"], "tags": ["B-PER"]}\n',
        ": the name means conll, but the content looks like jsonl; add --format jsonl or --format "
        "conll",
    ),
    # Columns.
    (
        "train.tsv",
        "Ann\tB-PER\n\tO\nleft\tO\n\nBo\tB-PER\n\tO\n",
        ":2: the token is empty: '\\tO'; expected a token in column 0 (1 more error in this "
        "file, in line 6)",
    ),
    (
        "train.txt",
        sentences(*GOOD, count=2) + "\nleft I-PER B-LOC\n\nhome\n",
        ":13: expected 2 columns, found 3: 'left I-PER B-LOC'; columns are separated by blanks "
        "(1 more error in this file, in line 15)",
    ),
    (
        "train.conll",
        "#begin document (a/b); part 000\n"
        + sentences("a/b 0 0 Ann NNP B-PER", "a/b 0 1 left VBD O", count=3),
        ":2: the tokens in column 0 are nearly all alike, such as 'a/b'; words are in column 3: "
        "add --token-column 3",
    ),
    (
        "train.conll",
        sentences(*(f"{n} {line}" for n, line in enumerate(GOOD, 1)), count=3),
        ":1: the tokens in column 0 look like numbers of lines or offsets, such as '1' and '2'; "
        "words are in column 1: add --token-column 1",
    ),
    (
        "train.conll",
        sentences("B-PER Maren", "I-PER Holt", "O left", "B-LOC Lisbon", "O .", count=2),
        ":1: the tokens in column 0 look like tags, such as 'B-PER'; name the columns "
        "with --token-column and --tag-column",
    ),
    (
        "train.csv",
        "Ann,B-PER\nleft,O\n",
        ":1: the token and its tag would both be column 0 of 1 in 'Ann,B-PER'; expected two "
        "columns, separated by blanks. If columns are separated by ',', add --delimiter ','",
    ),
    # JSON Lines.
    (
        "train.jsonl",
        '{"tokens": ["Ann", "left"], "ner_tags": [1, 0]}\n',
        ':1: "ner_tags" must be a list of strings, one per token; found numbers, whose names are '
        "not in the file",
    ),
    (
        "train.jsonl",
        '{"text": "Ann left.", "note": 7}\n',
        ':1: no annotation; expected "spans" or "tags" beside the tokens; found the keys \'text\', '
        "'note'",
    ),
    (
        "train.jsonl",
        '{"text": "Ann", "text": "Bo", "spans": []}\n{"text": "Ann", "x": NaN}\n',
        ":1: not JSON (the key 'text' occurs twice in one object); expected one object per line (1 "
        "more error in this file, in line 2)",
    ),
    (
        "train.jsonl",
        '{"text": "Prices rose. Prices fell every 6 hours again.", "spans": [[13, 32, "TIME"], '
        '[25, 38, "TIME"]]}\n',
        ":1: the span 25-38 ('every 6 hours', TIME) overlaps the span 13-32 ('Prices fell "
        "every 6', TIME); expected spans that do not overlap: remove one of them, or declare which "
        "to keep with --overlaps: longest, first, outer",
    ),
    (
        "train.jsonl",
        '{"text": "Ann left.", "spans": [[0, 40, "PER"]]}\n',
        ":1: the span 0-40 (PER) ends after the text, which has 9 characters",
    ),
]


@pytest.mark.parametrize(("name", "text", "says"), REFUSED)
def test_what_has_no_certain_reading_is_refused_with_its_place(
    tmp_path: Path, name: str, text: str, says: str
) -> None:
    with pytest.raises(DataError) as caught:
        converted(tmp_path, name, text)
    assert str(caught.value) == f"{tmp_path}/{name}{says}"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            '{"text": "\U0001f600 Ann Lee left.", "spans": [[3, 10, "PER"]]}\n',
            "the offsets do not fit the words in code points, but they do in UTF-16 units: the "
            "span 3-10 (PER) is 'nn Lee' in code points, 'Ann Lee' in UTF-16 units; declare the "
            "unit with --offsets utf-16, or with --offsets utf-32 if the spans cut words",
        ),
        (
            '{"text": "Zo\u00eb met Mia Roth.", "spans": [[9, 17, "PER"]]}\n',
            "the offsets do not fit the words in code points, but they do in UTF-8 bytes: the span "
            "9-17 (PER) is 'ia Roth.' in code points, 'Mia Roth' in UTF-8 bytes; declare the unit "
            "with --offsets utf-8, or with --offsets utf-32 if the spans cut words",
        ),
    ],
)
def test_offsets_in_other_units_are_explained(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(DataError) as caught:
        converted(tmp_path, "train.jsonl", text)
    assert str(caught.value) == f"{tmp_path}/train.jsonl:1: {says}"


NOTES: list[tuple[str, str, dict[str, Any], str]] = [
    # A comment, also where all tags are plain, and inside of a sentence.
    (
        "train.conll",
        "# newdoc\nThe DET\ncat NOUN\n\n# sent17\nA DET\ndog NOUN\n",
        {},
        "lines that start with # are read as comments (2 times; first in line 1: '# newdoc')",
    ),
    (
        "train.conll",
        "Ann B-PER\n# check this one\nleft O\n",
        {},
        "lines inside of sentences that start with # are read as comments (line 2: '# check this "
        "one')",
    ),
    (
        "train.tsv",
        "Word\tPOS\nThe\tDET\ncat\tNOUN\n",
        {},
        "a header row is skipped (line 1: 'Word POS')",
    ),
    (
        "train.tsv",
        sentences("Ann\tB-PER\t", "left\tO\t"),
        {},
        "lines end with a delimiter; the empty last column is ignored (line 1)",
    ),
    (
        "train.conll",
        sentences(*GOOD) + "\nBo B-PER\nleft O\u00a0\n",
        {},
        "invisible characters around tags are removed (line 122: 'O\\xa0')",
    ),
    (
        "train.conll",
        sentences(*GOOD, count=300, between=""),
        {},
        "a sentence of more than 1,000 tokens: is the blank line after each sentence missing? "
        "(line 1)",
    ),
    (
        "train.jsonl",
        '{"text": "Ann Lee lives in Oslo.", "spans": [[0, 8, "PER"], [16, 21, "LOC"]]}\n',
        {},
        "blanks at the ends of spans are trimmed (2 times; first in line 1: 'Ann Lee ')",
    ),
]


@pytest.mark.parametrize(("name", "text", "data", "note"), NOTES)
def test_what_is_skipped_or_changed_is_noted(
    tmp_path: Path, name: str, text: str, data: dict[str, Any], note: str
) -> None:
    summary, _ = converted(tmp_path, name, text, **data)
    assert summary.splitlines()[4:] == [f"  note: {note}"]


HIPE = """\
TOKEN\tNE-COARSE-LIT\tNE-FINE-LIT\tNEL-LIT\tMISC
# hipe2022:document_id = d1
Ann\tB-pers\tB-pers.ind\tNIL\t_
Holt\tI-pers\tI-pers.ind\tNIL\t_
sat\tO\tO\t_\tEndOfSentence
Graz\tB-loc\tB-loc.adm\tQ1\tNoSpaceAfter
.\tO\tO\t_\tEndOfSentence
"""


def test_a_header_names_the_columns_and_flags_end_sentences(tmp_path: Path) -> None:
    _, output = converted(tmp_path, "hipe.tsv", HIPE, tag_column=1)
    assert spans_of(output) == [["pers:Ann Holt"], ["loc:Graz"]]
    with pytest.raises(DataError, match=r"names the columns: 0 TOKEN, 1 NE-COARSE-LIT, 2 NE-FINE"):
        converted(tmp_path, "hipe.tsv", HIPE)


def test_comments_of_conll_2012_end_sentences_and_documents(tmp_path: Path) -> None:
    text = (
        "#begin document (a); part 000\na 0 0 Ann NNP B-PER\na 0 1 left VBD O\n\n"
        "a 0 0 Bo NNP B-PER\n#end document\n#begin document (b); part 000\nb 0 0 Cy NNP B-PER\n"
    )
    summary, output = converted(tmp_path, "a.conll", text, token_column=3)
    assert summary.splitlines()[1] == "  3 sentences, 4 tokens, 2 documents"
    assert spans_of(output) == [["PER:Ann"], ["PER:Bo"], ["PER:Cy"]]


def test_ranges_and_empty_nodes_of_conllu_are_no_tokens(tmp_path: Path) -> None:
    words = (("1-2", "du", "_"), ("1", "de", "O"), ("2", "le", "O"), ("3", "Rhin", "B-LOC"))
    rows = ["\t".join([number, word, word, tag, *"______"]) for number, word, tag in words]
    text = "# text = du Rhin\n" + "\n".join([*rows, "3.1" + "\t_" * 9]) + "\n"
    summary, output = converted(tmp_path, "a.conllu", text, token_column=1, tag_column=3)
    assert spans_of(output) == [["LOC:Rhin"]]
    assert "ranges and empty nodes of CoNLL-U are not tokens (2 times; first in line 2" in summary


def test_a_csv_has_quotes_and_a_token_may_be_the_delimiter(tmp_path: Path) -> None:
    text = 'Ann,B-PER\n,,O\n"1,200",O\n"""",O\n'
    _, output = converted(tmp_path, "a.csv", text, delimiter=",")
    assert json.loads(output)["tokens"] == ["Ann", ",", "1,200", '"']


def test_convert_keeps_documents_comments_and_columns(tmp_path: Path) -> None:
    text = (
        "-DOCSTART- -X- -X- O\n\n# note one\nAnn NNP I-NP I-PER\nleft VBD I-VP O\n\n"
        "-DOCSTART- -X- -X- O\n\nBo NNP I-NP I-PER\nCy NNP I-NP B-PER\n\n"
    )
    source, target = tmp_path / "a.conll", tmp_path / "b.conll"
    source.write_text(text)
    convert(source, target, target_scheme="IOBES")
    expected = text.replace(" I-PER", " S-PER").replace(" B-PER", " S-PER")
    assert target.read_text() == expected
    convert(target, tmp_path / "c.jsonl")
    objects = [json.loads(line) for line in (tmp_path / "c.jsonl").read_text().splitlines()]
    assert [each["document"] for each in objects] == [1, 2]
    assert objects[0]["comments"] == ["# note one"]
    assert objects[0]["columns"][1] == ["left", "VBD", "I-VP", "O"]


# --- Corpora of a training


def train_of(folder: Path, train: str | list[str], dev: str) -> corpora.Splits:
    names = []
    for number, text in enumerate([train] if isinstance(train, str) else train):
        (folder / f"train{number}.conll").write_text(text)
        names.append(str(folder / f"train{number}.conll"))
    (folder / "dev.conll").write_text(dev)
    return corpora.splits(DataConfig(train=tuple(names), dev=(str(folder / "dev.conll"),)))


DEV = sentences("Ivo B-PER", "went O", "to O", "Rome B-LOC", ". O", count=3)


def test_all_training_files_are_read_each_in_its_own_scheme(tmp_path: Path) -> None:
    iobes = sentences("Mia B-PER", "Roth E-PER", "left O", "Bern S-LOC", ". O", count=2)
    splits = train_of(tmp_path, [sentences(*GOOD), iobes], DEV)
    assert len(splits.train.sentences) == 22
    assert splits.train.label_counts() == {"PER": 22, "LOC": 22}
    assert "train0.conll" in splits.train.summary()
    assert "train1.conll: columns" in splits.train.summary()
    twice = str(tmp_path / "train0.conll")
    with pytest.raises(DataError, match="is the same file as"):
        corpora.splits(DataConfig(train=(twice, twice), dev=(twice,)))


@pytest.mark.parametrize(
    ("train", "dev", "says"),
    [
        (
            sentences(*GOOD),
            sentences("We O", "went O", "home O"),
            "dev.conll contains no spans, so its score cannot tell which epoch is best; give "
            "annotated sentences with --dev",
        ),
        (
            sentences(*GOOD),
            sentences(*GOOD),
            "20 of 20 sentences of dev.conll also occur in train0.conll, so the dev score is too "
            "high and the wrong epoch may be kept",
        ),
        (
            sentences(*GOOD) + "\nBo B-PRE\nran O\n",
            DEV,
            "the label PRE (1) resembles PER (20); if it is a slip, correct it",
        ),
        (
            sentences(*GOOD) + "\nRome B-Loc\nran O\n",
            DEV,
            "the label Loc (1) resembles LOC (20); if it is a slip, correct it",
        ),
        (
            sentences(*GOOD),
            sentences("ACME B-ORG", "rose O"),
            "labels of dev that do not occur in train cannot be learned: ORG",
        ),
        (
            sentences(*GOOD, count=300, between=""),
            DEV,
            "train0.conll:1: a sentence of 1,500 tokens; is the blank line after each sentence "
            "missing?",
        ),
        (
            sentences(*GOOD) + "\nACME B-ORG\nrose O\n",
            DEV,
            "labels with fewer than 10 spans in train are hard to learn: ORG 1",
        ),
    ],
)
def test_data_that_cannot_train_a_good_model_are_warned_about(
    tmp_path: Path, train: str, dev: str, says: str
) -> None:
    splits = train_of(tmp_path, train, dev)
    found = [text.replace(f"{tmp_path}/", "") for text in corpora.warnings(*splits)]
    assert says in found
    assert corpora.warnings(*train_of(tmp_path, sentences(*GOOD), DEV)) == []


def test_spans_and_plain_tags_are_not_mixed(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"dev\.conll: has plain tags, but .*train0\.conll has spans"
    ):
        train_of(tmp_path, sentences(*GOOD), "The DET\ncat NOUN\n")


# --- Predictions and models


@pytest.fixture(scope="module")
def model() -> Any:
    with tagger.load(GOLDEN) as opened:
        yield opened


def tagged(folder: Path, model: Any, name: str, text: str, **options: Any) -> Any:
    (folder / name).write_text(text, encoding="utf-8")
    return tagger.tag_files(model, folder / name, folder / "out", **options)


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        (
            "test.txt",
            "Mira NNP B-PER\nleft VBD O\n",
            ": the name means text, but the content looks like conll; add --format conll or "
            "--format text",
        ),
        (
            "min.json",
            '[{"id": 1, "body": "Mira left."}]\n',
            ": looks like JSON objects with the keys 'id', 'body'; expected \"tokens\" or \"text\"",
        ),
        (
            "page.html",
            "<html><body>\n",
            ": looks like markup (HTML or XML): '<html><body>'; extract its text first",
        ),
    ],
)
def test_predict_refuses_what_its_name_or_content_contradicts(
    tmp_path: Path, model: Any, name: str, text: str, says: str
) -> None:
    result = tagged(tmp_path, model, name, text)
    assert [failure.message for failure in result.failures] == [f"{tmp_path}/{name}{says}"]
    assert not (tmp_path / "out" / name).exists()


@pytest.mark.parametrize("name", ["LETTER", "notes.log", "a.rst", "letter.html", "i.markdown"])
def test_prose_is_tagged_as_text_under_any_name(tmp_path: Path, model: Any, name: str) -> None:
    assert tagged(tmp_path, model, name, "Mira left for Oslo.\n").files == 1
    text = (tmp_path / "out" / name).read_text()
    assert text.replace("[", "").replace("]", "").split()[-1] == "Oslo."


def test_sentences_that_end_alike_are_text(tmp_path: Path, model: Any) -> None:
    text = "Mira Okafor works in Quito.\n\n" * 50
    assert tagged(tmp_path, model, "a.txt", text).files == 1


def test_columns_with_another_delimiter_than_in_training_are_refused(
    tmp_path: Path, model: Any
) -> None:
    result = tagged(tmp_path, model, "in.conll", "Mira NNP\nleft VBD\n", delimiter=",")
    assert result.failures[0].message == (
        f"{tmp_path}/in.conll:1: no ',' in 'Mira NNP', but blanks; columns were declared to be "
        "separated by ',': add --delimiter auto"
    )


def test_one_bad_record_does_not_lose_the_others(tmp_path: Path, model: Any) -> None:
    text = '{"text": "Mira left \\ud83d"}\n{"text": "Mira left."}\n'
    assert tagged(tmp_path, model, "in.jsonl", text).failures
    skipped = tagged(tmp_path, model, "in.jsonl", text, on_error="skip")
    assert skipped.files == 1
    problem = f"{tmp_path}/in.jsonl:1: '\\ud83d' is an unpaired surrogate"
    assert skipped.incomplete[0].problems[0].startswith(problem)
    assert len((tmp_path / "out" / "in.jsonl").read_text().splitlines()) == 1
    tagged(tmp_path, model, "in.jsonl", text, on_error="keep")
    first, second = (tmp_path / "out" / "in.jsonl").read_text().splitlines()
    assert first == '{"text": "Mira left \\ud83d"}'
    assert "spans" in json.loads(second)
    tokens = '{"tokens": ["Mira", ""]}\n{"tokens": ["Mira", "left"]}\n'
    few = tagged(tmp_path, model, "t.jsonl", tokens, on_error="skip", target_format="conll")
    assert few.incomplete[0].problems == (
        f"{tmp_path}/t.jsonl:1: the token '' cannot be a CoNLL column; write JSON Lines instead",
    )


def test_predictions_are_not_gold(tmp_path: Path, model: Any) -> None:
    gold = '{"text": "Mira Okafor left.", "spans": [[0, 11, "ORG"]]}\n'
    tagged(tmp_path, model, "gold.jsonl", gold)
    predicted = tmp_path / "out" / "gold.jsonl"
    with pytest.raises(DataError, match=r"the spans are predictions, since they have scores"):
        tagger.evaluate(model, predicted)
    strict = tagger.evaluate(predictions=predicted).strict
    assert strict is not None
    assert (strict.gold, strict.f1) == (1, 0)


def test_json_predictions_are_scored_against_gold(tmp_path: Path) -> None:
    line = {
        "text": "Ann left. Bo ran.",
        "gold": [{"start": 0, "end": 3, "label": "PER"}, [10, 12, "PER"]],
        "spans": [{"start": 0, "end": 3, "label": "LOC"}, {"start": 10, "end": 12, "label": "PER"}],
    }
    path = tmp_path / "p.jsonl"
    path.write_text(json.dumps(line) + "\n")
    strict = tagger.evaluate(predictions=path).strict
    assert strict is not None
    assert (strict.gold, strict.predicted, strict.correct) == (2, 2, 1)
    path.write_text('{"text": "Ann left.", "spans": []}\n')
    with pytest.raises(DataError, match=r"expected \"gold\" and \"spans\", found the keys 'text'"):
        tagger.evaluate(predictions=path)


def test_sentences_can_be_independent(model: Any) -> None:
    sentences = [["Mira", "left"], ["Okafor", "met", "Mira"]]
    alone = [model.tag_tokens([sentence])[0] for sentence in sentences]
    assert model.tag_tokens(sentences, independent=True) == alone
    assert model.tag_tokens(sentences, documents=["a", "b"]) == alone
    assert model.tag_tokens(sentences, documents=["a", "a"]) == model.tag_tokens(sentences)
    with pytest.raises(ValueError, match="one document per sentence, got 1 for 2"):
        model.tag_tokens(sentences, documents=["a"])


@pytest.mark.parametrize("wrong", [None, ["Mira"], 7, b"Mira"])
def test_wrong_arguments_leave_the_model_as_it_was(model: Any, wrong: Any) -> None:
    before = model.tag("Mira Okafor left.")
    with pytest.raises(TypeError, match="expected a text of type str, got"):
        model.tag(wrong)
    for tokens in ("Mira left", ["Mira left"], [["Mira", None]], [["Mira", 7]], 7, None):
        with pytest.raises(TypeError):
            model.tag_tokens(tokens)
    assert model.tag("Mira Okafor left.") == before
