"""Tagging of files: text, CoNLL columns or JSON Lines, each output written atomically.

The sentences of several files run in the same windows, so that many small files are as fast as one
large file.
"""

from __future__ import annotations

import itertools
import logging
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, NamedTuple

from tagger.errors import DataError, TaggerError
from tagger.inference.file_jobs import FileJob, size_of
from tagger.inference.gil import short_gil_switch_interval
from tagger.inference.normal_forms import Normalizer
from tagger.inference.operating_points import DecodingOptions
from tagger.inference.predictor import Predictor
from tagger.text import formats, schemes
from tagger.text.formats import STANDARD_INPUT, Format, ReadOptions, ReadReport, jsonl, plain
from tagger.text.spans import Sentence

__all__ = [
    "Failure",
    "FileJob",
    "FileResult",
    "ProgressCallback",
    "TaggingSettings",
    "run",
    "run_all",
]

ProgressCallback = Callable[[str, int, int], None]
"""Progress callback: receives the file that is written, and the bytes read and the tokens tagged so
far, of all files.
"""

_logger = logging.getLogger(__name__)

# IO cannot separate adjacent spans, which a model may predict; without them, IOB1 equals IO.
_OUTPUT_SCHEMES = {schemes.PLAIN: "IOB2", "IO": "IOB1"}


class Failure(NamedTuple):
    """A file that could not be tagged, and the error message."""

    source: str
    message: str


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


@dataclass(frozen=True)
class TaggingSettings:
    """The settings with which files are tagged.

    Attributes:
        options: How the inputs are read.
        scheme: Tagging scheme of CoNLL output; None is that of the training corpus, or IOB1 for IO
            and IOB2 for plain tags.
        on_error: What happens to a record that cannot be read or written: "stop" makes the file
            fail, "skip" leaves it out, "keep" writes it without annotation where possible.
        decoding: Which spans are predicted, as for `Predictor.predict`.
        normalizer: Adds normal forms to spans; outputs must then be JSON Lines.
        highlight: Highlights the spans in text on standard output, by their label.
    """

    options: ReadOptions
    scheme: str | None = None
    on_error: str = "stop"
    decoding: DecodingOptions = field(default_factory=DecodingOptions)
    normalizer: Normalizer | None = None
    highlight: plain.Highlight | None = None


def run(model: Predictor, job: FileJob, settings: TaggingSettings) -> FileResult:
    """Tag one file in bounded memory; see `run_all`.

    Args:
        model: An open model, which stays open.
        job: The input and output.
        settings: How the file is tagged.

    Returns:
        The number of tokens, and what was skipped or changed.

    Raises:
        TaggerError: The input is ill-formed, or the output cannot be written.
    """
    (outcome,) = run_all(model, [job], settings)
    if isinstance(outcome, Failure):
        raise TaggerError(outcome.message)
    return outcome


def run_all(
    model: Predictor,
    jobs: Sequence[FileJob],
    settings: TaggingSettings,
    on_progress: ProgressCallback | None = None,
) -> Iterator[FileResult | Failure]:
    """Tag files in bounded memory, their sentences in the same windows.

    An output file appears once it is complete; standard output is written as sentences are tagged.
    A single output is on the disk when it appears. Several are not flushed one by one, which is
    slow: call `tagger.files.sync_all` after them.

    Args:
        model: An open model, which stays open.
        jobs: The inputs and outputs.
        settings: How the files are tagged.
        on_progress: Progress callback, called for each sentence.

    Yields:
        The result of each file, or its failure, in order.
    """
    yield from _Work(model, settings, len(jobs) == 1, on_progress).run(jobs)


@dataclass
class _File:
    """A file while it is read and written."""

    job: FileJob
    report: ReadReport
    target: Format | None = None
    sentences: Iterator[Sentence] = field(default_factory=lambda: iter(()))
    tokens: int = 0
    error: TaggerError | None = None
    is_abandoned: bool = False  # its output cannot be written, so that the rest is not read

    @property
    def has_scores(self) -> bool:
        """Return whether its output contains the probabilities of spans."""
        return self.target is not None and self.target.has_scores


class _ModelError(Exception):
    """An error of the model, which may concern any file of the windows that were running."""


class _Tagged:
    """The tagged sentences of several files, one after another.

    Args:
        sentences: The tagged sentences.
        owners: The file of each of them. It grows while `sentences` is consumed.
    """

    def __init__(self, sentences: Iterator[Sentence], owners: deque[_File]) -> None:
        self._sentences = sentences
        self._owners = owners
        self.owner: _File | None = None
        self.advance()

    def advance(self) -> None:
        """Go to the next sentence, and its file; None at the end."""
        try:
            self._next = next(self._sentences, None)
        except TaggerError as error:
            raise _ModelError(str(error)) from error
        self.owner = None if self._next is None else self._owners.popleft()

    def of(self, file: _File) -> Iterator[Sentence]:
        """Yield the next sentences, as long as they are those of a file.

        Raises:
            TaggerError: The file could not be read to its end.
        """
        while self.owner is file and self._next is not None:
            yield self._next
            self.advance()
        if file.error is not None:
            raise file.error


