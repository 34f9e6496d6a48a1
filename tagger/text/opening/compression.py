"""Decompression of input files as streams, recognized by their first bytes.

gzip, bzip2, xz and zip are read with the standard library; Zstandard with that of Python 3.14, or
with the package `zstandard`.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, BinaryIO, cast

__all__ = [
    "DAMAGE",
    "SUFFIXES",
    "DamagedError",
    "Rewound",
    "UnsupportedError",
    "files_of",
    "kind_of",
    "open_member",
    "open_stream",
    "open_zip",
    "unpacked_name",
]

SUFFIXES = (".gz", ".bz2", ".xz", ".zst", ".zip")
"""Suffixes of compressed files, in lower case. They serve names only: content is recognized."""

_MAGIC = {
    "gzip": b"\x1f\x8b",
    "bzip2": b"BZh",
    "xz": b"\xfd7zXZ\0",
    "lzma": b"]\0\0",
    "zstd": b"\x28\xb5\x2f\xfd",
    "zip": b"PK\3\4",
}
_BZIP2 = re.compile(rb"BZh[1-9](1AY&SY|\x17rE8P\x90)")  # a block, or the end of an empty file
_SKIPPABLE_ZSTD = re.compile(rb"[\x50-\x5f]\x2a\x4d\x18")
_EMPTY_ZIP = b"PK\5\6"

_INPUT = 1 << 16  # compressed bytes that are read at once
_ZSTANDARD_INPUT = 1 << 10  # the same for `zstandard`: each byte may become 32 KiB
_IN_MEMORY = 1 << 24  # bytes of a zip archive from a pipe that are kept in memory, not on disk


class DamagedError(Exception):
    """A compressed file that is damaged or truncated."""


class UnsupportedError(Exception):
    """A compressed file that nothing installed can read; the message says what to do."""


DAMAGE = (DamagedError, EOFError, zlib.error, zipfile.BadZipFile, gzip.BadGzipFile)
"""What reading a damaged or truncated file raises."""


class Rewound(io.RawIOBase):
    """A stream that begins with bytes that were already read from another one.

    Args:
        head: The bytes that were read.
        rest: The stream, which continues after them and is not closed.
    """

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        self._head, self._rest = head, rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._head:
            return self._rest.readinto(buffer)  # type: ignore[attr-defined, no-any-return]
        count = min(len(buffer), len(self._head))
        buffer[:count], self._head = self._head[:count], self._head[count:]
        return count


class _Decompressed(io.RawIOBase):
    """The decompressed bytes of concatenated compressed streams.

    Unlike `bz2.open` and `lzma.open`, it refuses bytes that follow and are not compressed, which
    may be what is left of a damaged part.

    Args:
        source: The compressed stream.
        create: Create a decompressor with the methods and attributes of `bz2.BZ2Decompressor`.
        padding: Bytes that may follow a stream: xz allows zeros.
    """

    def __init__(
        self, source: BinaryIO, create: Callable[[], Any], *, padding: bytes = b""
    ) -> None:
        self._source, self._create, self._padding = source, create, padding
        self._current = create()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def _read(self, size: int) -> bytes:
        """Return 1 to `size` bytes, or none at the end of the file."""
        while True:
            packed = b""
            if self._current.eof:
                if not (packed := self._next_stream()):
                    return b""
                self._current = self._create()
            elif self._current.needs_input and not (packed := self._source.read(_INPUT)):
                raise DamagedError("it ends before the end of its stream")
            try:
                data: bytes = self._current.decompress(packed, size)
            except Exception as error:  # OSError, LZMAError or ZstdError
                raise DamagedError(str(error)) from error
            if data:
                return data

    def _next_stream(self) -> bytes:
        """Return the first bytes after a stream and its padding, or none at the end of the file."""
        packed: bytes = self._current.unused_data
        while not (packed := packed.lstrip(self._padding) if self._padding else packed):
            if not (packed := self._source.read(_INPUT)):
                return b""
        return packed


class _ZstandardDecompressor:
    """A decompressor of the package `zstandard` with the interface of `bz2.BZ2Decompressor`."""

    def __init__(self, package: Any) -> None:
        self._object = package.ZstdDecompressor().decompressobj()
        self._packed = self._ready = b""

    @property
    def needs_input(self) -> bool:
        return not self._packed and not self._ready

    @property
    def eof(self) -> bool:
        return not self._ready and bool(self._object.eof)

    @property
    def unused_data(self) -> bytes:
        return cast(bytes, self._object.unused_data) + self._packed

    def decompress(self, packed: bytes, size: int) -> bytes:
        """Return up to `size` bytes; little input at a time, since output is not bounded."""
        self._packed += packed
        while self._packed and not self._ready and not self._object.eof:
            piece, self._packed = self._packed[:_ZSTANDARD_INPUT], self._packed[_ZSTANDARD_INPUT:]
            self._ready = self._object.decompress(piece)
        data, self._ready = self._ready[:size], self._ready[size:]
        return data


def _zstd() -> Callable[[], Any]:
    """Return a function that creates a Zstandard decompressor."""
    try:
        from compression.zstd import ZstdDecompressor  # type: ignore[import-not-found, unused-ignore]

        return cast(Callable[[], Any], ZstdDecompressor)
    except ImportError:
        pass
    try:
        import zstandard  # type: ignore[import-not-found, unused-ignore]
    except ImportError as error:
        raise UnsupportedError(
            "Zstandard needs Python 3.14 or the package zstandard: pip install zstandard, or "
            "decompress the file first: zstd -d"
        ) from error
    return lambda: _ZstandardDecompressor(zstandard)


def kind_of(head: bytes) -> str:
    """Recognize a compressed file.

    Args:
        head: The first bytes of the file, at least 10 if it has that many.

    Returns:
        gzip, bzip2, xz, lzma, zstd or zip; "" for anything else. The beginning of a signature is
        recognized in a truncated file, unless it could be text.
    """
    if not head:
        return ""
    if head.startswith(_EMPTY_ZIP):
        return "zip"
    if _SKIPPABLE_ZSTD.match(head):
        return "zstd"
    for kind, magic in _MAGIC.items():
        if head.startswith(magic) or (magic.startswith(head) and not head.isascii()):
            return kind if kind != "bzip2" or _BZIP2.match(head) else ""
    return ""


def open_stream(kind: str, source: BinaryIO) -> BinaryIO:
    """Decompress a stream.

    Args:
        kind: As of `kind_of`, but for zip.
        source: The compressed stream, which is not closed.

    Returns:
        The stream of decompressed bytes. Reading it raises one of `DAMAGE` if it is damaged or
        truncated.

    Raises:
        UnsupportedError: Nothing that is installed reads this kind.
    """
    if kind == "gzip":
        return cast(BinaryIO, gzip.GzipFile(fileobj=source))
    if kind == "bzip2":
        raw = _Decompressed(source, bz2.BZ2Decompressor)
    elif kind == "zstd":
        raw = _Decompressed(source, _zstd())
    else:
        raw = _Decompressed(source, lzma.LZMADecompressor, padding=b"\0")
    return cast(BinaryIO, io.BufferedReader(raw, _INPUT))


def open_zip(source: BinaryIO, stack: ExitStack) -> zipfile.ZipFile:
    """Open a zip archive, whose table of contents is at its end.

    Args:
        source: A stream at its start. One that cannot be positioned, such as a pipe, is copied to
            memory, or to a temporary file if it is large.
        stack: Closes the archive and the copy.

    Returns:
        The open archive.

    Raises:
        zipfile.BadZipFile: The archive is damaged or truncated.
    """
    if not source.seekable():
        copy = stack.enter_context(tempfile.SpooledTemporaryFile(_IN_MEMORY))  # noqa: SIM115
        shutil.copyfileobj(source, copy)
        source = cast(BinaryIO, copy)
    return stack.enter_context(zipfile.ZipFile(source))


def files_of(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """Return the files in a zip archive, without folders and what macOS adds."""
    return [
        entry
        for entry in archive.infolist()
        if not entry.is_dir()
        and not entry.filename.startswith("__MACOSX/")
        and entry.filename.rpartition("/")[2] != ".DS_Store"
    ]


def open_member(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> BinaryIO:
    """Open a file in a zip archive.

    Args:
        archive: The open archive.
        entry: The file.

    Returns:
        The stream of its bytes. Reading it raises as that of `open_stream`.

    Raises:
        UnsupportedError: The file is encrypted, or compressed in a way that Python does not read.
    """
    if entry.flag_bits & 1:
        raise UnsupportedError("it is encrypted; unpack it with its password first: unzip")
    try:
        return cast(BinaryIO, archive.open(entry))
    except NotImplementedError as error:
        raise UnsupportedError(f"{error}; unpack it first: unzip") from error


def unpacked_name(name: str) -> str:
    """Return the name of a file without the suffix of its compression, if it has one."""
    for suffix in SUFFIXES:
        if name.lower().endswith(suffix):
            return name[: -len(suffix)]
    return name
