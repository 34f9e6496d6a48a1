"""Many small files: `tagger predict` of a folder of files of 31 tokens, beside the same text in one
file.

    python benchmarks/small_files.py RUN [--files 20000] [--rounds 3] [--package FOLDER ...]

RUN is a trained model. Each round runs, in turns and in new processes, the files with one process
and with two, and one file with the same text. Medians of seconds, of processor time of the command
and of what it started. With --package, the same is measured with the package `tagger` in each of
those folders, such as checkouts of earlier versions, in the same rounds.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import rounds

TEXT = """\
Mira Okafor works for Nordwind in Quito , where she met Henrik Solberg of the State Department .
On Monday they left for Oslo , which neither of them knew .
"""


def run(run_folder: str, source: Path, output: Path, workers: int, package: str) -> list[float]:
    """Return the seconds and the processor seconds of one command."""
    shutil.rmtree(output, ignore_errors=True)
    command = [sys.executable, "-m", "tagger.cli.main", "predict", run_folder, str(source)]
    command += ["--output", str(output), "--workers", str(workers)]
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    environment = {**os.environ, "PYTHONPATH": package}
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL, env=environment, cwd=package)
    seconds = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return [seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run")
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--package", action="append", default=[])
    options = parser.parse_args()
    packages = [str(Path(name).resolve()) for name in options.package] or [str(rounds.ROOT)]
    model = str(Path(options.run).resolve())
    took: dict[tuple[str, str], list[list[float]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        small, large = Path(folder) / "small", Path(folder) / "large.txt"
        small.mkdir()
        for number in range(options.files):
            (small / f"{number:06}.txt").write_text(TEXT, encoding="utf-8")
        large.write_text(TEXT * options.files, encoding="utf-8")
        cases = {"one process": (small, 1), "two processes": (small, 2), "one file": (large, 1)}
        for _ in range(options.rounds):
            for name, (source, workers) in cases.items():
                for package in packages:
                    figures = run(model, source, Path(folder) / "out", workers, package)
                    took.setdefault((name, package), []).append(figures)
    rows = [
        [f"{name}, {package}", *(f"{median(column):.1f}" for column in zip(*figures, strict=True))]
        for (name, package), figures in took.items()
    ]
    head = ["what", "seconds", "of processor time"]
    print(f"{options.files:,} files of {len(TEXT.split())} tokens\n")
    print(rounds.table(head, rows))


if __name__ == "__main__":
    main()
