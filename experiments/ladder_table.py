"""The table and the plot of the ladder, from what `ladder.py` wrote.

python experiments/ladder_table.py runs/ladder --plot experiments/ladder.png
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


def read(folder: str) -> dict[str, list[Result]]:
    """The results of each rung, a list over seeds."""
    rungs: dict[str, list[Result]] = defaultdict(list)
    for path in sorted(Path(folder).glob("*.json")):
        result = json.loads(path.read_text(encoding="utf-8"))
        if "rung" in result:
            rungs[result["rung"]].append(result)
    return dict(sorted(rungs.items()))


def figure(results: Sequence[Result], split: str, decoding: str) -> tuple[float, float]:
    """Mean and sample standard deviation (0 for one seed) over the seeds."""
    values = [result[split][decoding] for result in results]
    return mean(values), stdev(values) if len(values) > 1 else 0.0


def shown(results: Sequence[Result], split: str, decoding: str) -> str:
    middle, deviation = figure(results, split, decoding)
    return f"{middle:.2f} ± {deviation:.2f}" if len(results) > 1 else f"{middle:.2f}"


def table(rungs: dict[str, list[Result]]) -> str:
    """Markdown: F1 in percent, constrained and each token for itself."""
    head = ["rung", "seeds", "parameters", "dev", "dev, free", "test", "test, free", "epochs", "minutes"]
    lines = [f"| {' | '.join(head)} |", "|---" + "|---:" * (len(head) - 1) + "|"]
    for name, results in rungs.items():
        figures = [shown(results, split, decoding) for split in ("dev", "test") for decoding in ("constrained", "unconstrained")]
        means = [f"{mean(result[key] for result in results):.{digits}f}" for key, digits in (("epochs", 0), ("minutes", 1))]
        cells = [name, str(len(results)), f"{results[0]['parameters']:,}", *figures, *means]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def plot(rungs: dict[str, list[Result]], path: str) -> None:
    """Test F1 a rung, constrained beside free; bars of deviation where there are several seeds."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    _, axes = pyplot.subplots(figsize=(9, 4.5))
    for offset, decoding, colour in ((-0.2, "constrained", "#1f5fa8"), (0.2, "unconstrained", "#b9c7d8")):
        figures = [figure(results, "test", decoding) for results in rungs.values()]
        heights, errors = zip(*figures, strict=True)
        places = [number + offset for number in range(len(rungs))]
        axes.barh(places, heights, 0.4, xerr=[error or float("nan") for error in errors], label=decoding, color=colour)
    axes.set_yticks(range(len(rungs)), list(rungs))
    axes.invert_yaxis()
    axes.set_xlim(60, 82)
    axes.set_xlabel("F1 on CoNLL-2003 test, percent (the axis begins at 60)")
    axes.legend(loc="upper right", frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    pyplot.tight_layout()
    pyplot.savefig(path, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs")
    parser.add_argument("--plot")
    options = parser.parse_args()
    rungs = read(options.runs)
    print(table(rungs))
    if options.plot:
        plot(rungs, options.plot)


if __name__ == "__main__":
    main()
