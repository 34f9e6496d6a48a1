"""Workers that take turns, each in a process of its own, ours and others' alike; the standard
library alone.

A worker prepares a piece of work, which is not counted, says that it is ready, and does one round
whenever it is asked. While one works the others wait, so that a slow minute of the machine hits all
alike. Figures are medians over the rounds.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[1]
Work = Callable[[], int]
"""One round of work; says how many tokens it had."""


@dataclass(frozen=True)
class Speed:
    """Tokens a second, by the clock and by the processor time of all threads; one number a round
    each.
    """

    by_clock: Sequence[float]
    by_processor: Sequence[float]

    @property
    def clock(self) -> float:
        return median(self.by_clock)

    @property
    def processor(self) -> float:
        return median(self.by_processor)


def _processor_time() -> float:
    """That of this process and of its children that have ended."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def serve(prepare: Callable[[], Work]) -> None:
    """Be a worker: for each line on standard input prepare again, work, and print what it took."""
    out, sys.stdout = (
        sys.stdout,
        sys.stderr,
    )  # whatever libraries print must not be taken for an answer
    for _ in sys.stdin:
        work = prepare()
        clock, processor = time.perf_counter(), _processor_time()
        tokens = work()
        took = [time.perf_counter() - clock, _processor_time() - processor]
        print(json.dumps([tokens, *took]), file=out, flush=True)


class Worker:
    """A process that runs `command`, which calls `serve`."""

    def __init__(self, name: str, command: Sequence[str | Path]) -> None:
        self.name = name
        self.errors = tempfile.TemporaryFile("w+")  # noqa: SIM115  a pipe that nobody reads would fill up
        self.process = subprocess.Popen(
            list(map(str, command)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
        )

    def round(self) -> tuple[float, float]:
        """Tokens a second by clock and by processor time.

        Raises:
            RuntimeError: the worker has ended; the end of its standard error says why.
        """
        assert self.process.stdin
        assert self.process.stdout
        try:
            self.process.stdin.write("\n")
            self.process.stdin.flush()
            tokens, seconds, processor = json.loads(self.process.stdout.readline())
        except (BrokenPipeError, ValueError):
            self.process.kill()
            self.process.wait()
            self.errors.seek(0)
            raise RuntimeError(
                f"{self.name}: {self.errors.read().strip()[-500:] or 'no answer'}"
            ) from None
        return tokens / seconds, tokens / max(processor, 1e-9)

    def close(self) -> None:
        self.process.communicate()


def compare(commands: Mapping[str, Sequence[str | Path]], rounds: int) -> dict[str, Speed]:
    """The speeds of workers by name, after a round that is not counted. One that fails in it is
    named and left out.
    """
    found: dict[str, list[tuple[float, float]]] = {}
    workers = [Worker(name, command) for name, command in commands.items()]
    for worker in workers:
        try:
            worker.round()
            found[worker.name] = []
        except RuntimeError as error:
            print(f"Skipped {error}", file=sys.stderr)
    for _ in range(rounds):
        for worker in workers:
            if worker.name in found:
                found[worker.name].append(worker.round())
    for worker in workers:
        if worker.name in found:
            worker.close()
    return {name: Speed(*zip(*speeds, strict=True)) for name, speeds in found.items()}


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table in Markdown; the first column is text, the others numbers."""
    lines = [list(columns), ["---", *["---:"] * (len(columns) - 1)], *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def speed_table(speeds: Mapping[str, Speed], base: str) -> str:
    """Tokens a second of each worker, from slowest round to fastest, by processor time, and the
    clock's ratio to `base`.
    """
    reference = speeds[base].clock if base in speeds else None
    rows = [
        [
            name,
            f"{speed.clock:,.0f}",
            f"{min(speed.by_clock):,.0f} to {max(speed.by_clock):,.0f}",
            f"{speed.processor:,.0f}",
            f"{speed.clock / reference:.2f}" if reference else "–",
        ]
        for name, speed in speeds.items()
    ]
    return table(
        [
            "what",
            "tokens/s",
            "slowest to fastest",
            "tokens/s of processor time",
            f"ratio to {base}",
        ],
        rows,
    )


def corpus(part: str) -> Path:
    """A part of CoNLL-2003 if it has been prepared, else of the bundled sample."""
    prepared = ROOT / "data" / "conll2003" / f"{part}.conll"
    return prepared if prepared.exists() else ROOT / "data" / "sample" / f"{part}.conll"
