"""Archives of arrays (.npz), and zip archives in general, with a bound on what reading them costs.

A small file could otherwise ask for any amount of memory: compressed zeros, or one member listed a
thousand times.
"""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

import numpy as np

from tagger.errors import BundleError

__all__ = ["from_npz", "open_archive", "to_npz"]

_SLACK = 1 << 28  # bytes by which the contents of an archive may exceed its size
_DIRECTORY = 1 << 22  # bytes of an archive's directory: about 50,000 members
_END = 22  # bytes of the record at the end of an archive, without a comment


def to_npz(named: Mapping[str, np.ndarray]) -> bytes:
    """Return arrays as the bytes of an .npz file; equal arrays yield equal bytes."""
    stream = io.BytesIO()
    np.savez(stream, **named)  # type: ignore[arg-type]
    return stream.getvalue()


def from_npz(source: bytes | BinaryIO, path: Path) -> dict[str, np.ndarray]:
    """Return the arrays of an .npz file by name, without executing anything in it.

    Args:
        source: The bytes of the file, or the open file.
        path: The path of the file, for errors.

    Returns:
        A new array for each member of the file, in the order of the file.

    Raises:
        BundleError: The file is not an .npz file, contains pickled objects, or expands to far more
            than its size.
    """
    stream = io.BytesIO(source) if isinstance(source, bytes) else source
    try:
        with open_archive(stream) as archive:
            return {
                member.filename.removesuffix(".npy"): np.lib.format.read_array(
                    io.BytesIO(archive.read(member)), allow_pickle=False
                )
                for member in archive.infolist()
            }
    # zipfile and NumPy raise exceptions of many types for a crafted or damaged file.
    except Exception as error:
        raise BundleError(f"{path}: not an .npz file of plain arrays: {error!r}") from error


def open_archive(stream: BinaryIO) -> zipfile.ZipFile:
    """Open a zip archive whose members can all be read at a bounded cost.

    Args:
        stream: The open file.

    Returns:
        The archive. Its members together are at most 256 MB larger than the file, and have distinct
        names.

    Raises:
        ValueError: The archive is not of this kind.
        zipfile.BadZipFile: The archive is damaged.
    """
    size = stream.seek(0, os.SEEK_END)
    if _directory_size(stream, size) > _DIRECTORY:
        raise ValueError("lists too many members")
    archive = zipfile.ZipFile(stream)
    members = archive.infolist()
    if len({member.filename for member in members}) != len(members):
        raise ValueError("lists a member twice")
    if (expanded := sum(member.file_size for member in members)) > size + _SLACK:
        raise ValueError(f"its {size:,} bytes expand to {expanded:,}; save it without compression")
    return archive


def _directory_size(stream: BinaryIO, size: int) -> int:
    """Return the size of an archive's directory as its last record states it; 0 without one."""
    stream.seek(max(size - _END, 0))
    record = stream.read(_END)
    if not (record.startswith(b"PK\5\6") and record.endswith(b"\0\0")):
        start = max(size - _END - 0xFFFF, 0)  # a comment follows
        stream.seek(start)
        tail = stream.read()
        record = tail[tail.rfind(b"PK\5\6") :] if b"PK\5\6" in tail else b""
    return int.from_bytes(record[12:16], "little")
