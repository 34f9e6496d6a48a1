"""The table and the plot of the ladder, from what `ladder.py` wrote.

python experiments/ladder_table.py runs/ladder --plot docs/results/ladder.png
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean, stdev

from tables import Result, main, read, shown


def figure(results: Sequence[Result], split: str, decoding: str) -> tuple[float, float]:
    """Mean and sample standard deviation (0 for one seed) over the seeds."""
    found = values(results, split, decoding)
    return mean(found), stdev(found) if len(found) > 1 else 0.0


def values(results: Sequence[Result], split: str, decoding: str) -> list[float]:
    return [result[split][decoding] for result in results]


def table(rungs: dict[str, list[Result]]) -> str:
    """Markdown: F1 in percent, constrained and each token for itself."""
    head = [
        "rung",
        "seeds",
        "parameters",
        "dev",
        "dev, free",
        "test",
        "test, free",
        "epochs",
        "minutes",
    ]
    lines = [f"| {' | '.join(head)} |", "|---" + "|---:" * (len(head) - 1) + "|"]
    for name, results in rungs.items():
        figures = [
            shown(values(results, split, decoding))
            for split in ("dev", "test")
            for decoding in ("constrained", "unconstrained")
        ]
        means = [
            f"{mean(result[key] for result in results):.{digits}f}"
            for key, digits in (("epochs", 0), ("minutes", 1))
        ]
        cells = [name, str(len(results)), f"{results[0]['parameters']:,}", *figures, *means]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def plot(rungs: dict[str, list[Result]], path: str) -> None:
    """Test F1 a rung, constrained beside free; bars of deviation where there are several seeds."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    _, axes = pyplot.subplots(figsize=(9, 4.5))
    for offset, decoding, colour in (
        (-0.2, "constrained", "#1f5fa8"),
        (0.2, "unconstrained", "#b9c7d8"),
    ):
        figures = [figure(results, "test", decoding) for results in rungs.values()]
        heights, errors = zip(*figures, strict=True)
        places = [number + offset for number in range(len(rungs))]
        axes.barh(
            places,
            heights,
            0.4,
            xerr=[error or float("nan") for error in errors],
            label=decoding,
            color=colour,
        )
    axes.set_yticks(range(len(rungs)), list(rungs))
    axes.invert_yaxis()
    axes.set_xlim(60, 82)
    axes.set_xlabel("F1 on CoNLL-2003 test, percent (the axis begins at 60)")
    axes.legend(loc="upper right", frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    pyplot.tight_layout()
    pyplot.savefig(path, dpi=120)


if __name__ == "__main__":
    main(__doc__, lambda runs: read(runs, "*.json", "rung"), table, plot)
