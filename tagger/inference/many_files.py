"""Many files in, many files out: tagged one after the other, or in several processes.

A file that cannot be tagged does not stop the others.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

from tagger.config import tagger as config
from tagger.cpu import cores
from tagger.errors import TaggerError
from tagger.inference import files, predictor
from tagger.inference.files import Job
from tagger.inference.predictor import Predictor
from tagger.inference.source import Source
from tagger.text.formats import ReadOptions

__all__ = ["FileObserver", "Models", "TaggedFiles", "opened", "tag_files"]

Models = Predictor | str | Path | Sequence[str | Path]
"""A model that is open, its folder, or the folders of several that are averaged."""


class Failure(NamedTuple):
    """A file that could not be tagged, and why."""

    source: str
    message: str


@dataclass(frozen=True)
class TaggedFiles:
    """What `tag_files` did: how many files it tagged, their tokens, the seconds it took, and the
    files that it could not tag, in order.
    """

    files: int
    tokens: int
    seconds: float
    failures: tuple[Failure, ...]


class FileObserver:
    """Receives the progress of `tag_files`; the library never prints. Override what you want."""

    def reading(self, source: str, number: int, files: int, share: float, tokens: int) -> None:
        """Receive, often, how far a file is when one process tags.

        Args:
            source: the file.
            number: its place among all, from 1.
            files: how many there are.
            share: of its bytes that were read, 0 to 1; 0 where its size is not known.
            tokens: tagged so far, in this file and those before it.
        """

    def finished(self, source: str, number: int, files: int) -> None:
        """Receive the end of a file, tagged or not: its place among all, from 1, and how many."""


def tag_files(
    model: Models,
    inputs: str | Path | Iterable[str | Path],
    output: str | Path | None,
    *,
    source_format: str | None = None,
    target_format: str | None = None,
    scheme: str | None = None,
    wrapped: bool = False,
    token_column: int | None = None,
    delimiter: str | None = None,
    precision: str | None = None,
    workers: int = 1,
    observer: FileObserver | None = None,
) -> TaggedFiles:
    """Tag files and folders, each output whole or not at all.

    With several `workers`, which are started by ``spawn``, a script must call this below
    ``if __name__ == "__main__":``.

    Args:
        model: open, which it stays, or the folder of a model, or several to average.
        inputs: a file or folder, or several; ``-`` is standard input.
        output: the folder of the tagged files; None is standard output.
        source_format: text, conll or jsonl; by default as the name of each file says.
        target_format: the same, of the output; by default that of the input.
        scheme: of the tags in CoNLL columns; by default that of the training corpus.
        wrapped: whether only a blank line ends a paragraph of text.
        token_column: of CoNLL columns, from 0; by default as in training.
        delimiter: of CoNLL columns: auto, blank, tab or any string; by default as in training.
        precision: float32 or int8, of a model that is opened here; see `tagger.load`.
        workers: processes that tag files side by side.
        observer: receives the progress.

    Raises:
        TaggerError: the model cannot be opened, there is nothing to do, two files would be written
            to one place, or a process ended unexpectedly. A file that is ill-formed or cannot be
            written is a failure in the result instead.
        ValueError: several workers without `output`, or fewer than one.
    """
    if workers < 1:
        raise ValueError(f"expected a positive number of workers, got {workers!r}")
    if workers > 1 and output is None:
        raise ValueError("several workers need output: one process writes to standard output")
    # Each process has its share of the cores.
    threads = None if workers == 1 else max(cores() // workers, 1)
    names = [inputs] if isinstance(inputs, str | Path) else list(inputs)
    observer = observer or FileObserver()
    with opened(model, precision=precision, threads=threads) as tagger:
        jobs = files.plan(
            [str(name) for name in names],
            None if output is None else os.fspath(output),
            source_format=source_format,
            target_format=target_format,
        )
        given = {"data.token_column": token_column, "data.delimiter": delimiter}
        options = replace(
            config.reading(tagger.bundle.config, given), annotated=False, wrapped=wrapped
        )
        started = time.monotonic()
        if workers == 1:
            outcomes = list(_here(tagger, jobs, options, scheme, observer))
        else:
            tag = _Tag(_source(tagger, threads), options, scheme)
            outcomes = list(_in_processes(tag, jobs, workers, observer))
    failures = [outcome for outcome in outcomes if isinstance(outcome, Failure)]
    tokens = sum(outcome for outcome in outcomes if isinstance(outcome, int))
    seconds = time.monotonic() - started
    return TaggedFiles(len(jobs) - len(failures), tokens, seconds, tuple(failures))


def opened(
    model: Models, *, precision: str | None = None, threads: int | None = None
) -> AbstractContextManager[Predictor]:
    """Return a context with the model, which ends a model that it opened and no other.

    Raises:
        TaggerError: as `tagger.load`.
        ValueError: a precision for a model that is open already.
    """
    if isinstance(model, Predictor):
        if precision is not None:
            raise ValueError("a model that is open has its precision; open it with another one")
        return nullcontext(model)
    folders = [model] if isinstance(model, str | Path) else model
    return predictor.load(*folders, precision=precision, threads=threads)


def _source(model: Predictor, threads: int | None) -> Source:
    if model.source is None:
        raise TaggerError(
            "a model made in memory cannot be sent to other processes; use one worker, or save its "
            "bundle"
        )
    return replace(model.source, threads=threads)


def _here(
    model: Predictor,
    jobs: Sequence[Job],
    options: ReadOptions,
    scheme: str | None,
    observer: FileObserver,
) -> Iterator[int | Failure]:
    """Tag file by file; yield the tokens of each."""
    total = 0
    for number, job in enumerate(jobs, 1):
        told = _reader(observer, job.source, number, len(jobs), total)
        try:
            tokens = files.run(model, job, options, scheme=scheme, told=told)
        except TaggerError as error:
            yield Failure(job.source, str(error))
        else:
            total += tokens
            yield tokens
        observer.finished(job.source, number, len(jobs))


def _reader(
    observer: FileObserver, source: str, number: int, count: int, before: int
) -> Callable[[int, int], None]:
    """Return a function that tells the observer how far one file is."""
    size = Path(source).stat().st_size if Path(source).is_file() else 0

    def told(read: int, tokens: int) -> None:
        share = min(read / size, 1) if size else 0.0
        observer.reading(source, number, count, share, before + tokens)

    return told


@dataclass(frozen=True)
class _Tag:
    """What every process needs besides the files."""

    source: Source
    options: ReadOptions
    scheme: str | None


def _in_processes(
    tag: _Tag, jobs: Sequence[Job], workers: int, observer: FileObserver
) -> Iterator[int | Failure]:
    """Tag each file in one of several processes, which all open the model.

    Raises:
        TaggerError: a process ended unexpectedly.
    """
    pool = ProcessPoolExecutor(
        min(workers, len(jobs)),
        mp_context=get_context("spawn"),
        initializer=_begin,
        initargs=(tag,),
    )
    try:
        outcomes = [pool.submit(_tag_one, job) for job in jobs]
        for number, (job, outcome) in enumerate(zip(jobs, outcomes, strict=True), 1):
            yield outcome.result()
            observer.finished(job.source, number, len(jobs))
    except BrokenProcessPool as error:
        raise TaggerError(
            "a process of --workers ended, perhaps for want of memory; try fewer"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


_process: tuple[Predictor, _Tag] | None = None


def _begin(tag: _Tag) -> None:
    """Open the model, first of all. Ctrl-C reaches every process: it becomes an exception, so that
    no half-written file is left.
    """
    global _process
    signal.signal(signal.SIGINT, lambda *_: sys.exit(1))
    _process = predictor.reopen(tag.source), tag


def _tag_one(job: Job) -> int | Failure:
    assert _process is not None
    model, tag = _process
    try:
        return files.run(model, job, tag.options, scheme=tag.scheme)
    except TaggerError as error:
        return Failure(job.source, str(error))
