"""Spans and sentences, and files with tags as sentences with spans: every tag checked, every
mistake with its line.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.strategies import COLUMN_TOKENS, plain_sentences, sentences

import tagger
from tagger.corpora.conversion import convert
from tagger.errors import DataError
from tagger.text import annotation, formats
from tagger.text.formats import ReadOptions
from tagger.text.schemes import PLAIN, SCHEMES
from tagger.text.spans import Record, Sentence, Span, by_record

OPTIONS = ReadOptions()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("annotation")


def put(folder: Path, text: str, name: str = "f.conll") -> str:
    (folder / name).write_text(text, encoding="utf-8", newline="")
    return str(folder / name)


# --- Span, Sentence
# ------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "end", "label"), [(0, 0, "X"), (2, 1, "X"), (-1, 1, "X"), (0, 1, "")]
)
def test_an_impossible_span_cannot_be_made(start: int, end: int, label: str) -> None:
    with pytest.raises(ValueError, match="span"):
        Span(start, end, label)


def test_spans_are_equal_by_place_and_label_alone() -> None:
    assert Span(0, 1, "X", score=0.5, text="a", start_char=7, end_char=8) == Span(0, 1, "X")
    assert len({Span(0, 1, "X", score=0.5), Span(0, 1, "X"), Span(0, 1, "Y"), Span(0, 2, "X")}) == 3


@given(sentence=sentences())
def test_with_spans_puts_them_in_order_with_their_surface(sentence: Sentence) -> None:
    again = sentence.with_spans(reversed(sentence.spans or ()))
    assert again == sentence
    assert [span.text for span in again.spans or ()] == [
        " ".join(sentence.tokens[s.start : s.end]) for s in sentence.spans or ()
    ]


@pytest.mark.parametrize(
    "spans",
    [[Span(0, 2, "X"), Span(1, 3, "Y")], [Span(0, 1, "X"), Span(0, 1, "X")], [Span(2, 4, "X")]],
)
def test_overlapping_and_overhanging_spans_are_refused(spans: list[Span]) -> None:
    with pytest.raises(ValueError, match=r"overlaps|ends after the last of 3 tokens"):
        Sentence(("a", "b", "c")).with_spans(spans)


@pytest.mark.parametrize("wrong", [{"tags": ("O",)}, {"offsets": ((0, 1), (1, 2), (2, 3))}])
def test_a_sentence_has_one_tag_and_one_place_a_token(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"2 tokens but [13]"):
        Sentence(("a", "b"), **wrong)


def test_sentences_of_one_text_are_grouped_and_others_are_not() -> None:
    text, other = Record("f", 1, text="a b"), Record("f", 1, text="a b")
    a, b = (Sentence((t,), offsets=((i, i + 1),), record=text) for t, i in (("a", 0), ("b", 2)))
    c, d = Sentence(("c",), offsets=((0, 1),), record=other), Sentence(("d",), record=text)
    assert [[s.tokens[0] for s in group] for group in by_record([a, b, c, d, d, a])] == [
        ["a", "b"],
        ["c"],
        ["d"],
        ["d"],
        ["a"],
    ]


# --- read
# ------------------------------------------------------------


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("declared", [True, False])
@given(
    found=st.lists(sentences(COLUMN_TOKENS, min_size=1, separable=False), min_size=1, max_size=4)
)
def test_an_annotated_file_is_read_in_any_scheme(
    folder: Path, scheme: str, declared: bool, found: list[Sentence]
) -> None:
    with open(folder / "any.conll", "w", encoding="utf-8", newline="") as stream:
        formats.write(found, stream, "conll", scheme)
    again = annotation.read(
        folder / "any.conll", OPTIONS, scheme if declared else annotation.DETECT
    )
    assert [(s.tokens, s.spans) for s in again.sentences] == [(s.tokens, s.spans) for s in found]
    assert again.scheme in SCHEMES
    assert again.scheme == scheme or not declared


def test_plain_tags_have_no_spans(folder: Path) -> None:
    corpus = annotation.read(put(folder, "a NN\nb VB\n"), OPTIONS)
    found, scheme = corpus.sentences, corpus.scheme
    assert (scheme, found[0].tags, found[0].spans) == (PLAIN, ("NN", "VB"), None)
    corpus = annotation.read(put(folder, "a B-X\nb O\n"), OPTIONS, PLAIN)
    found, scheme = corpus.sentences, corpus.scheme
    assert (scheme, found[0].tags, found[0].spans) == (PLAIN, ("B-X", "O"), None)


def test_json_may_have_spans_or_tags_and_a_scheme_may_be_declared_for_both(folder: Path) -> None:
    spans = '{"tokens": ["a", "b"], "spans": [[0, 2, "X"]]}\n{"tokens": []}\n'
    for text in (spans, '{"tokens": ["a", "b"], "tags": ["B-X", "E-X"]}\n'):
        for declared in (annotation.DETECT, "IOBES"):
            (found,) = annotation.read(put(folder, text, "f.jsonl"), OPTIONS, declared).sentences
            assert found.spans == (Span(0, 2, "X"),)
    for declared in (annotation.DETECT, "IOBES"):  # spans are never written as tags
        corpus = annotation.read(put(folder, spans, "f.jsonl"), OPTIONS, declared)
        (found,), scheme = corpus.sentences, corpus.scheme
        assert (found.tags, scheme) == (None, {"auto": "IOB2"}.get(declared, declared))


def test_json_spans_stand_beside_tags_of_any_scheme(folder: Path) -> None:
    text = '{"tokens": ["a", "b"], "spans": [[0, 2, "X"]]}\n{"tokens": ["c"], "tags": ["S-X"]}\n'
    corpus = annotation.read(put(folder, text, "f.jsonl"), OPTIONS)
    (first, second), scheme = corpus.sentences, corpus.scheme
    assert (first.spans, second.spans, scheme) == ((Span(0, 2, "X"),), (Span(0, 1, "X"),), "IOBES")


def test_of_spans_and_tags_in_one_object_plain_takes_the_tags(folder: Path) -> None:
    text = '{"tokens": ["a", "b"], "spans": [[0, 2, "X"]], "tags": ["NN", "VB"]}\n'
    corpus = annotation.read(put(folder, text, "f.jsonl"), OPTIONS)
    (found,), scheme = corpus.sentences, corpus.scheme
    assert (found.spans, scheme) == ((Span(0, 2, "X"),), "IOB2")
    corpus = annotation.read(put(folder, text, "f.jsonl"), OPTIONS, PLAIN)
    (found,), scheme = corpus.sentences, corpus.scheme
    assert (found.spans, found.tags, scheme) == (None, ("NN", "VB"), PLAIN)


@pytest.mark.parametrize(
    ("name", "text", "declared", "says"),
    [
        (
            "f.conll",
            "\n# c\na O\nb O\n\nc O\nd I-X\n",
            "IOB2",
            ":7: tag 'I-X' cannot follow 'O' in IOB2 (token 'd'); correct the tag",
        ),
        (
            "f.conll",
            "-DOCSTART- O\n\na B-X\nb I-X\n",
            "IOBES",
            ":4: tag 'I-X' leaves a span open at the end of the sentence",
        ),
        (
            "f.conll",
            "a O\nb NN\n",
            "IOB1",
            ":2: the tags 'NN' have no prefixes, and 1 of 2 tokens are 'O'",
        ),
        (
            "f.conll",
            "a B-X\nb NN\n",
            "auto",
            ":2: the tag 'NN' (1 of 2 tokens) does not belong to one scheme with tags such",
        ),
        (
            "f.conll",
            "a S-X\nb U-X\n",
            "auto",
            ": no scheme of IOB2, IO, IOB1, IOBES, BILOU has all prefixes of the tags 'S-X', 'U-X'",
        ),
        ("f.conll", "", "auto", ": contains no sentences; expected at least one"),
        ("f.conll", "# a remark\n", "auto", ": contains no sentences"),
        (
            "f.txt",
            "Raw text is here .\nIt has no tags .\nAlas .\n",
            "auto",
            ":3: expected 5 columns, found 2",
        ),
        ("f.jsonl", '{"tokens": []}\n', "auto", ": contains no sentences"),
        (
            "f.jsonl",
            '\n{"tokens": ["a", "b", "c"], "tags": ["O", "O", "I-X"]}\n',
            "IOB2",
            ":2: tag 'I-X' cannot follow 'O'",
        ),
        (
            "f.jsonl",
            '{"tokens": ["a"]}\n',
            "auto",
            ':1: no annotation; expected "spans" or "tags" beside the tokens',
        ),
        ("f.jsonl", '{"text": "a b", "tags": ["O", "O"]}\n', "auto", ":1: no annotation"),
        (
            "f.jsonl",
            '{"tokens": ["a", "b"], "spans": [[0, 1, "X"], [1, 2, "X"]]}\n',
            "IO",
            ":1: IO cannot separate two adjacent",
        ),
        (
            "f.jsonl",
            '{"tokens": ["a"], "tags": ["NN"]}\n{"tokens": ["b"], "spans": []}\n',
            "auto",
            ':2: "spans" among plain tags; expected "tags" beside the tokens of every sentence',
        ),
        (
            "f.jsonl",
            '{"tokens": ["b"], "spans": [[0, 1, "X"]]}\n',
            "plain",
            ':1: "spans" among plain tags',
        ),
    ],
)
def test_what_is_not_annotated_as_declared_is_told_with_its_line(
    folder: Path, name: str, text: str, declared: str, says: str
) -> None:
    path = put(folder, text, name)
    with pytest.raises(DataError) as caught:
        annotation.read(path, OPTIONS, declared)
    assert str(caught.value).startswith(path + says)


# --- convert
# ------------------------------------------------------------


@settings(max_examples=30)  # each example waits for the disk
@given(
    found=st.lists(sentences(COLUMN_TOKENS, min_size=1), min_size=1, max_size=3),
    scheme=st.sampled_from(["IOB2", "IOBES", "BILOU"]),
)
def test_convert_there_and_back(folder: Path, found: list[Sentence], scheme: str) -> None:
    source, there, json_file, back = (
        str(folder / name) for name in ("1.conll", "2.conll", "3.jsonl", "4.conll")
    )
    with open(source, "w", encoding="utf-8", newline="") as stream:
        formats.write(found, stream, "conll", "IOB2")
    for path, to, before, after in (
        (source, there, "IOB2", scheme),
        (there, json_file, scheme, "IOB2"),
    ):
        corpus = convert(path, to, OPTIONS, before, after).corpus
        assert (len(corpus.sentences), corpus.scheme) == (len(found), before)
    convert(json_file, back, OPTIONS, annotation.DETECT, "IOB2")
    assert Path(back).read_bytes() == Path(source).read_bytes()


@settings(max_examples=30)
@given(
    found=st.lists(
        plain_sentences(COLUMN_TOKENS.filter(lambda t: t[0] != "#"), min_size=1),
        min_size=1,
        max_size=3,
    )
)
def test_plain_tags_are_converted_as_they_are(folder: Path, found: list[Sentence]) -> None:
    source, json_file, back = (str(folder / name) for name in ("1.conll", "2.jsonl", "3.conll"))
    with open(source, "w", encoding="utf-8", newline="") as stream:
        formats.write(found, stream, "conll")
    convert(source, json_file, OPTIONS, PLAIN, "IOB2")
    convert(json_file, back, OPTIONS, PLAIN, "IOB2")
    assert Path(back).read_bytes() == Path(source).read_bytes()


def test_text_with_character_spans_keeps_its_form_or_becomes_tokens(folder: Path) -> None:
    given_object = {
        "id": 3,
        "text": "I saw Ann Lee. Bo left.",
        "spans": [[6, 13, "PER"], [15, 17, "PER"]],
    }
    source = put(folder, json.dumps(given_object) + "\n" + json.dumps(given_object), "t.jsonl")
    convert(source, folder / "u.jsonl")
    first, _ = (json.loads(line) for line in (folder / "u.jsonl").read_text().splitlines())
    assert {key: first[key] for key in ("id", "text")} == {
        key: given_object[key] for key in ("id", "text")
    }
    assert [(span["start"], span["end"]) for span in first["spans"]] == [(6, 13), (15, 17)]
    assert "gold" not in first
    done = convert(source, folder / "u.conll")
    one = "-DOCSTART- O\n\nI O\nsaw O\nAnn B-PER\nLee I-PER\n. O\n\nBo B-PER\nleft O\n. O\n\n"
    assert (folder / "u.conll").read_text() == one * 2
    assert done.dropped == ("the text between tokens", "the ids of documents")
    again = annotation.read(folder / "u.conll", OPTIONS)
    assert [s.spans for s in again.sentences] == [(Span(2, 4, "PER"),), (Span(0, 1, "PER"),)] * 2


def test_the_public_function_needs_two_names_and_returns_what_was_done(folder: Path) -> None:
    source = Path(put(folder, "a S-X\n\nb O\n"))
    done = tagger.convert(source, folder / "o.conll")
    assert (len(done.corpus.sentences), done.corpus.scheme) == (2, "IOBES")
    assert (folder / "o.conll").read_text() == "a B-X\n\nb O\n\n"
    (folder / "o.conll").unlink()


@pytest.mark.parametrize(
    ("text", "target", "scheme", "says"),
    [
        (
            "a B-X\nb B-X\n",
            "o.conll",
            "IO",
            "cannot be written in IO: IO cannot separate two adjacent spans of X",
        ),
        (
            "a B-X\n",
            "o.conll",
            "IOB3",
            "unknown scheme 'IOB3'; expected one of IOB2, IO, IOB1, IOBES, BILOU",
        ),
        (
            '{"tokens": ["a b"], "tags": ["B-X"]}',
            "o.conll",
            "IOB2",
            "the token 'a b' cannot be a CoNLL column; write JSON Lines instead",
        ),
        (
            '{"tokens": ["a"], "tags": ["B-X Y"]}',
            "o.conll",
            "IOB2",
            "the tag 'B-X Y' cannot be a CoNLL column",
        ),
    ],
)
def test_what_the_target_cannot_hold_is_told_and_nothing_is_written(
    folder: Path, text: str, target: str, scheme: str, says: str
) -> None:
    source = put(folder, text, "f.jsonl" if text.startswith("{") else "f.conll")
    with pytest.raises(DataError) as caught:
        convert(source, str(folder / target), OPTIONS, annotation.DETECT, scheme)
    assert says in str(caught.value)
    assert not (folder / target).exists()
