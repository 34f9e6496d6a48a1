"""All formats: bytes to lines, no growth of memory, plain text, and from one format to another."""

from __future__ import annotations

import gzip
import io
import itertools
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.reading import Files, decoded, written
from support.strategies import COLUMN_TOKENS, TEXTS, sentences

from tagger.errors import DataError, TaggerError
from tagger.text import formats
from tagger.text.formats import ReadOptions, ReadReport, format_of
from tagger.text.spans import Sentence, Span


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return Files(tmp_path_factory.mktemp("formats"))


SAMPLES = {
    "f.conll": "a B-X\n\u00e9 O\n\nc O\n",
    "f.jsonl": '{"tokens": ["a", "\u00e9"], "spans": [[0, 1, "X"]]}\n\n{"tokens": ["c"], "spans": '
    "[]}\n",
    "f.txt": "a \u00e9\nc\n",
}


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize(
    "change",
    [
        lambda data: b"\xef\xbb\xbf" + data,
        lambda data: data.replace(b"\n", b"\r\n"),
        lambda data: data.rstrip(b"\n"),
        lambda data: data.replace(b"\n", b"\r\n").rstrip(b"\n").rstrip(b"\r"),
        lambda data: gzip.compress(data),
        lambda data: gzip.compress(data[:7]) + gzip.compress(data[7:]),
        lambda data: gzip.compress(b"\xef\xbb\xbf" + data.replace(b"\n", b"\r\n")),
    ],
)
def test_signature_line_ends_last_line_and_gzip_change_nothing(
    files: Files, name: str, change: Any
) -> None:
    data = SAMPLES[name].encode()
    assert [s.tokens for s in files.read(data, name)] == [("a", "\u00e9"), ("c",)]
    assert files.read(change(data), name) == files.read(data, name)


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("data", [b"", b"\xef\xbb\xbf", gzip.compress(b"", mtime=0)])
def test_an_empty_file_has_no_sentence(files: Files, name: str, data: bytes) -> None:
    assert files.read(data, name) == []
    assert written([], format_of(name)) == ""


@pytest.mark.parametrize("name", SAMPLES)
def test_bytes_that_are_no_text_are_told(files: Files, name: str) -> None:
    data = SAMPLES[name].encode()
    last = len(data.splitlines())
    message = files.error(data + "\u00e9".encode("latin1") + b"\n", name)
    assert message == (
        f"{name}:{last + 1}: byte 0xe9 at position 0 is not UTF-8, but the rest of the text is; "
        "correct this line"
    )
    packed = gzip.compress(data * 300)
    for size in (2, 5, 12, len(packed) - 9, len(packed) - 3):
        assert re.match(
            rf"{name}(:\d+)?: .*gzip.*compress it again", files.error(packed[:size], name)
        ), size
    broken = gzip.compress(data)[:-8] + b"\0" * 8
    assert "the gzip file ends early or is damaged (CRC check failed" in files.error(broken, name)
    assert "gzip" in files.error(packed[:12] + b"\xff" * 20 + packed[32:], name)


def test_what_cannot_be_opened_is_told(tmp_path: Path) -> None:
    for path, reason in (
        (tmp_path / "absent.conll", "No such file or directory"),
        (tmp_path, "Is a directory"),
    ):
        with pytest.raises(DataError) as caught:
            list(formats.read(path, "conll"))
        assert str(caught.value) == f"{path}: cannot be read: {reason}"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.jsonl", "jsonl"),
        ("A.NDJSON.GZ", "jsonl"),
        ("a.txt", "text"),
        ("a.text.gz", "text"),
        ("a.conll", "conll"),
        ("eng.testb", "conll"),
        ("a", "conll"),
        ("jsonl/a.tsv", "conll"),
    ],
)
def test_a_name_says_its_format(name: str, expected: str) -> None:
    assert format_of(name) == expected
    assert format_of(name, annotated=True) == ("jsonl" if expected == "jsonl" else "conll")


def test_standard_input_is_read_and_progress_told(
    files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"a O\r\n\nb O")))
    assert [s.tokens for s in formats.read("-", "conll")] == [("a",), ("b",)]
    path = files.folder / "long.txt"
    path.write_text("word\n" * 50_000)
    told: list[int] = []
    assert sum(len(s) for s in formats.read(path, "text", on_bytes_read=told.append)) == 50_000
    assert told == sorted(told)
    assert 0 < told[0] < told[-1] <= 250_000


