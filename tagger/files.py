"""Files that appear whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from tagger.errors import TaggerError

__all__ = ["written_whole"]


@contextmanager
def written_whole(path: str | Path, mode: str = "w") -> Iterator[IO[Any]]:
    """A file to write (UTF-8, or bytes with mode "wb") that takes the place of `path` only when the block ends well.

    It is written beside `path` under a temporary name, flushed to the disk and then renamed; after an error it is removed.
    Folders that are missing are made.

    Raises:
        TaggerError: the disk does not let it be written.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        text = {} if "b" in mode else {"encoding": "utf-8", "newline": "\n"}
        with open(temporary, mode, **text) as stream:  # type: ignore[call-overload]
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    except OSError as error:
        if error.filename in (None, str(temporary), str(path), str(path.parent)):
            raise TaggerError(f"{path}: cannot be written: {error.strerror or error}") from error
        raise
    finally:
        temporary.unlink(missing_ok=True)
