"""Training in a separate process, observed from this one.

TensorFlow 2.21 retains three to four times the size of the weights of every network that was
trained in a process, whatever is deleted or cleared (measured), so that a long series of trainings
would exhaust the memory. A process returns all of it when it ends. Besides, no result can depend on
the trainings before it, and if one training is killed for lack of memory, the others continue.

The processes exchange lines of JSON. The parent sends the job, and ``null`` after each epoch, upon
which the training continues; the child sends events. The training ends when its parent does, even
if that is killed. This module does not import Keras in the parent process.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import tagger
from tagger import signals
from tagger.bundles import tagger_files as bundle
from tagger.bundles.tagger import Bundle
from tagger.config import tagger as config
from tagger.config.tagger import Config
from tagger.errors import OUT_OF_MEMORY, TaggerError
from tagger.files import locked
from tagger.training import facts
from tagger.training.observer import Observer

__all__ = ["train"]


def train(
    settings: Config, run: str | Path, *, resume: bool = False, observer: Observer | None = None
) -> Bundle:
    """Run `trainer.train` in a new process, with the same result, byte for byte.

    The next epoch starts after `observer` has received the end of the last one. Tokenizers that the
    calling program has registered are not available in the new process.

    Args:
        settings: Settings of the training.
        run: Folder to write to.
        resume: Whether to continue a training that was stopped.
        observer: Receiver of events, which is called in this process. An exception that it raises
            ends the training and is propagated.

    Returns:
        The bundle, loaded from `run`.

    Raises:
        TaggerError: Errors of `trainer.train`; or the process ended unexpectedly, for example for
            lack of memory.
    """
    job = {"settings": config.to_toml(settings), "run": os.fspath(run), "resume": resume}
    with locked(Path(run), "training", wait=True):
        pass  # the training of a parent that was killed may need some seconds to end
    with tempfile.TemporaryFile() as stderr:
        # -P: do not import modules from the current folder
        command = [sys.executable, "-P", "-m", "tagger.tuning.subprocess_trainer"]
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env=_environment(),
            encoding="utf-8",
        )
        try:
            error = _watch(process, job, observer or Observer())
        finally:
            _end(process)
        if error is None and process.returncode:
            stderr.seek(0)
            raise _unexpected(run, process.returncode, stderr.read().decode(errors="replace"))
    if error is not None:
        raise TaggerError(error)
    return bundle.load(run)


def _environment() -> dict[str, str]:
    """Return this process's environment, with this copy of the package first in PYTHONPATH."""
    paths = [str(Path(tagger.__file__).parent.parent), os.environ.get("PYTHONPATH", "")]
    return {
        "TF_CPP_MIN_LOG_LEVEL": "3",
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
    }


def _watch(process: subprocess.Popen[str], job: dict[str, Any], observer: Observer) -> str | None:
    """Forward the events of the training until it ends; return its error message, if any."""
    assert process.stdin is not None
    assert process.stdout is not None
    error = None
    _send(process.stdin, job)
    for line in process.stdout:
        event, arguments = json.loads(line, object_hook=facts.from_json)
        if event == "error":
            (error,) = arguments
        else:
            getattr(observer, event)(*arguments)
        if event == "epoch_ended":
            _send(process.stdin, None)
    process.wait()
    return error


def _send(stream: IO[str], message: Any) -> None:
    """Write a message as a line of JSON."""
    with suppress(BrokenPipeError):  # the process has ended; its exit status is more informative
        stream.write(json.dumps(message) + "\n")
        stream.flush()


def _end(process: subprocess.Popen[str]) -> None:
    """Terminate the process, kill it after 10 seconds, and close its pipes."""
    process.terminate()  # no effect if it has already ended
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for stream in (process.stdin, process.stdout):
        with suppress(BrokenPipeError):
            stream.close()  # type: ignore[union-attr]


def _unexpected(run: str | Path, status: int, output: str) -> TaggerError:
    """Return the error of a process that ended with this status and error output."""
    last = next((line.strip() for line in reversed(output.splitlines()) if line.strip()), "")
    reason = (
        f"was killed ({signal.Signals(-status).name}), perhaps for lack of memory"
        if status < 0
        else f"failed: {last}"
    )
    error = TaggerError(f"{run}: the training process {reason}")
    error.add_note(output)  # for debugging in Python
    return error


class _Reporter(Observer):
    """The observer in the child process, which writes events as lines of JSON for the parent."""

    def __init__(self, events: IO[str], replies: queue.SimpleQueue[None]) -> None:
        self.events = events
        self.replies = replies

    def receive(self, event: str, *arguments: Any) -> None:
        """Write an event to the parent."""
        self.events.write(json.dumps([event, arguments], default=facts.to_json) + "\n")
        self.events.flush()

    def epoch_ended(self, row: dict[str, float], is_best: bool) -> None:
        """Write the event and wait until the parent has handled it."""
        super().epoch_ended(row, is_best)
        self.replies.get()


def main() -> None:
    """Run a training in the child process: read the job from stdin, write events to stdout."""
    # Ctrl-C reaches both processes; the parent decides and ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with signals.as_exceptions():
        _run()


def _run() -> None:
    """Run a training, and end with the parent, whose end closes stdin."""
    job = json.loads(sys.stdin.readline())
    replies: queue.SimpleQueue[None] = queue.SimpleQueue()

    def receive() -> None:
        # Not sys.stdin, whose lock this thread would hold when the interpreter ends.
        while data := os.read(0, 4096):
            for _ in range(data.count(b"\n")):
                replies.put(None)

    signals.terminate_after(receive)
    reporter = _Reporter(os.fdopen(os.dup(1), "w", encoding="utf-8"), replies)
    os.dup2(2, 1)  # keep anything that libraries print out of the events
    try:
        from tagger.training import trainer

        trainer.train(
            config.from_toml(job["settings"]), job["run"], resume=job["resume"], observer=reporter
        )
    except BrokenPipeError:
        sys.exit(1)
    except TaggerError as error:
        reporter.receive("error", str(error))
    except MemoryError:
        reporter.receive("error", f"{job['run']}: {OUT_OF_MEMORY}")
    except OSError as error:
        reporter.receive("error", f"{error.filename or job['run']}: {error.strerror or error}")


if __name__ == "__main__":
    main()
