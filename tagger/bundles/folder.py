"""Folders of files with a manifest, which lists the size and SHA-256 of each file.

A bundle is written to a temporary folder within its folder, which is then renamed to
``.bundle.next``: from this moment on the new bundle counts, and before it the old one is untouched.
Its files are then moved to their places, the manifest last. If that is interrupted, whoever reads
or writes the bundle next completes it. Files are checked against the manifest when they are read.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from tagger.bundles import graphs as graph_files
from tagger.bundles.paths import is_name, member
from tagger.errors import BundleError, TaggerError
from tagger.files import locked, remove_abandoned, temporary_folder

__all__ = [
    "MANIFEST",
    "graphs",
    "hard_link_bundle",
    "manifest",
    "manifest_entry",
    "parse",
    "parse_json",
    "read_verified",
    "remove",
    "save",
]

T = TypeVar("T")
MANIFEST = "manifest.json"
_AGAIN = "copy the whole folder again"
_NEXT = ".bundle.next"
_MEGABYTE = 1 << 20
_LARGEST = {
    ".toml": _MEGABYTE,
    ".md": _MEGABYTE,
    ".json": 32 * _MEGABYTE,
    ".onnx": 2048 * _MEGABYTE,  # the maximum of protocol buffers
}
"""Maximum size in bytes by suffix of the files that are read as a whole."""
_MOST_ITEMS, _MOST_LISTS = 3_000_000, 100_000  # of a JSON file; each takes up to 100 bytes


def save(
    folder: Path,
    contents: Mapping[str, bytes],
    head: Mapping[str, Any],
    *,
    fill: Callable[[Path], Iterable[str]] = lambda _: (),
    obsolete: Iterable[str] = (),
) -> None:
    """Write a bundle, which replaces an earlier one as a whole or not at all.

    Args:
        folder: The folder; created if it does not exist.
        contents: The bytes of each file by its path in the folder.
        head: The first entries of the manifest, such as its format version.
        fill: Function that writes further files to the folder that it receives, and returns the
            names of those that the manifest lists.
        obsolete: Names of files of an earlier bundle, which are removed.

    Raises:
        TaggerError: A file cannot be written; an earlier bundle is then unchanged.
    """
    try:
        with locked(folder, "bundle", wait=True):
            _complete(folder)
            remove_abandoned(folder)
            with temporary_folder(folder / "bundle") as temporary:
                _write(temporary, contents, head, fill)
                temporary.rename(folder / _NEXT)
            _complete(folder)
            for name in obsolete:
                member(folder, name).unlink(missing_ok=True)
    except OSError as error:
        raise TaggerError(f"{folder}: cannot be written: {error.strerror or error}") from error


def _write(
    temporary: Path,
    contents: Mapping[str, bytes],
    head: Mapping[str, Any],
    fill: Callable[[Path], Iterable[str]],
) -> None:
    """Write the files of a bundle and its manifest to a temporary folder."""
    for name, content in contents.items():
        _write_file(temporary / name, content)
    names = [*contents, *fill(temporary)]
    files = {name: manifest_entry(temporary / name) for name in names}
    text = json.dumps({**head, "files": files}, indent=1, ensure_ascii=False) + "\n"
    _write_file(temporary / MANIFEST, text.encode())


def _write_file(path: Path, content: bytes) -> None:
    """Write a new file and flush it to the disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "xb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def _complete(folder: Path) -> None:
    """Move the files of a new bundle to their places, the manifest last; does nothing without one.

    The caller holds the lock of the folder.
    """
    source = folder / _NEXT
    if source.is_symlink() or not source.is_dir():
        return
    names = sorted(
        (Path(path) / name).relative_to(source).as_posix()
        for path, _, files in os.walk(source)
        for name in files
        if not (Path(path) / name).is_symlink()
    )
    for name in sorted(names, key=MANIFEST.__eq__):
        target = member(folder, name)
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(source / name, target)
    shutil.rmtree(source)


def manifest_entry(path: Path) -> dict[str, Any]:
    """Return the manifest entry of a file: ``bytes``, its size, and ``sha256``, in hexadecimal.

    The file is read in blocks, as it may be large.
    """
    return {"bytes": path.stat().st_size, "sha256": _digest(path)}


