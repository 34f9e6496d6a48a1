"""The progress of tagging files, and its receiver."""

from __future__ import annotations

from collections.abc import Sequence

from tagger.inference.file_jobs import FileJob, size_of
from tagger.inference.files import Failure, FileResult

__all__ = ["FileObserver", "JobProgress"]


class FileObserver:
    """A receiver of the progress of `tag_files`; the library never prints.

    Methods do nothing unless overridden. They are called on the thread that called `tag_files`.
    """

    def reading(self, source: str, number: int, files: int, share: float, tokens: int) -> None:
        """Receive the progress within a file, per sentence; only with one worker.

        Args:
            source: The file.
            number: Its number, from 1.
            files: The number of files.
            share: Share of the bytes of all files that were read, 0 to 1; 0 if their size is not
                known.
            tokens: Tokens tagged so far, in this file and those before it.
        """

    def finished(self, source: str, number: int, files: int, share: float) -> None:
        """Receive the end of a file, tagged or not.

        Args:
            source: The file.
            number: Its number, from 1.
            files: The number of files.
            share: Share of the bytes of all files that are done, 0 to 1; 0 if their size is not
                known.
        """


class JobProgress:
    """The progress of all files, reported to an observer.

    Args:
        jobs: The files, in the order in which they are tagged.
        observer: The observer.
    """

    def __init__(self, jobs: Sequence[FileJob], observer: FileObserver) -> None:
        self.observer = observer
        self.count = len(jobs)
        self.sizes = [size_of(job) for job in jobs]
        self.total = sum(self.sizes)
        self.number = self.done = self.tokens = 0  # finished files, their bytes and tokens
        self.before = self.base = 0  # bytes and tokens of the groups before

    def reading(self, source: str, read: int, tokens: int) -> None:
        """Report the progress within a group; the arguments are those of `ProgressCallback`."""
        self.observer.reading(
            source, self.number + 1, self.count, self._share(self.before + read), self.base + tokens
        )

    def begin_group(self) -> None:
        """Remember what the groups before have read."""
        self.before, self.base = self.done, self.tokens

    def finished(self, outcome: FileResult | Failure) -> None:
        """Report the end of the next file."""
        self.done += self.sizes[self.number]
        self.number += 1
        self.tokens += outcome.tokens if isinstance(outcome, FileResult) else 0
        self.observer.finished(outcome.source, self.number, self.count, self._share(self.done))

    def _share(self, read: int) -> float:
        """Return the share of bytes."""
        return min(read / self.total, 1) if self.total else 0.0
