"""Reports of a search: CSV, Markdown and a plot."""

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
    """The result of a finished trial.

    Attributes:
        number: Number of the trial, from 1.
        state: ``complete``, ``pruned`` or ``failed``.
        score: Dev score of its best epoch; None if no epoch was completed.
        epochs: Number of completed epochs.
        minutes: Duration of the trial.
        parameters: Chosen settings by dotted key, as in the search's records.
        error: Error message of a failed trial.
    """

    number: int
    state: str
    score: float | None
    epochs: int
    minutes: float
    parameters: Mapping[str, Any]
    error: str = ""


def _number(value: Any) -> str:
    """Format a value, floats with four significant digits."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def shown(parameters: Mapping[str, Any]) -> str:
    """Return parameters, by dotted key, as one line of text.

    >>> shown({"model.units": 200, "training.learning_rate": 0.00312345})
    'model.units=200 training.learning_rate=0.003123'
    """
    return " ".join(f"{key}={_number(value)}" for key, value in parameters.items())


def table(rows: Sequence[Row]) -> str:
    """Return a Markdown table with one row per trial, the best first.

    Trials with equal scores are in the order of their numbers; those without a score come last.

    Args:
        rows: Finished trials, all with the same parameters.

    Returns:
        The table without a newline at its end.
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
    """Write ``search.csv`` and ``search.md``, atomically each.

    Args:
        run: Folder of the search, which is created if it does not exist.
        rows: Finished trials.
        keys: Dotted keys of the parameters.

    Raises:
        TaggerError: A file cannot be written.
    """
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
    """Plot the scores over the trials, with the best so far, and over each parameter.

    Args:
        path: PNG file to write or replace.
        rows: Finished trials.
        space: Search space, one panel per setting.

    Returns:
        The path, or None, without any file, if Matplotlib is not installed.

    Raises:
        TaggerError: The file cannot be written.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return None
    columns = min(3, len(space) + 1)
    lines = -(-(len(space) + 1) // columns)
    # Not pyplot, which has global state.
    figure = Figure(figsize=(4.2 * columns, 3.4 * lines), layout="constrained")
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


def _points(panel: Any, positions: Sequence[float], rows: Sequence[Row]) -> None:
    """Plot the scores of trials at horizontal positions, colored by state."""
    for state, color in (("complete", DARK), ("pruned", LIGHT), ("failed", RED)):
        chosen = [
            (position, row.score)
            for position, row in zip(positions, rows, strict=True)
            if row.state == state
        ]
        if chosen:
            panel.scatter(*zip(*chosen, strict=True), color=color, s=22, label=state, zorder=2)
    panel.set_ylabel("dev score, percent")
    panel.spines[["top", "right"]].set_visible(False)


def _over_trials(panel: Any, rows: Sequence[Row]) -> None:
    """Plot scores and the best score so far over the numbers of the trials."""
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
    """Plot scores over the values of one setting."""
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
