"""A safe reader of PyTorch files, without PyTorch, for both layouts that `torch.save` has written.

The files contain a pickle, which can name any function to call. This reader admits a handful of
names, and replaces them by code of this module that rebuilds plain arrays; any other name is
rejected before it is looked up, so nothing in a file is executed.
"""

from __future__ import annotations

import io
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import numpy as np

from tagger.errors import BundleError, TaggerError

__all__ = ["is_torch", "load"]

_TYPES = {
    "FloatStorage": "<f4",
    "HalfStorage": "<f2",
    "DoubleStorage": "<f8",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
}
_MAGIC = 0x1950A86A20F9469CFC6C  # the first pickle of a file in the older layout


def is_torch(path: Path) -> bool:
    """Return whether a file looks like one of PyTorch, from its first byte or members.

    Args:
        path: The file.

    Returns:
        True for a zip archive with a ``data.pkl``, or for a pickle.

    Raises:
        OSError: The file cannot be read.
    """
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            return any(name.endswith("/data.pkl") for name in archive.namelist())
    with open(path, "rb") as stream:
        return stream.read(1) == b"\x80"


def load(path: Path) -> Any:
    """Load a file of PyTorch.

    Args:
        path: The file.

    Returns:
        The saved object: dictionaries, lists, strings and numbers, with new NumPy arrays instead of
        tensors. A ``flair.data.Dictionary`` becomes an object with its attributes only.

    Raises:
        BundleError: The file is damaged, or contains objects of other types.
    """
    try:
        if zipfile.is_zipfile(path):
            return _load_archive(path)
        with open(path, "rb") as stream:
            return _load_pickles(stream)
    except TaggerError:
        raise
    except OSError as error:
        raise BundleError(f"{path}: cannot be read: {error.strerror or error}") from error
    except pickle.UnpicklingError as error:
        raise BundleError(f"{path}: {error}") from error
    except Exception as error:  # a crafted pickle can raise any exception
        raise BundleError(f"{path}: damaged, or not a file of tensors: {error!r}") from error


def _load_archive(path: Path) -> Any:
    """Load the newer layout: a zip archive with a pickle, and a member per storage."""
    with zipfile.ZipFile(path) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("/data.pkl"))
        folder = name.removesuffix("data.pkl")

        def storage(type_code: str, key: str, numel: int) -> np.ndarray:
            return np.frombuffer(archive.read(f"{folder}data/{key}"), dtype=type_code, count=numel)

        return _finished(_Unpickler(io.BytesIO(archive.read(name)), storage).load())


def _load_pickles(stream: IO[bytes]) -> Any:
    """Load the older layout: consecutive pickles, then the storages.

    The last pickle lists the keys of the storages. Each storage is preceded by its number of
    elements, 8 bytes in little-endian order.
    """
    storages: dict[str, np.ndarray] = {}

    def storage(type_code: str, key: str, numel: int) -> np.ndarray:
        return storages.setdefault(key, np.zeros(numel, dtype=type_code))

    if _Unpickler(stream, storage).load() != _MAGIC:
        raise pickle.UnpicklingError("not a file of PyTorch")
    for _ in ("version", "machine"):
        _Unpickler(stream, storage).load()
    saved = _Unpickler(stream, storage).load()
    for key in _Unpickler(stream, storage).load():
        array = storages[key]
        numel = int.from_bytes(stream.read(8), "little")
        data = stream.read(numel * array.itemsize)
        array[:] = np.frombuffer(data, dtype=array.dtype, count=len(array))
    return _finished(saved)


class _Tensor:
    """A tensor whose storage may not have been read yet."""

    def __init__(
        self, storage: np.ndarray, offset: int, size: tuple[int, ...], stride: tuple[int, ...]
    ) -> None:
        sizes, last = (
            (*size, *stride, offset),
            offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True)),
        )
        if not all(type(number) is int and number >= 0 for number in sizes) or (
            0 not in size and last >= len(storage)
        ):
            raise pickle.UnpicklingError("a tensor exceeds its storage; the file is damaged")
        self.parts = storage, offset, size, stride

    def array(self) -> np.ndarray:
        """Return the tensor as a new contiguous array."""
        storage, offset, size, stride = self.parts
        steps = tuple(step * storage.itemsize for step in stride)
        return np.lib.stride_tricks.as_strided(
            storage[offset:], size, steps, writeable=False
        ).copy()


def _finished(saved: Any) -> Any:
    """Replace tensors by arrays, in nested dictionaries too."""
    if isinstance(saved, _Tensor):
        return saved.array()
    return (
        {key: _finished(value) for key, value in saved.items()}
        if isinstance(saved, dict)
        else saved
    )


class _Unpickler(pickle.Unpickler):
    """An unpickler that admits the names of plain containers and tensors only.

    The classes that it substitutes are created for each file, so a file cannot change another's.
    """

    def __init__(self, stream: IO[bytes], storage: Callable[[str, str, int], np.ndarray]) -> None:
        super().__init__(stream)
        self.storage = storage
        self.admitted: dict[tuple[str, str], Any] = {
            ("collections", "OrderedDict"): OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2"): lambda data, offset, size, stride, *_: _Tensor(
                data, offset, size, stride
            ),
            ("torch._utils", "_rebuild_parameter"): lambda tensor, *_: tensor,
            # Protocol 2 writes bytes as a call of this function.
            ("_codecs", "encode"): lambda text, encoding: str(text).encode("latin-1"),
            ("__builtin__", "bytes"): lambda: b"",
            ("flair.data", "Dictionary"): type("Dictionary", (), {}),
            **{("torch", name): code for name, code in _TYPES.items()},
        }

    def find_class(self, module: str, name: str) -> Any:
        """Return the substitute of an admitted name; raise UnpicklingError for any other."""
        if (module, name) not in self.admitted:
            raise pickle.UnpicklingError(
                f"contains {module}.{name}, which is not part of a state dictionary; nothing was "
                "executed. Save only the state_dict() and dictionary of the model"
            )
        return self.admitted[module, name]

    def persistent_load(self, identity: Any) -> np.ndarray:
        """Return the storage of an identity (``storage``, type, key, device, size, ...)."""
        _, type_code, key, _, numel = identity[:5]
        if (
            type_code not in _TYPES.values()
            or type(key) is not str
            or type(numel) is not int
            or not 0 <= numel < 1 << 31
        ):
            raise pickle.UnpicklingError(
                "a tensor of an unsupported type; save the model in float32 or float16"
            )
        return self.storage(type_code, key, numel)
