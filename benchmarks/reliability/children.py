"""Child processes of the harness: commands that are measured, or killed at a random time."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

__all__ = ["Ended", "killed", "measured", "tagger"]

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}


class Ended(NamedTuple):
    """How a command ended.

    Attributes:
        status: Exit status, negative for a signal.
        errors: Standard error.
        seconds: Duration.
        memory: Peak of its memory in MB.
    """

    status: int
    errors: str
    seconds: float
    memory: float


def tagger(*arguments: str | Path) -> list[str]:
    """Return the command line of a subcommand."""
    return [sys.executable, "-m", "tagger", *map(str, arguments)]


def measured(command: Sequence[str], errors: Path, limit: float = 60) -> Ended:
    """Run a command to its end, or kill it after some seconds; its errors go through a file."""
    started = time.monotonic()
    with open(errors, "wb") as stream:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=stream,
            env=ENVIRONMENT,
        )  # fmt: skip
        while True:
            done, status, usage = os.wait4(process.pid, os.WNOHANG)
            if done:
                break
            if time.monotonic() - started > limit:
                process.kill()
            time.sleep(0.01)
    seconds = time.monotonic() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    text = errors.read_text(errors="replace")
    return Ended(process.returncode, text, seconds, usage.ru_maxrss / 1024)


def killed(
    command: Sequence[str], chance: random.Random, longest: float, number: int = signal.SIGKILL
) -> bool:
    """Start a command and send a signal at a random time; return whether it had ended before."""
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env=ENVIRONMENT,
    )  # fmt: skip
    try:
        process.wait(chance.uniform(0, longest))
    except subprocess.TimeoutExpired:
        process.send_signal(number)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        return False
    return process.returncode == 0
