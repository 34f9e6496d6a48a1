"""PyTorch's files read without PyTorch, and without executing anything: both layouts that
`torch.save` has written.

Inside is a pickle, which may name any function to call. The reader here knows a handful of names,
and all that it calls for them is code of this file that rebuilds plain arrays; any other name is
refused before it is even looked up.
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
_MAGIC = 0x1950A86A20F9469CFC6C  # the first of the pickles in a file of the older layout


def is_torch(path: Path) -> bool:
    """Whether the file looks like one of PyTorch's."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            return any(name.endswith("/data.pkl") for name in archive.namelist())
    with open(path, "rb") as stream:
        return stream.read(1) == b"\x80"


def load(path: Path) -> Any:
    """What was saved: dictionaries, lists, strings and numbers, with NumPy arrays for tensors.

    An object of the class ``flair.data.Dictionary`` comes as an object with its attributes alone.

    Raises:
        BundleError: the file is damaged, or holds anything else.
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
    except Exception as error:  # a pickle that somebody made up can fail in any way
        raise BundleError(f"{path}: damaged, or no file of tensors: {error!r}") from error


def _load_archive(path: Path) -> Any:
    with zipfile.ZipFile(path) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("/data.pkl"))
        folder = name.removesuffix("data.pkl")

        def storage(type_code: str, key: str, numel: int) -> np.ndarray:
            return np.frombuffer(archive.read(f"{folder}data/{key}"), dtype=type_code, count=numel)

        return _finished(_Unpickler(io.BytesIO(archive.read(name)), storage).load())


def _load_pickles(stream: IO[bytes]) -> Any:
    """The older layout: pickles one after another, the names of the storages last, and then these,
    each after its size.
    """
    wanted: dict[str, np.ndarray] = {}

    def storage(type_code: str, key: str, numel: int) -> np.ndarray:
        return wanted.setdefault(key, np.zeros(numel, dtype=type_code))

    if _Unpickler(stream, storage).load() != _MAGIC:
        raise pickle.UnpicklingError("not a file of PyTorch")
    for _ in ("version", "machine"):
        _Unpickler(stream, storage).load()
    saved = _Unpickler(stream, storage).load()
    for key in _Unpickler(stream, storage).load():
        array = wanted[key]
        numel = int.from_bytes(stream.read(8), "little")
        data = stream.read(numel * array.itemsize)
        array[:] = np.frombuffer(data, dtype=array.dtype, count=len(array))
    return _finished(saved)


class _Tensor:
    """A tensor whose numbers may not have been read yet."""

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
            raise pickle.UnpicklingError("a tensor reaches out of its numbers; the file is damaged")
        self.parts = storage, offset, size, stride

    def array(self) -> np.ndarray:
        storage, offset, size, stride = self.parts
        steps = tuple(step * storage.itemsize for step in stride)
        return np.lib.stride_tricks.as_strided(
            storage[offset:], size, steps, writeable=False
        ).copy()


def _finished(saved: Any) -> Any:
    """Arrays in the place of tensors, in dictionaries and below."""
    if isinstance(saved, _Tensor):
        return saved.array()
    return (
        {key: _finished(value) for key, value in saved.items()}
        if isinstance(saved, dict)
        else saved
    )


class _Unpickler(pickle.Unpickler):
    """Admits names of plain containers and tensors alone. What they stand for is made anew for each
    file.
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
            ("_codecs", "encode"): lambda text, encoding: str(text).encode(
                "latin-1"
            ),  # how protocol 2 writes bytes
            ("__builtin__", "bytes"): lambda: b"",
            ("flair.data", "Dictionary"): type("Dictionary", (), {}),
            **{("torch", name): code for name, code in _TYPES.items()},
        }

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self.admitted:
            raise pickle.UnpicklingError(
                f"asks for {module}.{name}, which is no part of a state dictionary; nothing of it "
                "was executed. Save the model's "
                "state_dict() and dictionary alone"
            )
        return self.admitted[module, name]

    def persistent_load(self, identity: Any) -> np.ndarray:
        """The numbers of a tensor: (``storage``, type, key, device, how many, ...)."""
        _, type_code, key, _, numel = identity[:5]
        if (
            type_code not in _TYPES.values()
            or type(key) is not str
            or type(numel) is not int
            or not 0 <= numel < 1 << 31
        ):
            raise pickle.UnpicklingError(
                "a tensor of a type that is not known; save the model in float32 or float16"
            )
        return self.storage(type_code, key, numel)
