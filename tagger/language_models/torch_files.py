"""A safe reader of PyTorch files, without PyTorch, for both layouts that `torch.save` has written.

The files contain a pickle, which can name any function to call. `tagger.language_models.pickles`
interprets it, and admits a handful of names, which stand for code of this module that rebuilds
plain arrays; any other name is rejected, so nothing in a file is executed.
"""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from tagger.bundles.npz import open_archive
from tagger.errors import BundleError, TaggerError
from tagger.language_models import pickles
from tagger.language_models.pickles import PlainObject, UnsafePickleError

__all__ = ["is_torch", "load"]

_TYPES = {
    "FloatStorage": "<f4",
    "HalfStorage": "<f2",
    "DoubleStorage": "<f8",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
}
_SLACK = 1 << 28  # bytes by which all tensors together may exceed the size of the file
_MAGIC = 0x1950A86A20F9469CFC6C  # the first pickle of a file in the older layout


def is_torch(path: Path) -> bool:
    """Return whether a file looks like one of PyTorch, from its first byte or members.

    Args:
        path: The file.

    Returns:
        True for a zip archive with a ``data.pkl``, or for a pickle.

    Raises:
        BundleError: The file cannot be read, or is a damaged archive.
    """
    try:
        with open(path, "rb") as stream:
            if not zipfile.is_zipfile(stream):
                stream.seek(0)
                return stream.read(1) == b"\x80"
            with open_archive(stream) as archive:
                return any(name.endswith("/data.pkl") for name in archive.namelist())
    except OSError as error:
        raise BundleError(f"{path}: cannot be read: {error.strerror or error}") from error
    except Exception as error:  # zipfile raises many types of errors for a damaged file
        raise BundleError(f"{path}: a damaged archive: {error!r}") from error


def load(path: Path) -> Any:
    """Load a file of PyTorch.

    Args:
        path: The file.

    Returns:
        The saved object: dictionaries, lists, strings and numbers, with new NumPy arrays instead of
        tensors. A ``flair.data.Dictionary`` becomes a `PlainObject` with its attributes.

    Raises:
        BundleError: The file is damaged, or contains objects of other types.
    """
    try:
        with open(path, "rb") as stream:
            is_archive = zipfile.is_zipfile(stream)
            size = stream.seek(0, os.SEEK_END)
            stream.seek(0)
            saved = _load_archive(stream) if is_archive else _load_pickles(stream, size)
        return _finished(saved, [size + _SLACK], {})
    except TaggerError:
        raise
    except OSError as error:
        raise BundleError(f"{path}: cannot be read: {error.strerror or error}") from error
    except UnsafePickleError as error:
        raise BundleError(
            f"{path}: {error}, which is not part of a state dictionary; nothing was executed. Save "
            "only the state_dict() and dictionary of the model"
        ) from error
    except ValueError as error:
        raise BundleError(f"{path}: {error}; the file is damaged, or not of PyTorch") from error
    except Exception as error:  # a crafted pickle can raise any exception
        raise BundleError(f"{path}: damaged, or not a file of tensors: {error!r}") from error


Storage = Callable[[str, str, int], np.ndarray]
"""A function from the type code, key and size of a storage to its array (size,)."""


def _load_archive(stream: BinaryIO) -> Any:
    """Load the newer layout: a zip archive with a pickle, and a member per storage."""
    with open_archive(stream) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("/data.pkl"))
        folder = name.removesuffix("data.pkl")
        contents: dict[str, bytes] = {}

        def storage(type_code: str, key: str, numel: int) -> np.ndarray:
            if key not in contents:
                contents[key] = archive.read(f"{folder}data/{key}")
            return np.frombuffer(contents[key], dtype=type_code, count=numel)

        return _unpickled(io.BytesIO(archive.read(name)), storage)


