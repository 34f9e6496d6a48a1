"""Opening of input files: compressed ones, binary ones, pipes."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from support.packing import PACKED, problem, text_of, zipped, zstd
from support.processes import PATIENCE

from tagger.errors import DataError
from tagger.features import vector_files
from tagger.language_models import text as language_model_text
from tagger.text import formats, opening
from tagger.text.formats import ReadOptions
from tagger.text.opening import Opened, compression

COLUMNS = "Zoë B-PER\nsang O\n\nin O\nKöln B-LOC\n"


@pytest.fixture
def put(tmp_path: Path) -> Callable[..., str]:
    def write(content: bytes, name: str = "file") -> str:
        path = tmp_path / name
        path.write_bytes(content)
        return str(path)

    return write


@pytest.mark.parametrize("kind", PACKED)
def test_every_reader_decompresses(kind: str, put: Callable[..., str]) -> None:
    pack = PACKED[kind]
    sentences = [("Zoë", "sang"), ("in", "Köln")]
    samples = {
        "conll": COLUMNS,
        "jsonl": '{"tokens": ["Zoë", "sang"]}\n{"tokens": ["in", "Köln"]}\n',
        "text": "Zoë sang\nin Köln\n",
    }
    for format_name, content in samples.items():
        path = put(pack(content.encode()), "no suffix")
        found = formats.read(path, format_name, ReadOptions(annotated=False))
        assert [sentence.tokens for sentence in found] == sentences
    path = put(pack(samples["text"].encode()), "a.txt")
    assert list(language_model_text.sentences([path], ReadOptions())) == sentences
    vectors = vector_files.read(put(pack(b"the 1 2\nof 3 4\n"), "vectors"))
    assert vectors.table.tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize("kind", PACKED)
def test_a_truncated_file_is_one_message(kind: str, put: Callable[..., str]) -> None:
    packed = PACKED[kind](COLUMNS.encode() * 3)
    signature = {"bzip2": 10, "lzma": 3, "zstd": 2, "zip": 4, "gzip": 2}.get(kind, 1)
    for size in range(signature, len(packed)):
        message = problem(put(packed[:size]))
        assert message.startswith(f": the {kind} file ends early or is damaged ("), (size, message)
        assert message.endswith("; download or compress it again")


@pytest.mark.parametrize("kind", [kind for kind in PACKED if kind != "zip"])
def test_concatenated_streams_are_read_and_other_bytes_refused(
    kind: str, put: Callable[..., str]
) -> None:
    pack = PACKED[kind]
    data = "é\n".encode() * 50_000
    if kind != "lzma":  # this format cannot be concatenated
        assert text_of(put(pack(data) + pack(b"last"))) == data.decode() + "last\n"
    assert "damaged" in problem(put(pack(data) + b"garbage after the stream"))


def test_padding_of_xz_is_allowed(put: Callable[..., str]) -> None:
    assert text_of(put(lzma.compress(b"a\n") + b"\0" * 8 + lzma.compress(b"b\n"))) == "a\nb\n"


@pytest.mark.parametrize("kind", PACKED)
def test_an_empty_file_has_no_line(kind: str, put: Callable[..., str]) -> None:
    assert text_of(put(PACKED[kind](b""))) == text_of(put(b"")) == ""


def test_damaged_bytes_are_one_message(put: Callable[..., str]) -> None:
    for kind in ("gzip", "bzip2", "xz", "zip"):
        packed = bytearray(PACKED[kind](bytes(range(32, 127)) * 20 + b"\n"))
        packed[len(packed) // 2] ^= 0xFF
        assert "ends early or is damaged" in problem(put(bytes(packed)))


def test_zstandard_names_what_it_needs(
    put: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("compression", "compression.zstd", "zstandard"):
        monkeypatch.setitem(sys.modules, name, None)
    assert problem(put(zstd(b"a\n"))) == (
        ": a zstd file: Zstandard needs Python 3.14 or the package zstandard: pip install "
        "zstandard, or decompress the file first: zstd -d"
    )


def test_the_package_zstandard_is_used_in_bounded_memory() -> None:
    """The interface of its decompressor is that of zlib, which stands in for it."""
    package = SimpleNamespace(
        ZstdDecompressor=lambda: SimpleNamespace(decompressobj=zlib.decompressobj)
    )
    data = bytes(1 << 22)
    source = io.BytesIO(zlib.compress(data) + zlib.compress(b"more"))
    raw = compression._Decompressed(source, lambda: compression._ZstandardDecompressor(package))
    assert io.BufferedReader(raw).read() == data + b"more"
    raw = compression._Decompressed(
        io.BytesIO(zlib.compress(data)[:-5]),
        lambda: compression._ZstandardDecompressor(package),
    )
    with pytest.raises(compression.DamagedError):
        io.BufferedReader(raw).read()


def test_a_zip_archive_has_one_file(put: Callable[..., str]) -> None:
    extra = {"__MACOSX/._a.txt": b"\0\1", "folder/.DS_Store": b"\0"}
    opened: list[Opened] = []
    path = put(zipped(b"hello\n", "folder/a.txt", **extra))
    assert list(opening.lines(path, on_open=opened.append)) == [(1, "hello")]
    assert opened == [Opened(path, "zip", "folder/a.txt")]
    assert opened[0].note == "member folder/a.txt"
    several = zipped(b"", "a.txt", **{"b.txt": b"", "c\n.txt": b""})
    assert problem(put(several)) == (
        ": a zip archive of 3 files: a.txt, b.txt, c?.txt; expected exactly one file: unpack it "
        "and name the file to read"
    )
    many = zipped(b"", "0", **{str(number): b"" for number in range(1, 20)})
    assert ": a zip archive of 20 files: 0, 1, 2, 3, 4, 5, 6, 7 and 12 more; " in problem(put(many))
    none = io.BytesIO()
    zipfile.ZipFile(none, "w").close()
    assert problem(put(none.getvalue())).startswith(": a zip archive of no file; expected")


def test_an_encrypted_zip_archive_says_so(put: Callable[..., str]) -> None:
    packed = bytearray(zipped(b"hello\n"))
    packed[6] |= 1  # the flag of the file, and in the table of contents
    packed[packed.index(b"PK\1\2") + 8] |= 1
    assert problem(put(bytes(packed))) == (
        ": a zip file: it is encrypted; unpack it with its password first: unzip"
    )


def test_nested_compression_is_refused(put: Callable[..., str]) -> None:
    assert problem(put(gzip.compress(bz2.compress(b"a")))) == (
        ": a bzip2 file in a gzip file, not text; decompress it once and name the result"
    )
    tar = b"name".ljust(257, b"\0") + b"ustar\x0000" + bytes(248)
    assert problem(put(gzip.compress(tar))) == (
        ": a tar archive in a gzip file, not text; unpack it and name the file in it: tar -xf"
    )


@pytest.mark.parametrize(
    ("name", "bare"),
    [
        ("a.txt.gz", "a.txt"),
        ("A.JSONL.XZ", "A.JSONL"),
        ("a.conll.bz2", "a.conll"),
        ("a.zst", "a"),
        ("a.zip", "a"),
        ("a.txt", "a.txt"),
    ],
)
def test_names_without_their_compression(name: str, bare: str) -> None:
    assert compression.unpacked_name(name) == bare
    assert formats.format_of(name) == formats.format_of(bare)


OFFICE = [
    ("word/document.xml", "a Word document (.docx)"),
    ("xl/workbook.xml", "an Excel workbook (.xlsx)"),
    ("ppt/presentation.xml", "a PowerPoint presentation (.pptx)"),
    ("META-INF/container.xml", "an e-book (.epub)"),
]
BINARY = [
    (b"%PDF-1.7\n%\xe2\xe3\n", "a PDF document"),
    (b"{\\rtf1\\ansi hello}", "an RTF document"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(9), "an old Office document (.doc, .xls or .ppt)"),
    (b"\x89PNG\r\n\x1a\n" + bytes(9), "a PNG image"),
    (b"\xff\xd8\xff\xe0\0\x10JFIF", "a JPEG image"),
    (b"GIF89a\1\0\1\0", "a GIF image"),
    (b"II*\0" + bytes(9), "a TIFF image"),
    (b"PAR1\x15\4\x15\x10", "a Parquet file"),
    (b"ARROW1\0\0" + bytes(9), "an Arrow file"),
    (b"\xff\xff\xff\xff\x10\0\0\0", "an Arrow file"),
    (b"FEA1\0\0\0\0", "a Feather file"),
    (b"\x80\2]q\0.", "a Python pickle"),
    (b"\x80\5\x95\x10\0", "a Python pickle"),
    (b"\x93NUMPY\1\0", "a NumPy array (.npy)"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"\x7fELF\2\1\1", "a program (ELF)"),
    (b"MZ\x90\0\3\0", "a program (Windows)"),
    (b"\xcf\xfa\xed\xfe\7", "a program (Mach-O)"),
    (b"name".ljust(257, b"\0") + b"ustar\x0000" + bytes(248), "a tar archive"),
    (b"7z\xbc\xaf\x27\x1c\0\4", "a 7z archive"),
    (b"Rar!\x1a\7\1\0", "a RAR archive"),
    (b"\x04\x22\x4d\x18\x64", "an LZ4 file"),
    (b"\x1f\x9d\x90", "a file of compress (.Z)"),
    (b"RIFF\x24\0\0\0WAVE", "an image, sound or video"),
    (b"\0\0\0\x18ftypmp42", "an image, sound or video"),
    (struct.pack("<2i", 793712314, 12), "a fastText model (.bin)"),
    (zlib.compress(b"\x85\xa7version\xa5attrs"), "a spaCy DocBin (.spacy)"),
    (zlib.compress(b"other"), "zlib data"),
    *((zipped(b"", name), what) for name, what in OFFICE),
    (zipped(b"application/vnd.oasis.opendocument.text", "mimetype"), "an OpenDocument text (.odt)"),
    (zipped(b"", "words.npy"), "an archive of NumPy arrays (.npz)"),
    (zipped(b"", "archive/data.pkl"), "a PyTorch file"),
]


@pytest.mark.parametrize(("data", "what"), BINARY, ids=[what for _, what in BINARY])
def test_a_binary_file_is_named(data: bytes, what: str, put: Callable[..., str]) -> None:
    message = problem(put(data))
    assert message.startswith(f": {what}, not text; ")
    assert "iconv" not in message


@pytest.mark.parametrize(
    "content",
    ["PAR1 B-LOC\n", "MZ O\n", "BM O\n", "GIF89a O\n", "ARROW1 O\n", "RIFF O\n", "x^2 O\n",
     "BZh9 O\n", "PK O\n", "ID3 O\n", "( O\n", "xڀ O\n", "%PD O\n", "FEA1\n", "II* O\n"],
)  # fmt: skip
def test_text_that_begins_like_a_binary_file_is_text(content: str, put: Callable[..., str]) -> None:
    assert text_of(put(content.encode())) == content


def test_other_binary_data(put: Callable[..., str]) -> None:
    for data in (bytes(range(256)), bytes(100), np.arange(50, dtype="<i4").tobytes()):
        assert problem(put(data)) == ": binary data, not text; expected a text file"
    assert problem(put(b"text\n" * 30_000 + b"\x01\xff\n")) == (
        ":30001: byte 0xff at position 1 is not UTF-8; this is binary data, not text; expected a "
        "text file"
    )


def test_a_damaged_office_file_is_named_after_its_suffix(put: Callable[..., str]) -> None:
    assert problem(put(b"PK\3\4\x14\0\6\0", "a.XLSX")) == (
        ": an Excel workbook (.xlsx), not text; export the sheet as text first"
    )


def test_vectors_in_archives(put: Callable[..., str]) -> None:
    def fault(data: bytes) -> str:
        path = put(data)
        with pytest.raises(DataError) as caught:
            vector_files.read(path)
        return str(caught.value).removeprefix(path)

    one = zipped(b"the 1 2\n", "glove.6B.50d.txt")
    assert vector_files.read(put(one)).table.tolist() == [[1, 2]]
    assert fault(zipped(b"", "glove.6B.50d.txt", **{"glove.6B.100d.txt": b""})) == (
        ": a zip archive of 2 files: glove.6B.50d.txt, glove.6B.100d.txt; expected exactly one "
        "file: unpack it and name the file to read"
    )
    assert fault(struct.pack("<2i", 793712314, 12)) == (
        ": a fastText model (.bin), not text; use the .vec file of the same model instead"
    )
    assert fault("the 1 2\n".encode("utf-16")) == (
        ": UTF-16, expected UTF-8; convert it with iconv -f utf-16 -t utf-8"
    )
    words = b"".join(
        f"{word} 1 2\n".encode("cp1251") for word in ("Москва", "вчера", "работает", "живёт")
    )
    assert fault(words) == (
        ": 4 of 4 words are not UTF-8; the file looks like cp1251 (Windows, Cyrillic): convert it "
        "with iconv -f cp1251 -t utf-8"
    )
    stream = io.BytesIO()
    np.savez(stream, words=np.array(["a"]), vectors=np.eye(1, dtype="f4"))
    for data in (stream.getvalue(), gzip.compress(stream.getvalue())):
        assert vector_files.read(put(data)).table.tolist() == [[1]]


def piped(data: bytes, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Run a command whose standard input is a pipe."""
    return subprocess.run(
        [sys.executable, "-m", "tagger", *arguments],
        input=data,
        capture_output=True,
        check=False,
        timeout=PATIENCE,
    )


