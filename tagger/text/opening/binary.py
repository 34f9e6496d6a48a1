"""Recognition of files that are not text by their first bytes."""

from __future__ import annotations

import codecs
import re
import zlib
from collections.abc import Sequence
from typing import NamedTuple

__all__ = [
    "CONTROLS",
    "DOCBIN",
    "NPZ",
    "Kind",
    "is_utf8",
    "kind_by_name",
    "kind_of",
    "kind_of_archive",
]

CONTROLS = re.compile(rb"[\0-\x08\x0e-\x1a]")
"""Control characters that text does not contain."""


class Kind(NamedTuple):
    """A kind of file that is not text.

    Attributes:
        what: Noun phrase, such as "a PDF document".
        advice: How to proceed.
    """

    what: str
    advice: str


_PLAIN = "save it as plain text first, for example with pandoc -t plain"
_SHEET = "export the sheet as text first"
_OCR = "recognize its text first, for example with tesseract"
_UNPACK = "unpack it and name the file in it"
_EXPORT = "export the text as JSON Lines or columns first"
_EXPECTED = "expected a text file"
_DATASET = (
    "tagger train and tagger convert read annotated sentences from files whose names end in "
    ".parquet or .arrow; for other commands, write JSON Lines, for example with tagger convert"
)
_ARROW = Kind("an Arrow file", _DATASET)
_WORD = Kind("a Word document (.docx)", _PLAIN)
_OLD_OFFICE = Kind("an old Office document (.doc, .xls or .ppt)", _PLAIN)

NPZ = Kind("an archive of NumPy arrays (.npz)", _EXPECTED)
"""The kind of file that also contains word vectors."""

# Signatures that contain bytes which text does not contain, or are too long to be words.
_MAGIC = (
    (b"%PDF-", Kind("a PDF document", "extract its text first, for example with pdftotext")),
    (b"{\\rtf", Kind("an RTF document", _PLAIN)),
    (b"%!PS-Adobe", Kind("a PostScript document", "extract its text first, with ps2ascii")),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", _OLD_OFFICE),
    (b"\x89PNG", Kind("a PNG image", _OCR)),
    (b"\xff\xd8\xff", Kind("a JPEG image", _OCR)),
    (b"II*\0", Kind("a TIFF image", _OCR)),
    (b"MM\0*", Kind("a TIFF image", _OCR)),
    (b"\xff\xff\xff\xff", _ARROW),
    (b"\x93NUMPY", Kind("a NumPy array (.npy)", _EXPECTED)),
    (b"\x89HDF", Kind("an HDF5 file", _EXPORT)),
    (b"SQLite format 3", Kind("an SQLite database", _EXPORT)),
    (b"\x7fELF", Kind("a program (ELF)", _EXPECTED)),
    (b"\xcf\xfa\xed\xfe", Kind("a program (Mach-O)", _EXPECTED)),
    (b"\xca\xfe\xba\xbe", Kind("a program (Mach-O or Java)", _EXPECTED)),
    (b"7z\xbc\xaf\x27\x1c", Kind("a 7z archive", _UNPACK)),
    (b"Rar!\x1a\7", Kind("a RAR archive", _UNPACK)),
    (b"\x04\x22\x4d\x18", Kind("an LZ4 file", "decompress it first: lz4 -d")),
    (b"\x1f\x9d", Kind("a file of compress (.Z)", "decompress it first: uncompress")),
    (
        b"\xba\x16\x4f\x2f",
        Kind("a fastText model (.bin)", "use the .vec file of the same model instead"),
    ),
)

# Signatures that could be the first word of a text: control characters must follow.
_WEAK_MAGIC = (
    (b"PAR1", Kind("a Parquet file", _DATASET)),
    (b"PARE", Kind("an encrypted Parquet file", _DATASET)),
    (b"ARROW1", _ARROW),
    (b"FEA1", Kind("a Feather file", _EXPORT)),
    (b"GIF8", Kind("a GIF image", _OCR)),
    (b"BM", Kind("a BMP image", _OCR)),
    (b"RIFF", Kind("an image, sound or video", _EXPECTED)),
    (b"OggS", Kind("a sound or video", _EXPECTED)),
    (b"ID3", Kind("a sound", _EXPECTED)),
    (b"MZ", Kind("a program (Windows)", _EXPECTED)),
    (b"LZIP", Kind("an lzip file", "decompress it first: lzip -d")),
)

