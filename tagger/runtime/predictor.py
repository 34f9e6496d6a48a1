"""A trained model that tags: sentences are batched, run and decoded; they come back in order, none lost.

What is known of a word is computed once for a whole run. Windows of sentences are read ahead; while one window's batches run
in ONNX Runtime, a thread each, the next is read and encoded here.

Axes: B batch, T time, N words in all, X numbers of a word, K tags.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tagger import bundle as bundles
from tagger.bundle import Bundle
from tagger.decoding import marginals
from tagger.errors import BundleError, TaggerError
from tagger.features.batches import batch_up, bucket
from tagger.features.encode import Lexicon
from tagger.runtime.decoder import INNER_SCHEME, Decoded, Decoder
from tagger.runtime.network import PRECISIONS, Network, precision_of
from tagger.text import schemes, tokens
from tagger.text.formats import plain
from tagger.text.spans import Sentence, Span

__all__ = ["INNER_SCHEME", "Decoder", "Emissions", "Member", "Predictor", "cores", "emissions_in_batches", "load"]

Emissions = Callable[[dict[str, np.ndarray]], np.ndarray]
"""A batch's inputs by name to its scores (B, T, K), as Keras computes them."""

WINDOW = 2048  # sentences read ahead, to be sorted by length
WINDOW_TOKENS = 1 << 15  # and no more than so many tokens, or one sentence
TOKEN_BUDGET = 8192  # padded tokens that are decoded together: what a thread does at once
RUN_BUDGET = 1024  # padded tokens that the network is given at once: what fits into a core's cache
KERAS_BUDGET = 4096  # the same for Keras
LEXICON = 100_000  # distinct words remembered: memory must not grow with the input
LEXICON_BYTES = 1 << 26  # and no more than so many bytes of what is known of them
CHARACTERS = 1 << 14  # padded characters of new words that are encoded at once
THREADS = 4  # beyond, Python is the bottleneck, and processes help


def load(*folders: str | Path, precision: str | None = None, threads: int | None = None) -> Predictor:
    """The model in a bundle, ready to tag; of several bundles, one model that averages them.

    Args:
        precision: float32, or int8: 8-bit weights, which are faster and may cost some accuracy. By default int8 is taken
            where it was found, after training, to lose nothing.
        threads: batches that are run at once; by default one a core, `THREADS` at most.

    Raises:
        BundleError: a folder is no bundle, was damaged, or its weights do not fit its configuration; or the bundles do not
            have the same tags, scheme and tokenizer.
    """
    if precision not in (None, *PRECISIONS):
        raise TaggerError(f"unknown precision {precision!r}; expected one of {', '.join(PRECISIONS)}")
    members: list[Member] = []
    for folder in folders:
        bundle = bundles.load(folder)
        try:
            members.append(Member(bundle, Network(bundle, precision or precision_of(bundle))))
        except BundleError as error:
            raise BundleError(f"{folder}: {error}") from error
        if (wanted := _kind(members[0].bundle)) != (found := _kind(bundle)):
            differs = next(name for name in wanted if wanted[name] != found[name])
            raise BundleError(f"{folder}: cannot be averaged with {folders[0]}: they differ in their {differs}")
    return Predictor(*members, threads=threads)


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _kind(bundle: Bundle) -> dict[str, object]:
    """What bundles must share to be averaged."""
    return {"tags": bundle.tags, "scheme": bundle.scheme, "tokenizer": bundle.config.data.tokenizer}


class _Batch(NamedTuple):
    """A batch: its sentences by number, and where their tokens stand in the row of all."""

    indices: np.ndarray
    lengths: np.ndarray
    starts: np.ndarray

    def padded(self, numbers: np.ndarray) -> np.ndarray:
        """The batch's words (B, T), at least one timestep, 0 where padded."""
        time = np.arange(max(int(self.lengths.max(initial=0)), 1))
        inside = time < self.lengths[:, None]
        padded = np.zeros(inside.shape, dtype=np.int32)
        padded[inside] = numbers[(self.starts[:, None] + time)[inside]]
        return padded


