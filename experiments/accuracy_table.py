"""The table and the learning curves, from what `accuracy.py` wrote.

python experiments/accuracy_table.py runs/accuracy --plot experiments/learning-curves.png
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any

Result = dict[str, Any]
SIZES = {"conll2003": 14_041, "bc5cdr": 4_560, "conll2000": 7_936}
COLOURS = {"conll2003": "#1f5fa8", "bc5cdr": "#b5541c", "conll2000": "#2f7d4f"}


def read(folder: str) -> dict[str, list[Result]]:
    """The results of each group, a list over seeds."""
    groups: dict[str, list[Result]] = defaultdict(list)
    for path in sorted(Path(folder).glob("*/*.json")):
        result = json.loads(path.read_text(encoding="utf-8"))
        if "group" in result:
            groups[result["group"]].append(result)
    return dict(sorted(groups.items()))


def shown(results: Sequence[Result], split: str) -> str:
    """Mean and sample standard deviation over the seeds."""
    values = [result[split] for result in results if split in result]
    if not values:
        return "–"
    return f"{mean(values):.2f} ± {stdev(values):.2f}" if len(values) > 1 else f"{values[0]:.2f}"


def table(groups: dict[str, list[Result]]) -> str:
    """Markdown: F1 in percent."""
    head = ["group", "seeds", "dev", "test", "epochs", "minutes", "parameters"]
    lines = [f"| {' | '.join(head)} |", "|---" + "|---:" * (len(head) - 1) + "|"]
    for name, results in groups.items():
        means = [f"{mean(result[key] for result in results):.{digits}f}" for key, digits in (("epochs", 0), ("minutes", 1))]
        cells = [name, str(len(results)), shown(results, "dev"), shown(results, "test"), *means, f"{results[0]['parameters']:,}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def plot(groups: dict[str, list[Result]], path: str) -> None:
    """F1 on test over the number of training sentences, with and without pretrained vectors; bars are deviations."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    curves: dict[tuple[str, str], list[tuple[int, list[float]]]] = defaultdict(list)
    for name, results in groups.items():
        corpus, size, *rest = name.split("-")
        values = [result["test"] for result in results if "test" in result]
        if corpus in SIZES and rest in (["vectors"], ["plain"]) and values:
            curves[corpus, rest[0]].append((SIZES[corpus] if size == "all" else int(size), values))
    _, axes = pyplot.subplots(figsize=(8, 5))
    for (corpus, kind), points in sorted(curves.items()):
        points.sort()
        sizes, values = [size for size, _ in points], [found for _, found in points]
        axes.errorbar(
            sizes,
            [mean(found) for found in values],
            [stdev(found) if len(found) > 1 else 0 for found in values],
            color=COLOURS[corpus],
            linestyle="-" if kind == "vectors" else "--",
            marker="o",
            capsize=3,
            label=f"{corpus}, {'GloVe' if kind == 'vectors' else 'no vectors'}",
        )
    axes.set_xscale("log")
    axes.set_xlabel("training sentences")
    axes.set_ylabel("test F1")
    axes.grid(alpha=0.3)
    axes.legend()
    pyplot.tight_layout()
    pyplot.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs")
    parser.add_argument("--plot", metavar="FILE.png")
    options = parser.parse_args()
    groups = read(options.runs)
    print(table(groups))
    if options.plot:
        plot(groups, options.plot)


if __name__ == "__main__":
    main()
