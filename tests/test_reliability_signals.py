"""What ends a process: signals, its parent, a closed stream, a lack of memory."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.command_line import failed, invoke
from support.paths import GOLDEN, SAMPLE
from support.processes import PATIENCE

from tagger import training
from tagger.cli import main as command_line
from tagger.cli.lenient import Lenient
from tagger.errors import OUT_OF_MEMORY, ConfigError, DataError, TaggerError, is_out_of_memory
from tagger.signals import as_exceptions

STATUS = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}


def child(program: str, *arguments: str | Path) -> subprocess.Popen[str]:
    """Start a program that prints a line when it is ready, and wait for the line."""
    process = subprocess.Popen(
        [sys.executable, "-c", program, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Wait for the end of a process; return its status and its errors."""
    _, errors = process.communicate(timeout=PATIENCE)
    return process.returncode, errors


WRITE = """\
import sys, time
from tagger.cli import main
from tagger.files import atomic_write

def work(**_):
    with atomic_write(sys.argv[1]) as stream:
        stream.write("half")
        print("ready", flush=True)
        time.sleep(600)

main.group = work
main.main()
"""


@pytest.mark.parametrize("number", STATUS)
def test_a_signal_removes_temporary_files(number: int, tmp_path: Path) -> None:
    process = child(WRITE, tmp_path / "out.txt")
    assert len([*tmp_path.iterdir()]) == 1
    process.send_signal(number)
    status, errors = ended(process)
    assert status == STATUS[signal.Signals(number)]
    assert errors == ("Interrupted.\n" if number == signal.SIGINT else "")
    assert not [*tmp_path.iterdir()]


def test_an_ignored_signal_stays_ignored(tmp_path: Path) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    try:
        process = child(WRITE, tmp_path / "out.txt")
    finally:
        signal.signal(signal.SIGHUP, before)
    process.send_signal(signal.SIGHUP)
    process.send_signal(signal.SIGTERM)
    assert ended(process)[0] == 143


SWALLOW = """\
import sys, time
from pathlib import Path
from tagger.signals import as_exceptions

sys.path.insert(0, sys.argv[1])
with as_exceptions():
    import swallowing
    time.sleep(600)
"""
SWALLOWING = """\
import time
print("ready", flush=True)
end = time.monotonic() + 0.5
while time.monotonic() < end:
    try:
        time.sleep(0.01)
    except BaseException:
        pass
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_during_an_import_is_not_lost(number: int, tmp_path: Path) -> None:
    (tmp_path / "swallowing.py").write_text(SWALLOWING)
    process = child(SWALLOW, tmp_path)
    process.send_signal(number)
    status, errors = ended(process)
    assert status == (143 if number == signal.SIGTERM else -signal.SIGINT)
    assert "swallowing.py" not in errors


def test_a_second_signal_during_an_import_ends_the_process_at_once(tmp_path: Path) -> None:
    (tmp_path / "swallowing.py").write_text(SWALLOWING.replace("0.5", "600"))
    process = child(SWALLOW, tmp_path)
    process.send_signal(signal.SIGINT)
    time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    assert ended(process) == (130, "")


class Rude:
    """Interrupts the process when it is collected, where no exception can be raised."""

    seconds = 5

    def __del__(self) -> None:
        signal.raise_signal(signal.SIGINT)
        for _ in range(1000):
            pass


def test_a_signal_in_a_destructor_is_not_lost() -> None:
    with as_exceptions(), pytest.raises(KeyboardInterrupt):
        time.sleep(Rude().seconds)


def test_handlers_are_restored() -> None:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM)
    before, hook = [signal.getsignal(number) for number in numbers], sys.unraisablehook
    with as_exceptions():
        assert signal.getsignal(signal.SIGTERM) != before[1]
    assert [signal.getsignal(number) for number in numbers] == before
    assert sys.unraisablehook == hook


# -- children


def processes_of(group: int) -> list[int]:
    """The processes of a process group that have not ended, zombies not counted."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == group and fields[0] != "Z":
            found.append(int(path.parent.name))
    return found


