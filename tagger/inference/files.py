"""Tagging of files: text, CoNLL columns or JSON Lines, each output written atomically."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Unpack

from tagger.errors import DataError, TaggerError
from tagger.files import atomic_write
from tagger.inference.operating_points import DecodingOptions
from tagger.inference.predictor import Predictor
from tagger.text import formats, schemes
from tagger.text.formats import STANDARD_INPUT, Format, ReadOptions, ReadReport
from tagger.text.opening import compression
from tagger.text.spans import Sentence

__all__ = ["FileJob", "FileResult", "plan", "run"]

ProgressCallback = Callable[[int, int], None]
"""Progress callback for one file: receives the bytes read and the tokens tagged so far."""

# IO cannot separate adjacent spans, which a model may predict; without them, IOB1 equals IO.
_OUTPUT_SCHEMES = {schemes.PLAIN: "IOB2", "IO": "IOB1"}


@dataclass(frozen=True)
class FileJob:
    """A file to tag.

    Attributes:
        source: The input; ``-`` is standard input.
        source_format: Key of `FORMATS`; empty to recognize the format by the content.
        target: The output; None is standard output.
        target_format: Key of `FORMATS`; empty for the format of the input.
    """

    source: str
    source_format: str
    target: Path | None
    target_format: str


@dataclass(frozen=True)
class FileResult:
    """The result of tagging a file.

    Attributes:
        source: The input.
        tokens: Number of tokens that were tagged.
        errors: Number of records that could not be read or written.
        problems: The first of these errors, with their lines.
        notes: What the reader changed, skipped or interpreted.
    """

    source: str
    tokens: int
    errors: int = 0
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def plan(
    inputs: Iterable[str],
    output: str | None,
    *,
    source_format: str | None = None,
    target_format: str | None = None,
) -> list[FileJob]:
    """Plan the tagging of files and folders.

    Args:
        inputs: Files and folders, ``-`` for standard input. A folder stands for all files in it and
            its subfolders, in order of their names, except hidden files and those in `output`.
        output: The folder of the outputs; None for standard output.
        source_format: Format of the inputs. Default: recognized by the content of each.
        target_format: Format of the outputs. Default: that of the input.

    Returns:
        A job per file, in order.

    Raises:
        TaggerError: There is no file, two inputs would have the same output, or an output is also
            an input. A missing file is an error when it is read, so that the others are tagged.
    """
    if output == "":
        raise TaggerError("the name of the output folder is empty")
    folder = None if output is None else Path(output)
    jobs = []
    for source, relative in _files(inputs, folder):
        target = None if folder is None else folder / _renamed(relative, target_format or "")
        jobs.append(FileJob(source, source_format or "", target, target_format or ""))
    _check(jobs)
    return jobs


def _files(inputs: Iterable[str], output: Path | None) -> Iterator[tuple[str, Path]]:
    """Yield each file and its path relative to the output folder."""
    for name in inputs:
        path = Path(name)
        if name == STANDARD_INPUT:
            yield name, Path("stdin")
        elif not name:
            raise TaggerError("the name of an input is empty; expected a file or folder")
        elif path.is_dir():
            below = (
                file
                for file in sorted(path.rglob("*"))
                if file.is_file() and not _hidden(file.relative_to(path))
            )
            yield from (
                (str(file), file.relative_to(path))
                for file in below
                if not _is_output(file, path, output)
            )
        else:
            yield name, Path(path.name)


def _is_output(file: Path, source: Path, output: Path | None) -> bool:
    """Return whether `file` is in an output folder below `source`: an earlier run wrote it."""
    if output is None or source.resolve() not in output.resolve().parents:
        return False
    return output.resolve() in file.resolve().parents


def _hidden(path: Path) -> bool:
    """Return whether a file or one of its folders is hidden."""
    return any(part.startswith(".") for part in path.parts)


def _renamed(path: Path, target_format: str) -> Path:
    """Return the path of an output: not compressed, with the suffix of its declared format."""
    name = compression.unpacked_name(path.name)
    if target_format and formats.format_of(name) != target_format:
        name = Path(name).stem + formats.named(target_format).suffixes[0]
    return path.with_name(name)


def _check(jobs: Sequence[FileJob]) -> None:
    """Raise TaggerError if there is no job, or an output is an input or that of another job."""
    if not jobs:
        raise TaggerError("there is no file to tag")
    sources = {Path(job.source).resolve() for job in jobs if job.source != STANDARD_INPUT}
    seen: dict[Path, str] = {}
    for job in jobs:
        if job.target is None:
            continue
        if job.target.resolve() in sources:
            raise TaggerError(
                f"{job.target}: this output is also an input and would be overwritten; choose "
                "another --output"
            )
        if job.target in seen:
            raise TaggerError(
                f"{job.source} and {seen[job.target]} would both be written to {job.target}; tag "
                "them separately"
            )
        seen[job.target] = job.source


def run(
    model: Predictor,
    job: FileJob,
    options: ReadOptions,
    *,
    scheme: str | None = None,
    on_error: str = "stop",
    on_progress: ProgressCallback | None = None,
    **decoding: Unpack[DecodingOptions],
) -> FileResult:
    """Tag one file in bounded memory.

    An output file appears once it is complete; standard output is written as sentences are tagged.

    Args:
        model: An open model, which stays open.
        job: The input and output.
        options: How the input is read.
        scheme: Tagging scheme of CoNLL output. Default: that of the training corpus; IOB1 for IO,
            IOB2 for plain tags.
        on_error: What happens to a record that cannot be read or written: "stop" makes the file
            fail, "skip" leaves it out, "keep" writes it without annotation where possible.
        on_progress: Progress callback, called for each sentence.
        **decoding: As for `Predictor.predict`.

    Returns:
        The number of tokens, and what was skipped or changed.

    Raises:
        TaggerError: The input is ill-formed, or the output cannot be written.
    """
    read, tokens = 0, 0

    def tell(position: int) -> None:
        nonlocal read
        read = position

    def counted(sentences: Iterator[Sentence]) -> Iterator[Sentence]:
        nonlocal tokens
        for sentence in sentences:
            tokens += len(sentence)
            if on_progress is not None:
                on_progress(read, tokens)
            yield sentence

    scheme = schemes.ALIASES.get(scheme or "", scheme)
    scheme = scheme or _OUTPUT_SCHEMES.get(model.bundle.scheme, model.bundle.scheme)
    report = ReadReport(job.source, on_error=on_error)
    count_bytes = tell if Path(job.source).is_file() else None
    with formats.opened(
        job.source, job.source_format, options, tell=count_bytes, report=report
    ) as sentences:
        target = formats.named(job.target_format or report.format)
        if (decoding.get("candidates") or decoding.get("best")) and not target.has_scores:
            raise TaggerError(
                f"{job.source}: candidates and best sequences are written as JSON Lines, not as "
                f"{target.name}; add --to jsonl"
            )
        fitting = _representable(sentences, target, report)
        tagged = counted(model.predict(fitting, scores=target.has_scores, **decoding))
        with _short_gil_switch_interval():
            if job.target is None:
                _write(tagged, sys.stdout, job, target.name, scheme)
                sys.stdout.flush()
            else:
                with atomic_write(_target(job, target)) as stream:
                    _write(tagged, stream, job, target.name, scheme)
    problems = tuple(str(problem) for problem in report.problems)
    return FileResult(job.source, tokens, report.count, problems, report.notes)


def _target(job: FileJob, written: Format) -> Path:
    """Return the output of a job; that of standard input has the suffix of the written format."""
    assert job.target is not None
    if job.source == STANDARD_INPUT:
        return job.target.with_suffix(written.suffixes[0])
    return job.target


def _representable(
    sentences: Iterator[Sentence], target: Format, report: ReadReport
) -> Iterator[Sentence]:
    """Yield the sentences that the output's format can represent; report the others."""
    for sentence in sentences:
        if fault := target.refuses(sentence):
            line = sentence.record.line if sentence.record else None
            report.problem(DataError(report.path, line, fault))
            report.finish()
        else:
            yield sentence


_running: list[float] = []  # the usual switch interval, once per file that is being tagged
_lock = threading.Lock()  # guards `_running` and the switch interval


@contextmanager
def _short_gil_switch_interval() -> Iterator[None]:
    """Reduce the interval of thread switches to a tenth while files are tagged.

    A thread that returns from a short run of the network then waits less for the one that reads and
    writes. Several threads may enter at once; the last to leave restores the interval.
    """
    with _lock:
        _running.append(_running[0] if _running else sys.getswitchinterval())
        sys.setswitchinterval(_running[0] / 10)
    try:
        yield
    finally:
        with _lock:
            usual = _running.pop()
            if not _running:
                sys.setswitchinterval(usual)


def _write(
    sentences: Iterator[Sentence], stream: IO[str], job: FileJob, format_name: str, scheme: str
) -> None:
    """Write sentences; raise TaggerError if their tags do not fit the scheme."""
    try:
        formats.write(sentences, stream, format_name, scheme)
    except schemes.SchemeError as error:
        raise TaggerError(
            f"{job.source}: cannot be written in the scheme {scheme}: {error}"
        ) from error
