"""Compressed files, and the reading of text files, in short."""

from __future__ import annotations

import bz2
import gzip
import importlib.util
import io
import lzma
import struct
import zipfile
from collections.abc import Callable

import pytest

from tagger.errors import DataError
from tagger.text import opening


def zipped(data: bytes, name: str = "a.txt", **more: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, content in {name: data, **more}.items():
            archive.writestr(zipfile.ZipInfo(member), content, zipfile.ZIP_DEFLATED)
    return stream.getvalue()


def zstd(data: bytes) -> bytes:
    """A Zstandard frame of blocks that are not compressed (RFC 8878)."""
    pieces = [data[start : start + 1000] for start in range(0, len(data), 1000)] or [b""]
    blocks = [
        struct.pack("<I", (len(piece) << 3) + (number == len(pieces)))[:3] + piece
        for number, piece in enumerate(pieces, 1)
    ]
    return b"\x28\xb5\x2f\xfd\0\0" + b"".join(blocks)


HAS_ZSTD = any(importlib.util.find_spec(name) for name in ("compression", "zstandard"))
PACKED: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda data: gzip.compress(data, mtime=0),
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "lzma": lambda data: lzma.compress(data, lzma.FORMAT_ALONE),
    "zip": zipped,
}
if HAS_ZSTD:
    PACKED["zstd"] = zstd


def text_of(path: str, encoding: str = "auto") -> str:
    return "".join(f"{line}\n" for _, line in opening.lines(path, encoding))


def problem(path: str, encoding: str = "auto") -> str:
    with pytest.raises(DataError) as caught:
        text_of(path, encoding)
    message = str(caught.value)
    assert message.startswith(path)
    assert "\n" not in message
    return message.removeprefix(path)
