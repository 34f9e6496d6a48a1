"""The progress of `tagger predict`, drawn on the terminal."""

from __future__ import annotations

import time

from tagger.cli.meter import Meter
from tagger.inference.many_files import FileObserver

__all__ = ["FileProgress"]


class FileProgress(FileObserver):
    """Draws the current file and its speed, or with several processes how many files are done."""

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self.meter = Meter()
        self.started: float | None = None

    def reading(self, source: str, number: int, files: int, share: float, tokens: int) -> None:
        self.started = time.monotonic() if self.started is None else self.started
        rate = tokens / max(time.monotonic() - self.started, 1e-6)
        self.meter.show(share, f"{number}/{files} {source}  {rate:,.0f} tokens/s")

    def finished(self, source: str, number: int, files: int) -> None:
        if self.workers > 1:
            self.meter.show(number / files, f"{number}/{files} files")

    def clear(self) -> None:
        """Remove the bar from the terminal."""
        self.meter.clear()