@pytest.mark.slow
@pytest.mark.parametrize("pack", [lzma.compress, zipped], ids=["xz", "zip"])
def test_pipes_are_decompressed(pack: Callable[[bytes], bytes]) -> None:
    rows = "Zoë B-PER B-PER\nsang O O\n".encode("utf-16")
    done = piped(pack(rows), "evaluate", "--predictions", "-", "--json")
    assert done.returncode == 0, done.stderr
    assert b'"tokens": 2' in done.stdout
    done = piped(pack(rows)[:-9], "evaluate", "--predictions", "-")
    assert done.returncode == 1
    assert b"Error: -: the " in done.stderr
    assert b" file ends early or is damaged (" in done.stderr


def test_a_pipe_of_single_bytes_is_peeked_without_seeking(monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow(io.RawIOBase):
        """A pipe whose writer writes byte by byte."""

        def __init__(self, data: bytes) -> None:
            self.rest = data

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
            count = min(1, len(self.rest), len(buffer))
            buffer[:count], self.rest = self.rest[:count], self.rest[count:]
            return count

    for kind, pack in {"plain": bytes, **PACKED}.items():
        stream = io.BufferedReader(Slow(pack(COLUMNS.encode())))  # type: ignore[type-var]
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=stream))
        assert text_of("-") == COLUMNS, kind
        assert not stream.closed
