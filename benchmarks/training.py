"""Training speed of configurations, side by side in one run: tokens a second, and each as a ratio
to the first.

    python benchmarks/training.py experiments/ladder/*.toml --rounds 3

Every round trains each configuration for three epochs on the first sentences of its training set.
The first epoch builds the graph and does not count; the figure is the median of the others over all
rounds, so that a slow minute of the machine hits all alike. Scoring dev is not included.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import defaultdict
from pathlib import Path
from statistics import median

from tagger import corpora
from tagger.config import tagger as config
from tagger.text import formats
from tagger.training import trainer
from tagger.training.observer import Observer


class Speeds(Observer):
    """Tokens a second of each epoch."""

    def __init__(self) -> None:
        self.found: list[float] = []

    def epoch_ended(self, row: dict[str, float], is_best: bool) -> None:
        self.found.append(row["tokens_per_second"])


def speeds(path: str, sentences: int) -> list[float]:
    """Tokens a second of a configuration, of each epoch after the first."""
    observer = Speeds()
    settings = config.load(path)
    with tempfile.TemporaryDirectory() as folder:
        files = {}
        for name, count in (("train", sentences), ("dev", 100)):
            files[name] = Path(folder) / f"{name}.conll"
            corpus = corpora.read_all(settings.data.train, settings.data.reading)
            with open(files[name], "w", encoding="utf-8") as stream:
                formats.write(corpus.sentences[:count], stream, "conll")
        changes = [f"data.{name}={file}" for name, file in files.items()] + [
            "training.epochs=3",
            "data.scheme=auto",
        ]
        trainer.train(config.override(settings, changes), Path(folder) / "run", observer=observer)
    return observer.found[1:]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("configs", nargs="+")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sentences", type=int, default=3000)
    options = parser.parse_args()
    found: dict[str, list[float]] = defaultdict(list)
    for _ in range(options.rounds):
        for path in options.configs:
            found[path] += speeds(path, options.sentences)
    first = median(found[options.configs[0]])
    print("| configuration | tokens/s | slowest to fastest | ratio |\n|---|---:|---:|---:|")
    for path, values in found.items():
        span = f"{min(values):,.0f} to {max(values):,.0f}"
        print(
            f"| {Path(path).stem} | {median(values):,.0f} | {span} | {median(values) / first:.2f} |"
        )


if __name__ == "__main__":
    main()