def test_an_output_that_is_not_utf8_is_one_message() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    with pytest.raises(
        TaggerError, match=r"the output is in ascii, which has no '\\u20ac'; set PYTHONUTF8=1"
    ):
        formats.write([Sentence(("\u20ac",)).with_spans([])], stream, "conll")


@pytest.mark.parametrize("format_name", ["conll", "csv", "jsonl", "text", "doccano", "gliner"])
def test_reader_and_writer_keep_pace_so_that_memory_does_not_grow(format_name: str) -> None:
    """The writer has written sentence n before it asks for n + 2, of a source without an end.

    The other formats hold one document at a time.
    """

    stream = io.StringIO()

    def endless() -> Iterator[Sentence]:
        for number in itertools.count():
            assert f"word{max(number - 2, 0)}" in stream.getvalue() or number < 2
            if number == 2000:
                raise EOFError
            yield Sentence((f"word{number}",)).with_spans([])

    with pytest.raises(EOFError):
        formats.write(endless(), stream, format_name)
    line = LINES.get(format_name, '{"tokens":["a"]}')
    numbered = ((number, line if number % 2 else "") for number in itertools.count(2))
    lines = itertools.chain([(1, "token,tag")] if format_name == "csv" else [], numbered)
    options = ReadOptions(tokenizer="whitespace", wrapped=True)
    endless_reader = formats.named(format_name).read(lines, "endless", options, ReadReport())
    assert len(list(itertools.islice(endless_reader, 500))) == 500


LINES = {
    "conll": "a O",
    "csv": "a,O",
    "label-studio": '{"data": {"text": "a"}, "annotations": [{"result": []}]}',
    "doccano": '{"text": "a", "label": []}',
    "prodigy": '{"text": "a", "answer": "accept"}',
    "spacy-json": '["a", {"entities": []}]',
    "gliner": '{"tokenized_text": ["a"], "ner": []}',
    "gliner2": '{"input": "a", "output": {"entities": {}}}',
}


@given(lines=st.lists(TEXTS, max_size=6), wrapped=st.booleans())
@example(lines=["", "a", "b", "  ", "\u00a0", "c"], wrapped=True)
def test_text_without_spans_is_written_as_it_was(
    files: Files, lines: list[str], wrapped: bool
) -> None:
    text = "".join(f"{line}\n" for line in lines).removeprefix("\ufeff")
    found = files.read(text, "f.txt", ReadOptions(wrapped=wrapped))
    assert written([s.with_spans([]) for s in found], "text") == text
    kept = "".join(token for s in found for token in s.tokens)
    assert "".join(kept.split()) == "".join(text.split())
    for s in found:
        assert s.record is not None
        assert [s.record.text[start:end] for start, end in s.offsets or ()] == list(s.tokens)
    assert (
        "\n".join(
            json.loads(line)["text"]
            for line in written(found, "jsonl").rstrip("\n").split("\n")
            if line
        )
        == text[:-1]
    )


def test_wrapped_text_is_read_across_its_line_breaks(files: Files) -> None:
    text = "Teddy\nRoosevelt left New\nYork. He\nwas 42.\n\nA headline\n"
    found = files.read(text, "f.txt", ReadOptions(wrapped=True))
    assert [s.tokens for s in found] == [
        ("Teddy", "Roosevelt", "left", "New", "York", "."),
        ("He", "was", "42", "."),
        (),
        ("A", "headline"),
    ]
    assert [s.record.line for s in found if s.record] == [1, 1, 5, 6]
    predicted = [found[0].with_spans([Span(0, 2, "PER"), Span(3, 5, "LOC")]), *found[1:]]
    assert [x.text for x in predicted[0].spans or ()] == ["Teddy\nRoosevelt", "New\nYork"]
    assert (
        written(predicted, "text")
        == "[PER Teddy\nRoosevelt] left [LOC New\nYork]. He\nwas 42.\n\nA headline\n"
    )
    assert len(files.read(text, "f.txt")) == 7  # a sentence a line, and one more in "York. He"


