"""Files in, files out: what goes in as text, columns or JSON Lines comes out as such, tagged, whole
or not at all.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tagger.errors import TaggerError
from tagger.files import atomic_write
from tagger.inference.predictor import Predictor
from tagger.text import formats, schemes
from tagger.text.formats import STANDARD_INPUT, ReadOptions
from tagger.text.spans import Sentence

__all__ = ["Job", "plan", "run"]

Told = Callable[[int, int], None]
"""Told now and then: bytes read of the current file, and tokens tagged in all."""

# IO cannot part adjacent spans, which a model may well predict; IOB1 is the same where there are
# none.
_OUTPUT_SCHEMES = {schemes.PLAIN: "IOB2", "IO": "IOB1"}


@dataclass(frozen=True)
class Job:
    """One file to tag: from `source` in one format to `target` in another; None is standard
    output.
    """

    source: str
    source_format: str
    target: Path | None
    target_format: str


def plan(
    inputs: Iterable[str],
    output: str | None,
    *,
    source_format: str | None = None,
    target_format: str | None = None,
) -> list[Job]:
    """What is to be done for these files and folders; a folder stands for all files in it and
    below, in order of their names.

    Without `output` everything goes to standard output.

    Raises: TaggerError: nothing to do, a name that does not exist, or two inputs that would have
        one output, or an output that
            is an input.
    """
    if output == "":
        raise TaggerError("the name of the output folder is empty")
    folder = None if output is None else Path(output)
    jobs = []
    for source, relative in _files(inputs, folder):
        read_as = source_format or formats.format_of(source)
        write_as = target_format or read_as
        if source == STANDARD_INPUT:
            relative = Path("stdin" + formats.named(write_as).suffixes[0])
        jobs.append(
            Job(
                source,
                read_as,
                None if folder is None else folder / _renamed(relative, read_as, write_as),
                write_as,
            )
        )
    _check(jobs)
    return jobs


def _files(inputs: Iterable[str], output: Path | None) -> Iterator[tuple[str, Path]]:
    """Every file with its place below the output folder."""
    for name in inputs:
        path = Path(name)
        if name == STANDARD_INPUT:
            yield name, path
        elif not name or not path.exists():
            raise TaggerError(f"{name or repr(name)}: there is no such file or folder")
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
    """Whether `file` lies in an output folder that is itself below the folder `source`: an earlier
    run wrote it.
    """
    if output is None or source.resolve() not in output.resolve().parents:
        return False
    return output.resolve() in file.resolve().parents


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _renamed(path: Path, source_format: str, target_format: str) -> Path:
    name = path.name.removesuffix(".gz")
    if source_format != target_format:
        name = Path(name).stem + formats.named(target_format).suffixes[0]
    return path.with_name(name)


def _check(jobs: Sequence[Job]) -> None:
    if not jobs:
        raise TaggerError("there is no file to tag")
    sources = {Path(job.source).resolve() for job in jobs if job.source != STANDARD_INPUT}
    seen: dict[Path, str] = {}
    for job in jobs:
        if job.target is None:
            continue
        if job.target.resolve() in sources:
            raise TaggerError(
                f"{job.target}: is itself an input and would be overwritten; choose another "
                "--output"
            )
        if job.target in seen:
            raise TaggerError(
                f"{job.source} and {seen[job.target]} would both be written to {job.target}; tag "
                "them apart"
            )
        seen[job.target] = job.source


def run(
    model: Predictor,
    job: Job,
    options: ReadOptions,
    *,
    scheme: str | None = None,
    told: Told | None = None,
) -> int:
    """Tag one file; returns how many tokens it had.

    The output file appears when it is complete, standard output as it comes; memory does not grow
    with the file.

    Args:
        scheme: of the tags in CoNLL columns; by default that of the training corpus (IOB1 for IO).

    Raises:
        TaggerError: the input is ill-formed or the output cannot be written.
    """
    read, tokens = 0, 0

    def tell(position: int) -> None:
        nonlocal read
        read = position

    def counted(sentences: Iterator[Sentence]) -> Iterator[Sentence]:
        nonlocal tokens
        for sentence in sentences:
            tokens += len(sentence)
            if told is not None:
                told(read, tokens)
            yield sentence

    scheme = scheme or _OUTPUT_SCHEMES.get(model.bundle.scheme, model.bundle.scheme)
    sentences = formats.read(
        job.source, job.source_format, options, tell=tell if Path(job.source).is_file() else None
    )
    tagged = counted(model.predict(sentences, scores=formats.named(job.target_format).has_scores))
    with _short_gil_switch_interval():
        if job.target is None:
            _write(tagged, sys.stdout, job, scheme)
            sys.stdout.flush()
        else:
            with atomic_write(job.target) as stream:
                _write(tagged, stream, job, scheme)
    return tokens


_running: list[float] = []  # for each file that is being tagged, the switch interval before it
_lock = threading.Lock()


@contextmanager
def _short_gil_switch_interval() -> Iterator[None]:
    """Let Python change between threads ten times as often as usual while a file is tagged, or
    several at once: a thread that comes back from a short run of the network waits less for the one
    that reads and writes.
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


def _write(sentences: Iterator[Sentence], stream: IO[str], job: Job, scheme: str) -> None:
    try:
        formats.write(sentences, stream, job.target_format, scheme)
    except schemes.SchemeError as error:
        raise TaggerError(
            f"{job.source}: cannot be written in the scheme {scheme}: {error}"
        ) from error
