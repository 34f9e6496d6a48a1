"""Measurement of tagging speed: the network alone, from file to file, and from a cold start.

All variants run in every round, so that a slow minute of the machine affects all of them; each
result is the median over rounds.
"""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import numpy as np

from tagger.bundles import tagger_files as bundles
from tagger.bundles.tagger import Bundle
from tagger.cells import CELLS
from tagger.cpu import cores
from tagger.errors import TaggerError
from tagger.inference import files as stream
from tagger.inference.member import EnsembleMember, TokenBatch, batches_of
from tagger.inference.network import FLOAT32, OnnxTagger
from tagger.inference.predictor import Predictor, load
from tagger.language_models.states import states_of
from tagger.text import formats
from tagger.text.formats import ReadOptions
from tagger.text.opening import AUTO
from tagger.text.spans import Sentence

__all__ = ["Bench", "Speed", "Text", "bench", "kernel", "measure", "start_up", "text_of"]

_LENGTH = 15  # tokens per generated sentence


@dataclass(frozen=True)
class Speed:
    """The speed of a model in one precision on a number of threads.

    Attributes:
        precision: float32 or int8.
        threads: Number of threads.
        kernel: Tokens per second of the network alone.
        whole: Tokens per second from file to file.
    """

    precision: str
    threads: int
    kernel: float
    whole: float


@dataclass(frozen=True)
class Text:
    """The text that is tagged.

    Attributes:
        sentences: Its sentences.
        origin: Its source in words.
    """

    sentences: Sequence[Sentence]
    origin: str

    @property
    def tokens(self) -> int:
        """Return the number of tokens."""
        return sum(map(len, self.sentences))


@dataclass(frozen=True)
class Bench:
    """The results of a measurement.

    Attributes:
        text: The text that was tagged.
        speeds: The speed in each precision, on one thread and on all cores.
        start_up: Seconds of a command that tags one sentence, from a cold start.
    """

    text: Text
    speeds: list[Speed]
    start_up: float


def bench(
    run: str | Path,
    file: str | None = None,
    *,
    tokens: int = 50_000,
    rounds: int = 3,
    encoding: str = AUTO,
    on_progress: Callable[[int, int], None] | None = None,
) -> Bench:
    """Measure the speed of the model in a folder on this machine.

    Args:
        run: The folder of the model.
        file: A file to tag, repeated as often as needed. Default: sentences generated from the
            model's vocabulary.
        tokens: Approximate number of tokens per round.
        rounds: Number of rounds; results are medians over them.
        encoding: Encoding of the file. Default: UTF-8, or that of a byte order mark.
        on_progress: As for `measure`.

    Returns:
        The results.

    Raises:
        TaggerError: The folder is not a tagger, or the file cannot be read or has no token.
    """
    text = text_of(bundles.load(run), file, tokens=tokens, encoding=encoding)
    speeds = measure(run, text, rounds=rounds, on_progress=on_progress)
    return Bench(text, speeds, start_up(run, rounds=rounds))


def text_of(
    model: Bundle, file: str | None = None, *, tokens: int = 50_000, encoding: str = AUTO
) -> Text:
    """Return a text of about `tokens` tokens.

    Args:
        model: The model that will tag it, which determines how the file is read.
        file: The file to take sentences from, repeated as often as needed. Default: words drawn
            from the model's vocabulary by their frequency in training, with a fixed seed.
        tokens: Approximate number of tokens.
        encoding: Encoding of the file. Default: UTF-8, or that of a byte order mark.

    Returns:
        The text, without annotation.

    Raises:
        TaggerError: The file cannot be read or has no token, or the vocabulary has no word.
    """
    if file is None:
        if not model.features.words.words:
            raise TaggerError(
                "the model's vocabulary has no word to generate sentences from; name a FILE to tag"
            )
        return Text(_drawn(model, tokens), f"generated sentences of {_LENGTH} words")
    data = model.config.data
    options = replace(data.reading, annotated=False, encoding=encoding)
    beginning = _first(formats.read(file, options=options), tokens)
    if not any(map(len, beginning)):
        raise TaggerError(f"{file}: has no token to tag; name a file with sentences, or omit it")
    return Text(_first(itertools.cycle(beginning), tokens), file)


def _first(sentences: Iterator[Sentence], tokens: int) -> list[Sentence]:
    """Return the first sentences with at least `tokens` tokens in all, without their annotation."""
    first, count = [], 0
    for sentence in sentences:
        first.append(Sentence(sentence.tokens))
        count += len(sentence)
        if count >= tokens:
            break
    return first


def _drawn(model: Bundle, tokens: int) -> list[Sentence]:
    """Return sentences of words drawn from the vocabulary by their frequency."""
    words, counts = (
        model.features.words.words,
        np.array(model.features.words.counts, dtype=np.float64),
    )
    ids = np.random.default_rng(1).choice(len(words), tokens, p=counts / counts.sum())
    drawn = [words[number] for number in ids.tolist()]
    return [Sentence(tuple(drawn[first : first + _LENGTH])) for first in range(0, tokens, _LENGTH)]