_PICKLE = re.compile(rb"\x80[\2-\5]")
_ZLIB = re.compile(rb"x[\x01\x5e\x9c\xda]")
DOCBIN = Kind("a spaCy DocBin (.spacy)", "export its tokens and spans as JSON Lines first")

_OFFICE = {
    ".docx": _WORD,
    ".xlsx": Kind("an Excel workbook (.xlsx)", _SHEET),
    ".pptx": Kind("a PowerPoint presentation (.pptx)", "export its text first"),
    ".odt": Kind("an OpenDocument text (.odt)", _PLAIN),
    ".ods": Kind("an OpenDocument sheet (.ods)", _SHEET),
    ".odp": Kind("an OpenDocument presentation (.odp)", "export its text first"),
    ".epub": Kind("an e-book (.epub)", _PLAIN),
}
# The first folder or file that only this kind of zip archive contains.
_MEMBERS = (
    ("word/", ".docx"),
    ("xl/", ".xlsx"),
    ("ppt/", ".pptx"),
    ("META-INF/container.xml", ".epub"),
)


def kind_of(head: bytes, name: str = "") -> Kind | None:
    """Recognize a file that is not text, and is not compressed.

    Args:
        head: The first bytes of the file, at least 512 if it has that many.
        name: Name of the file, which decides only among kinds with the same first bytes.

    Returns:
        The kind of file; None for text, and for data without a signature.
    """
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    for magic, kind in _WEAK_MAGIC:
        if head.startswith(magic) and CONTROLS.search(head, len(magic), len(magic) + 16):
            return kind
    if _PICKLE.match(head):
        return Kind("a Python pickle", f"pickles can run code and are not loaded; {_EXPORT}")
    if head[257:262] == b"ustar":
        return Kind("a tar archive", "unpack it and name the file in it: tar -xf")
    if head[4:8] == b"ftyp" and head.startswith(b"\0"):
        return Kind("an image, sound or video", _EXPECTED)
    return _zlib_kind(head, name)


def is_utf8(data: bytes) -> bool:
    """Return whether bytes are UTF-8, apart from a character that is cut off at their end.

    Args:
        data: The bytes.

    Returns:
        Whether no byte contradicts UTF-8.
    """
    try:
        codecs.getincrementaldecoder("utf-8")().decode(data)
    except UnicodeDecodeError:
        return False
    return True


def _zlib_kind(head: bytes, name: str) -> Kind | None:
    """Recognize zlib data, which spaCy's DocBin consists of."""
    if not _ZLIB.match(head):
        return None
    if head[1] not in b"\x01\x9c" and is_utf8(head[:256]):  # "x^" and "xڀ" can be text
        return None
    try:
        inner = zlib.decompressobj().decompress(head, 1 << 12)
    except zlib.error:
        inner = b""
    if name.lower().endswith(".spacy") or b"attrs" in inner:
        return DOCBIN
    return Kind("zlib data", _EXPECTED)


def kind_of_archive(files: Sequence[str], mimetype: bytes, name: str) -> Kind | None:
    """Recognize a zip archive that is the container of another kind of file.

    Args:
        files: Names of the files in the archive.
        mimetype: Contents of the file "mimetype", which OpenDocument and EPUB have; else empty.
        name: Name of the archive. An Office suffix decides where the contents do not.

    Returns:
        The kind of file; None for an ordinary archive.
    """
    if files and all(file.endswith(".npy") for file in files):
        return NPZ
    if any(file.endswith("/data.pkl") for file in files):
        return Kind("a PyTorch file", _EXPECTED)
    for part, suffix in ((b"text", ".odt"), (b"spreadsheet", ".ods"), (b"presentation", ".odp")):
        if mimetype.startswith(b"application/vnd.oasis.opendocument." + part):
            return _OFFICE[suffix]
    for start, suffix in _MEMBERS:
        if any(file.startswith(start) for file in files):
            return _OFFICE[suffix]
    return kind_by_name(name)


def kind_by_name(name: str) -> Kind | None:
    """Return the kind of Office document that the name of a zip archive claims; None if none."""
    return next((kind for suffix, kind in _OFFICE.items() if name.lower().endswith(suffix)), None)