class _Work:
    """The tagging of files with the same settings.

    Args:
        model: The model.
        settings: The settings.
        sync: Whether each output is on the disk when it appears; see `files.atomic_write`.
        on_progress: Progress callback.
    """

    def __init__(
        self,
        model: Predictor,
        settings: TaggingSettings,
        sync: bool,
        on_progress: ProgressCallback | None,
    ) -> None:
        self.model = model
        self.settings = settings
        trained = model.bundle.scheme
        scheme = schemes.ALIASES.get(settings.scheme or "", settings.scheme)
        self.scheme = scheme or _OUTPUT_SCHEMES.get(trained, trained)
        self.sync = sync
        self.on_progress = on_progress
        self.read_before = self.read = self.tokens = 0

    def run(self, jobs: Sequence[FileJob]) -> Iterator[FileResult | Failure]:
        """Tag files together; if the model fails, divide them, until one file is to blame.

        Args:
            jobs: The inputs and outputs.

        Yields:
            The result of each file, or its failure, in order.
        """
        done = 0
        try:
            for outcome in self._together(jobs):
                done += 1
                yield outcome
        except _ModelError as error:
            rest = jobs[done:]
            middle = len(rest) // 2
            # What is on standard output cannot be written again.
            if len(rest) == 1 or rest[0].target is None:
                yield Failure(rest[0].source, str(error))
                yield from self.run(rest[1:])
            else:
                yield from self.run(rest[:middle])
                yield from self.run(rest[middle:])

    def _together(self, jobs: Sequence[FileJob]) -> Iterator[FileResult | Failure]:
        """Tag files; those whose outputs need probabilities apart from the others."""
        with short_gil_switch_interval():
            for scores, files in itertools.groupby(
                self._opened(jobs), key=lambda file: file.has_scores
            ):
                started: deque[_File] = deque()
                owners: deque[_File] = deque()
                sentences = _sentences(files, started, owners)
                predicted = self.model.predict(sentences, scores=scores, **self.settings.decoding)
                if self.settings.normalizer is not None:
                    predicted = self.settings.normalizer.normalized(predicted)
                tagged = _Tagged(predicted, owners)
                # Whatever has a tagged sentence has been started, and all files at the end.
                while started:
                    yield self._written(started.popleft(), tagged)

    def _opened(self, jobs: Sequence[FileJob]) -> Iterator[_File]:
        """Open one file after another; each is closed when the next one is asked for."""
        for job in jobs:
            file = _File(job, ReadReport(job.source, on_error=self.settings.on_error))
            with ExitStack() as stack:
                try:
                    sentences = stack.enter_context(
                        formats.opened(
                            job.source,
                            job.source_format,
                            self.settings.options,
                            on_bytes_read=self._tell if Path(job.source).is_file() else None,
                            report=file.report,
                        )
                    )
                    file.target = formats.named(job.target_format or file.report.format)
                    self._check(file.target, job.source)
                    file.sentences = _representable(sentences, file.target, file.report)
                except TaggerError as error:
                    file.error = error
                yield file
            self.read_before += size_of(job)
            self.read = self.read_before

    def _check(self, target: Format, source: str) -> None:
        """Raise TaggerError if an output cannot contain what is added to spans and sentences."""
        more = {
            "candidates and best sequences": self.settings.decoding.get("candidates")
            or self.settings.decoding.get("best"),
            "normal forms": self.settings.normalizer,
        }
        what = next((name for name, wanted in more.items() if wanted), "")
        if what and target.name != jsonl.FORMAT.name:
            raise TaggerError(
                f"{source}: {what} are written as JSON Lines, not as {target.name}; add --to jsonl"
            )

    def _tell(self, position: int) -> None:
        """Receive the number of bytes read of the current file."""
        self.read = self.read_before + position

    def _written(self, file: _File, tagged: _Tagged) -> FileResult | Failure:
        """Write the output of a file."""
        try:
            if file.error is not None and tagged.owner is not file:
                raise file.error
            assert file.target is not None
            sentences = self._counted(file, tagged)
            if file.job.target is None:
                self._save(sentences, sys.stdout, file)
                sys.stdout.flush()
            else:
                self._save(sentences, _target(file.job, file.target), file)
        except TaggerError as error:
            file.is_abandoned = True
            while tagged.owner is file:
                tagged.advance()
            return Failure(file.job.source, str(error))
        report = file.report
        _logger.debug("%s: %s, %s tokens", file.job.source, report.layout, file.tokens)
        problems = tuple(str(problem) for problem in report.problems)
        return FileResult(file.job.source, file.tokens, report.count, problems, report.notes)

    def _save(self, sentences: Iterator[Sentence], target: Path | IO[str], file: _File) -> None:
        """Write sentences; raise TaggerError if their tags do not fit the scheme."""
        assert file.target is not None
        name, scheme = file.target.name, self.scheme
        try:
            if isinstance(target, Path):
                formats.save(sentences, target, name, scheme, predictions=True, sync=self.sync)
            elif self.settings.highlight is not None and name == plain.FORMAT.name:
                plain.write(sentences, target, self.settings.highlight)
            else:
                formats.write(sentences, target, name, scheme, predictions=True)
        except schemes.SchemeError as error:
            raise TaggerError(
                f"{file.job.source}: cannot be written in the scheme {scheme}: {error}"
            ) from error

    def _counted(self, file: _File, tagged: _Tagged) -> Iterator[Sentence]:
        """Yield the tagged sentences of a file, count their tokens and report progress."""
        for sentence in tagged.of(file):
            file.tokens += len(sentence)
            self.tokens += len(sentence)
            if self.on_progress is not None:
                self.on_progress(file.job.source, self.read, self.tokens)
            yield sentence


def _sentences(
    files: Iterable[_File], started: deque[_File], owners: deque[_File]
) -> Iterator[Sentence]:
    """Yield the sentences of files; append each file to `started`, and to `owners` per sentence."""
    for file in files:
        started.append(file)
        try:
            for sentence in file.sentences:
                if file.is_abandoned:
                    break
                owners.append(file)
                yield sentence
        except TaggerError as error:
            file.error = error


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
