"""The progress of `predict`, `evaluate` and `export --verify`, drawn on the terminal."""

from __future__ import annotations

import sys
import time

from tagger.cli import console
from tagger.inference.progress import FileObserver

__all__ = ["FileProgress", "TokenProgress"]


class FileProgress(FileObserver):
    """Draws the share of all bytes, the current file and the speed.

    Nothing is drawn if the tagged text itself appears on the terminal.

    Args:
        has_output: Whether the tagged files are written to a folder.
    """

    def __init__(self, has_output: bool) -> None:
        self.is_drawn = has_output or not sys.stdout.isatty()
        self.started: float | None = None

    def reading(self, source: str, number: int, files: int, share: float, tokens: int) -> None:
        """Draw the progress within a file."""
        self.started = time.monotonic() if self.started is None else self.started
        rate = tokens / max(time.monotonic() - self.started, 1e-6)
        self._show(share, f"{number:,}/{files:,} {source}  {rate:,.0f} tokens/s")

    def finished(self, source: str, number: int, files: int, share: float) -> None:
        """Draw the number of finished files."""
        self._show(share, f"{number:,}/{files:,} files")

    def _show(self, share: float, text: str) -> None:
        """Draw the bar unless it would stand between lines of output."""
        if self.is_drawn:
            console.show_bar(share, text)


class TokenProgress:
    """Draws the share of all tokens and the speed."""

    def __init__(self) -> None:
        self.started: float | None = None

    def __call__(self, done: int, tokens: int) -> None:
        """Draw the progress.

        Args:
            done: Number of tokens that are tagged.
            tokens: Number of all tokens.
        """
        self.started = time.monotonic() if self.started is None else self.started
        rate = done / max(time.monotonic() - self.started, 1e-6)
        console.show_bar(done / max(tokens, 1), f"{tokens:,} tokens  {rate:,.0f} tokens/s")