def test_spans_and_tags_are_marked_and_all_between_is_as_it_was(files: Files) -> None:
    (found,) = files.read("  {Anna}  Lee\u00a0sang .\n", "f.txt")
    assert found.tokens == ("{", "Anna", "}", "Lee", "sang", ".")
    assert (
        written([found.with_spans([Span(1, 2, "{0}"), Span(2, 4, "P")])], "text")
        == "  {[{0} Anna][P }  Lee]\u00a0sang .\n"
    )
    tagged = Sentence(found.tokens, None, tuple("ABC{}N"[:6]), found.offsets, found.record)
    assert written([tagged], "text") == "  {/AAnna/B}/C  Lee/{\u00a0sang/} ./N\n"
    bare = Sentence(("{", "b", "c")).with_spans([Span(0, 2, "X"), Span(2, 3, "Y")])
    assert (
        written([bare, Sentence(("a",), tags=("N",)), Sentence(("a",))], "text")
        == "[X { b] [Y c]\na/N\na\n"
    )


@given(
    found=st.lists(
        sentences(COLUMN_TOKENS.filter(lambda token: " " not in token), min_size=1),
        min_size=1,
        max_size=3,
    )
)
def test_columns_to_json_to_columns(files: Files, found: list[Sentence]) -> None:
    text = written([Sentence(("start",)).with_spans([]), *found])
    from_columns = decoded(files.read(text), "IOB2")
    from_json = files.read(written(from_columns, "jsonl"), "f.jsonl")
    assert from_json == from_columns
    assert written(from_json) == text


def test_text_with_spans_becomes_columns_and_tokens(files: Files) -> None:
    found = files.read(
        '{"text": "Anna Lee sang. Bo left.", "spans": [[0, 8, "PER"], [15, 17, "PER"]]}', "f.jsonl"
    )
    assert written(found) == "Anna B-PER\nLee I-PER\nsang O\n. O\n\nBo B-PER\nleft O\n. O\n\n"
    assert written(found, "text") == "[PER Anna Lee] sang. [PER Bo] left.\n"
    bare = [Sentence(s.tokens, s.spans) for s in found]
    assert [
        json.loads(line)["spans"][0]["end"] for line in written(bare, "jsonl").splitlines()
    ] == [2, 1]


def test_no_token_is_lost_on_any_way(files: Files) -> None:
    words = ("#", "-", "\u2028", "\x0c", "a\u00a0b", "O", "[X", "\x85", "e\u0301")
    for way in itertools.product(["conll", "jsonl"], repeat=3):
        found = [Sentence(words).with_spans([Span(0, len(words), "X")])]
        for name in way:
            found = files.read(written(found, name), f"f.{name}")
            assert [sentence.tokens for sentence in found] == [words]


@pytest.mark.parametrize("format_name", ["xml", "CONLL"])
def test_an_unknown_format_is_named_with_those_there_are(format_name: str) -> None:
    expected = f"unknown format {format_name!r}; expected one of {', '.join(formats.FORMATS)}"
    for call in (
        lambda: list(formats.read("-", format_name)),
        lambda: formats.write([], io.StringIO(), format_name),
    ):
        with pytest.raises(TaggerError) as caught:
            call()
        assert str(caught.value) == expected


def recognized(lines: list[str]) -> str:
    """The first format of the table that recognizes the lines."""
    return next(each.name for each in formats.FORMATS.values() if each.recognizes(lines))


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["a B-X", "\u00e9 O", "", "c O"], "conll"),
        (["# a remark", "-DOCSTART- -X- O", "", "a NN", "b VB"], "conll"),
        (["-DOCSTART- O"], "conll"),
        (["a\tNN", "b\tVB"], "conll"),
        (["a NN B-X", "b VB"], "text"),
        (["Anna sang", "Bo left"], "text"),
        (["Anna O", "Bo left"], "text"),
        (["Anna", "sang"], "text"),
        (["", '{"tokens": ["a"]}'], "jsonl"),
        (['{"text": "a b"}', '{"text": "c"}', "not JSON"], "jsonl"),
        (['{"text": "a b"}', "not JSON"], "text"),
        (['{"a": 1}'], "text"),
        (["{a}"], "text"),
        (["[1, 2]"], "text"),
        ([], "text"),
        (["", " "], "text"),
        (["# a remark"], "text"),
    ],
)
def test_first_lines_show_their_format(lines: list[str], expected: str) -> None:
    assert recognized(lines) == expected


@given(
    found=st.lists(
        sentences(COLUMN_TOKENS.filter(lambda token: token[0] != "#"), min_size=1),
        min_size=1,
        max_size=3,
    )
)
def test_what_is_written_is_recognized(found: list[Sentence]) -> None:
    for format_name in ("conll", "jsonl"):
        assert recognized(written(found, format_name).split("\n")) == format_name
