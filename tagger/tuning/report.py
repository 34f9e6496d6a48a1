"""What a search found, as CSV, Markdown and a plot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tagger.files import atomic_write
from tagger.tuning import tables
from tagger.tuning.space import Choice, Range

__all__ = ["Row", "plot", "shown", "table", "write"]

DARK, LIGHT, RED = "#1f5fa8", "#b9c7d8", "#c23b22"


@dataclass(frozen=True)
class Row:
    """A trial that ended: complete, pruned or failed. The score is that of its best epoch, None if
    it had none.
    """

    number: int
    state: str
    score: float | None
    epochs: int
    minutes: float
    parameters: Mapping[str, Any]
    error: str = ""


def _number(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def shown(parameters: Mapping[str, Any]) -> str:
    """Parameters in a line.

    >>> shown({"model.units": 200, "training.learning_rate": 0.00312345})
    'model.units=200 training.learning_rate=0.003123'
    """
    return " ".join(f"{key}={_number(value)}" for key, value in parameters.items())


def table(rows: Sequence[Row]) -> str:
    """Markdown: a row a trial, the best first; those without a score, and of those with the same
    the later, last.
    """
    keys = list(rows[0].parameters) if rows else []
    ranked = sorted(rows, key=lambda row: (row.score is None, -(row.score or 0.0), row.number))
    cells = [
        [
            row.number,
            row.state,
            "" if row.score is None else f"{row.score:.2f}",
            row.epochs,
            f"{row.minutes:.1f}",
        ]
        + [_number(row.parameters[key]) for key in keys]
        for row in ranked
    ]
    return tables.markdown(["trial", "state", "dev score", "epochs", "minutes", *keys], cells)


def write(run: Path, rows: Sequence[Row], keys: Sequence[str]) -> None:
    """``search.csv`` and ``search.md`` in `run`; `keys` are the parameters'."""
    head = ["trial", "state", "dev_score", "epochs", "minutes", *keys]
    cells = [
        [
            row.number,
            row.state,
            "" if row.score is None else round(row.score, 4),
            row.epochs,
            round(row.minutes, 2),
        ]
        + [row.parameters[key] for key in keys]
        for row in rows
    ]
    tables.write_table(run / "search.csv", head, cells)
    failures = "".join(f"\nTrial {row.number} failed: {row.error}\n" for row in rows if row.error)
    with atomic_write(run / "search.md") as stream:
        stream.write(f"{table(rows)}\n{failures}")


def plot(path: Path, rows: Sequence[Row], space: Mapping[str, Choice | Range]) -> Path | None:
    """Scores over the trials with the best so far, and a panel a parameter. None, and no file,
    without Matplotlib.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return None
    columns = min(3, len(space) + 1)
    lines = -(-(len(space) + 1) // columns)
    figure = Figure(
        figsize=(4.2 * columns, 3.4 * lines), layout="constrained"
    )  # not pyplot: that has a state for the process
    panels = figure.subplots(lines, columns, squeeze=False).flat
    scored = [row for row in rows if row.score is not None]
    _over_trials(next(panels), rows)
    for key, dimension in space.items():
        _over_values(next(panels), key, dimension, scored)
    for empty in panels:
        empty.set_axis_off()
    figure.legend(
        *figure.axes[0].get_legend_handles_labels(),
        loc="outside lower center",
        ncols=4,
        frameon=False,
    )
    with atomic_write(path, "wb") as stream:
        figure.savefig(stream, format="png", dpi=120)
    return path


def _points(panel: Any, places: Sequence[float], rows: Sequence[Row]) -> None:
    for state, colour in (("complete", DARK), ("pruned", LIGHT), ("failed", RED)):
        chosen = [
            (place, row.score)
            for place, row in zip(places, rows, strict=True)
            if row.state == state
        ]
        if chosen:
            panel.scatter(*zip(*chosen, strict=True), color=colour, s=22, label=state, zorder=2)
    panel.set_ylabel("dev score, percent")
    panel.spines[["top", "right"]].set_visible(False)


def _over_trials(panel: Any, rows: Sequence[Row]) -> None:
    scored = [row for row in rows if row.score is not None]
    _points(panel, [row.number for row in scored], scored)
    complete = [row for row in scored if row.state == "complete"]
    best = [
        max(row.score or 0.0 for row in complete[: number + 1]) for number in range(len(complete))
    ]
    panel.step(
        [row.number for row in complete],
        best,
        where="post",
        color=DARK,
        linewidth=1,
        label="best so far",
        zorder=1,
    )
    panel.set_xlabel("trial")
    panel.xaxis.get_major_locator().set_params(integer=True)


def _over_values(panel: Any, key: str, dimension: Choice | Range, rows: Sequence[Row]) -> None:
    values = [row.parameters[key] for row in rows]
    if isinstance(dimension, Choice):
        names = list(dimension.named())
        values = [names.index(value) for value in values]
        panel.set_xticks(range(len(names)), list(map(str, names)))
        panel.set_xlim(-0.5, len(names) - 0.5)
    elif dimension.log:
        panel.set_xscale("log")
    _points(panel, values, rows)
    panel.set_xlabel(key)
