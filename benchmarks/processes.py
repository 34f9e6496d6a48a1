"""Commands in processes of their own: how long each took, and how much memory it had at most.

A process begins with the peak of the one that started it. So a command is started by a small one:
this file.
"""

from __future__ import annotations

import json
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
    starter = [sys.executable, "-S", __file__, *map(str, command)]
    done = subprocess.run(starter, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"failed: {' '.join(map(str, command))}\n{done.stderr}")
    return Took(*json.loads(done.stdout))


def predict(run: str, source: Path, *arguments: str | Path) -> list[str | Path]:
    """The command `tagger predict`."""
    return [sys.executable, "-m", "tagger.cli.main", "predict", run, source, *arguments]


def main() -> None:
    start = time.perf_counter()
    process = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    print(
        json.dumps(
            [time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024]
        )
    )
    sys.exit(os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main()
