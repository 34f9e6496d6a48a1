"""Safe writing: atomic writes of files, and output folders that must be empty."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from tagger.errors import TaggerError

__all__ = ["atomic_write", "require_empty"]


def require_empty(run: Path) -> None:
    """Check that writing a training run to `run` overwrites nothing.

    Args:
        run: Output folder of the run, which need not exist.

    Raises:
        TaggerError: `run` is a file, or a folder that is not empty.
    """
    if run.exists() and (not run.is_dir() or any(run.iterdir())):
        raise TaggerError(
            f"{run}: exists and is not empty; choose another folder, remove it, or continue with "
            "--resume"
        )


@contextmanager
def atomic_write(path: str | Path, mode: str = "w") -> Iterator[IO[Any]]:
    """Open a file that replaces `path` atomically when the block ends without an error.

    The data are written to a temporary file in the same folder, flushed to the disk (fsync) and
    renamed; after an error the temporary file is removed and `path` is unchanged. Missing folders
    are created. A symbolic link is followed and kept, and a device or pipe such as /dev/null is
    written directly.

    Args:
        path: File to write.
        mode: "w" for UTF-8 text with "\\n" as the line end, "wb" for bytes.

    Yields:
        The open file, which is closed at the end of the block.

    Raises:
        TaggerError: `path` is a folder, or it cannot be written.
    """
    path = Path(path)
    if os.path.isdir(path):
        raise TaggerError(f"{path}: is a folder; expected the name of a file to write")
    # Renaming a file over a device would remove the device.
    special = os.path.exists(path) and not os.path.isfile(path)
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
        # Errors of other files, such as one that the block reads, propagate unchanged.
        if error.filename is None or Path(os.fsdecode(error.filename)) in (
            temporary,
            final,
            *final.parents,
        ):
            raise TaggerError(f"{path}: cannot be written: {error.strerror or error}") from error
        raise
    finally:
        if not special:
            with suppress(OSError):  # it may not exist: renamed, or never created
                temporary.unlink()
