"""Tagging of many files, one after another or in several processes.

A file that cannot be tagged does not stop the others.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Unpack

from tagger.config import tagger as config
from tagger.cpu import cores
from tagger.errors import TaggerError
from tagger.files import sync_all
from tagger.inference import predictor
from tagger.inference.file_jobs import FileJob, grouped, is_done, plan
from tagger.inference.files import Failure, FileResult, TaggingSettings, run_all
from tagger.inference.normal_forms import Normalizer, check_labels
from tagger.inference.operating_points import DecodingOptions
from tagger.inference.predictor import Predictor
from tagger.inference.progress import FileObserver, JobProgress
from tagger.inference.source import Source
from tagger.inference.workers import in_processes
from tagger.text.formats.plain import Highlight
from tagger.text.opening import AUTO, canonical
from tagger.text.report import ON_ERROR

__all__ = ["Models", "TaggedFiles", "opened", "tag_files"]

Models = Predictor | str | Path | Sequence[str | Path]
"""An open model, the folder of a model, or the folders of several that are averaged."""


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
        skipped: Number of files that were not tagged because their output existed.
    """

    files: int
    tokens: int
    seconds: float
    failures: tuple[Failure, ...]
    incomplete: tuple[FileResult, ...] = ()
    notes: tuple[str, ...] = ()
    promises: tuple[str, ...] = ()
    skipped: int = 0


def tag_files(
    model: Models,
    inputs: str | Path | Iterable[str | Path],
    output: str | Path | None,
    *,
    source_format: str | None = None,
    target_format: str | None = None,
    scheme: str | None = None,
    wrapped: bool = False,
    token_column: int | str | None = None,
    delimiter: str | None = None,
    encoding: str = AUTO,
    precision: str | None = None,
    workers: int = 1,
    on_error: str = "stop",
    skip_existing: bool = False,
    shard: tuple[int, int] | None = None,
    observer: FileObserver | None = None,
    normalize: Mapping[str, str | Path] | None = None,
    highlight: Highlight | None = None,
    **decoding: Unpack[DecodingOptions],
) -> TaggedFiles:
    """Tag files and folders; each output is written atomically.

    Consecutive small files run in the same windows. They are flushed to the disk together at the
    end: after a power failure before it, they may be empty, so tag them again.

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
        token_column: Column of the tokens, by name or from 0. Default: as in training.
        delimiter: Column delimiter of CoNLL files: auto, blank, tab or any string. Default: as in
            training.
        encoding: Encoding of the inputs. Default: UTF-8, or that of a byte order mark.
        precision: float32 or int8, for a model that is opened here; see `tagger.load`.
        workers: Number of processes, each of which tags one file at a time.
        on_error: What happens to a record that cannot be read or written: "stop" makes its file
            fail, "skip" leaves the record out, "keep" writes it without annotation. Skipped and
            kept records are listed in the result.
        skip_existing: Whether files are left out whose output exists, as an interrupted run left
            it. Requires `output`.
        shard: ``(k, n)`` for every n-th file, from the k-th one on; the n shards of the same inputs
            contain each file once. Default: all files.
        observer: Receiver of the progress.
        normalize: For some labels, the folder of a sequence-to-sequence model that predicts the
            normal form of their spans. Outputs must then be JSON Lines.
        highlight: Returns, for a label, what stands before and after its spans in text on standard
            output, such as the codes of a color.
        **decoding: As for `Predictor.predict`: ``decode``, ``min_score``, ``target``,
            ``candidates`` and ``best``.

    Returns:
        Totals, the files that could not be tagged, and the records that were skipped or kept.

    Raises:
        TaggerError: The model cannot be opened, there is no file to tag, two files would have the
            same output, or a process ended unexpectedly. A file that is ill-formed or cannot be
            written is a failure in the result instead.
        ValueError: Several workers or `skip_existing` without `output`, fewer than one worker, a
            `shard` that does not exist, or a `precision` for an open model.
    """
    if workers < 1:
        raise ValueError(f"expected a positive number of workers, got {workers!r}")
    if on_error not in ON_ERROR:
        raise ValueError(f"expected on_error to be one of {', '.join(ON_ERROR)}, got {on_error!r}")
    if workers > 1 and output is None:
        raise ValueError("several workers need output: one process writes to standard output")
    if skip_existing and output is None:
        raise ValueError("skip_existing needs output: standard output has no files")
    first, step = shard or (1, 1)
    if not 1 <= first <= step:
        raise ValueError(f"expected a shard (k, n) with 1 <= k <= n, got {shard!r}")
    # Divide the cores among the processes.
    threads = None if workers == 1 else max(cores() // workers, 1)
    names = [inputs] if isinstance(inputs, str | Path) else list(inputs)
    observer = observer or FileObserver()
    with opened(model, precision=precision, threads=threads) as tagger:
        planned = plan(
            [str(name) for name in names],
            None if output is None else os.fspath(output),
            source_format=source_format,
            target_format=target_format,
        )[first - 1 :: step]
        jobs = [job for job in planned if not (skip_existing and is_done(job))]
        given = {
            "data.token_column": token_column,
            "data.delimiter": delimiter,
            "data.encoding": canonical(encoding),  # not that of the training
        }
        options = replace(
            config.reading(tagger.bundle.config, given), annotated=False, wrapped=wrapped
        )
        check_labels(normalize or {}, tagger.labels)
        normalizer = Normalizer(normalize) if normalize else None
        settings = TaggingSettings(options, scheme, on_error, decoding, normalizer, highlight)
        promises = tagger.selection(**decoding).promises
        started = time.monotonic()
        groups, progress = grouped(jobs), JobProgress(jobs, observer)
        if workers == 1 or not groups:
            outcomes = list(_here(tagger, groups, settings, progress))
        else:
            source = _source(tagger, threads)
            outcomes = list(in_processes(source, settings, groups, workers, progress.finished))
        if output is not None and len(groups) < len(jobs):
            sync_all()
    tagged = [outcome for outcome in outcomes if isinstance(outcome, FileResult)]
    return TaggedFiles(
        len(tagged),
        sum(result.tokens for result in tagged),
        time.monotonic() - started,
        tuple(outcome for outcome in outcomes if isinstance(outcome, Failure)),
        tuple(result for result in tagged if result.errors),
        tuple(f"{result.source}: {note}" for result in tagged for note in result.notes),
        promises,
        len(planned) - len(jobs),
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
    groups: Sequence[Sequence[FileJob]],
    settings: TaggingSettings,
    progress: JobProgress,
) -> Iterator[FileResult | Failure]:
    """Tag group by group; yield the result of each file, or its failure."""
    for group in groups:
        progress.begin_group()
        for outcome in run_all(model, group, settings, progress.reading):
            progress.finished(outcome)
            yield outcome
