"""A file appears whole or not at all, and what the disk refuses is one message."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from tagger.errors import TaggerError
from tagger.files import atomic_write


def everything(folder: Path) -> dict[str, bytes | None]:
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


def test_the_file_is_there_only_after_the_block(tmp_path: Path) -> None:
    target = tmp_path / "new" / "folder" / "out.txt"
    with atomic_write(target) as stream:
        stream.write("Zo\u00eb\r\n\u2028\n")
        stream.flush()
        assert not target.exists()
    assert target.read_bytes() == "Zo\u00eb\r\n\u2028\n".encode()
    with atomic_write(target, "wb") as stream:
        stream.write(b"\xff\n")
        assert target.read_bytes() == "Zo\u00eb\r\n\u2028\n".encode()
    assert everything(target.parent) == {"out.txt": b"\xff\n"}


@pytest.mark.parametrize("error", [RuntimeError("a fault"), KeyboardInterrupt(), GeneratorExit()])
@pytest.mark.parametrize("before", [None, b"earlier\n"])
def test_after_an_exception_all_is_as_it_was(
    tmp_path: Path, error: BaseException, before: bytes | None
) -> None:
    target = tmp_path / "out.txt"
    if before is not None:
        target.write_bytes(before)
    with pytest.raises(type(error)), atomic_write(target) as stream:  # noqa: PT012 - the block is what is tested
        stream.write("half" * 10_000)
        raise error
    assert everything(tmp_path) == ({} if before is None else {"out.txt": before})


def test_a_full_disk_is_one_message_and_leaves_nothing(tmp_path: Path) -> None:
    target = tmp_path / "out.txt"
    with pytest.raises(TaggerError) as caught, atomic_write(target) as stream:  # noqa: PT012
        stream.write("half")
        raise OSError(
            errno.ENOSPC, "No space left on device"
        )  # as `write` and `flush` raise it: without a file name
    assert str(caught.value) == f"{target}: cannot be written: No space left on device"
    assert everything(tmp_path) == {}


def test_an_error_of_the_file_that_the_block_reads_is_not_blamed_on_this_one(
    tmp_path: Path,
) -> None:
    with pytest.raises(FileNotFoundError), atomic_write(tmp_path / "out.txt"):
        open(tmp_path / "absent.txt").close()
    assert everything(tmp_path) == {}


@pytest.mark.parametrize(
    "place",
    [
        "file.txt/out.txt",  # a file where a folder is needed
        "file.txt/deep/er/out.txt",
        "folder",
        ".",
        "name" * 70,  # longer than a name may be
        "folder/" + "name" * 70 + "/out.txt",
    ],
)
def test_an_impossible_place_is_one_message(
    tmp_path: Path, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file.txt").write_text("kept")
    (tmp_path / "folder").mkdir()
    for target in (place, tmp_path / place):
        with pytest.raises(TaggerError) as caught, atomic_write(target) as stream:
            stream.write("lost")
        assert str(caught.value).startswith(f"{Path(target)}: ")
    assert everything(tmp_path) == {"file.txt": b"kept", "folder": None}


@pytest.mark.parametrize("refusing", ["mkdir", "open", "replace"])
def test_a_disk_that_may_only_be_read_is_one_message(
    tmp_path: Path, refusing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root may write where permissions say no, so the refusal is made here, as the system calls
    give it.
    """

    def refuse(path: object, *_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system", str(path))

    if refusing == "open":
        monkeypatch.setattr("builtins.open", refuse)
    else:
        monkeypatch.setattr(os, refusing, refuse)
    target = tmp_path / "new" / "folder" / "out.txt"
    with (
        pytest.raises(TaggerError, match=r"out\.txt: cannot be written: Read-only file system"),
        atomic_write(target),
    ):
        pass
    monkeypatch.undo()
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_link_stays_a_link_and_its_file_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link.txt").symlink_to(tmp_path / "real" / "file.txt")
    with atomic_write(tmp_path / "link.txt") as stream:
        stream.write("new")
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "real" / "file.txt").read_text() == "new"


def test_a_device_or_pipe_is_written_and_not_replaced(tmp_path: Path) -> None:
    """As root, renaming a file over /dev/null would remove it for the whole machine; a pipe shows
    the same without harm.
    """
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        with atomic_write(pipe) as stream:
            stream.write("through")
        assert os.read(reader, 100) == b"through"
    finally:
        os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
