"""Commands in processes of their own: how long each took, and how much memory it had at most."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Took:
    """What a process took: seconds by the clock and of processor time, MB of memory at its peak."""

    seconds: float
    processor: float
    memory: float


def run(command: Sequence[str | Path]) -> Took:
    """Run a command to its end.

    Raises:
        SystemExit: it failed.
    """
    begun = time.perf_counter()
    with open(os.devnull, "w") as null:
        process = subprocess.Popen(list(map(str, command)), stdin=subprocess.DEVNULL, stdout=null, stderr=null)
        _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - begun
    if status:
        sys.exit(f"failed: {' '.join(map(str, command))}")
    return Took(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def predict(run: str, source: Path, *arguments: str | Path) -> list[str | Path]:
    """The command `tagger predict`."""
    return [sys.executable, "-m", "tagger.cli.main", "predict", run, source, *arguments]
