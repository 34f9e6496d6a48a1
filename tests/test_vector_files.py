"""Files of word vectors: every format gives back what was written, and every fault is named."""

from __future__ import annotations

import gzip
import io
import struct
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.strategies import vector_tables, vectors_by_number

from tagger.errors import DataError
from tagger.features import vector_files
from tagger.features.vector_files import read
from tagger.features.vectors import Vectors

IN_ONE_FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def as_text(words: Iterable[bytes], table: np.ndarray, end: bytes = b"\n") -> bytes:
    """A word and its numbers a line; nine digits are enough for any float32."""
    rows = (" ".join(f"{number:.9g}" for number in row).encode() for row in table)
    return b"".join(word + b" " + row + end for word, row in zip(words, rows, strict=True))


def with_header(
    words: list[bytes], table: np.ndarray, end: bytes = b" \n"
) -> bytes:  # fastText ends lines with a blank
    return b"%d %d\n" % table.shape + as_text(words, table, end)


def as_binary(words: list[bytes], table: np.ndarray, end: bytes = b"\n") -> bytes:
    rows = (
        word + b" " + struct.pack(f"<{table.shape[1]}f", *row) + end
        for word, row in zip(words, table, strict=True)
    )
    return b"%d %d\n" % table.shape + b"".join(rows)


def as_npz(words: list[bytes], table: np.ndarray) -> bytes:
    return npz(words=np.frombuffer(b"\n".join(words), dtype=np.uint8), vectors=table)


def npz(**arrays: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)  # type: ignore[arg-type]
    return stream.getvalue()


FORMATS: dict[str, Callable[[list[bytes], np.ndarray], bytes]] = {
    "glove": as_text,
    "glove of Windows": lambda words, table: as_text(words, table, b"\r\n"),
    "fasttext": with_header,
    "word2vec": lambda words, table: with_header(words, table, b"\n"),
    "binary": as_binary,
    "binary without line ends": lambda words, table: as_binary(words, table, b""),
    "npz": as_npz,
    "npz of strings": lambda words, table: npz(
        words=np.array([w.decode() for w in words]), vectors=table
    ),
}


@pytest.fixture
def file(tmp_path: Path) -> Callable[[bytes], Path]:
    def write(content: bytes) -> Path:
        path = tmp_path / "vectors"
        path.write_bytes(content)
        return path

    return write


def fault(path: Path) -> str:
    with pytest.raises(DataError) as caught:
        read(path)
    return str(caught.value).removeprefix(str(path))


@settings(IN_ONE_FOLDER, max_examples=20)
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("name", FORMATS)
@given(wanted=vector_tables())
def test_every_format_gives_back_what_was_written(
    name: str, packed: bool, wanted: Vectors, file: Callable[[bytes], Path]
) -> None:
    content = FORMATS[name]([word.encode() for word in wanted.words], wanted.table)
    found = read(file(gzip.compress(content, 1) if packed else content))
    assert found.words == wanted.words
    assert found.table.dtype == np.float32
    assert found.skipped == 0
    np.testing.assert_array_equal(found.table, wanted.table)


