"""A trained model that tags: sentences are batched, run and decoded; they come back in order, none
lost.

What is known of a word is computed once for a whole run. Windows of sentences are read ahead; while
some run in ONNX Runtime, a thread each, the next is read and encoded here. A window is made of
stretches of documents, in which the occurrences of a word inform each other before the tags are
decided.

Axes: B batch, T time, N tokens in all, K tags.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tagger.bundles import tagger_files as bundles
from tagger.bundles.tagger import Bundle
from tagger.cpu import cores
from tagger.decoding import marginals
from tagger.errors import BundleError, TaggerError
from tagger.inference.context import Read, reading
from tagger.inference.decoder import Decoder
from tagger.inference.document_consistency import Agreement, keys_within, stretches
from tagger.inference.member import WINDOW_TOKENS, Batch, Member, batches_of
from tagger.inference.network import PRECISIONS, Network, precision_of
from tagger.text import schemes, tokens
from tagger.text.formats import plain
from tagger.text.spans import Sentence, Span

__all__ = ["Predictor", "load"]

AHEAD = 2  # windows that are read ahead for each thread
THREADS = 4  # beyond, Python is the bottleneck, and processes help


def load(
    *folders: str | Path, precision: str | None = None, threads: int | None = None
) -> Predictor:
    """The model in a bundle, ready to tag; of several bundles, one model that averages them.

    Args: precision: float32, or int8: 8-bit weights, which are faster and may cost some accuracy.
        By default int8 is taken
            where it was found, after training, to lose nothing.
        threads: batches that are run at once; by default one a core, `THREADS` at most.

    Raises: BundleError: a folder is no bundle, was damaged, or its weights do not fit its
        configuration; or the bundles do not
            have the same tags, scheme and tokenizer.
    """
    if precision not in (None, *PRECISIONS):
        raise TaggerError(
            f"unknown precision {precision!r}; expected one of {', '.join(PRECISIONS)}"
        )
    if not folders:
        raise TaggerError("expected the folder of a trained model, or several")
    members: list[Member] = []
    for folder in folders:
        bundle = bundles.load(folder)
        try:
            members.append(Member(bundle, Network(bundle, precision or precision_of(bundle))))
        except BundleError as error:
            raise BundleError(f"{folder}: {error}") from error
        if (wanted := _kind(members[0].bundle)) != (found := _kind(bundle)):
            differs = next(name for name in wanted if wanted[name] != found[name])
            raise BundleError(
                f"{folder}: cannot be averaged with {folders[0]}: they differ in their {differs}"
            )
    return Predictor(*members, threads=threads)


def _kind(bundle: Bundle) -> dict[str, object]:
    """What bundles must share to be averaged."""
    return {"tags": bundle.tags, "scheme": bundle.scheme, "tokenizer": bundle.config.data.tokenizer}


_Window = tuple[list[Sentence], list[Batch], "Future[list[Any]]"]
"""Sentences, their batches, and what will be found in each."""

_Words = tuple[np.ndarray, np.ndarray]
"""What a member's network knows of words, and which of them the tokens are: see `Member.encode`."""

_Told = tuple[np.ndarray, np.ndarray, "np.ndarray | None"]
"""The same, and what its language models know of the tokens' places."""


