"""What several commands share: options for reading files, and a quiet import of Keras."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

__all__ = ["quiet_stderr", "reading_options"]

_READING = (
    click.option(
        "--token-column", type=int, default=None, metavar="N", help="CoNLL column of the token, from 0; -1 is the last."
    ),
    click.option("--delimiter", default=None, metavar="D", help="Of CoNLL columns: auto, blank, tab or any string."),
)


def reading_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say how CoNLL columns are to be read."""
    for option in reversed(_READING):
        command = option(command)
    return command


@contextmanager
def quiet_stderr() -> Iterator[None]:
    """Silence whatever writes to stderr's file descriptor inside: TensorFlow's C++ greets there when it is imported.

    Python errors inside still propagate.
    """
    saved, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(null)
