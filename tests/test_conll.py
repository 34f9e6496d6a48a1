"""Columns: what divides them, what is a comment, what is kept, and what is ill-formed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.reading import Files, columns, decoded, written
from support.strategies import COLUMN_TOKENS, plain_sentences, sentences

from tagger.errors import DataError
from tagger.text.formats import ReadOptions
from tagger.text.spans import Sentence, Span

UNANNOTATED = ReadOptions(annotated=False)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return Files(tmp_path_factory.mktemp("formats"))


@pytest.mark.parametrize("scheme", ["IOB1", "IOB2", "IOBES", "BILOU"])
@given(found=st.lists(sentences(COLUMN_TOKENS, min_size=1), max_size=4))
def test_columns_written_and_read(files: Files, scheme: str, found: list[Sentence]) -> None:
    assert decoded(files.read(written(found, "conll", scheme)), scheme) == found


@given(
    found=st.lists(
        plain_sentences(COLUMN_TOKENS.filter(lambda token: token[0] != "#"), min_size=1), max_size=4
    )
)
@example(found=[Sentence(("No.", "#"), tags=("NN", "#")), Sentence(("#",), tags=("SYM",))])
def test_plain_tags_written_and_read(files: Files, found: list[Sentence]) -> None:
    assert files.read(written(found)) == found


ROWS = """\
-DOCSTART- -X- O

# the first text
EU NNP B-ORG
rejects VBZ O

# two
# remarks
# NN O
1 CD O

-DOCSTART- -X- O

Zo\u00eb\u00a0X NNP B-PER

