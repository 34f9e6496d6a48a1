"""Layouts of published corpora: each is read right, or its error names the options that read it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tagger.corpora.conversion import convert
from tagger.errors import DataError
from tagger.text import annotation
from tagger.text.annotation import Corpus
from tagger.text.formats import ReadReport, read
from tagger.text.options import Columns, ReadOptions

WORDS = ("Edda", "Voss", "sailed", "to", "Bergen", "in", "June", ".")
TAGS = ("B-PER", "I-PER", "O", "O", "B-LOC", "O", "O", "O")


def table(*columns: tuple[str, ...], delimiter: str = "\t", count: int = 3) -> str:
    """A sentence with some columns several times, one line per token."""
    rows = "".join(delimiter.join(fields) + "\n" for fields in zip(*columns, strict=True))
    return "\n".join([rows] * count)


def understood(
    folder: Path,
    text: str,
    token: int | str = 0,
    tag: int | str = -1,
    delimiter: str = "auto",
    scheme: str = "auto",
    name: str = "train.conll",
) -> Corpus:
    """Read a file with some columns."""
    (folder / name).write_text(text, "utf-8")
    options = ReadOptions(columns=Columns(token, tag, delimiter))
    return annotation.read(folder / name, options, scheme)


def refusal(folder: Path, text: str, **options: str) -> str:
    """The message of the error of reading a file, without the folder."""
    with pytest.raises(DataError) as caught:
        understood(folder, text, **options)
    return str(caught.value).replace(f"{folder}/", "")


def spans(corpus: Corpus) -> list[str]:
    """Labels and texts of the spans of the first sentence."""
    return [f"{span.label}:{span.text}" for span in corpus.sentences[0].spans or ()]


IDS = tuple(map(str, range(1, 9)))
NONE = ("_",) * 8
HEADER = "TOKEN\tNE-COARSE\tLINK\tMISC\n"
MISC = ("_", "NoSpaceAfter", "_", "_", "_", "_", "NoSpaceAfter", "_")
FEATURES = tuple(f"w={word}|s={word[-2:]}" for word in WORDS)


@pytest.mark.parametrize(
    ("text", "fault", "columns"),
    [
        (
            HEADER + table(WORDS, TAGS, NONE, MISC),
            "2: tags of spans are in column 1, but the last column contains others, such as '_': "
            "add --tag-column 1 or, if the last column is meant, --tag-column 3. The header row "
            "names the columns: 0 TOKEN, 1 NE-COARSE, 2 LINK, 3 MISC",
            (0, 1),
        ),
        (
            table(WORDS, TAGS, FEATURES),
            "1: tags of spans are in column 1, but the last column contains others, such as "
            "'w=Edda|s=da': add --tag-column 1 or, if the last column is meant, --tag-column 2",
            (0, 1),
        ),
        (
            table(IDS, WORDS, TAGS, ("-",) * 8, ("anna",) * 8),
            "1: the tokens in column 0 look like numbers of lines or offsets, such as '1' and '2'; "
            "words are in column 1: add --token-column 1 --tag-column 2",
            (1, 2),
        ),
        (
            table(("wsj/01",) * 8, TAGS, WORDS, NONE, count=1),
            "1: the tokens in column 0 are nearly all alike, such as 'wsj/01'; words are in column "
            "2: add --token-column 2 --tag-column 1",
            (2, 1),
        ),
    ],
)
def test_the_message_names_the_columns_that_read_the_file(
    tmp_path: Path, text: str, fault: str, columns: tuple[int, int]
) -> None:
    assert refusal(tmp_path, text) == f"train.conll:{fault}"
    corpus = understood(tmp_path, text, *columns)
    assert spans(corpus) == ["PER:Edda Voss", "LOC:Bergen"]


def test_the_last_column_is_read_if_it_is_declared(tmp_path: Path) -> None:
    text = table(WORDS, TAGS, ("NNP", "NNP", "VBD", "IN", "NNP", "IN", "NNP", "."))
    corpus = understood(tmp_path, text, tag=2)
    assert corpus.label_counts() == {"NNP": 12, "IN": 6, "VBD": 3, ".": 3}


CONLL_2012 = """\
#begin document (tale/01); part 000
tale/01   0   0     Edda    NNP   (S(NP*   -   -   -   Nan   (PERSON*   (ARG0*   (0
tale/01   0   1     Voss    NNP        *)  -   -   -   Nan           *)      *)   0)
tale/01   0   2   sailed    VBD   (VP*))   sail 1  1   Nan           *     (V*)    -

