"""A training in a process of its own, watched from this one. Imports no Keras.

TensorFlow 2.21 keeps three to four times the size of the weights of every network that was trained
in a process, whatever is deleted or cleared (measured), so that a long series would fill the
memory. A process gives all of it back; besides, no result can depend on what was trained before it,
and where one training is killed for want of memory the others go on.

The two processes exchange lines of JSON: the job and a blank line after each epoch ("go on")
downwards, events upwards. The training ends when its reader does.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import tagger
from tagger.bundles import tagger_files as bundle
from tagger.bundles.tagger import Bundle
from tagger.config import tagger as config
from tagger.config.tagger import Config
from tagger.errors import TaggerError
from tagger.training import facts
from tagger.training.observer import Observer

__all__ = ["train"]


def train(
    settings: Config, run: str | Path, *, resume: bool = False, observer: Observer | None = None
) -> Bundle:
    """`trainer.train` in a new process: the same result, to the byte. What `observer` raises ends
    the training.

    The next epoch begins when `observer` has been told of the last. A tokenizer that the calling
    program registered is unknown in the new process.

    Raises: TaggerError: those of `trainer.train`; also when the process ended as it should not, for
        want of memory for example.
    """
    job = {"settings": config.to_toml(settings), "run": os.fspath(run), "resume": resume}
    with tempfile.TemporaryFile() as words:
        command = [
            sys.executable,
            "-P",
            "-m",
            "tagger.tuning.subprocess_trainer",
        ]  # -P: no module out of the folder we happen to be in
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=words,
            env=_environment(),
            encoding="utf-8",
        )
        try:
            error = _watch(process, job, observer or Observer())
        finally:
            _end(process)
        if error is None and process.returncode:
            words.seek(0)
            raise _unexpected(run, process.returncode, words.read().decode(errors="replace"))
    if error is not None:
        raise TaggerError(error)
    return bundle.load(run)


def _environment() -> dict[str, str]:
    """Ours, and this very copy of the package."""
    paths = [str(Path(tagger.__file__).parent.parent), os.environ.get("PYTHONPATH", "")]
    return {
        "TF_CPP_MIN_LOG_LEVEL": "3",
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
    }


def _watch(process: subprocess.Popen[str], job: dict[str, Any], observer: Observer) -> str | None:
    """Pass on what the training tells until it ends; its error, if it had one."""
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
    with suppress(BrokenPipeError):  # the process has ended; its exit status says more
        stream.write(json.dumps(message) + "\n")
        stream.flush()


def _end(process: subprocess.Popen[str]) -> None:
    process.terminate()  # nothing happens if it has ended
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for stream in (process.stdin, process.stdout):
        with suppress(BrokenPipeError):
            stream.close()  # type: ignore[union-attr]


def _unexpected(run: str | Path, status: int, words: str) -> TaggerError:
    last = next((line.strip() for line in reversed(words.splitlines()) if line.strip()), "")
    how = (
        f"was killed ({signal.Signals(-status).name}), perhaps for want of memory"
        if status < 0
        else f"failed: {last}"
    )
    error = TaggerError(f"{run}: the process of the training {how}")
    error.add_note(words)  # for whoever looks for the reason in Python
    return error


class _Reporter(Observer):
    """In the new process: tells the old one."""

    def __init__(self, events: IO[str]) -> None:
        self.events = events

    def receive(self, event: str, *arguments: Any) -> None:
        self.events.write(json.dumps([event, arguments], default=facts.to_json) + "\n")
        self.events.flush()

    def epoch_ended(self, row: dict[str, float], is_best: bool) -> None:
        super().epoch_ended(row, is_best)
        if not sys.stdin.readline():
            raise SystemExit(1)  # nobody is there any more


def main() -> None:
    """What the new process does."""
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # Ctrl-C reaches both processes; the old one decides and ends this one
    signal.signal(
        signal.SIGTERM, lambda *_: sys.exit(1)
    )  # by an exception, so that no half-written file is left
    reporter = _Reporter(os.fdopen(os.dup(1), "w", encoding="utf-8"))
    os.dup2(2, 1)  # whatever a library prints is none of our lines
    job = json.loads(sys.stdin.readline())
    try:
        from tagger.training import trainer

        trainer.train(
            config.from_toml(job["settings"]), job["run"], resume=job["resume"], observer=reporter
        )
    except BrokenPipeError:
        sys.exit(1)
    except TaggerError as error:
        reporter.receive("error", str(error))
    except OSError as error:
        reporter.receive("error", f"{error.filename or job['run']}: {error.strerror or error}")


if __name__ == "__main__":
    main()
