"""What the tables of experiments have in common: the results by group, and their command line."""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from statistics import mean, stdev
from typing import Any

Result = dict[str, Any]
Groups = dict[str, list[Result]]


def read(folder: str, pattern: str, key: str) -> Groups:
    """The results below a folder, by what they say under `key`: a list over seeds each."""
    groups: Groups = defaultdict(list)
    for path in sorted(Path(folder).glob(pattern)):
        result = json.loads(path.read_text(encoding="utf-8"))
        if key in result:
            groups[result[key]].append(result)
    return dict(sorted(groups.items()))


def shown(values: list[float], digits: int = 2) -> str:
    """Mean and, of several seeds, sample standard deviation; a dash for none."""
    if not values:
        return "–"
    deviation = f" ± {stdev(values):.{digits}f}" if len(values) > 1 else ""
    return f"{mean(values):.{digits}f}{deviation}"


def main(
    doc: str | None,
    found: Callable[[str], Groups],
    table: Callable[[Groups], str],
    plot: Callable[[Groups, str], None],
) -> None:
    """Print the table of the results in a folder, and plot them if asked to."""
    parser = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs")
    parser.add_argument("--plot", metavar="FILE.png")
    options = parser.parse_args()
    groups = found(options.runs)
    print(table(groups))
    if options.plot:
        plot(groups, options.plot)