tale/01   0   0   Bergen    NNP   (S(NP*)  -   -   -   Nan      (GPE)        -
tale/01   0   1        ,      ,        *   -   -   -   Nan           *       -
tale/01   0   2    again     RB   (ADVP*)) -   -   -   Nan           *       -

#end document
"""


def test_conll_2012_has_as_many_columns_as_predicates(tmp_path: Path) -> None:
    fault = (
        "train.txt:2: the columns are those of CoNLL-2012: to read words and named entities, add "
        "--token-column 3 --tag-column 10"
    )
    assert refusal(tmp_path, CONLL_2012, name="train.txt") == fault
    corpus = understood(tmp_path, CONLL_2012, 3, 10)
    assert [len(sentence) for sentence in corpus.sentences] == [3, 3]
    assert corpus.label_counts() == {"PERSON": 1, "GPE": 1}
    assert spans(corpus) == ["PERSON:Edda Voss"]


def test_conll_2012_keeps_its_other_columns_in_another_scheme(tmp_path: Path) -> None:
    (tmp_path / "a.conll").write_text(CONLL_2012, "utf-8")
    options = ReadOptions(columns=Columns(3, 10))
    convert(tmp_path / "a.conll", tmp_path / "b.conll", options, target_scheme="IOBES")
    tags = ("(PERSON*   (ARG0*", "         *)      *)", "         *     (V*)")
    written = ("B-PERSON   (ARG0*", "         E-PERSON      *)", "         O     (V*)")
    expected = CONLL_2012
    for old, new in zip(tags, written, strict=True):
        expected = expected.replace(old, new)
    expected = expected.replace("(GPE)", "S-GPE").replace("Nan           *", "Nan           O")
    assert (tmp_path / "b.conll").read_text("utf-8") == expected


def test_conll_2012_is_not_tagged_as_text(tmp_path: Path) -> None:
    (tmp_path / "a.conll").write_text(CONLL_2012, "utf-8")
    options = ReadOptions(columns=Columns(3, None), annotated=False)
    found = list(read(tmp_path / "a.conll", options=options))
    assert found[0].tokens == ("Edda", "Voss", "sailed")


def test_a_header_may_name_the_tag_column_unlike_others(tmp_path: Path) -> None:
    corpus = understood(tmp_path, "WORD_FORM\tPOS\tGRADE\n" + table(WORDS, TAGS, IDS), tag=1)
    assert corpus.tokens == 24
    assert corpus.report.notes == ("a header row is skipped (line 1: 'WORD_FORM POS GRADE')",)


def test_a_comment_may_have_as_many_columns_as_tokens(tmp_path: Path) -> None:
    comment = "## columns : INDEX\tFORM\tDEPREL\n"
    text = comment + table(IDS, WORDS, ("SBJ", "SBJ", "ROOT", "AJT", "AJT", "AJT", "AJT", "P"))
    corpus = understood(tmp_path, text, token=1)
    assert corpus.sentences[0].tokens == WORDS


@pytest.mark.parametrize("slip", ["Edda Edda Edda", "Edda"])
def test_a_slip_in_the_first_line_is_an_error_there_alone(tmp_path: Path, slip: str) -> None:
    found = len(slip.split(" ")) if "\t" in slip else 1
    assert refusal(tmp_path, f"{slip}\n" + table(WORDS, TAGS)) == (
        f"train.conll:1: expected 2 columns, found {found}: '{slip}'; columns are separated by tabs"
    )


def test_a_token_that_is_a_blank_needs_its_delimiter(tmp_path: Path) -> None:
    text = table(("Bergen", " ", "in", " ", "June"), ("B-LOC", "O", "O", "O", "O"), delimiter=" ")
    assert refusal(tmp_path, text) == (
        "train.conll:2: expected 2 columns, found 1: '  O'; columns are separated by blanks; if "
        "the token is a blank, add --delimiter ' ' (5 more errors in this file, in lines 4, 8, 10, "
        "14, 16)"
    )
    assert understood(tmp_path, text, delimiter=" ").sentences[0].tokens[:2] == ("Bergen", " ")


def test_a_prefix_of_all_tokens_is_noted(tmp_path: Path) -> None:
    corpus = understood(tmp_path, table(tuple(f"no:{word}" for word in WORDS), TAGS))
    assert corpus.report.notes == (
        "all tokens begin with the same characters, which are kept (line 1: 'no:')",
    )


def test_stray_tags_may_be_read_as_iob1(tmp_path: Path) -> None:
    text = table(WORDS, TAGS) + "\nLake\tO\nGarda\tI-LOC\n"
    assert refusal(tmp_path, text) == (
        "train.conll:29: tag 'I-LOC' cannot follow 'O' in IOB2 (token 'Garda'); the other tags "
        "follow IOB2: correct the tag, or declare --scheme IOB1, in which I- after another label "
        "opens a span; tagger convert --repair changes 1 tag and lists each change"
    )
    assert understood(tmp_path, text, scheme="IOB1").label_counts() == {"PER": 3, "LOC": 4}


def test_iob1_is_no_way_out_of_iobes(tmp_path: Path) -> None:
    tags = ("B-PER", "E-PER", "O", "O", "S-LOC", "O", "O", "O")
    assert refusal(tmp_path, table(WORDS, tags) + "\nLake\tO\nGarda\tE-LOC\n") == (
        "train.conll:29: tag 'E-LOC' cannot follow 'O' in IOBES (token 'Garda'); the other tags "
        "follow IOBES: correct the tag; tagger convert --repair changes 1 tag and lists each change"
    )


PAGE = "Tides\n=====\n\nThe tide turns twice\nand the boats wait\nfor the water to rise again\n"
CHINESE = "港口里停着很多船。\n风从北方吹来，浪很高！\n"
TAGS_ALONE = "O B-city O\nO O O B-day I-day\nB-day O\n"


@pytest.mark.parametrize(
    ("name", "text", "fault"),
    [
        ("page.md", PAGE, ": looks like running text without annotation; "),
        ("a.txt", CHINESE, ": looks like running text without annotation; "),
        ("seq.out", TAGS_ALONE, ": looks like tags without tokens, such as 'O B-city O'; "),
        (
            "tagged.tsv",
            "boats###N\tfloat###V\nwind###N\tblows###V\n",
            ": looks like a sentence per line whose tokens and tags are joined by '###', such as "
            "'boats###N'; ",
        ),
        (
            "counts.txt",
            "".join(f"word{number} {number * 7}\n" for number in range(9)),
            ":1: the tags are numbers, such as '0', '7', '14': they do not look like tags; name "
            "the right column with --tag-column, or declare --scheme plain",
        ),
        (
            "clusters.tsv",
            "".join(f"word{number}\tcluster {number % 2}\n" for number in range(9)),
            ":1: the tags contain blanks, such as 'cluster 0', 'cluster 1': they do not look like "
            "tags; ",
        ),
        (
            "codes.txt",
            "".join(f"{chr(97 + number) * 3} K{number:02}\n" for number in range(15)),
            ":1: the column has 15 different values for 15 tokens, such as 'K00', 'K01', 'K02': "
            "they do not look like tags; ",
        ),
        (
            "labels.tsv",
            "".join(f"The boat of day {number} came late .\t{number % 2}\n" for number in range(9)),
            ":1: the tokens in column 0 are texts, such as 'The boat of day 0 came late .'; ",
        ),
        (
            "ids.tsv",
            "".join(f"80{number}77\t55{number}\tx{number % 2}\n" for number in range(9)),
            ":1: the tokens in column 0 look like numbers of lines or offsets, such as '80077' and "
            "'80177'",
        ),
        (
            "empty.tsv",
            table(WORDS, NONE),
            ":1: all tags are '_'; expected tags such as B-PER and O: name the right column with "
            "--tag-column",
        ),
    ],
)
def test_other_tables_and_texts_are_no_corpora(
    tmp_path: Path, name: str, text: str, fault: str
) -> None:
    message = refusal(tmp_path, text, name=name)
    assert message.startswith(f"{name}{fault}")


def test_numbers_with_tags_of_spans_are_tokens(tmp_path: Path) -> None:
    tags = ("B-YEAR", "O", "O", "O", "O", "O", "O", "O")
    assert understood(tmp_path, table(IDS, tags)).label_counts() == {"YEAR": 3}


def test_a_zero_may_stand_for_outside_of_labels_without_prefixes(tmp_path: Path) -> None:
    tags = ("PER", "PER", "0", "0", "LOC", "0", "0", "0")
    corpus = understood(tmp_path, table(WORDS, tags), scheme="IO")
    assert spans(corpus) == ["PER:Edda Voss", "LOC:Bergen"]


def test_plain_tags_of_one_short_sentence_may_all_differ(tmp_path: Path) -> None:
    text = table(WORDS[:4], ("NNP", "NN", "VBD", "IN"), count=1)
    assert understood(tmp_path, text).scheme == "plain"


def test_further_errors_are_listed_with_each_line_once() -> None:
    report = ReadReport("a.conll")
    for line in (2, 2, 2, 5, 5, 7):
        report.problem(DataError("a.conll", line, "is wrong"))
    with pytest.raises(DataError, match=r"is wrong \(5 more errors in this file, in lines 5, 7\)$"):
        report.finish()
