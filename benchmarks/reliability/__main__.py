"""Try to break the library: kills, mutated and hostile files, threads, signals, limits.

    python -m benchmarks.reliability            # about 20 minutes on two cores
    python -m benchmarks.reliability --quick    # a few seconds; part of the test suite
    python -m benchmarks.reliability --scale 0.2 --only kill

It prints a Markdown table, and what went wrong; the exit status is 1 if anything did.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.reliability.checks import CHECKS


def main() -> None:
    """Run the checks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="only a few attempts of each")
    parser.add_argument("--scale", type=float, default=1, help="factor of all numbers of attempts")
    parser.add_argument("--only", default="", help="part of the name of the checks to run")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    wrong = []
    print("| check | attempts | wrong | seconds | |\n| --- | ---: | ---: | ---: | --- |")
    for name, (check, full, quick) in CHECKS.items():
        count = quick if options.quick else max(round(full * options.scale), 1)
        if not count or options.only not in name:
            continue
        started = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            outcome = check(Path(folder), count, random.Random(options.seed))
        seconds = time.monotonic() - started
        cells = (name, f"{outcome.tried:,}", len(outcome.wrong), f"{seconds:.0f}", outcome.note)
        print("| " + " | ".join(map(str, cells)) + " |", flush=True)
        wrong += [f"{name}: {what}" for what in outcome.wrong]
    if wrong:
        sys.exit("\n" + "\n".join(wrong))


if __name__ == "__main__":
    main()