def _digest(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal, reading it in blocks."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


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
    if os.path.lexists(folder / _NEXT):
        _complete_interrupted(folder)
    if not path.is_file():
        raise BundleError(
            f"{folder}: its training has not finished; continue it with --resume"
            if (folder / "checkpoint").is_dir()
            else f"{folder}: not a trained model: there is no {MANIFEST}"
        )
    try:
        with open(path, "rb") as stream:
            content = stream.read(_MEGABYTE + 1)
    except OSError as error:
        raise BundleError(f"{path}: cannot be read ({error.strerror}); {_AGAIN}") from error
    try:
        if len(content) > _MEGABYTE:
            raise ValueError(f"has more than {_MEGABYTE:,} bytes")
        data = parse_json(content)
    except ValueError as error:
        raise BundleError(f"{path}: damaged manifest ({error!r}); {_AGAIN}") from error
    if not isinstance(data, dict) or not isinstance(data.get("files"), dict):
        raise BundleError(f"{path}: damaged manifest; {_AGAIN}")
    for name in data["files"]:
        if not is_name(name):
            raise BundleError(
                f"{path}: lists {name!r}, which cannot be a file of a model; do not use this model"
            )
    return data


def _complete_interrupted(folder: Path) -> None:
    """Complete a bundle whose writer was interrupted, or wait for its writer."""
    try:
        with locked(folder, "bundle", wait=True):
            _complete(folder)
    except (TaggerError, OSError) as error:
        raise BundleError(
            f"{folder}: writing this model was interrupted, and cannot be completed without write "
            f"access to the folder: {error}"
        ) from error


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
    wanted = listed.get(name)
    if not isinstance(wanted, dict):
        raise BundleError(f"{folder / MANIFEST}: does not list {name}; {_AGAIN}")
    path = member(folder, name)
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # a pipe or a device cannot be part of a bundle
            raise BundleError(
                f"{path}: not a regular file in this folder; {_AGAIN}, with files instead of links"
            )
        size, data = status.st_size, b""
        if content and size > (most := _LARGEST.get(path.suffix, size)):
            raise BundleError(f"{path}: has {size:,} bytes, expected at most {most:,}")
        matches = wanted.get("bytes") == size  # before anything is read
        if matches:
            data = path.read_bytes() if content else b""
            digest = hashlib.sha256(data).hexdigest() if content else _digest(path)
            matches = wanted.get("sha256") == digest
    except OSError as error:
        raise BundleError(f"{path}: cannot be read ({error.strerror}); {_AGAIN}") from error
    if not matches:
        raise BundleError(
            f"{path}: differs from the manifest (expected {wanted.get('bytes')} bytes, found "
            f"{size}): the file was damaged or changed; {_AGAIN}, or train again"
        )
    if path.suffix == ".json" and (
        data.count(b",") > _MOST_ITEMS or data.count(b"[") + data.count(b"{") > _MOST_LISTS
    ):
        raise BundleError(f"{path}: contains more values than any file of a model")
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
        BundleError: A graph is not in the manifest, differs from it, or contains something that
            our graphs do not; see `tagger.bundles.graphs`.
    """
    if missing := [name for name in names if name not in listed]:
        raise BundleError(
            f"{folder / MANIFEST}: does not list {' or '.join(missing)}; create the graphs from "
            f"the weights with: tagger export {folder}"
        )
    contents = {name: read_verified(folder, name, listed) for name in names}
    for name, content in contents.items():
        try:
            graph_files.check(content)
        except ValueError as error:
            raise BundleError(
                f"{folder / name}: is not a graph of this library: it {error}; create it from the "
                f"weights with: tagger export {folder}"
            ) from error
    return contents


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
    except (ValueError, TaggerError) as error:
        raise BundleError(f"{path}: invalid content: {error}") from error
    except Exception as error:  # a crafted file can make a parser raise any exception
        raise BundleError(f"{path}: invalid content: {error!r}") from error


def parse_json(content: bytes) -> Any:
    """Return the value of a JSON text.

    Args:
        content: The text in UTF-8.

    Returns:
        The value, in which every number is finite.

    Raises:
        ValueError: The text is not JSON, or is nested too deeply.
    """
    try:
        return json.loads(content, parse_constant=_reject, parse_float=_finite)
    except RecursionError as error:
        raise ValueError("is nested too deeply") from error


def _reject(name: str) -> float:
    """Raise ValueError for NaN and Infinity, which are not JSON."""
    raise ValueError(f"{name} is not a number of JSON")


def _finite(text: str) -> float:
    """Return the number of a text; raise ValueError if it is beyond float64."""
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError(f"{text[:20]} is too large a number")
    return number


def remove(folder: Path, keep: Iterable[str]) -> None:
    """Remove a bundle; first the manifest, so that the folder is no longer a model.

    Args:
        folder: The folder of the bundle. Files that its manifest does not list are kept.
        keep: Names of listed files that are kept, too.

    Raises:
        BundleError: The manifest is damaged, or names something outside of the folder, in which
            case nothing is removed.
    """
    paths = [member(folder, name) for name in manifest(folder)["files"] if name not in {*keep}]
    (folder / MANIFEST).unlink()
    for path in paths:
        path.unlink(missing_ok=True)
        with suppress(OSError):  # the folder is not empty
            path.parent.rmdir()


def hard_link_bundle(source: Path, folder: Path, known: Iterable[str]) -> bool:
    """Fill `folder` with hard links to the files of a bundle, the manifest last.

    Files are only ever replaced, never changed in place, so a later write to one of the two folders
    does not affect the other.

    Args:
        source: The folder of a bundle.
        folder: The folder of the links; created if it does not exist.
        known: The names that files of such a bundle can have; others are not linked.

    Returns:
        Whether it succeeded: False across disks, without support for hard links, or if `source` has
        been removed.
    """
    if folder.exists() and source.resolve() == folder.resolve():
        return True
    try:
        names = [*({*manifest(source)["files"]} & {*known}), MANIFEST]
        (folder / MANIFEST).unlink(missing_ok=True)
        for name in names:
            target = member(folder, name)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.unlink(missing_ok=True)
            target.hardlink_to(member(source, name))
    except (OSError, BundleError):
        return False
    return True