class Member:
    """A bundle at work: its network, its decoder, and the words that it has met, with what the network makes of each."""

    def __init__(self, bundle: Bundle, network: Network) -> None:
        self.bundle = bundle
        self.network = network
        self.decoder = Decoder.of(bundle)
        self.lexicon = Lexicon(bundle.features)
        self._forget()

    def _forget(self) -> None:
        self.lexicon.clear()
        self._known = 0
        rows = self._limit + WINDOW_TOKENS
        shape, dtype = ((rows,), np.int32) if self.network.one_hot else ((rows, self.network.width), np.float32)
        self._features = np.empty(shape, dtype=dtype)  # (N, X); costs memory as it is filled

    @property
    def _limit(self) -> int:
        """So many words are remembered from window to window."""
        return min(LEXICON, LEXICON_BYTES // (4 * self.network.width))

    def encode(self, sentences: Sequence[Sequence[str]]) -> tuple[np.ndarray, np.ndarray]:
        """What the network knows of all words met (N, X), and which of them the sentences' tokens are, in one row, int32.

        Both stay valid for whoever holds them, whatever is encoded or forgotten afterwards.
        """
        if len(self.lexicon) > self._limit:
            self._forget()
        numbers = self.lexicon.tokens(sentences)
        if len(self.lexicon) > len(self._features):
            larger = np.empty((2 * len(self.lexicon), *self._features.shape[1:]), dtype=self._features.dtype)
            larger[: self._known] = self._features[: self._known]
            self._features = larger
        new = np.arange(self._known, len(self.lexicon))
        lengths = self.lexicon.lengths(new)
        for chosen in bucket(lengths, np.argsort(lengths, kind="stable"), CHARACTERS):
            self._features[new[chosen]] = self.network.features(self.lexicon.words(new[chosen]))
        self._known = len(self.lexicon)
        return self._features[: self._known], numbers

    def batches(self, sentences: Sequence[Sequence[str]]) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Run sentences in batches of like length: indices into `sentences` (B,), lengths (B,), emissions (B, T, K)."""
        encoded = self.encode(sentences)
        for batch in _batches(sentences):
            yield batch.indices, batch.lengths, self.emissions(batch, *encoded)

    def emissions(self, batch: _Batch, features: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        """The scores (B, T, K) of a batch of what `encode` gave."""
        time = max(int(batch.lengths.max(initial=0)), 1)
        emissions = np.zeros((len(batch.lengths), time, len(self.bundle.tags)), dtype=np.float32)
        for rows in bucket(batch.lengths, np.arange(len(batch.lengths)), RUN_BUDGET):
            part = _Batch(*(column[rows] for column in batch))
            found = self.network.emissions(features, part.padded(numbers), part.lengths)
            emissions[rows, : found.shape[1]] = found
        return emissions


def _batches(sentences: Sequence[Sequence[str]]) -> list[_Batch]:
    """Sentences of like length together."""
    lengths = np.fromiter(map(len, sentences), dtype=np.int32, count=len(sentences))
    starts = np.cumsum(lengths, dtype=np.int64) - lengths
    order = np.argsort(lengths, kind="stable")
    return [_Batch(chosen, lengths[chosen], starts[chosen]) for chosen in bucket(lengths, order, TOKEN_BUDGET)]


class Predictor:
    """Tags raw text, tokens or sentences with one model, or with the average of several.

    ``labels`` are what it can find; ``bundle`` holds its configuration and figures, those of the first of several. An average
    gives each token the mean of its members' exact probabilities of tags, and decodes that under the scheme's constraints.
    """

    def __init__(self, *members: Member, threads: int | None = None) -> None:
        self.members = members
        self.bundle = members[0].bundle
        self.labels = self.bundle.labels
        self.plain_tags = self.bundle.scheme == schemes.PLAIN
        # The members' learnt transitions are in their probabilities already.
        self.decoder = members[0].decoder if len(members) == 1 else Decoder(self.bundle.tags, plain_tags=self.plain_tags)
        self._threads = ThreadPoolExecutor(threads or min(cores(), THREADS))

    def tag(self, text: str) -> list[Sentence]:
        """The sentences of a raw text, tokenized as in training, with their spans; ``text[span.start_char:span.end_char]``
        is each span's surface."""
        tokenizer = tokens.get(self.bundle.config.data.tokenizer)
        # One record with all its line breaks, so that offsets count from the beginning of the text.
        sentences = plain.read([(1, text)], "text", tokenizer, wrapped=False)
        return [sentence for sentence in self.predict(sentences) if len(sentence)]

    def tag_tokens(self, sentences: Iterable[Sequence[str]]) -> list[Sentence]:
        """Sentences that are split into tokens already, with their spans: as many tokens out as in."""
        return list(self.predict(Sentence(tuple(tokens)) for tokens in sentences))

    def predict(self, sentences: Iterable[Sentence], *, scores: bool = True) -> Iterator[Sentence]:
        """Each sentence with the model's spans (or tags) instead of its own, in order, while the input is being read.

        Without `scores` the spans have no probabilities, which takes less time.
        """
        running: deque[tuple[list[Sentence], list[_Batch], list[Future[Decoded]]]] = deque()
        for window in _windows(sentences):
            running.append(self._begun(window, scores))
            if len(running) > 1:
                yield from self._ended(*running.popleft())
        while running:
            yield from self._ended(*running.popleft())

    def _begun(self, window: list[Sentence], scores: bool) -> tuple[list[Sentence], list[_Batch], list[Future[Decoded]]]:
        """A window whose batches are being run."""
        words = [sentence.tokens for sentence in window]
        encoded = [member.encode(words) for member in self.members]
        batches = _batches(words)
        return window, batches, [self._threads.submit(self._run, batch, encoded, scores) for batch in batches]

    def _run(self, batch: _Batch, encoded: list[tuple[np.ndarray, np.ndarray]], scores: bool) -> Decoded:
        emissions = [member.emissions(batch, *words) for member, words in zip(self.members, encoded, strict=True)]
        if len(self.members) == 1:
            return self.decoder.decode(emissions[0], batch.lengths, scores=scores)
        each = [marginals(e, batch.lengths, m.decoder.transitions) for m, e in zip(self.members, emissions, strict=True)]
        mean = np.log(np.maximum(np.mean(each, axis=0), np.finfo(np.float64).tiny))
        return self.decoder.decode(mean, batch.lengths, scores=scores)

    def _ended(self, window: list[Sentence], batches: list[_Batch], futures: list[Future[Decoded]]) -> Iterator[Sentence]:
        """The window's sentences with what its batches hold."""
        spans: list[list[Span]] = [[] for _ in window]
        tags: list[tuple[str, ...] | None] = [None] * len(window)
        for batch, future in zip(batches, futures, strict=True):
            decoded, indices = future.result(), batch.indices.tolist()
            if self.plain_tags:
                for index, path, length in zip(indices, decoded.paths, batch.lengths.tolist(), strict=True):
                    tags[index] = tuple(self.bundle.tags[number] for number in path[:length].tolist())
            for row, start, end, label, score in decoded.spans:
                index = indices[row]
                spans[index].append(window[index].span(start, end, self.decoder.labels[label], score))
        for sentence, found, names in zip(window, spans, tags, strict=True):
            yield sentence.annotated(None if self.plain_tags else tuple(found), names)


def _windows(sentences: Iterable[Sentence]) -> Iterator[list[Sentence]]:
    window: list[Sentence] = []
    count = 0
    for sentence in sentences:
        window.append(sentence)
        count += len(sentence)
        if len(window) >= WINDOW or count >= WINDOW_TOKENS:
            yield window
            window, count = [], 0
    if window:
        yield window


def emissions_in_batches(
    sentences: Sequence[Sequence[str]], lexicon: Lexicon, emissions: Emissions
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """As `Member.batches`, by a Keras network."""
    numbers = lexicon.numbers(sentences)
    lengths = np.array([len(tokens) for tokens in sentences])
    for indices in bucket(lengths, np.argsort(lengths, kind="stable"), KERAS_BUDGET):
        batch = batch_up(indices, lexicon, numbers)
        yield indices, batch.lengths, emissions(batch.inputs)
