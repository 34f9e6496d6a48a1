"""Safe writing: atomic writes, temporary names that end with their process, locks on folders.

A temporary name is ``.NAME.TOKEN.tmp`` with a random token, so that threads, processes and
containers never share one. Its writer holds a lock (flock) on it, which the operating system
releases when the process ends, however it ends. The first write of a process into a folder removes
the temporary names there that nobody holds. Where the system or the file system has no such locks,
those older than a day are removed, and folders are not locked.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

from tagger.errors import TaggerError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

__all__ = [
    "atomic_write",
    "is_bookkeeping",
    "locked",
    "remove_abandoned",
    "require_empty",
    "sync_all",
    "temporary_folder",
]

_TEMPORARY = re.compile(r"\..+\.[0-9a-f]{16}\.tmp")
_LOCK = re.compile(r"\.[a-z]+\.lock")
_OLD = 24 * 3600  # seconds after which a temporary name is abandoned, where locks do not tell
_GRACE = 10  # seconds for which an empty one may be new, and its writer about to lock it


def is_bookkeeping(name: str) -> bool:
    """Return whether a file name is that of a lock or a temporary file of this module."""
    return bool(_TEMPORARY.fullmatch(name) or _LOCK.fullmatch(name))


def require_empty(run: Path) -> None:
    """Check that writing a training run to `run` overwrites nothing.

    Args:
        run: Output folder of the run, which need not exist. Locks and temporary files in it do not
            count.

    Raises:
        TaggerError: `run` is a file, or a folder that is not empty.
    """
    if run.exists() and (
        not run.is_dir() or not all(is_bookkeeping(path.name) for path in run.iterdir())
    ):
        raise TaggerError(
            f"{run}: exists and is not empty; choose another folder, remove it, or continue with "
            "--resume"
        )


@contextmanager
def atomic_write(path: str | Path, mode: str = "w", *, sync: bool = True) -> Iterator[IO[Any]]:
    """Open a file that replaces `path` atomically when the block ends without an error.

    The data are written to a temporary file in the same folder, flushed to the disk (fsync) and
    renamed; after an error the temporary file is removed and `path` is unchanged. Missing folders
    are created. A symbolic link is followed and kept, and a device or pipe such as /dev/null is
    written directly.

    Args:
        path: File to write.
        mode: "w" for UTF-8 text with "\\n" as the line end, "wb" for bytes.
        sync: Whether the data are flushed to the disk. Without it, the file still appears whole if
            the process is killed, but may be empty after a power failure until `sync_all`.

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
    temporary = final if special else _temporary_name(final)
    try:
        if not special:
            final.parent.mkdir(parents=True, exist_ok=True)
            _remove_abandoned_once(final.parent)
        text = {} if "b" in mode else {"encoding": "utf-8", "newline": "\n"}
        with ExitStack() as holding:
            with open(temporary, mode if special else mode.replace("w", "x"), **text) as stream:  # type: ignore[call-overload]
                if not special:
                    holding.callback(os.close, held := os.dup(stream.fileno()))
                    _try_lock(held)
                yield stream
                stream.flush()
                if sync and not special:
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


def sync_all() -> None:
    """Flush all files that were written without ``sync`` to the disk, in one call."""
    if hasattr(os, "sync"):  # Windows has none
        os.sync()


@contextmanager
def temporary_folder(final: Path) -> Iterator[Path]:
    """Create a folder with a temporary name beside `final`, and remove it at the end of the block.

    Args:
        final: The path for which the folder is filled; the block may rename the folder to it.

    Yields:
        The new, empty folder.

    Raises:
        OSError: The folder cannot be created.
    """
    final.parent.mkdir(parents=True, exist_ok=True)
    _remove_abandoned_once(final.parent)
    temporary = _temporary_name(final)
    with ExitStack() as holding:
        temporary.mkdir()
        holding.callback(shutil.rmtree, temporary, ignore_errors=True)
        if fcntl is not None:
            held = os.open(temporary, os.O_RDONLY)
            holding.callback(os.close, held)
            _try_lock(held)
        yield temporary


def remove_abandoned(folder: Path) -> None:
    """Remove the temporary files and folders in a folder whose writers have ended.

    Args:
        folder: The folder, which may be missing; its subfolders are not searched.
    """
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if _TEMPORARY.fullmatch(entry.name):
                with suppress(OSError):  # removed or renamed in the meantime
                    _remove_if_abandoned(Path(entry.path))


@lru_cache(maxsize=4096)
def _remove_abandoned_once(folder: Path) -> None:
    """Call `remove_abandoned` for a folder once per process."""
    remove_abandoned(folder)


def _remove_if_abandoned(path: Path) -> None:
    """Remove a temporary file or folder unless its writer still holds it."""
    status = path.lstat()
    is_folder = stat.S_ISDIR(status.st_mode)
    if not is_folder and not stat.S_ISREG(status.st_mode):
        return
    age = time.time() - status.st_mtime
    is_empty = not any(path.iterdir()) if is_folder else not status.st_size
    if is_empty and age < _GRACE:
        return
    free = None
    if fcntl is not None:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        try:
            free = _try_lock(descriptor)
        finally:
            os.close(descriptor)
    if free or (free is None and age > _OLD):
        if is_folder:
            shutil.rmtree(path)
        else:
            path.unlink()


def _temporary_name(final: Path) -> Path:
    """Return a new temporary name beside a path; long names are shortened to fit."""
    return final.with_name(f".{final.name[:50]}.{secrets.token_hex(8)}.tmp")


def _try_lock(descriptor: int, *, wait: bool = False) -> bool | None:
    """Lock an open file until it is closed or this process ends.

    Args:
        descriptor: The file.
        wait: Whether to wait for another process that holds the lock.

    Returns:
        Whether the lock was obtained; None if there are no locks here.
    """
    if fcntl is None:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    except OSError:  # a network file system without locks
        return None
    return True


@contextmanager
def locked(folder: Path, purpose: str, *, wait: bool = False) -> Iterator[None]:
    """Return a context in which a folder is locked for one purpose, also against threads.

    The lock is one on the file ``.PURPOSE.lock`` in the folder, which is removed at the end. It
    ends with this process, however that ends; a file that is left locks nothing. Where there are no
    locks, see above, the folder is only checked to be writable.

    Args:
        folder: The folder; created if it does not exist, and removed at the end if it is empty
            then.
        purpose: What the lock is for, one word in lower case; other purposes are not excluded.
        wait: Whether to wait while another process or thread holds the lock.

    Raises:
        TaggerError: The folder is locked, or cannot be written.
    """
    path = folder / f".{purpose}.lock"
    if not folder.is_dir():
        require_empty(folder)
    try:
        is_new = not folder.exists()
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = _opened_lock(path, wait)
    except OSError as error:
        raise TaggerError(f"{folder}: cannot be written: {error.strerror or error}") from error
    if descriptor is None:
        raise TaggerError(
            f"{folder}: is in use by another {purpose}; wait until it has ended, or choose another "
            "folder"
        )
    try:
        yield
    finally:
        with suppress(OSError):
            path.unlink()
        os.close(descriptor)
        if is_new:
            with suppress(OSError):  # it is not empty
                folder.rmdir()


def _opened_lock(path: Path, wait: bool) -> int | None:
    """Open and lock a file, which is created; return None if another process holds the lock."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            if _try_lock(descriptor, wait=wait) is False:
                os.close(descriptor)
                return None
            # The holder before may have removed the file between the two calls above.
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(descriptor), path.stat()):
                    return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
