"""Tagging of many files, one after another or in several processes.

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
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from pathlib import Path
from types import FrameType
from typing import NamedTuple, Unpack

from tagger import signals
from tagger.config import tagger as config
from tagger.cpu import cores
from tagger.errors import TaggerError
from tagger.inference import files, predictor
from tagger.inference.files import FileJob, FileResult
from tagger.inference.operating_points import DecodingOptions
from tagger.inference.predictor import Predictor
from tagger.inference.source import Source
from tagger.text.formats import ReadOptions
from tagger.text.opening import AUTO, canonical
from tagger.text.report import ON_ERROR

__all__ = ["FileObserver", "Models", "TaggedFiles", "opened", "tag_files"]

Models = Predictor | str | Path | Sequence[str | Path]
"""An open model, the folder of a model, or the folders of several that are averaged."""


class Failure(NamedTuple):
    """A file that could not be tagged, and the error message."""

    source: str
    message: str


@dataclass(frozen=True)
class TaggedFiles:
    """The result of `tag_files`.

    Attributes:
        files: Number of tagged files.
        tokens: Number of their tokens.
        seconds: Duration of tagging, including the start of worker processes.
        failures: The files that could not be tagged, in order.
        incomplete: The files of which records were skipped or kept untagged, in order.
        notes: What readers changed, skipped or interpreted, with the path of the file.
        promises: The precision and recall on dev at each threshold that was chosen for a target.
    """

    files: int
    tokens: int
    seconds: float
    failures: tuple[Failure, ...]
    incomplete: tuple[FileResult, ...] = ()
    notes: tuple[str, ...] = ()
    promises: tuple[str, ...] = ()


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
            share: Share of its bytes that were read, 0 to 1; 0 if its size is not known.
            tokens: Tokens tagged so far, in this file and those before it.
        """

    def finished(self, source: str, number: int, files: int) -> None:
        """Receive the end of a file, tagged or not.

        Args:
            source: The file.
            number: Its number, from 1.
            files: The number of files.
        """


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
    encoding: str = AUTO,
    precision: str | None = None,
    workers: int = 1,
    on_error: str = "stop",
    observer: FileObserver | None = None,
    **decoding: Unpack[DecodingOptions],
) -> TaggedFiles:
    """Tag files and folders; each output is written atomically.

    With several `workers`, which are started by ``spawn``, a script must call this below
    ``if __name__ == "__main__":``.

    Args:
        model: An open model, which stays open; or the folder of a model, or several to average.
        inputs: A file or folder, or several; ``-`` is standard input.
        output: The folder of the tagged files; None is standard output.
        source_format: Input format, such as text, conll or jsonl. Default: recognized by the
            content of each file.
        target_format: Output format. Default: that of the input.
        scheme: Tagging scheme of CoNLL output. Default: that of the training corpus.
        wrapped: Whether only a blank line ends a paragraph of text.
        token_column: Column of the tokens in CoNLL files, from 0. Default: as in training.
        delimiter: Column delimiter of CoNLL files: auto, blank, tab or any string. Default: as in
            training.
        encoding: Encoding of the inputs. Default: UTF-8, or that of a byte order mark.
        precision: float32 or int8, for a model that is opened here; see `tagger.load`.
        workers: Number of processes, each of which tags one file at a time.
        on_error: What happens to a record that cannot be read or written: "stop" makes its file
            fail, "skip" leaves the record out, "keep" writes it without annotation. Skipped and
            kept records are listed in the result.
        observer: Receiver of the progress.
        **decoding: As for `Predictor.predict`: ``decode``, ``min_score``, ``target``,
            ``candidates`` and ``best``.

    Returns:
        Totals, the files that could not be tagged, and the records that were skipped or kept.

    Raises:
        TaggerError: The model cannot be opened, there is no file to tag, two files would have the
            same output, or a process ended unexpectedly. A file that is ill-formed or cannot be
            written is a failure in the result instead.
        ValueError: Several workers without `output`, fewer than one worker, or a `precision` for an
            open model.
    """
    if workers < 1:
        raise ValueError(f"expected a positive number of workers, got {workers!r}")
    if on_error not in ON_ERROR:
        raise ValueError(f"expected on_error to be one of {', '.join(ON_ERROR)}, got {on_error!r}")
    if workers > 1 and output is None:
        raise ValueError("several workers need output: one process writes to standard output")
    # Divide the cores among the processes.
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
        given = {
            "data.token_column": token_column,
            "data.delimiter": delimiter,
            "data.encoding": canonical(encoding),  # not that of the training
        }
        options = replace(
            config.reading(tagger.bundle.config, given), annotated=False, wrapped=wrapped
        )
        settings = _Settings(options, scheme, on_error, decoding)
        promises = tagger.selection(**decoding).promises
        started = time.monotonic()
        if workers == 1:
            outcomes = list(_here(tagger, jobs, settings, observer))
        else:
            source = _source(tagger, threads)
            outcomes = list(_in_processes(source, settings, jobs, workers, observer))
    tagged = [outcome for outcome in outcomes if isinstance(outcome, FileResult)]
    return TaggedFiles(
        len(tagged),
        sum(result.tokens for result in tagged),
        time.monotonic() - started,
        tuple(outcome for outcome in outcomes if isinstance(outcome, Failure)),
        tuple(result for result in tagged if result.errors),
        tuple(f"{result.source}: {note}" for result in tagged for note in result.notes),
        promises,
    )