@pytest.mark.parametrize("name", FORMATS)
def test_many_blocks(
    name: str, file: Callable[[bytes], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vector_files, "_BLOCK", 3)
    words = [f"w{number}" for number in range(20)]
    content = FORMATS[name](
        [word.encode() for word in [*words, "w3", "w19"]],
        vectors_by_number([*words, "x", "y"], 50).table,
    )
    found = read(file(content))
    assert (found.words, found.skipped) == (words, 2)
    np.testing.assert_array_equal(found.table, vectors_by_number(words, 50).table)


GLOVE = (
    b"the 0.418 0.24968 -0.41242\n, 0.013441 0.23682 -0.16899\n. . . 1e-05 -2 +.5\n5 0.1 0.2 0.3\n"
)


def test_a_text_written_by_hand(file: Callable[[bytes], Path]) -> None:
    found = read(file(GLOVE))
    assert found.words == ["the", ",", ". . .", "5"]
    wanted = [
        [0.418, 0.24968, -0.41242],
        [0.013441, 0.23682, -0.16899],
        [1e-05, -2, 0.5],
        [0.1, 0.2, 0.3],
    ]
    np.testing.assert_array_equal(found.table, np.array(wanted, dtype=np.float32))
    assert repr(found) == "<Vectors: 4 words, 3 numbers each, float32>"
    assert read(file(b"\xef\xbb\xbf" + GLOVE)).words[0] == "the"
    assert read(file(b"\xef\xbb\xbf4 3\n" + GLOVE)).words[0] == "the"
    assert read(file(GLOVE.removesuffix(b"\n"))).words == found.words
    assert read(file(b"5 0.1 0.2\n. . . 1 2\n")).words == ["5", ". . ."]


def test_a_binary_written_by_hand(file: Callable[[bytes], Path]) -> None:
    # numbers, too, have bytes that look like line ends
    numbers = b"\0\0\x80\x3f\0\0\0\xc0\n\n\n\x3e \n \x3f"
    found = read(file(b"2 4\n</s> " + numbers + b"\nin " + numbers[::-1] + b"\n"))
    assert found.words == ["</s>", "in"]
    np.testing.assert_array_equal(found.table[0], np.frombuffer(numbers, "<f4"))
    np.testing.assert_array_equal(found.table[1], np.frombuffer(numbers[::-1], "<f4"))


@pytest.mark.parametrize(
    "form", ["bytes with a line end", "one string of bytes", "strings of bytes"]
)
def test_further_npz_files(form: str, file: Callable[[bytes], Path]) -> None:
    joined = "the\nna\u00efve\nx\u2028".encode()
    words = {
        "bytes with a line end": np.frombuffer(joined + b"\n", dtype=np.uint8),
        "one string of bytes": np.array(joined),
        "strings of bytes": np.array(joined.split(b"\n")),
    }[form]
    found = read(file(npz(words=words, vectors=np.eye(3, dtype=">f2"))))
    assert found.words == ["the", "na\u00efve", "x\u2028"]
    assert found.table.dtype == np.float16
    assert found.table.dtype.isnative


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", ": is empty"),
        (b"\n", ":1: expected a word and numbers, or a header of two numbers, found ''"),
        (b"Once upon a "
         b"time\n", ":1: expected a word and numbers, or a header of two numbers, found 'Once "
                    "upon a time'"),
        (b"the 1 2\nof "
         b"1\n", ":2: expected a word and 2 numbers between single blanks, found a word and 1, in "
                 "'of 1"),
        (b"the 1 2\nof 1 2 "
         b"3\n", ":2: expected a word and 2 numbers between single blanks, found a word and 3"),
        (b"the 1 2\n\nof 1 "
         b"2\n", ":2: expected a word and 2 numbers between single blanks, found a word and 0"),
        (b"the 1 2\nof 1 2x\n", ":2: expected a number, found '2x'"),
        (b"the 1 2\nof 1 \xc2\xa02\n", ":2: expected a number"),
        (b"the 1 2\nof 1 1_0\n", ":2: could not convert string '1_0'"),
        (b"the 1 2\nof 1 nan\n", ":2: the vector of 'of' contains nan, inf"),
        (b"the 1 2\nof -inf 1\n", ":2: the vector of 'of' contains nan, inf"),
        (b"the 1 2\nof 1 "
         b"1e39\n", ":2: the vector of 'of' contains nan, inf or a number beyond float32"),
        (b"3 2\nthe 1 2\nof 1 2\n", ":1: the header promises 3 words, but 2 follow"),
        (b"1 2\nthe 1 2\nof 1 2\n", ":1: the header promises 1 words, but 2 follow"),
        (b"2 3\nthe 1 2\nof 1 2\n", ":2: expected a word and 3 numbers"),
        (b"2 3\nthe 1 2 x\nof 1 2 3\n", ":2: expected a number, found 'x'"),
        (b"2 2\nthe 1 2\nof 1 nan\n", ":3: the vector of 'of' contains nan"),
        (b"2 2\n", ":1: the header promises 2 words, but 0 follow"),
        (b"0 2\n", ": contains no words with vectors"),
        (b"2 0\nthe\n", ":1: found vectors of 0 numbers"),
        (b"1 99999999\nthe 1 2\n", ":1: found vectors of 99,999,999 numbers"),
        (b"2 4\nthe " + b"\0" * 16, ": ends early, or is damaged, in word 2 of the 2 that its "
                                    "header promises"),
        (b"1 4\nthe " + b"\0" * 15, ": ends early, or is damaged, in word 1 of the 1"),
        (b"1 4\nthe " + b"\0" * 17, ": more follows after the 1 words"),
        (b"1 4\nthe " + struct.pack("<4f", 1, 2, 3, float("nan")), ": the vector of 'the' contains "
                                                                   "nan"),
        (b"PK\3\4nonsense", ": the zip file ends early or is damaged (File is not a zip file)"),
        (npz(words=np.array(["a"])), ": not an .npz file of the plain arrays words and vectors: "),
        (npz(words=np.array(["a"], dtype=object), vectors=np.eye(1)), ": not an .npz file of the "
                                                                      "plain arrays"),
        (npz(words=np.array([1]), vectors=np.eye(1, dtype="f4")), ": expected words as UTF-8 "
                                                                  "bytes"),
        (npz(words=np.array(["a"]), vectors=np.eye(2, dtype="f4")), ": found 1 words but 2 "
                                                                    "vectors"),
        (npz(words=np.array(["a"]), vectors=np.eye(1, dtype="i4")), ": expected vectors (words, "
                                                                    "numbers) of float16"),
        (npz(words=np.array(["a"]), vectors=np.ones((), "f4")), ": expected vectors (words, "
                                                                    "numbers) of float16"),
        (npz(words=np.array(["a\nb"]), vectors=np.eye(1, dtype="f4")), ": the word 'a\\nb' "
                                                                       "contains a line break"),
        (npz(words=np.array(["a"]), vectors=np.full((1, 1), np.inf, "f2")), ": the vector of 'a' "
                                                                            "contains nan, inf"),
        (gzip.compress(GLOVE, mtime=0)[:-9], ": the gzip file ends early or is damaged"),
        (gzip.compress(GLOVE, mtime=0)[:20] + b"\xff" * 20, ": the gzip file ends early or is "
                                                            "damaged"),
    ],
)  # fmt: skip
def test_faults_are_named_with_their_line(
    content: bytes, message: str, file: Callable[[bytes], Path]
) -> None:
    assert fault(file(content)).startswith(message)


