"""Tagging of files in several processes, each of which tags a group of files at a time."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from types import FrameType

from tagger import signals
from tagger.errors import TaggerError
from tagger.inference import files, predictor
from tagger.inference.file_jobs import FileJob
from tagger.inference.files import Failure, FileResult, TaggingSettings
from tagger.inference.predictor import Predictor
from tagger.inference.source import Source

__all__ = ["in_processes"]


def in_processes(
    source: Source,
    settings: TaggingSettings,
    groups: Sequence[Sequence[FileJob]],
    workers: int,
    finished: Callable[[FileResult | Failure], object],
) -> Iterator[FileResult | Failure]:
    """Tag files in several processes, which end with this one.

    Args:
        source: The source from which each process opens the model.
        settings: The settings with which all files are tagged.
        groups: Files that are tagged together, in order.
        workers: Number of processes.
        finished: Receiver of each outcome, in order. An exception in it ends the processes.

    Yields:
        The result of each file, or its failure, in order.

    Raises:
        TaggerError: A process ended unexpectedly.
    """
    context = get_context("spawn")
    # Nobody writes to the pipe: its end tells the workers that this process ends, or has ended.
    ends, alive = context.Pipe(duplex=False)
    pool = ProcessPoolExecutor(
        min(workers, len(groups)),
        mp_context=context,
        initializer=_begin,
        initargs=(source, settings, ends),
    )
    try:
        with _without_interrupts():
            futures = [pool.submit(_tag_group, group) for group in groups]
        for future in futures:
            for outcome in future.result():
                finished(outcome)
                yield outcome
    except BrokenProcessPool as error:
        raise TaggerError(
            "a worker process ended unexpectedly, perhaps out of memory; use fewer workers"
        ) from error
    except BaseException:
        alive.close()  # the files in progress need not be finished
        raise
    finally:
        pool.shutdown(cancel_futures=True)
        alive.close()
        ends.close()


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Return a context in which new processes do not receive Ctrl-C, which this one receives after
    it.

    The terminal sends Ctrl-C to all processes, and Python prints a traceback if it arrives before
    they can ignore it.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


# The model and settings of a worker process.
_process: tuple[Predictor, TaggingSettings] | None = None


def _begin(source: Source, settings: TaggingSettings, ends: Connection) -> None:
    """Open the model in a new worker process, which ends with its parent.

    The parent receives Ctrl-C and ends this process. While a file is tagged, SIGTERM becomes an
    exception, so that the temporary file is removed.
    """
    global _process
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _terminated)
    signals.terminate_after(partial(wait, [ends]))
    _process = predictor.reopen(source), settings


def _terminated(number: int, frame: FrameType | None) -> None:
    """End this worker process: by an exception while a file is tagged, else at once."""
    if _tagging:
        sys.exit(1)
    os._exit(1)


_tagging = False  # whether a worker process is tagging a file


def _tag_group(group: Sequence[FileJob]) -> list[FileResult | Failure]:
    """Tag a group of files in a worker process."""
    global _tagging
    assert _process is not None
    model, settings = _process
    _tagging = True
    try:
        return list(files.run_all(model, group, settings))
    except SystemExit:  # the temporary files have been removed
        os._exit(1)
    finally:
        _tagging = False
