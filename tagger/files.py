"""Files that appear whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from tagger.errors import TaggerError

__all__ = ["atomic_write", "require_empty"]


def require_empty(run: Path) -> None:
    """See that nothing is lost if a training writes to `run`.

    Raises:
        TaggerError: it is a file, or a folder that is not empty.
    """
    if run.exists() and (not run.is_dir() or any(run.iterdir())):
        raise TaggerError(
            f"{run}: exists and is not empty; choose another folder, remove it, or go on with "
            "--resume"
        )


@contextmanager
def atomic_write(path: str | Path, mode: str = "w") -> Iterator[IO[Any]]:
    """A file to write (UTF-8, or bytes with mode "wb") that takes the place of `path` only when the
    block ends well.

    It is written beside `path` under a temporary name, flushed to the disk and then renamed; after
    an error it is removed. Folders that are missing are made. A link stays a link, and a device or
    pipe such as /dev/null is written as it is.

    Raises:
        TaggerError: the disk does not let it be written.
    """
    path = Path(path)
    if os.path.isdir(path):
        raise TaggerError(f"{path}: is a folder; expected the name of a file to write")
    special = os.path.exists(path) and not os.path.isfile(
        path
    )  # to rename a file over a device would remove the device
    final = path if special else Path(os.path.realpath(path))
    temporary = final if special else final.with_name(f".{final.name}.{os.getpid()}.tmp")
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        text = {} if "b" in mode else {"encoding": "utf-8", "newline": "\n"}
        with open(temporary, mode, **text) as stream:  # type: ignore[call-overload]
            yield stream
            stream.flush()
            if not special:
                os.fsync(stream.fileno())
        if not special:
            os.replace(temporary, final)
    except OSError as error:
        # An error of another file, such as the one that the block reads, is not ours to explain.
        if error.filename is None or Path(os.fsdecode(error.filename)) in (
            temporary,
            final,
            *final.parents,
        ):
            raise TaggerError(f"{path}: cannot be written: {error.strerror or error}") from error
        raise
    finally:
        if not special:
            with suppress(OSError):  # it may never have come to be
                temporary.unlink()
