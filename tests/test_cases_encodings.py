"""Files that people have, and what the commands say: encodings, archives, binary files."""

from __future__ import annotations

import bz2
import io
import lzma
import struct
import zipfile
import zlib
from pathlib import Path

import pytest
from support.command_line import failed, invoke, worked
from support.paths import GOLDEN

from tagger.errors import DataError
from tagger.features import vector_files

COLUMNS = "Mira B-PER\nOkafor I-PER\nleft O\nTurin B-LOC\n. O\n\n"
PROSE = "Mira Okafor left Turin.\n"
ADVICE = "read it with --encoding {0}, or convert it with iconv -f {0} -t utf-8"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def zipped(**members: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


def converted(source: str, *options: str) -> str:
    """The columns to which a file is converted."""
    worked(invoke("convert", source, "converted.conll", *options))
    return Path("converted.conll").read_text(encoding="utf-8")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-32"])
def test_utf16_with_a_byte_order_mark(encoding: str) -> None:
    mark = "\ufeff" if encoding.endswith("be") else ""
    Path("train.conll").write_bytes((mark + COLUMNS).replace("\n", "\r\n").encode(encoding))
    assert converted("train.conll") == COLUMNS
    Path("text.txt").write_bytes((mark + PROSE).encode(encoding))
    Path("utf8.txt").write_text(PROSE, encoding="utf-8")
    expected = worked(invoke("predict", GOLDEN, "utf8.txt"))
    assert worked(invoke("predict", GOLDEN, "text.txt")) == expected
    assert worked(invoke("predict", GOLDEN, "-", input=(mark + PROSE).encode(encoding))) == expected


def test_utf16_without_a_byte_order_mark() -> None:
    Path("train.conll").write_bytes(COLUMNS.encode("utf-16-le"))
    assert failed(invoke("convert", "train.conll", "out.conll")) == (
        "Error: train.conll: UTF-16-LE without a byte order mark; read it with --encoding "
        "utf-16-le, or convert it with iconv -f utf-16le -t utf-8\n"
    )
    assert converted("train.conll", "--encoding", "utf-16-le") == COLUMNS


def test_windows_1252() -> None:
    prose = "The “Turin” branch of Mira’s shop – sold.\n"
    Path("text.txt").write_bytes(prose.encode("cp1252"))
    assert failed(invoke("predict", GOLDEN, "text.txt")) == (
        "Error: text.txt:1: byte 0x93 at position 4 is not UTF-8; the file looks like cp1252 "
        f"(Windows, Western Europe): {ADVICE.format('cp1252')}\n"
    )
    tagged = worked(invoke("predict", GOLDEN, "text.txt", "--encoding", "cp1252"))
    assert tagged == worked(invoke("predict", GOLDEN, "-", input=prose))
    Path("de.conll").write_bytes("Zürich B-LOC\nschläft O\n".encode("latin-1"))
    assert failed(invoke("convert", "de.conll", "out.conll")) == (
        "Error: de.conll:1: byte 0xfc at position 1 is not UTF-8; the file looks like cp1252 "
        f"(Windows, Western Europe): {ADVICE.format('cp1252')}\n"
    )


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("train.conll.bz2", bz2.compress(COLUMNS.encode())),
        ("train.conll.xz", lzma.compress(COLUMNS.encode())),
        ("train.conll.zip", zipped(**{"train.conll": COLUMNS.encode()})),
        ("wrongly-named.gz", lzma.compress(COLUMNS.encode())),
        ("not-packed.conll.xz", COLUMNS.encode()),
    ],
)
def test_other_compressions(name: str, content: bytes) -> None:
    Path(name).write_bytes(content)
    assert converted(name) == COLUMNS
    worked(invoke("predict", GOLDEN, name, "--output", "out"))
    assert [path.name for path in Path("out").iterdir()] == [Path(name).stem]


def test_an_archive_of_vectors() -> None:
    rows = b"the 0.25 -0.5\nminister 1.0 2.0\n"
    Path("glove.zip").write_bytes(zipped(**{"glove.2d.txt": rows}))
    assert vector_files.read("glove.zip").table.tolist() == [[0.25, -0.5], [1, 2]]
    Path("glove.6B.zip").write_bytes(zipped(**{"glove.2d.txt": rows, "glove.3d.txt": b""}))
    with pytest.raises(DataError) as caught:
        vector_files.read("glove.6B.zip")
    assert str(caught.value) == (
        "glove.6B.zip: a zip archive of 2 files: glove.2d.txt, glove.3d.txt; expected exactly one "
        "file: unpack it and name the file to read"
    )


def test_a_binary_model_of_fasttext() -> None:
    Path("cc.bin").write_bytes(struct.pack("<4i", 793712314, 12, 10, 5) + bytes(range(256)))
    with pytest.raises(DataError) as caught:
        vector_files.read("cc.bin")
    assert str(caught.value) == (
        "cc.bin: a fastText model (.bin), not text; use the .vec file of the same model instead"
    )


def test_a_folder_of_mixed_files() -> None:
    folder = Path("in")
    folder.mkdir()
    (folder / "a.txt").write_text(PROSE, encoding="utf-8")
    (folder / "b.pdf").write_bytes(b"%PDF-1.5\n%\xe2\xe3\xcf\xd3\n1 0 obj\n")
    (folder / "c.docx").write_bytes(zipped(**{"word/document.xml": b"<w/>"}))
    (folder / "d.docx").write_bytes(zipped(**{"notes.txt": b"not really a document\n"}))
    (folder / "e.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")
    done = invoke("predict", GOLDEN, "in", "--output", "out")
    assert done.status == 1
    assert [line for line in done.stderr.splitlines() if line.startswith("Error")] == [
        "Error: in/b.pdf: a PDF document, not text; extract its text first, for example with "
        "pdftotext",
        "Error: in/c.docx: a Word document (.docx), not text; save it as plain text first, for "
        "example with pandoc -t plain",
        "Error: in/d.docx: a Word document (.docx), not text; save it as plain text first, for "
        "example with pandoc -t plain",
        "Error: in/e.png: a PNG image, not text; recognize its text first, for example with "
        "tesseract",
    ]
    assert [path.name for path in Path("out").iterdir()] == ["a.txt"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "train.parquet",
            b"PAR1\x15\x04" + bytes(range(250)),
            "the dataset 'train.parquet' cannot be loaded: Parquet magic bytes not found in "
            "footer. Either the file is corrupted or this is not a parquet file.",
        ),
        (
            "train.pkl",
            b"\x80\x04\x95\x10\0\0\0\0\0\0\0]\x94.",
            "a Python pickle, not text; pickles can run code and are not loaded; export the text "
            "as JSON Lines or columns first",
        ),
        (
            "train.spacy",
            zlib.compress(bytes(range(200))),
            "files of spaCy (.spacy) need spaCy, not installed here: pip install "
            "'span-tagger[spacy]'",
        ),
        (
            "train.xlsx",
            zipped(**{"[Content_Types].xml": b"", "xl/workbook.xml": b""}),
            "an Excel workbook (.xlsx), not text; export the sheet as text first",
        ),
        (
            "train.bin",
            bytes(range(200)),
            "binary data, not text; expected a text file",
        ),
    ],
)
def test_binary_data_files(name: str, content: bytes, message: str) -> None:
    Path(name).write_bytes(content)
    assert failed(invoke("convert", name, "out.conll")) == f"Error: {name}: {message}\n"
    assert failed(invoke("predict", GOLDEN, name)) == f"Error: {name}: {message}\n"
    assert failed(invoke("evaluate", "--predictions", name)) == f"Error: {name}: {message}\n"
