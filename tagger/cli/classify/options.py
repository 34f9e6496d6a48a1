"""Options that the commands of classifiers share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

__all__ = ["label_columns", "text_column", "threshold_option"]


def text_column(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the option of the column of the text to a command, and return it."""
    return click.option(
        "--text-column",
        metavar="NAME",
        help="Column or key of the text.  [default: as in training, or a usual one such as text]",
    )(command)


def label_columns(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of the column of the label to a command, and return it."""
    command = click.option(
        "--label-separator",
        metavar="TEXT",
        help="What separates several labels in a cell of a table.  [default: a comma]",
    )(command)
    return click.option(
        "--label-column",
        metavar="NAME",
        help="Column or key of the label.  [default: as in training, or a usual one such as label]",
    )(command)


def threshold_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the option of the threshold of probabilities to a command, and return it."""
    return click.option(
        "--threshold",
        type=click.FloatRange(min=0, max=1, min_open=True),
        metavar="P",
        help="Predict labels with a probability of at least P, where a text has any number of "
        "labels.  [default: chosen on dev]",
    )(command)
