"""What choosing spans by their probability costs `Predictor.predict`, beside the best tag sequence.

    python benchmarks/span_decoding.py RUN FILE [--rounds 11] [--precision float32]

RUN is a tagger and FILE annotated text. All rules take a turn in every round, in one process, and
words are encoded before the first one that counts. Prints the median over the rounds of the ratio
of tokens per second to that of the best sequence without probabilities, the lowest and highest
ratio, and the median by processor time: what else runs on the machine hits all rules alike.
"""

from __future__ import annotations

import argparse
import time
from statistics import median
from typing import Any

from tagger.inference import predictor
from tagger.inference.operating_points import BEST_SEQUENCE
from tagger.text import annotation

RULES: dict[str, dict[str, Any]] = {
    "best sequence": {"decode": BEST_SEQUENCE, "scores": False},
    "best sequence, with probabilities": {"decode": BEST_SEQUENCE},
    "threshold 0.5": {"min_score": 0.5},
    "threshold 0.1": {"min_score": 0.1},
    "threshold 0.5, candidates above 0.05": {"min_score": 0.5, "candidates": 0.05},
    "best sequence, 3 best": {"decode": BEST_SEQUENCE, "scores": False, "best": 3},
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run")
    parser.add_argument("file")
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--precision", choices=["float32", "int8"])
    options = parser.parse_args()
    rounds: dict[str, list[tuple[float, float]]] = {name: [] for name in RULES}
    with predictor.load(options.run, precision=options.precision) as model:
        data = model.bundle.config.data
        sentences = list(annotation.read(options.file, data.reading, data.scheme).sentences)
        for _ in range(options.rounds + 1):
            for name, rule in RULES.items():
                started, used = time.perf_counter(), time.process_time()
                for _ in model.predict(sentences, **rule):
                    pass
                seconds = time.perf_counter() - started, time.process_time() - used
                rounds[name].append(seconds)
    base = rounds["best sequence"][1:]
    print("| rule | ratio of tokens per second | from | to | by processor time |")
    print("|---|---:|---:|---:|---:|")
    for name, own in rounds.items():
        clock, processor = (
            [one[place] / other[place] for one, other in zip(base, own[1:], strict=True)]
            for place in (0, 1)
        )
        figures = median(clock), min(clock), max(clock), median(processor)
        print(f"| {name} | " + " | ".join(f"{figure:.2f}" for figure in figures) + " |")


if __name__ == "__main__":
    main()
