"""Training speed of configurations, side by side in one run: tokens a second, and each as a ratio to the first.

    python benchmarks/training.py experiments/ladder/*.toml --epochs 3

The first epoch builds the graph and does not count; of the others the median does. Scoring dev is not included.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from statistics import median

from tagger.training import config, trainer
from tagger.training.observer import Observer


class Speeds(Observer):
    """Tokens a second of each epoch."""

    def __init__(self) -> None:
        self.found: list[float] = []

    def epoch(self, row: dict[str, float], better: bool) -> None:
        self.found.append(row["tokens_per_second"])


def speed(path: str, epochs: int) -> float:
    """Median tokens a second of a configuration, epochs after the first."""
    speeds = Speeds()
    settings = config.override(config.load(path), [f"training.epochs={epochs}"])
    with tempfile.TemporaryDirectory() as folder:
        trainer.train(settings, Path(folder) / "run", observer=speeds)
    return median(speeds.found[1:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("configs", nargs="+")
    parser.add_argument("--epochs", type=int, default=3)
    options = parser.parse_args()
    first = 0.0
    print("| configuration | tokens/s | ratio |\n|---|---:|---:|", flush=True)
    for path in options.configs:
        found = speed(path, options.epochs)
        first = first or found
        print(f"| {Path(path).stem} | {found:,.0f} | {found / first:.2f} |", flush=True)


if __name__ == "__main__":
    main()
