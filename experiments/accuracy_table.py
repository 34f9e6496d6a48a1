"""The table and the learning curves, from what `accuracy.py` wrote.

python experiments/accuracy_table.py runs/accuracy --plot docs/results/learning-curves.png
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from statistics import mean, stdev

from tables import Result, main, read, shown

SIZES = {"conll2003": 14_041, "bc5cdr": 4_560, "conll2000": 7_936}
COLOURS = {"conll2003": "#1f5fa8", "bc5cdr": "#b5541c", "conll2000": "#2f7d4f"}


def values(results: Sequence[Result], split: str) -> list[float]:
    return [result[split] for result in results if split in result]


def table(groups: dict[str, list[Result]]) -> str:
    """Markdown: F1 in percent."""
    head = ["group", "seeds", "dev", "test", "epochs", "minutes", "parameters"]
    lines = [f"| {' | '.join(head)} |", "|---" + "|---:" * (len(head) - 1) + "|"]
    for name, results in groups.items():
        means = [
            f"{mean(result[key] for result in results):.{digits}f}"
            for key, digits in (("epochs", 0), ("minutes", 1))
        ]
        cells = [
            name,
            str(len(results)),
            shown(values(results, "dev")),
            shown(values(results, "test")),
            *means,
            f"{results[0]['parameters']:,}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def plot(groups: dict[str, list[Result]], path: str) -> None:
    """F1 on test over the number of training sentences, with and without pretrained vectors; bars
    are deviations.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    curves: dict[tuple[str, str], list[tuple[int, list[float]]]] = defaultdict(list)
    for name, results in groups.items():
        corpus, size, *rest = name.split("-")
        found = values(results, "test")
        if corpus in SIZES and rest in (["vectors"], ["plain"]) and found:
            curves[corpus, rest[0]].append((SIZES[corpus] if size == "all" else int(size), found))
    _, axes = pyplot.subplots(figsize=(8, 5))
    for (corpus, kind), points in sorted(curves.items()):
        points.sort()
        sizes, scores = [size for size, _ in points], [found for _, found in points]
        axes.errorbar(
            sizes,
            [mean(found) for found in scores],
            [stdev(found) if len(found) > 1 else 0 for found in scores],
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


if __name__ == "__main__":
    main(__doc__, lambda runs: read(runs, "*/*.json", "group"), table, plot)
