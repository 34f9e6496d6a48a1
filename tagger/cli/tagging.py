"""The loop over files behind `tagger predict`, in this process or in several, with its progress."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import click

from tagger.cli.meter import Meter
from tagger.cli.options import assigned
from tagger.cpu import cores
from tagger.errors import TaggerError
from tagger.inference import files as stream
from tagger.inference import predictor
from tagger.inference.predictor import Predictor
from tagger.text.formats import ReadOptions

__all__ = ["Work", "tag_files"]

Result = tuple[int, str | None]
"""How many tokens a file had; what was wrong with it."""


@dataclass(frozen=True)
class Work:
    """With what files are tagged: models, their precision, and in how many processes."""

    runs: Sequence[str]
    precision: str | None = None
    workers: int = 1

    def model(self) -> Predictor:
        """The model, with its share of the cores."""
        threads = None if self.workers == 1 else max(cores() // self.workers, 1)
        return predictor.load(*self.runs, precision=self.precision, threads=threads)


def tag_files(
    work: Work,
    inputs: Sequence[str],
    output: str | None,
    *,
    source_format: str | None,
    target_format: str | None,
    scheme: str | None,
    wrapped: bool,
    **columns: Any,
) -> list[str]:
    """Tag all files; what was wrong with those that could not be tagged, in their order."""
    model = work.model()
    options = reading(model, columns, wrapped)
    jobs = stream.plan(inputs, output, source_format=source_format, target_format=target_format)
    begun = time.monotonic()
    done = (
        _in_processes(work, jobs, options, scheme)
        if work.workers > 1
        else _here(model, jobs, options, scheme)
    )
    results = list(done)
    failures = [failure for _, failure in results if failure is not None]
    if output is not None:
        seconds, total = time.monotonic() - begun, sum(tokens for tokens, _ in results)
        tagged = f"{len(jobs) - len(failures)} of {len(jobs)} files, {total:,} tokens"
        click.echo(
            f"Tagged {tagged} in {seconds:.1f} s ({total / max(seconds, 1e-6):,.0f} tokens/s) "
            f"into {output}",
            err=True,
        )
    return failures


def _here(
    model: Predictor, jobs: Sequence[stream.Job], options: ReadOptions, scheme: str | None
) -> Iterator[Result]:
    meter, begun, total = Meter(), time.monotonic(), 0
    for number, job in enumerate(jobs, 1):
        told = _shown(meter, job.source, f"{number}/{len(jobs)}", total, begun)
        try:
            tokens = stream.run(model, job, options, scheme=scheme, told=told)
        except TaggerError as error:
            yield 0, str(error)
        else:
            total += tokens
            yield tokens, None
    meter.clear()


def _shown(meter: Meter, source: str, place: str, tagged_before: int, begun: float) -> stream.Told:
    """A callback that draws how far one file is."""
    size = Path(source).stat().st_size if Path(source).is_file() else 0

    def told(read: int, tokens: int) -> None:
        rate = (tagged_before + tokens) / max(time.monotonic() - begun, 1e-6)
        meter.show(min(read / size, 1) if size else 0, f"{place} {source}  {rate:,.0f} tokens/s")

    return told


def _in_processes(
    work: Work, jobs: Sequence[stream.Job], options: ReadOptions, scheme: str | None
) -> Iterator[Result]:
    """Each file in one of several processes, which all have the model.

    Raises:
        TaggerError: a process ended as it should not.
    """
    meter = Meter()
    pool = ProcessPoolExecutor(
        min(work.workers, len(jobs)),
        mp_context=get_context("spawn"),
        initializer=_begin,
        initargs=(work,),
    )
    try:
        results = [pool.submit(_tag, job, options, scheme) for job in jobs]
        for number, result in enumerate(results, 1):
            yield result.result()
            meter.show(number / len(jobs), f"{number}/{len(jobs)} files")
    except BrokenProcessPool as error:
        raise TaggerError(
            "a process of --workers ended, perhaps for want of memory; try fewer"
        ) from error
    finally:
        meter.clear()
        pool.shutdown(cancel_futures=True)


_model: Predictor | None = None


def _begin(work: Work) -> None:
    """What each process does first. Ctrl-C reaches all: by an exception, so that no half-written
    file is left.
    """
    global _model
    signal.signal(signal.SIGINT, lambda *_: sys.exit(1))
    _model = work.model()


def _tag(job: stream.Job, options: ReadOptions, scheme: str | None) -> Result:
    assert _model is not None
    try:
        return stream.run(_model, job, options, scheme=scheme), None
    except TaggerError as error:
        return 0, str(error)


def reading(model: Predictor, columns: dict[str, Any], wrapped: bool) -> ReadOptions:
    """As the model's training data was read, but for what is declared anew; annotations are left
    unread.
    """
    return replace(
        assigned(model.bundle.config, columns).data.reading, annotated=False, wrapped=wrapped
    )