class Predictor:
    """Tags raw text, tokens or sentences with one model, or with the average of several.

    ``labels`` are what it can find; ``bundle`` holds its configuration and figures, those of the
    first of several. An average gives each token the mean of its members' exact probabilities of
    tags, and decodes that under the scheme's constraints.
    """

    def __init__(
        self, *members: Member, threads: int | None = None, read: Read | None = None
    ) -> None:
        """`read` is what lets the members' language models read, if it is not they themselves."""
        self.members = members
        self.read = read or reading(
            {key: model for member in members for key, model in member.models.items()}
        )
        self.bundle = members[0].bundle
        self.labels = self.bundle.labels
        self.plain_tags = self.bundle.scheme == schemes.PLAIN
        # The members' learnt transitions are in their probabilities already.
        self.decoder = (
            members[0].decoder
            if len(members) == 1
            else Decoder(self.bundle.tags, plain_tags=self.plain_tags)
        )
        self.agreement = Agreement.of(self.bundle)
        self._count = threads or min(cores(), THREADS)
        self._threads = ThreadPoolExecutor(self._count)

    def tag(self, text: str) -> list[Sentence]:
        """The sentences of a raw text, tokenized as in training, with their spans;
        ``text[span.start_char:span.end_char]`` is each span's surface."""
        tokenizer = tokens.get(self.bundle.config.data.tokenizer)
        # One record with all its line breaks, so that offsets count from the beginning of the text.
        sentences = plain.read([(1, text)], "text", tokenizer, wrapped=False)
        return [sentence for sentence in self.predict(sentences) if len(sentence)]

    def tag_tokens(self, sentences: Iterable[Sequence[str]]) -> list[Sentence]:
        """Sentences that are split into tokens already, with their spans: as many tokens out as in.
        They are one document.
        """
        return list(self.predict(Sentence(tuple(tokens)) for tokens in sentences))

    def predict(self, sentences: Iterable[Sentence], *, scores: bool = True) -> Iterator[Sentence]:
        """Each sentence with the model's spans (or tags) instead of its own, in order, while the
        input is being read.

        Sentences of one document (see `agreement.stretches`) help each other. Without `scores` the
        spans have no probabilities, which takes less time.
        """
        for window in self._run(sentences, partial(self.decoder.decode, scores=scores)):
            yield from self._annotated(*window)

    def distributions(self, sentences: Iterable[Sentence]) -> Iterator[tuple[Sentence, np.ndarray]]:
        """Each sentence with the exact probability of every tag at every token, (T, K) float64, the
        tags in the order of ``bundle.tags``: of the very distribution whose best sequence `predict`
        gives, the other sentences of the document included. In order, while the input is being
        read."""
        for window, batches, results in self._run(
            sentences, partial(marginals, transitions=self.decoder.transitions)
        ):
            found: list[np.ndarray] = [np.empty(0)] * len(window)
            for batch, probabilities in zip(batches, results.result(), strict=True):
                for index, length, each in zip(
                    batch.indices, batch.lengths, probabilities, strict=True
                ):
                    found[index] = each[:length]
            yield from zip(window, found, strict=True)

    def _run(
        self, sentences: Iterable[Sentence], finish: Callable[[np.ndarray, np.ndarray], Any]
    ) -> Iterator[_Window]:
        """Windows of sentences, some read ahead, and what `finish` makes of each batch's emissions
        and lengths.
        """
        running: deque[_Window] = deque()
        documents = (
            stretches(sentences)
            if self.agreement.weight
            else ([sentence] for sentence in sentences)
        )
        for window in _windows(documents):
            running.append(self._begun(window, finish))
            if len(running) > AHEAD * self._count:
                yield running.popleft()
        yield from running

    def _begun(
        self, window: list[list[Sentence]], finish: Callable[[np.ndarray, np.ndarray], Any]
    ) -> _Window:
        """A window that is being run."""
        sentences = list(itertools.chain.from_iterable(window))
        tokens = [sentence.tokens for sentence in sentences]
        words = [member.encode(tokens) for member in self.members]
        keys = keys_within(window, self.members[0].lexicon.keys(words[0][1]))
        batches = batches_of(tokens)
        return (
            sentences,
            batches,
            self._threads.submit(self._found, batches, words, tokens, keys, finish),
        )

    def _found(
        self,
        batches: list[Batch],
        words: list[_Words],
        sentences: list[tuple[str, ...]],
        keys: np.ndarray,
        finish: Callable[[np.ndarray, np.ndarray], Any],
    ) -> list[Any]:
        """What the batches of a window hold; its tokens, those of the `sentences`, have the `keys`
        (N,).
        """
        known = self.read(sentences)
        told = [
            (*found, member.context(known))
            for member, found in zip(self.members, words, strict=True)
        ]
        emissions = [self._emissions(batch, told) for batch in batches]
        if self.agreement.weight:
            row = np.empty((len(keys), len(self.bundle.tags)))
            for batch, found in zip(batches, emissions, strict=True):
                inside, places = batch.places()
                row[places] = found[inside]
            row = self.agreement(row, keys)
            emissions = [batch.padded(row) for batch in batches]
        return [
            finish(found, batch.lengths) for batch, found in zip(batches, emissions, strict=True)
        ]

    def _emissions(self, batch: Batch, told: list[_Told]) -> np.ndarray:
        """The scores (B, T, K) of the model, or the logarithm of the members' mean
        probabilities.
        """
        emissions = [
            member.emissions(batch, *arrays)
            for member, arrays in zip(self.members, told, strict=True)
        ]
        if len(self.members) == 1:
            return emissions[0]
        each = [
            marginals(e, batch.lengths, m.decoder.transitions)
            for m, e in zip(self.members, emissions, strict=True)
        ]
        return np.log(np.maximum(np.mean(each, axis=0), np.finfo(np.float64).tiny))

    def _annotated(
        self, window: list[Sentence], batches: list[Batch], results: Future[list[Any]]
    ) -> Iterator[Sentence]:
        """The window's sentences with what its batches, decoded, hold."""
        spans: list[list[Span]] = [[] for _ in window]
        tags: list[tuple[str, ...] | None] = [None] * len(window)
        for batch, decoded in zip(batches, results.result(), strict=True):
            indices = batch.indices.tolist()
            if self.plain_tags:
                for index, path, length in zip(
                    indices, decoded.paths, batch.lengths.tolist(), strict=True
                ):
                    tags[index] = tuple(
                        self.bundle.tags[number] for number in path[:length].tolist()
                    )
            for row, start, end, label, score in decoded.spans:
                index = indices[row]
                spans[index].append(
                    window[index].span(start, end, self.decoder.labels[label], score)
                )
        for sentence, found, names in zip(window, spans, tags, strict=True):
            yield sentence.annotated(None if self.plain_tags else tuple(found), names)


def _windows(stretches: Iterable[list[Sentence]]) -> Iterator[list[list[Sentence]]]:
    """Stretches together, until they have `WINDOW_TOKENS`; an empty sentence counts as one of them,
    that memory has an end.
    """
    window: list[list[Sentence]] = []
    tokens = 0
    for stretch in stretches:
        window.append(stretch)
        tokens += sum(len(sentence) or 1 for sentence in stretch)
        if tokens >= WINDOW_TOKENS:
            yield window
            window, tokens = [], 0
    if window:
        yield window