# the end
"""


@pytest.mark.parametrize(
    "tidy",
    [
        lambda t: t,
        lambda t: t.replace(" ", "\t"),
        lambda t: t.replace("\n", "\r\n"),
        lambda t: "\ufeff" + t,
    ],
)
@pytest.mark.parametrize("annotated", [True, False])
def test_the_writer_keeps_every_column_mark_and_comment_and_adds_one_column(
    files: Files, tidy: Any, annotated: bool
) -> None:
    given_text = tidy(ROWS)
    found = files.read(given_text, options=columns(annotated=annotated))
    assert [s.tokens for s in found] == [("EU", "rejects"), ("#", "1"), ("Zo\u00eb\u00a0X",), ()]
    assert [s.tags for s in found[:2]] == (
        [("B-ORG", "O"), ("O", "O")] if annotated else [None, None]
    )
    assert [s.record.line for s in found[:3] if s.record] == [4, 9, 14]
    predicted = [found[0].with_spans([Span(0, 2, "X")]), *(s.with_spans([]) for s in found[1:])]
    blank = "\t" if "\t" in given_text else " "
    expected, tags = [], iter(["B-X", "I-X", "O", "O", "O"])
    for line in given_text.removeprefix("\ufeff").splitlines():
        if line.startswith(("-DOC", f"#{blank}NN")) or not line.startswith("#"):
            tag = "O" if line.startswith("-DOC") else next(tags) if line else ""
            line = f"{line}{blank}{tag}" if line else line
        expected.append(line)
    text = written(predicted, "conll")
    # A blank line between a comment and what it belongs to is all that may differ; there is none
    # here.
    assert text.rstrip("\n") == "\n".join(expected).rstrip("\n")
    again = files.read(text)
    assert [(s.tokens, s.tags) for s in again[:3]] == [
        (s.tokens, t) for s, t in zip(found, [("B-X", "I-X"), ("O", "O"), ("O",)], strict=False)
    ]


@pytest.mark.parametrize(
    ("delimiter", "line", "tokens"),
    [
        ("auto", "a  \t b", ("a  ",)),
        ("blank", " a \t b", ("a",)),
        ("tab", "a b\tb", ("a b",)),
        ("|", "a b|c|b", ("a b",)),
        (", ", "a,b, b", ("a,b",)),
        ("auto", "a b", ("a",)),
        ("auto", "a b  ", ("a",)),
        ("blank", "a b \t", ("a",)),
    ],
)
@pytest.mark.parametrize("annotated", [True, False])
def test_what_divides_columns_divides_the_added_one_too(
    files: Files, delimiter: str, line: str, tokens: Any, annotated: bool
) -> None:
    options = columns(delimiter=delimiter, annotated=annotated)
    found = files.read(f"{line}\n", options=options)
    assert [s.tokens for s in found] == [tokens]
    assert found[0].tags == (("b",) if annotated else None)
    text = written([found[0].with_spans([Span(0, 1, "NEW")])])
    assert text.removeprefix(line.rstrip()) in {
        f"{divider}B-NEW\n\n" for divider in (" ", "\t", delimiter)
    }
    (again,) = files.read(text, options=columns(delimiter=delimiter))
    assert (again.tokens, again.tags) == (tokens, ("B-NEW",))
    (earlier,) = files.read(text, options=columns(tag=-2, delimiter=delimiter))
    assert earlier.tags == ("b",)


def test_columns_are_chosen_from_both_ends(files: Files) -> None:
    text = "1 Anna NNP B-PER x\n2 sang VBD O x\n"
    (found,) = files.read(text, options=columns(token=1, tag=-2))
    assert (found.tokens, found.tags) == (("Anna", "sang"), ("B-PER", "O"))
    (found,) = files.read(text, options=columns(token=-4, tag=2))
    assert (found.tokens, found.tags) == (("Anna", "sang"), ("NNP", "VBD"))


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("# NN O\nEU NNP O\n", [("#", "EU")]),
        ("# NN O\n\n# a remark\nEU NNP O\n", [("#",), ("EU",)]),
        ("#\tO\nEU\tO\n", [("#", "EU")]),
        ("#\tO\n", [("#",)]),
        ("# O\n", [("#",)]),
        ("#fun NN B-X\n5 CD O\n", [("#fun", "5")]),
        (
            "# NN\nEU NNP\n",
            [("#", "EU")],
        ),  # plain tags: any such line may be a token, and none is to be lost
        ("# newdoc\n# id = 7\nEU O\n\n# more\n# O\nx O\n", [("EU",), ("#", "x")]),
        ("EU O\n# O\n", [("EU", "#")]),
        ("# only\n# remarks here\n", [()]),
    ],
)
@pytest.mark.parametrize("annotated", [True, False])
def test_a_hash_is_a_token_where_it_has_the_columns_of_one(
    files: Files, text: str, tokens: Any, annotated: bool
) -> None:
    found = files.read(text, options=columns(annotated=annotated))
    assert [s.tokens for s in found] == tokens
    assert "".join(written([s.with_spans([])]) for s in found).count("#") == text.count("#")


def test_a_hash_in_a_file_of_tokens_alone(files: Files) -> None:
    found = files.read("# a remark\n#fun\n\nO\n#\n", options=UNANNOTATED)
    assert [s.tokens for s in found] == [("#fun",), ("O", "#")]


@pytest.mark.parametrize(
    "odd",
    ["a\u00a0b", "\u2028", "x\x0cy", "\x0b", "\x85", "\x1c", "\u3000", "e\u0301", "\ufeff", "\0"],
)
@pytest.mark.parametrize("blank", [" ", "\t"])
def test_odd_characters_stay_in_the_token(files: Files, odd: str, blank: str) -> None:
    text = f"x{blank}O\n{odd}{blank}B-X\n"
    (found,) = files.read(text)
    assert (found.tokens, found.tags) == (("x", odd), ("O", "B-X"))
    assert written([found.with_spans([])]) == text.replace("\n", f"{blank}O\n") + "\n"


@pytest.mark.parametrize(
    ("text", "options", "says"),
    [
        ("a O\nb X "
         "O\n", columns(), "f.conll:2: expected 2 columns, found 3: 'b X O'; columns are "
                           "separated by blanks"),
        ("a O\n\nb\n", columns(), "f.conll:3: expected 2 columns, found 1: 'b'"),
        ("a\tO\nb O\n", columns(), "f.conll:2: expected 2 columns, found 1: 'b O'; columns are "
                                   "separated by tabs"),
        ("\na b O\n", columns(tag=3), "f.conll:2: there is no column 3 for the tag: 'a b O' "
                                      "has 3 columns, separated by blanks."),
        ("a b O\n", columns(token=-4), "f.conll:1: there is no column -4 for the token"),
        ("a\nb\n", columns(), "f.conll:1: the token and its tag would both be column 0 of 1"),
        ("a b\n", columns(token=1), "f.conll:1: the token and its tag would both be column 1 of 2"),
        ("a\tO\n\tO\n", columns(), "f.conll:2: the token is empty: '\\tO'; expected a token"),
        ("a\tO\nb\t \n", columns(), "f.conll:2: the tag is empty"),
        ("a,O\nb;O\n", columns(delimiter=","), "f.conll:2: expected 2 columns, found 1: 'b;O'; "
                                               "columns are separated by ','"),
        ("a O\n", columns(delimiter=""), "f.conll: the delimiter of columns is empty"),
        ("a O\rb O\r", columns(), "f.conll:1: a carriage return inside 'a O\\rb O'"),
        ("a O\r\r\nb O\n", columns(), "f.conll:1: a carriage return inside"),
    ],
)  # fmt: skip
def test_an_ill_formed_line_of_columns_is_told(
    files: Files, text: str, options: ReadOptions, says: str
) -> None:
    assert files.error(text, options=options).startswith(says)


@pytest.mark.parametrize("token", ["", " ", "a b", "a\tb", "a\nb", "a\r", "-DOCSTART-"])
def test_what_columns_cannot_hold_is_not_written(token: str) -> None:
    with pytest.raises(DataError, match="write JSON Lines instead"):
        written([Sentence((token,)).with_spans([])])
    if not token.startswith("-"):
        with pytest.raises(DataError, match=r"the tag .* cannot be a CoNLL column"):
            written([Sentence(("x",), tags=(token,))])


def test_a_label_that_the_files_own_delimiter_would_cut_is_not_written(files: Files) -> None:
    (found,) = files.read("a|O\n", options=columns(delimiter="|"))
    assert written([found.with_spans([Span(0, 1, "x y")])]) == "a|O|B-x y\n\n"
    with pytest.raises(DataError, match=r"f.conll:1: the tag 'B-x\|y'"):
        written([found.with_spans([Span(0, 1, "x|y")])])