def opened(
    model: Models, *, precision: str | None = None, threads: int | None = None
) -> AbstractContextManager[Predictor]:
    """Return a context manager of a model, which closes the model only if it opened it.

    Args:
        model: An open model, or one or several folders.
        precision: As for `tagger.load`.
        threads: As for `tagger.load`; ignored for an open model.

    Returns:
        A context manager with the model as its value.

    Raises:
        TaggerError: As `tagger.load`.
        ValueError: A precision for an open model.
    """
    if isinstance(model, Predictor):
        if precision is not None:
            raise ValueError(
                "an open model already has its precision; pass precision to tagger.load instead"
            )
        return nullcontext(model)
    folders = [model] if isinstance(model, str | Path) else model
    return predictor.load(*folders, precision=precision, threads=threads)


def _source(model: Predictor, threads: int | None) -> Source:
    """Return the source from which other processes open the model."""
    if model.source is None:
        raise TaggerError(
            "a model made in memory cannot be sent to other processes; use one worker, or save its "
            "bundle"
        )
    return replace(model.source, threads=threads)


def _here(
    model: Predictor,
    jobs: Sequence[FileJob],
    settings: _Settings,
    observer: FileObserver,
) -> Iterator[FileResult | Failure]:
    """Tag file by file; yield the result of each, or its failure."""
    total = 0
    for number, job in enumerate(jobs, 1):
        on_progress = _reader(observer, job.source, number, len(jobs), total)
        outcome = settings.tag(model, job, on_progress)
        total += outcome.tokens if isinstance(outcome, FileResult) else 0
        yield outcome
        observer.finished(job.source, number, len(jobs))


def _reader(
    observer: FileObserver, source: str, number: int, count: int, before: int
) -> Callable[[int, int], None]:
    """Return a progress callback of `files.run` that calls the observer."""
    size = Path(source).stat().st_size if Path(source).is_file() else 0

    def on_progress(read: int, tokens: int) -> None:
        share = min(read / size, 1) if size else 0.0
        observer.reading(source, number, count, share, before + tokens)

    return on_progress


@dataclass(frozen=True)
class _Settings:
    """The settings with which all files are tagged."""

    options: ReadOptions
    scheme: str | None
    on_error: str
    decoding: DecodingOptions

    def tag(
        self, model: Predictor, job: FileJob, on_progress: Callable[[int, int], None] | None = None
    ) -> FileResult | Failure:
        """Tag a file and return its result or failure."""
        try:
            return files.run(
                model,
                job,
                self.options,
                scheme=self.scheme,
                on_error=self.on_error,
                on_progress=on_progress,
                **self.decoding,
            )
        except TaggerError as error:
            return Failure(job.source, str(error))


def _in_processes(
    source: Source,
    settings: _Settings,
    jobs: Sequence[FileJob],
    workers: int,
    observer: FileObserver,
) -> Iterator[FileResult | Failure]:
    """Tag files in several processes; yield the result of each, or its failure."""
    context = get_context("spawn")
    # Nobody writes to the pipe: its end tells the workers that this process ends, or has ended.
    ends, alive = context.Pipe(duplex=False)
    pool = ProcessPoolExecutor(
        min(workers, len(jobs)),
        mp_context=context,
        initializer=_begin,
        initargs=(source, settings, ends),
    )
    try:
        with _without_interrupts():
            outcomes = [pool.submit(_tag_one, job) for job in jobs]
        for number, (job, outcome) in enumerate(zip(jobs, outcomes, strict=True), 1):
            yield outcome.result()
            observer.finished(job.source, number, len(jobs))
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


_process: tuple[Predictor, _Settings] | None = None  # the model and settings of a worker process


def _begin(source: Source, settings: _Settings, ends: Connection) -> None:
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


def _tag_one(job: FileJob) -> FileResult | Failure:
    """Tag a file in a worker process."""
    global _tagging
    assert _process is not None
    model, settings = _process
    _tagging = True
    try:
        return settings.tag(model, job)
    except SystemExit:  # the temporary file has been removed
        os._exit(1)
    finally:
        _tagging = False
