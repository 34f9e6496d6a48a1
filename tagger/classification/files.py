"""Classification of files: JSON Lines, tables or lines of text, each output written atomically."""

from __future__ import annotations

import os
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from tagger.classification.classifier import Classifier, load
from tagger.classification.prediction import Prediction
from tagger.classification.writing import SUFFIXES, writer_of
from tagger.errors import DataError, TaggerError
from tagger.files import atomic_write
from tagger.inference.file_jobs import FileJob, plan
from tagger.inference.files import Failure
from tagger.text.labeled import TEXT_NAMES, TextOptions, token_reader
from tagger.text.report import ReadReport
from tagger.text.rows import FORMATS, Row, opened

__all__ = ["ClassifiedFiles", "classify_files"]


@dataclass(frozen=True)
class ClassifiedFiles:
    """The result of `classify_files`.

    Attributes:
        files: Number of files that were classified.
        texts: Number of their texts.
        tokens: Number of their tokens.
        seconds: Time, without opening the model.
        failures: The files that could not be classified, with their errors.
        notes: What was skipped in the inputs.
    """

    files: int
    texts: int
    tokens: int
    seconds: float
    failures: tuple[Failure, ...]
    notes: tuple[str, ...] = ()


def classify_files(
    model: Classifier | str | Path,
    inputs: str | Path | Iterable[str | Path],
    output: str | Path | None = None,
    *,
    source_format: str = "auto",
    target_format: str = "jsonl",
    text_column: str | None = None,
    encoding: str = "auto",
    threshold: float | None = None,
    probabilities: bool = False,
    on_progress: Callable[[str, int], None] | None = None,
) -> ClassifiedFiles:
    """Classify the texts of files, as streams in constant memory; outputs are written atomically.

    Args:
        model: An open classifier, which stays open; or the folder of one.
        inputs: A file or folder, or several; ``-`` is standard input. Files may be compressed.
        output: The folder of the outputs; None is standard output.
        source_format: jsonl, csv (any delimiter), text (one text per line), or auto, which
            recognizes each file by its content.
        target_format: jsonl, or tsv for a table.
        text_column: Name of the column or key with the text. Default: as in training, if it was
            named there, else a usual one.
        encoding: Encoding of the inputs. Default: UTF-8, or that of a byte order mark.
        threshold: Probability from which a label is predicted, with several per text. Default:
            what training decided on dev.
        probabilities: Whether the probability of every label is written.
        on_progress: Receives the file that is read and the number of its texts so far.

    Returns:
        Totals, and the files that could not be classified.

    Raises:
        TaggerError: The model cannot be opened, there is no file, or two files would have the same
            output. A file that is ill-formed or cannot be written is a failure in the result
            instead.
        ValueError: A format is unknown, or the threshold is impossible.
    """
    for given, known in ((source_format, FORMATS), (target_format, tuple(SUFFIXES))):
        if given not in known:
            raise ValueError(f"expected one of {', '.join(known)} as the format, got {given!r}")
    names = [inputs] if isinstance(inputs, str | Path) else list(inputs)
    with ExitStack() as stack:
        opened_model = model if isinstance(model, Classifier) else stack.enter_context(load(model))
        opened_model.predict((), threshold=threshold)  # wrong arguments fail now
        trained = opened_model.bundle.config.data.reading
        options = replace(
            trained,
            text=trained.text if text_column is None else text_column,
            encoding=encoding,
        )
        folder = None if output is None else os.fspath(output)
        jobs = plan([str(name) for name in names], folder, suffix=SUFFIXES[target_format])
        work = _Work(
            opened_model,
            options,
            source_format,
            target_format,
            threshold,
            probabilities,
            on_progress,
        )
        started = time.monotonic()
        failures = [failure for job in jobs if (failure := work.run(job)) is not None]
        seconds = time.monotonic() - started
    return ClassifiedFiles(
        len(jobs) - len(failures), work.texts, work.tokens, seconds, tuple(failures), work.notes
    )


class _Work:
    """The classification of files with the same settings: those of `classify_files`.

    Attributes:
        texts, tokens: Totals of all files so far, also of those that failed.
        notes: Notes about the inputs so far.
    """

    def __init__(
        self,
        model: Classifier,
        options: TextOptions,
        source_format: str,
        target_format: str,
        threshold: float | None,
        with_all: bool,
        on_progress: Callable[[str, int], None] | None,
    ) -> None:
        self.model = model
        self.options = options
        self.source_format = source_format
        self.target_format = target_format
        self.threshold = threshold
        self.with_all = with_all
        self.on_progress = on_progress
        self.texts = self.tokens = 0
        self.notes: tuple[str, ...] = ()

    def run(self, job: FileJob) -> Failure | None:
        """Classify one file.

        Args:
            job: The input and output.

        Returns:
            The failure of the file, None if it was classified.
        """
        report = ReadReport(job.source)
        try:
            with (
                opened(
                    job.source,
                    report,
                    encoding=self.options.encoding,
                    format=self.source_format,
                    column=self.options.text,
                    usual=TEXT_NAMES,
                ) as file,
                ExitStack() as stack,
            ):
                stream = (
                    sys.stdout
                    if job.target is None
                    else stack.enter_context(atomic_write(job.target))
                )
                write = writer_of(
                    self.target_format,
                    file,
                    multi_label=self.model.bundle.is_multi_label,
                    separator=self.options.separator,
                    with_all=self.with_all,
                )
                write(self._predictions(file.rows, report), stream)
                stream.flush()
                report.finish()  # before the output appears
        except TaggerError as error:
            return Failure(job.source, str(error))
        self.notes += tuple(f"{job.source}: {note}" for note in report.notes)
        return None

    def _predictions(
        self, rows: Iterable[Row], report: ReadReport
    ) -> Iterator[tuple[Row, Prediction]]:
        """Yield each record with its prediction, lazily and in order."""
        waiting: deque[Row] = deque()
        texts = self._tokenized(rows, waiting, report)
        for prediction in self.model.predict(texts, threshold=self.threshold):
            yield waiting.popleft(), prediction

    def _tokenized(
        self, rows: Iterable[Row], waiting: deque[Row], report: ReadReport
    ) -> Iterator[tuple[str, ...]]:
        """Yield the tokens of each record that has a text; append the record to `waiting`."""
        tokens_of = token_reader(self.options)
        count = 0
        for row in rows:
            try:
                tokens = tokens_of(row)
            except ValueError as error:
                report.problem(DataError(row.path, row.line, str(error)))
                continue
            count += 1
            self.texts += 1
            self.tokens += len(tokens)
            if self.on_progress is not None:
                self.on_progress(row.path, count)
            waiting.append(row)
            yield tokens
