"""The inference pipeline: sentences are encoded, run and decoded in windows, on threads, in order.

Windows are read ahead: while some run in ONNX Runtime, one thread each, the next is read and
encoded on the caller's thread. A window consists of chunks of documents, to which document
consistency is applied before decoding.

Axes: B batch, T time, N tokens of a window, K tags, S units of all encoders of tokens.
"""

from __future__ import annotations

import itertools
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from tagger.errors import TaggerError
from tagger.features.token_states import TokenStates
from tagger.inference.arguments import check_tokens
from tagger.inference.decoder import Decoder
from tagger.inference.document_consistency import DocumentConsistency, chunk_keys, chunks
from tagger.inference.member import (
    EncodedTokens,
    EnsembleMember,
    TokenBatch,
    batches_of,
    window_tokens,
)
from tagger.inference.selection import temperature_of
from tagger.language_models.states import states_of
from tagger.text import schemes
from tagger.text.spans import Sentence

__all__ = ["PREFETCH_PER_THREAD", "Pipeline", "Window"]

PREFETCH_PER_THREAD = 2  # windows that are read ahead per thread

Result = TypeVar("Result")
Finish = Callable[[np.ndarray, np.ndarray], Result]
"""A function from emissions (B, T, K) and lengths (B,) to the result of a batch."""


@dataclass(frozen=True)
class Window(Generic[Result]):
    """Sentences that run together.

    Attributes:
        sentences: The sentences, in the order of the input.
        batches: Their batches, whose indices refer to `sentences`.
        results: Waits for the run and returns the result of each batch.
    """

    sentences: list[Sentence]
    batches: list[TokenBatch]
    results: Callable[[], list[Result]]