def _load_pickles(stream: BinaryIO, size: int) -> Any:
    """Load the older layout: consecutive pickles, then the storages.

    The last pickle lists the keys of the storages. Each storage is preceded by its number of
    elements, 8 bytes in little-endian order.
    """
    storages: dict[str, np.ndarray] = {}

    def storage(type_code: str, key: str, numel: int) -> np.ndarray:
        if key not in storages:
            total = numel * np.dtype(type_code).itemsize + sum(
                array.nbytes for array in storages.values()
            )
            if total > size:
                raise ValueError("names tensors that are larger than the file")
            storages[key] = np.zeros(numel, dtype=type_code)
        return storages[key]

    if _unpickled(stream, storage) != _MAGIC:
        raise ValueError("not a file of PyTorch")
    for _ in ("version", "machine"):
        _unpickled(stream, storage)
    saved = _unpickled(stream, storage)
    for key in _unpickled(stream, storage):
        if not isinstance(key, str):
            raise ValueError("names a storage by something else than text")
        array = storages[key]
        if int.from_bytes(stream.read(8), "little") != len(array):
            raise ValueError("contains a storage of another size than its tensors")
        data = stream.read(array.nbytes)
        array[:] = np.frombuffer(data, dtype=array.dtype, count=len(array))
    return saved


class _Tensor:
    """A tensor whose storage may not have been read yet."""

    def __init__(self, storage: Any, offset: Any, size: Any, stride: Any, *_: Any) -> None:
        if not (
            isinstance(storage, np.ndarray)
            and isinstance(size, tuple)
            and isinstance(stride, tuple)
            and all(type(number) is int and number >= 0 for number in (*size, *stride, offset))
        ):
            raise ValueError("contains a tensor without a storage or shape")
        last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
        count = int(np.prod(size, dtype=object))
        if count > len(storage) or (count and last >= len(storage)):
            raise ValueError("a tensor exceeds its storage")
        self.parts = storage, offset, size, stride

    @property
    def nbytes(self) -> int:
        """Return the number of bytes of the array."""
        storage, _, size, _ = self.parts
        return int(np.prod(size, dtype=object)) * storage.itemsize

    def array(self) -> np.ndarray:
        """Return the tensor as a new contiguous array."""
        storage, offset, size, stride = self.parts
        steps = tuple(step * storage.itemsize for step in stride)
        return np.lib.stride_tricks.as_strided(
            storage[offset:], size, steps, writeable=False
        ).copy()


def _finished(saved: Any, left: list[int], seen: dict[int, Any]) -> Any:
    """Replace tensors by arrays, in nested dictionaries too.

    Args:
        saved: A value of the pickle.
        left: The number of bytes that arrays may still take.
        seen: The results by the identities of values, each of which is replaced once.
    """
    if not isinstance(saved, _Tensor | dict) or id(saved) in seen:
        return seen.get(id(saved), saved)
    if isinstance(saved, _Tensor):
        left[0] -= saved.nbytes
        if left[0] < 0:
            raise ValueError("contains tensors that are together far larger than the file")
        seen[id(saved)] = saved.array()
    else:
        seen[id(saved)] = {}
        seen[id(saved)].update({key: _finished(value, left, seen) for key, value in saved.items()})
    return seen[id(saved)]


def _encode(text: Any, encoding: Any) -> bytes:
    """Return bytes, which protocol 2 writes as a call of this function."""
    if not isinstance(text, str):
        raise ValueError("encodes something else than text")
    return text.encode("latin-1")


def _dictionary(items: Any = ()) -> dict[str, Any]:
    """Return a dictionary of pairs, which Python 2 wrote as an argument."""
    if not all(type(key) is str for key, _ in items):
        raise ValueError("contains a dictionary with other keys than text")
    return dict(items)


def _first(value: Any, *_: Any) -> Any:
    """Return the first argument: the tensor of a parameter."""
    return value


_NAMES: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): _dictionary,
    ("torch._utils", "_rebuild_tensor_v2"): _Tensor,
    ("torch._utils", "_rebuild_parameter"): _first,
    ("_codecs", "encode"): _encode,
    ("__builtin__", "bytes"): lambda: b"",
    ("flair.data", "Dictionary"): lambda *_: PlainObject(),
    **{("torch", name): code for name, code in _TYPES.items()},
}
"""What stands for the names that a file may contain."""


def _unpickled(stream: BinaryIO, storage: Storage) -> Any:
    """Return the value of a pickle of plain containers and tensors."""

    def persistent(identity: Any) -> np.ndarray:
        """Return the storage of an identity (``storage``, type, key, device, size, ...)."""
        _, type_code, key, _, numel = identity[:5]
        if (
            type(type_code) is not str
            or type_code not in _TYPES.values()
            or type(key) is not str
            or type(numel) is not int
            or not 0 <= numel < 1 << 31
        ):
            raise ValueError(
                "a tensor of an unsupported type; save the model in float32 or float16"
            )
        return storage(type_code, key, numel)

    return pickles.load(stream, _NAMES, persistent)
