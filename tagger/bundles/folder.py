"""Folders of files with a manifest, which lists the size and SHA-256 of each file.

The manifest is written last, so a folder without one is incomplete. Each file is an atomic write,
and is checked against the manifest when it is read.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from tagger.errors import BundleError, TaggerError
from tagger.files import atomic_write

__all__ = [
    "MANIFEST",
    "from_npz",
    "graphs",
    "hard_link_bundle",
    "manifest",
    "manifest_entry",
    "parse",
    "read_verified",
    "save",
    "to_npz",
]

T = TypeVar("T")
MANIFEST = "manifest.json"
_AGAIN = "copy the whole folder again"


def save(folder: Path, contents: Mapping[str, bytes], head: Mapping[str, Any]) -> None:
    """Write files, and last the manifest: a folder without one is not a model yet.

    Args:
        folder: The folder; created if it does not exist.
        contents: The bytes of each file by its path in the folder.
        head: The first entries of the manifest, such as its format version.

    Raises:
        TaggerError: A file cannot be written.
    """
    (folder / MANIFEST).unlink(missing_ok=True)
    for name, content in contents.items():
        with atomic_write(folder / name, "wb") as stream:
            stream.write(content)
    files = {name: manifest_entry(folder / name) for name in contents}
    with atomic_write(folder / MANIFEST) as stream:
        stream.write(json.dumps({**head, "files": files}, indent=1, ensure_ascii=False) + "\n")


def manifest_entry(path: Path) -> dict[str, Any]:
    """Return the manifest entry of a file: ``bytes``, its size, and ``sha256``, in hexadecimal.

    The file is read in blocks, as it may be large.
    """
    with open(path, "rb") as stream:
        return {
            "bytes": path.stat().st_size,
            "sha256": hashlib.file_digest(stream, "sha256").hexdigest(),
        }


def manifest(folder: Path) -> dict[str, Any]:
    """Return the parsed manifest of a folder.

    Args:
        folder: The folder of a model.

    Returns:
        The manifest. Its ``files`` are a dict of entries by file name, which are not yet checked.

    Raises:
        BundleError: There is no manifest, or it is damaged.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise BundleError(
            f"{folder}: not a trained model: there is no {MANIFEST}; if its training was stopped, "
            "use --resume"
        )
    try:
        data = json.loads(path.read_bytes())
    except OSError as error:
        raise BundleError(f"{path}: cannot be read ({error.strerror}); {_AGAIN}") from error
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{path}: damaged manifest ({error!r}); {_AGAIN}") from error
    if not isinstance(data, dict) or not isinstance(data.get("files"), dict):
        raise BundleError(f"{path}: damaged manifest; {_AGAIN}")
    return data


def read_verified(
    folder: Path, name: str, listed: Mapping[str, Any], *, content: bool = True
) -> bytes:
    """Check a file against the manifest and return its bytes.

    Args:
        folder: The folder of a model.
        name: The path of the file in the folder.
        listed: The ``files`` of the manifest.
        content: Whether to return the bytes. False checks a large file in blocks.

    Returns:
        The bytes of the file; b"" if `content` is False.

    Raises:
        BundleError: The file is not listed, lies outside of the folder, cannot be read, or differs
            from its entry.
    """
    path, wanted = folder / name, listed.get(name)
    if not isinstance(wanted, dict):
        raise BundleError(f"{folder / MANIFEST}: does not list {name}; {_AGAIN}")
    try:
        # A link out of the folder, a pipe or a device cannot be part of a bundle.
        if path.exists() and not (
            path.is_file() and path.resolve().is_relative_to(folder.resolve())
        ):
            raise BundleError(
                f"{path}: not a regular file in this folder; {_AGAIN}, with files instead of links"
            )
        data = path.read_bytes() if content else b""
        actual = (
            {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            if content
            else manifest_entry(path)
        )
    except OSError as error:
        raise BundleError(f"{path}: cannot be read ({error.strerror}); {_AGAIN}") from error
    if any(wanted.get(key) != value for key, value in actual.items()):
        raise BundleError(
            f"{path}: differs from the manifest (expected {wanted.get('bytes')} bytes, found "
            f"{actual['bytes']}): the file was damaged or changed; {_AGAIN}, or train again"
        )
    return data


def graphs(folder: Path, names: Sequence[str], listed: Mapping[str, Any]) -> dict[str, bytes]:
    """Read the ONNX graphs of a model.

    Args:
        folder: The folder of the model.
        names: The file names of the graphs.
        listed: The ``files`` of the manifest.

    Returns:
        The serialized graphs by file name.

    Raises:
        BundleError: A graph is not in the manifest, or differs from it.
    """
    if missing := [name for name in names if name not in listed]:
        raise BundleError(
            f"{folder / MANIFEST}: does not list {' or '.join(missing)}; create the graphs from "
            f"the weights with: tagger export {folder}"
        )
    return {name: read_verified(folder, name, listed) for name in names}


def parse(path: Path, parse: Callable[[Any], T], content: Any) -> T:
    """Parse the content of a file.

    Args:
        path: The path of the file, for errors.
        parse: The parser of the content.
        content: The content of the file.

    Returns:
        The result of `parse`.

    Raises:
        BundleError: The parser raised an error, which becomes its cause.
    """
    try:
        return parse(content)
    except BundleError:
        raise
    except (ValueError, KeyError, TypeError, RecursionError, TaggerError) as error:
        raise BundleError(f"{path}: invalid content: {error}") from error


def hard_link_bundle(source: Path, folder: Path) -> bool:
    """Fill `folder` with hard links to the files of a bundle, the manifest last.

    Files are only ever replaced, never changed in place, so a later write to one of the two folders
    does not affect the other.

    Args:
        source: The folder of a bundle.
        folder: The folder of the links; created if it does not exist.

    Returns:
        Whether it succeeded: False across disks, without support for hard links, or if `source` has
        been removed.
    """
    if folder.exists() and source.resolve() == folder.resolve():
        return True
    try:
        names = [*manifest(source)["files"], MANIFEST]
        (folder / MANIFEST).unlink(missing_ok=True)
        for name in names:
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.unlink(missing_ok=True)
            target.hardlink_to(source / name)
    except (OSError, BundleError):
        return False
    return True


def to_npz(named: Mapping[str, np.ndarray]) -> bytes:
    """Return arrays as the bytes of an .npz file; equal arrays yield equal bytes."""
    stream = io.BytesIO()
    np.savez(stream, **named)  # type: ignore[arg-type]
    return stream.getvalue()


def from_npz(data: bytes, path: Path) -> dict[str, np.ndarray]:
    """Return the arrays of an .npz file by name, without executing anything in it.

    Args:
        data: The bytes of the file.
        path: The path of the file, for errors.

    Returns:
        A new array for each member of the file, in the order of the file.

    Raises:
        BundleError: The file is not an .npz file, or contains pickled objects.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = {name.removesuffix(".npy"): archive.read(name) for name in archive.namelist()}
        return {
            name: np.lib.format.read_array(io.BytesIO(member), allow_pickle=False)
            for name, member in members.items()
        }
    # zipfile and NumPy raise exceptions of many types for a crafted or damaged file.
    except Exception as error:
        raise BundleError(f"{path}: not an .npz file of plain arrays: {error!r}") from error
