"""A progress bar on stderr, drawn in place on a terminal and silent elsewhere."""

from __future__ import annotations

import sys
import time

import click

__all__ = ["Meter"]


class Meter:
    """One line that shows a share done; silent where stderr is no terminal. At most ten times a
    second.
    """

    def __init__(self) -> None:
        self.drawn = 0.0
        self.terminal = sys.stderr.isatty()

    def show(self, done: float, text: str) -> None:
        now = time.monotonic()
        if not self.terminal or now - self.drawn < 0.1:
            return
        self.drawn = now
        bar = "█" * round(20 * done)
        click.echo(f"\r\033[K{bar:░<20} {100 * done:3.0f} %  {text}", err=True, nl=False)

    def clear(self) -> None:
        if self.terminal:
            click.echo("\r\033[K", err=True, nl=False)