def test_other_files(tmp_path: Path, file: Callable[[bytes], Path]) -> None:
    assert fault(tmp_path / "absent") == ": cannot be read: No such file or directory"
    assert fault(tmp_path) == ": cannot be read: Is a directory"
    assert fault(file(b"\x80\4")).startswith(": a Python pickle, not text")
    assert fault(file(b"\x80x" + b"x" * (2 << 20))).startswith(
        ":1: expected a word and numbers, or a header of two numbers"
    )


@IN_ONE_FOLDER
@given(
    content=st.binary(max_size=60) | st.text("12. \nae\x80", max_size=40).map(str.encode),
    header=st.sampled_from([b"", b"2 3\n"]),
)
def test_anything_is_read_or_refused_with_one_message(
    content: bytes, header: bytes, file: Callable[[bytes], Path]
) -> None:
    try:
        found = read(file(header + content))
    except DataError:
        return
    assert len(found) > 0
    assert np.isfinite(found.table).all()


@pytest.mark.parametrize("name", ["glove", "fasttext", "binary", "npz"])
def test_words_that_are_no_utf8_are_left_out_unless_they_are_many(
    name: str, file: Callable[[bytes], Path]
) -> None:
    words = [b"w%d" % number for number in range(198)]
    table = vectors_by_number([str(word) for word in range(200)], 4).table
    found = read(file(FORMATS[name]([*words, b"caf\xc3", b"w0"], table)))
    assert (len(found), found.skipped) == (198, 2)
    words[7:9] = [b"caf\xe9", b"\xff"]
    assert fault(file(FORMATS[name]([*words, b"caf\xc3", b"na\xefve"], table))).startswith(
        ": 4 of 200 words are not UTF-8; the encoding is not recognized: convert"
    )
