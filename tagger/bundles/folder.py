"""A folder of files, and a manifest that comes last with size and SHA-256 of each: written whole,
read with every check.
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
    """Write files by name, and then the manifest, which begins with `head`: a folder without one is
    no model yet.

    Raises:
        TaggerError: the disk does not let it be written.
    """
    (folder / MANIFEST).unlink(missing_ok=True)
    for name, content in contents.items():
        with atomic_write(folder / name, "wb") as stream:
            stream.write(content)
    files = {name: manifest_entry(folder / name) for name in contents}
    with atomic_write(folder / MANIFEST) as stream:
        stream.write(json.dumps({**head, "files": files}, indent=1, ensure_ascii=False) + "\n")


def manifest_entry(path: Path) -> dict[str, Any]:
    """A file's line in the manifest; read in pieces, as it may be large."""
    with open(path, "rb") as stream:
        return {
            "bytes": path.stat().st_size,
            "sha256": hashlib.file_digest(stream, "sha256").hexdigest(),
        }


def manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a folder, an object with an object ``files``.

    Raises:
        BundleError: there is none, or it is damaged.
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
    """A file that is what the manifest's ``files`` say; its bytes, unless it is large and only to
    be checked.

    Raises:
        BundleError: it is not listed, leads out of the folder, cannot be read, or differs.
    """
    path, wanted = folder / name, listed.get(name)
    if not isinstance(wanted, dict):
        raise BundleError(f"{folder / MANIFEST}: does not list {name}; {_AGAIN}")
    try:
        # What a link leads to outside of the folder, a pipe or a device is no part of a bundle.
        if path.exists() and not (
            path.is_file() and path.resolve().is_relative_to(folder.resolve())
        ):
            raise BundleError(
                f"{path}: is no file of this folder; {_AGAIN}, with the files instead of links"
            )
        data = path.read_bytes() if content else b""
        found = (
            {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            if content
            else manifest_entry(path)
        )
    except OSError as error:
        raise BundleError(f"{path}: cannot be read ({error.strerror}); {_AGAIN}") from error
    if any(wanted.get(key) != value for key, value in found.items()):
        raise BundleError(
            f"{path}: differs from what the manifest says ({wanted.get('bytes')} bytes, found "
            f"{found['bytes']}): the file was "
            f"damaged or changed; {_AGAIN}, or train anew"
        )
    return data


def graphs(folder: Path, names: Sequence[str], listed: Mapping[str, Any]) -> dict[str, bytes]:
    """Return a model's ONNX graphs by the names of their files.

    Raises:
        BundleError: The manifest's files, `listed`, lack one, or one differs from the manifest.
    """
    if missing := [name for name in names if name not in listed]:
        raise BundleError(
            f"{folder / MANIFEST}: does not list {' or '.join(missing)}; the graphs are made from "
            f"the weights by: tagger export {folder}"
        )
    return {name: read_verified(folder, name, listed) for name in names}


def parse(path: Path, parse: Callable[[Any], T], content: Any) -> T:
    """Return what `parse` makes of the content of a file.

    Raises:
        BundleError: It cannot make anything of it.
    """
    try:
        return parse(content)
    except BundleError:
        raise
    except (ValueError, KeyError, TypeError, RecursionError, TaggerError) as error:
        raise BundleError(f"{path}: cannot be understood: {error}") from error


def hard_link_bundle(source: Path, folder: Path) -> bool:
    """Make `folder` one of links to the files of `source`, which have a manifest: the manifest
    last; whether that was possible.

    Files are only ever replaced, never changed, so what happens to one of the two folders is no
    matter to the other.
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
    except (OSError, BundleError):  # another disk, one without links, or the source has gone
        return False
    return True


def to_npz(named: Mapping[str, np.ndarray]) -> bytes:
    """Arrays as an .npz file, the same bytes for the same arrays."""
    stream = io.BytesIO()
    np.savez(stream, **named)  # type: ignore[arg-type]
    return stream.getvalue()


def from_npz(data: bytes, path: Path) -> dict[str, np.ndarray]:
    """The arrays of an .npz file by name; nothing in it is executed.

    Raises:
        BundleError: it is something else.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = {name.removesuffix(".npy"): archive.read(name) for name in archive.namelist()}
        return {
            name: np.lib.format.read_array(io.BytesIO(member), allow_pickle=False)
            for name, member in members.items()
        }
    except (
        Exception
    ) as error:  # zipfile and NumPy raise many kinds for a file that somebody made up
        raise BundleError(f"{path}: not an .npz file of plain arrays: {error!r}") from error