class Pipeline:
    """One or several members, and the threads that run them until `close`.

    Any number of threads may use it at once; see `tagger.inference.predictor.Predictor`.

    Args:
        members: The models, whose tag probabilities are averaged if there are several.
        threads: Number of windows that run at once.
    """

    def __init__(self, members: tuple[EnsembleMember, ...], threads: int) -> None:
        tags, scheme = members[0].bundle.tags, members[0].bundle.scheme
        # The probabilities of several members already include their learned transitions.
        decoder = (
            members[0].decoder
            if len(members) == 1
            else Decoder(tags, plain_tags=scheme == schemes.PLAIN)
        )
        self.decoder = decoder.at(temperature_of([member.bundle for member in members]))
        self.agreement = DocumentConsistency.of(members[0].bundle)
        self.members = members
        self._process = os.getpid()
        self._count = threads
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="tagger")

    def close(self) -> None:
        """End the threads and release the members; windows that have not started are dropped."""
        self.members = ()
        if os.getpid() == self._process:  # a forked child does not have the threads
            self._pool.shutdown(cancel_futures=True)

    def check(self) -> None:
        """Check that the pipeline can be used.

        Raises:
            TaggerError: It is closed, or was opened before a fork.
        """
        if os.getpid() != self._process:
            raise TaggerError(
                "the model was opened before os.fork, and its threads do not exist in the child; "
                "open it there with tagger.load, or start processes by spawn"
            )
        if not self.members:
            raise TaggerError("the model is closed; open it again with tagger.load")

    def run(
        self,
        sentences: Iterable[Sentence],
        finish: Finish[Result],
        states: TokenStates | None = None,
    ) -> Iterator[Window[Result]]:
        """Run sentences in windows, some of which are read ahead.

        Args:
            sentences: The sentences, read lazily.
            finish: Applied to the emissions of each batch, on one of the threads.
            states: Hidden states of the members' encoders for exactly these sentences. Default:
                computed.

        Returns:
            An iterator over the windows, in order.

        Raises:
            TaggerError: The pipeline is closed, or was opened before a fork.
            TypeError: A token is not a string (while iterating; its window is not encoded then).
        """
        self.check()
        return self._run(sentences, finish, states)

    def _run(
        self, sentences: Iterable[Sentence], finish: Finish[Result], states: TokenStates | None
    ) -> Iterator[Window[Result]]:
        """Yield windows in order, each after enough of the following ones have been started."""
        running: deque[Window[Result]] = deque()
        documents = (
            chunks(sentences) if self.agreement.weight else ([sentence] for sentence in sentences)
        )
        first = 0
        for window in _windows(documents, window_tokens(len(self.decoder.tags))):
            last = first + sum(map(len, window))
            part = None if states is None else states.part(first, last)
            running.append(self._started(window, finish, part))
            first = last
            if len(running) > PREFETCH_PER_THREAD * self._count:
                yield running.popleft()
        yield from running

    def _started(
        self, window: list[list[Sentence]], finish: Finish[Result], states: TokenStates | None
    ) -> Window[Result]:
        """Encode a window and submit it to the threads."""
        sentences = list(itertools.chain.from_iterable(window))
        tokens = [sentence.tokens for sentence in sentences]
        check_tokens(tokens)
        members, batches = self.members, batches_of(tokens, len(self.decoder.tags))
        self.check()  # after reading `members`: another thread may close the pipeline at any time
        encoded = [member.encode(tokens) for member in members]
        keys = chunk_keys(window, encoded[0].keys)

        def work() -> list[Result]:
            emissions = self._emissions(members, batches, encoded, tokens, keys, states)
            return [
                finish(each, batch.lengths) for batch, each in zip(batches, emissions, strict=True)
            ]

        try:
            future = self._pool.submit(work)
        except RuntimeError:
            self.check()  # another thread has closed the pipeline
            raise
        return Window(sentences, batches, lambda: self._result(future))

    def _result(self, future: Future[list[Result]]) -> list[Result]:
        """Wait for a window; raise TaggerError if the pipeline has been closed."""
        self.check()  # in a forked child no thread would ever finish it
        try:
            return future.result()
        except CancelledError:
            self.check()
            raise

    def _emissions(
        self,
        members: tuple[EnsembleMember, ...],
        batches: list[TokenBatch],
        encoded: list[EncodedTokens],
        sentences: list[tuple[str, ...]],
        keys: np.ndarray,
        states: TokenStates | None,
    ) -> Iterator[np.ndarray]:
        """Return the emissions (B, T, K) per batch lazily, after consistency by `keys` (N,)."""
        encoders = {each.digest: each for member in members for each in member.encoders}
        if states is None and encoders:
            states = states_of(list(encoders.values()), sentences)
        contexts = [member.context(states) for member in members]
        emissions = (_mean(members, batch, encoded, contexts) for batch in batches)
        if not self.agreement.weight:
            return emissions
        placed = [(each, *batch.places()) for batch, each in zip(batches, emissions, strict=True)]
        return self.agreement(placed, keys)


def _mean(
    members: tuple[EnsembleMember, ...],
    batch: TokenBatch,
    encoded: list[EncodedTokens],
    contexts: list[np.ndarray | None],
) -> np.ndarray:
    """Return the emissions (B, T, K) of one member, or the log of several's mean probabilities."""
    emissions = [
        member.emissions(batch, each, context)
        for member, each, context in zip(members, encoded, contexts, strict=True)
    ]
    if len(members) == 1:
        return emissions[0]
    probabilities = [
        member.decoder.marginals(each, batch.lengths)
        for member, each in zip(members, emissions, strict=True)
    ]
    mean = np.mean(probabilities, axis=0)
    return np.asarray(np.log(np.maximum(mean, np.finfo(np.float64).tiny)))


def _windows(
    document_chunks: Iterable[list[Sentence]], budget: int
) -> Iterator[list[list[Sentence]]]:
    """Group chunks into windows of at least `budget` tokens.

    An empty sentence counts as one token, so that memory is bounded.
    """
    window: list[list[Sentence]] = []
    tokens = 0
    for chunk in document_chunks:
        window.append(chunk)
        tokens += sum(len(sentence) or 1 for sentence in chunk)
        if tokens >= budget:
            yield window
            window, tokens = [], 0
    if window:
        yield window