@pytest.fixture
def long_texts(tmp_path: Path) -> Path:
    """A folder of two files whose tagging takes a minute."""
    folder = tmp_path / "texts"
    folder.mkdir()
    for name in ("a.txt", "b.txt"):
        (folder / name).write_text("Mira Okafor works for Nordwind in Quito.\n\n" * 200_000)
    return folder


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_workers_end_with_their_parent(number: int, long_texts: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    process = subprocess.Popen(
        [sys.executable, "-m", "tagger", "predict", GOLDEN, long_texts, "--output", output,
         "--workers", "2"],
        stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    deadline = time.monotonic() + PATIENCE
    while not output.is_dir() or len([*output.iterdir()]) < 2:
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.05)
    if number == signal.SIGINT:
        os.killpg(process.pid, number)  # as a terminal does
    else:
        process.send_signal(number)
    _, errors = process.communicate(timeout=PATIENCE)  # until nobody holds the pipe
    assert process.returncode == {**STATUS, signal.SIGKILL: -9}[signal.Signals(number)]
    if number != signal.SIGKILL:  # upon which Python's own helper complains
        assert errors == ("\nInterrupted.\n" if number == signal.SIGINT else "")
    while processes_of(process.pid):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert not [*output.iterdir()]


# -- streams, messages and memory


class Closed:
    """A stream whose reader has gone."""

    encoding = "utf-8"

    def write(self, text: str) -> int:
        raise BrokenPipeError

    def flush(self) -> None:
        raise OSError(28, "No space left on device")


def test_a_closed_stderr_loses_the_progress_alone() -> None:
    stream = Lenient(Closed())  # type: ignore[arg-type]
    print("epoch 1", file=stream, flush=True)
    assert stream.encoding == "utf-8"


def test_a_command_with_a_closed_stderr_does_its_work(tmp_path: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "tagger", "predict", str(GOLDEN), "--output", str(tmp_path)]
    done = subprocess.run(
        [*command, str(SAMPLE / "article.txt")], stderr=write, timeout=PATIENCE, check=False
    )
    os.close(write)
    assert done.returncode == 0
    assert (tmp_path / "article.txt").exists()


def test_messages_are_one_line_of_bounded_length() -> None:
    assert str(TaggerError("a\nb\r\nc\u2028d")) == r"a\nb\nc\nd"
    assert str(ConfigError("x" * 1000)) == "x" * 1000
    long = str(DataError("f.conll", 7, "found " + "x" * 5_000_000 + "; expected a tag"))
    assert len(long) == 1000
    assert long.startswith("f.conll:7: found xxx")
    assert long.endswith("xxx; expected a tag")


@pytest.mark.parametrize(
    "error",
    [MemoryError(), ImportError("libx.so: failed to map segment from shared object"),
     RuntimeError("std::bad_alloc"), RuntimeError("can't start new thread")],
)  # fmt: skip
def test_a_lack_of_memory_is_one_message(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def work(**_: object) -> None:
        raise error

    monkeypatch.setattr(command_line, "group", work)
    message = failed(invoke("anything"))
    assert is_out_of_memory(error)
    assert message == f"Error: {OUT_OF_MEMORY}\n"


def test_other_exceptions_are_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def work(**_: object) -> None:
        raise RuntimeError("a fault")

    monkeypatch.setattr(command_line, "group", work)
    with pytest.raises(RuntimeError, match="a fault"):
        invoke("anything")


def test_too_little_memory_for_tensorflow_is_said_before_it_hangs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import resource

    monkeypatch.setattr(resource, "getrlimit", lambda _: (2_000_000_000, -1))
    with pytest.raises(TaggerError, match="2,000 MB of memory, but training needs at least 2,700"):
        training.require_packages()
