"""The plan of tagging files: which inputs are read, and where each output goes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tagger.errors import TaggerError
from tagger.text import formats
from tagger.text.formats import STANDARD_INPUT
from tagger.text.opening import compression

__all__ = ["FileJob", "grouped", "is_done", "plan", "size_of"]

# Size of a group of small files, whose sentences run in the same windows.
_GROUP_BYTES = 1 << 18
_GROUP_FILES = 1000


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


def plan(
    inputs: Iterable[str],
    output: str | None,
    *,
    source_format: str | None = None,
    target_format: str | None = None,
    suffix: str = "",
) -> list[FileJob]:
    """Plan the tagging of files and folders.

    Args:
        inputs: Files and folders, ``-`` for standard input. A folder stands for all files in it and
            its subfolders, in order of their names, except hidden files and those in `output`.
        output: The folder of the outputs; None for standard output.
        source_format: Format of the inputs. Default: recognized by the content of each.
        target_format: Format of the outputs. Default: that of the input.
        suffix: Suffix of the outputs, with its dot, in place of the one that the format has.

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
        target = None
        if folder is not None:
            target = folder / _renamed(relative, target_format or "", suffix)
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


def _renamed(path: Path, target_format: str, suffix: str) -> Path:
    """Return the path of an output: not compressed, with the suffix of its declared format."""
    name = compression.unpacked_name(path.name)
    if suffix:
        name = Path(name).stem + suffix
    elif target_format and formats.format_of(name) != target_format:
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


def grouped(jobs: Sequence[FileJob]) -> list[list[FileJob]]:
    """Divide jobs into groups of consecutive small files; large files are groups of their own.

    The groups depend on the files alone, not on the number of processes.

    Args:
        jobs: The jobs.

    Returns:
        The groups, in order.
    """
    groups: list[list[FileJob]] = []
    room = 0
    for job in jobs:
        size = _GROUP_BYTES if job.source == STANDARD_INPUT else size_of(job)
        if not groups or size > room or len(groups[-1]) == _GROUP_FILES:
            groups.append([])
            room = _GROUP_BYTES
        groups[-1].append(job)
        room -= size
    return groups


def is_done(job: FileJob) -> bool:
    """Return whether the output of a job is a file that exists, and is therefore complete."""
    return job.target is not None and job.source != STANDARD_INPUT and job.target.is_file()


def size_of(job: FileJob) -> int:
    """Return the number of bytes of an input; 0 if it is missing or not a regular file."""
    source = Path(job.source)
    return source.stat().st_size if source.is_file() else 0