def kernel(
    model: Bundle, precision: str, threads: int, sentences: Sequence[Sentence]
) -> Callable[[], None]:
    """Prepare a run of the network alone over encoded sentences: an upper bound of the speed.

    Args:
        model: The bundle.
        precision: float32 or int8.
        threads: Number of threads of the run.
        sentences: The sentences, encoded before the run.

    Returns:
        A function that runs the network once over all sentences, language models included.
    """
    member = EnsembleMember(model, OnnxTagger(model, precision))
    tokens = [sentence.tokens for sentence in sentences if len(sentence)]
    encoded = member.encode(tokens)
    parts = [
        (part, part.gather(encoded.tokens))
        for batch in batches_of(tokens, len(model.tags))
        for _, part in batch.micro_batches()
    ]

    def run() -> None:
        context = member.context(states_of(member.encoders, tokens)) if member.encoders else None

        def of_part(part: TokenBatch, padded: np.ndarray) -> None:
            states = None if context is None else part.gather(context)
            member.network.emissions(encoded.features, padded, part.lengths, states)

        with ThreadPoolExecutor(threads) as pool:
            for _ in pool.map(lambda part: of_part(*part), parts):
                pass

    return run


def _whole(model: Predictor, source: Path) -> Callable[[], object]:
    """Return a function that tags `source`, a CoNLL file, and writes another CoNLL file."""
    job = stream.FileJob(str(source), "conll", source.with_suffix(".tagged"), "conll")
    settings = stream.TaggingSettings(ReadOptions(annotated=False))
    return lambda: stream.run(model, job, settings)


def measure(
    run: str | Path,
    text: Text,
    *,
    rounds: int = 3,
    on_progress: Callable[[int, int], None] | None = None,
) -> list[Speed]:
    """Measure the speed of a model in each precision it has, on one thread and on all cores.

    Args:
        run: The folder of the model.
        text: The text to tag.
        rounds: Number of rounds; results are medians over them.
        on_progress: Called after each measurement with their number so far and in all.

    Returns:
        The speed of each precision and number of threads.

    Raises:
        TaggerError: The folder is not a tagger, or the text cannot be written as CoNLL columns.
    """
    model = bundles.load(run)
    precisions = [
        FLOAT32,
        *(["int8"] if CELLS[model.config.model.cell].has_int8 else []),
    ]
    variants = list(itertools.product(precisions, sorted({1, cores()})))
    with tempfile.TemporaryDirectory() as folder, ExitStack() as models:
        source = Path(folder) / "text.conll"
        with open(source, "w", encoding="utf-8") as file:
            formats.write(text.sentences, file, "conll")
        works: dict[tuple[str, str, int], Callable[[], object]] = {}
        for precision, threads in variants:
            works["kernel", precision, threads] = kernel(model, precision, threads, text.sentences)
            opened = models.enter_context(load(run, precision=precision, threads=threads))
            works["whole", precision, threads] = _whole(opened, source)
        seconds = {
            key: median(times) for key, times in _in_turn(works, rounds, on_progress).items()
        }
    return [
        Speed(*variant, *(text.tokens / seconds[part, *variant] for part in ("kernel", "whole")))
        for variant in variants
    ]


def _in_turn(
    works: dict[tuple[str, str, int], Callable[[], object]],
    rounds: int,
    on_progress: Callable[[int, int], None] | None,
) -> dict[tuple[str, str, int], list[float]]:
    """Return the seconds of each piece of work in each round."""
    seconds: dict[tuple[str, str, int], list[float]] = {key: [] for key in works}
    for done, (key, work) in enumerate(list(works.items()) * rounds, 1):
        start = time.perf_counter()
        work()
        seconds[key].append(time.perf_counter() - start)
        if on_progress is not None:
            on_progress(done, len(works) * rounds)
    return seconds


def start_up(run: str | Path, *, rounds: int = 3) -> float:
    """Measure the command `tagger predict` on one sentence, from the start of Python to its end.

    Args:
        run: The folder of the model.
        rounds: Number of runs, each in a new process.

    Returns:
        The median in seconds.

    Raises:
        TaggerError: The command fails.
    """
    command = [sys.executable, "-m", "tagger.cli.main", "predict", os.fspath(run), "-"]
    seconds = []
    for _ in range(rounds):
        start = time.perf_counter()
        done = subprocess.run(
            command,
            input="Anna Keller lives in Oslo.\n",
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        seconds.append(time.perf_counter() - start)
        if done.returncode:
            raise TaggerError(f"tagger predict {run} fails: {done.stderr.strip()}")
    return median(seconds)
