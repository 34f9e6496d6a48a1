"""How fast a trained model tags on this machine: the network alone, from columns to columns, and
from a cold start.

All variants take their turn in every round, so that a slow minute of the machine hits all alike; a
figure is the median.
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
from dataclasses import dataclass
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
from tagger.text.spans import Sentence

__all__ = ["Bench", "Speed", "Text", "bench", "kernel", "measure", "start_up", "text_of"]

_LENGTH = 15  # tokens of a sentence that is made up


@dataclass(frozen=True)
class Speed:
    """Tokens a second in one precision on so many threads: of the network alone, and from file to
    file.
    """

    precision: str
    threads: int
    kernel: float
    whole: float


@dataclass(frozen=True)
class Text:
    """What is tagged, and in words where it is from."""

    sentences: Sequence[Sentence]
    origin: str

    @property
    def tokens(self) -> int:
        return sum(map(len, self.sentences))


@dataclass(frozen=True)
class Bench:
    """Medians of how fast a model is: in each precision, on one thread and on all cores; and the
    seconds from a cold start to the end of one sentence.
    """

    text: Text
    speeds: list[Speed]
    start_up: float


def bench(
    run: str | Path, file: str | None = None, *, tokens: int = 50_000, rounds: int = 3
) -> Bench:
    """Measure how fast the model in a folder is on this machine.

    Args:
        run: its folder.
        file: what is tagged, from its beginning and as often as needed; by default sentences made
            up of words that the model knows.
        tokens: to tag in a round, about.
        rounds: of which figures are medians.

    Raises:
        TaggerError: the folder is no model, or the file cannot be read or has no token.
    """
    text = text_of(bundles.load(run), file, tokens=tokens)
    return Bench(text, measure(run, text, rounds=rounds), start_up(run, rounds=rounds))


def text_of(model: Bundle, file: str | None = None, *, tokens: int = 50_000) -> Text:
    """About so many tokens: of a file, from its beginning and as often as needed, or words of the
    model's vocabulary, drawn as often as they occurred in its training.

    Raises:
        TaggerError: the file cannot be read, or has no token.
    """
    if file is None:
        if not model.features.words.words:
            raise TaggerError(
                "the model's vocabulary has no word to make sentences of; name a FILE to tag"
            )
        return Text(_drawn(model, tokens), f"made-up sentences of {_LENGTH} words")
    data = model.config.data
    options = ReadOptions(columns=data.reading.columns, tokenizer=data.tokenizer, annotated=False)
    beginning = _first(formats.read(file, formats.format_of(file), options), tokens)
    if not any(map(len, beginning)):
        raise TaggerError(
            f"{file}: has no token to tag; name a file with sentences, or none at all"
        )
    return Text(_first(itertools.cycle(beginning), tokens), file)


def _first(sentences: Iterator[Sentence], tokens: int) -> list[Sentence]:
    """The first sentences that have so many tokens together, without what else the file told of
    them.
    """
    found, have = [], 0
    for sentence in sentences:
        found.append(Sentence(sentence.tokens))
        have += len(sentence)
        if have >= tokens:
            break
    return found


def _drawn(model: Bundle, tokens: int) -> list[Sentence]:
    words, counts = (
        model.features.words.words,
        np.array(model.features.words.counts, dtype=np.float64),
    )
    numbers = np.random.default_rng(1).choice(len(words), tokens, p=counts / counts.sum())
    drawn = [words[number] for number in numbers.tolist()]
    return [Sentence(tuple(drawn[first : first + _LENGTH])) for first in range(0, tokens, _LENGTH)]


def kernel(
    model: Bundle, precision: str, threads: int, sentences: Sequence[Sentence]
) -> Callable[[], None]:
    """A run of the network, language models included, over sentences that are encoded and padded:
    what no pipeline can exceed.
    """
    member = EnsembleMember(model, OnnxTagger(model, precision))
    tokens = [sentence.tokens for sentence in sentences if len(sentence)]
    encoded = member.encode(tokens)
    parts = [
        (part, part.gather(encoded.tokens))
        for batch in batches_of(tokens)
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
    """From a file of columns to another."""
    job = stream.Job(str(source), "conll", source.with_suffix(".tagged"), "conll")
    options = ReadOptions(annotated=False)
    return lambda: stream.run(model, job, options)


def measure(run: str | Path, text: Text, *, rounds: int = 3) -> list[Speed]:
    """The speeds of the model in a folder, in every precision that it has, on one thread and on all
    cores.

    Raises:
        TaggerError: the folder is no model, or its vocabulary cannot be written as columns.
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
        seconds = {key: median(times) for key, times in _in_turn(works, rounds).items()}
    return [
        Speed(*variant, *(text.tokens / seconds[part, *variant] for part in ("kernel", "whole")))
        for variant in variants
    ]


def _in_turn(
    works: dict[tuple[str, str, int], Callable[[], object]], rounds: int
) -> dict[tuple[str, str, int], list[float]]:
    """The seconds of each piece of work in each round."""
    seconds: dict[tuple[str, str, int], list[float]] = {key: [] for key in works}
    for _ in range(rounds):
        for key, work in works.items():
            begun = time.perf_counter()
            work()
            seconds[key].append(time.perf_counter() - begun)
    return seconds


def start_up(run: str | Path, *, rounds: int = 3) -> float:
    """Seconds from the start of `tagger predict` to the end of its first sentence, everything
    included.

    Raises:
        TaggerError: the command fails.
    """
    command = [sys.executable, "-m", "tagger.cli.main", "predict", os.fspath(run), "-"]
    seconds = []
    for _ in range(rounds):
        begun = time.perf_counter()
        done = subprocess.run(
            command,
            input="Anna Keller lives in Oslo.\n",
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        seconds.append(time.perf_counter() - begun)
        if done.returncode:
            raise TaggerError(f"tagger predict {run} fails: {done.stderr.strip()}")
    return median(seconds)
