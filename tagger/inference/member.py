"""A bundle at work, in batches: sentences of like length are run together, and each distinct word
is encoded once.

Axes: B batch, T time, N tokens in all, W words met, X numbers of a word, S numbers that language
models tell of a place, K tags.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from tagger.bundles.tagger import Bundle
from tagger.features.batches import Contexts, batch_up, bucket
from tagger.features.encode import Lexicon
from tagger.inference.context import Known, models_of, reading
from tagger.inference.decoder import Decoder
from tagger.inference.network import Network

__all__ = ["WINDOW_TOKENS", "Batch", "Emissions", "Member", "batches_of", "emissions_in_batches"]

Emissions = Callable[[dict[str, np.ndarray]], np.ndarray]
"""A batch's inputs by name to its scores (B, T, K), as Keras computes them."""

WINDOW_TOKENS = (
    1 << 13
)  # that a thread runs at once: by so many the words met may grow before old ones are forgotten
TOKEN_BUDGET = 8192  # padded tokens that are decoded together
RUN_BUDGET = 1024  # padded tokens that the network is given at once: what fits into a core's cache
KERAS_BUDGET = 4096  # the same for Keras
LEXICON = 100_000  # distinct words remembered: memory must not grow with the input
LEXICON_BYTES = 1 << 25  # and no more than so many bytes of what is known of them
CHARACTERS = 1 << 14  # padded characters of new words that are encoded at once


class Batch(NamedTuple):
    """Sentences of like length, by number, and where their tokens stand in the row of all."""

    indices: np.ndarray
    lengths: np.ndarray
    starts: np.ndarray

    def runs(self) -> Iterator[tuple[np.ndarray, Batch]]:
        """The parts, by the numbers of their rows, that the network is given at once."""
        for rows in bucket(self.lengths, np.arange(len(self.lengths)), RUN_BUDGET, padding=1):
            yield rows, Batch(*(column[rows] for column in self))

    def padded(self, row: np.ndarray) -> np.ndarray:
        """What stands in the row of all (N, ...) for each token: (B, T, ...), at least one
        timestep, 0 where padded.
        """
        inside, places = self.places()
        padded = np.zeros((*inside.shape, *row.shape[1:]), dtype=row.dtype)
        padded[inside] = row[places]
        return padded

    def places(self) -> tuple[np.ndarray, np.ndarray]:
        """Where tokens are, (B, T) bool, and where each of them stands in the row of all."""
        time = np.arange(max(int(self.lengths.max(initial=0)), 1))
        inside = time < self.lengths[:, None]
        return inside, (self.starts[:, None] + time)[inside]


class Member:
    """A bundle at work: its network, its decoder, and the words that it has met, with what the
    network makes of each.
    """

    def __init__(self, bundle: Bundle, network: Network) -> None:
        self.bundle = bundle
        self.network = network
        self.decoder = Decoder.of(bundle)
        self.models = models_of(bundle, network.precision)
        self.lexicon = Lexicon(bundle.features)
        self.forget()

    def forget(self) -> None:
        """Forget all words met."""
        self.lexicon.clear()
        self._known = 0
        rows = self._limit + WINDOW_TOKENS
        shape, dtype = (
            ((rows,), np.int32)
            if self.network.one_hot
            else ((rows, self.network.width), np.float32)
        )
        self._features = np.empty(shape, dtype=dtype)  # (N, X); costs memory as it is filled

    @property
    def _limit(self) -> int:
        """So many words are remembered from window to window."""
        return min(LEXICON, LEXICON_BYTES // (4 * self.network.width))

    def encode(self, sentences: Sequence[Sequence[str]]) -> tuple[np.ndarray, np.ndarray]:
        """What the network knows of all words met (N, X), and which of them the sentences' tokens
        are, in one row, int32.

        Both stay valid for whoever holds them, whatever is encoded or forgotten afterwards.
        """
        if len(self.lexicon) > self._limit:
            self.forget()
        numbers = self.lexicon.tokens(sentences)
        if len(self.lexicon) > len(self._features):
            larger = np.empty(
                (2 * len(self.lexicon), *self._features.shape[1:]), dtype=self._features.dtype
            )
            larger[: self._known] = self._features[: self._known]
            self._features = larger
        new = np.arange(self._known, len(self.lexicon))
        lengths = self.lexicon.lengths(new)
        for chosen in bucket(lengths, np.argsort(lengths, kind="stable"), CHARACTERS):
            self._features[new[chosen]] = self.network.features(self.lexicon.words(new[chosen]))
        self._known = len(self.lexicon)
        return self._features[: self._known], numbers

    def batches(
        self, sentences: Sequence[Sequence[str]]
    ) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Run sentences in batches of like length: indices into `sentences` (B,), lengths (B,),
        emissions (B, T, K).
        """
        encoded, context = self.encode(sentences), self.context(reading(self.models)(sentences))
        for batch in batches_of(sentences):
            yield batch.indices, batch.lengths, self.emissions(batch, *encoded, context)

    def context(self, known: Known) -> np.ndarray | None:
        """What the network is told of the places of tokens (N, S); None where there is no language
        model.
        """
        return np.concatenate([known[key] for key in self.models], axis=1) if self.models else None

    def emissions(
        self,
        batch: Batch,
        features: np.ndarray,
        numbers: np.ndarray,
        context: np.ndarray | None = None,
    ) -> np.ndarray:
        """The scores (B, T, K) of a batch of what `encode` and `context` gave."""
        time = max(int(batch.lengths.max(initial=0)), 1)
        emissions = np.zeros((len(batch.lengths), time, len(self.bundle.tags)), dtype=np.float32)
        for rows, part in batch.runs():
            found = self.network.emissions(
                features,
                part.padded(numbers),
                part.lengths,
                None if context is None else part.padded(context),
            )
            emissions[rows, : found.shape[1]] = found
        return emissions


def batches_of(sentences: Sequence[Sequence[str]]) -> list[Batch]:
    """Sentences of like length together; the tokens of the first begin the row."""
    lengths = np.fromiter(map(len, sentences), dtype=np.int32, count=len(sentences))
    starts = np.cumsum(lengths, dtype=np.int64) - lengths
    order = np.argsort(lengths, kind="stable")
    return [
        Batch(chosen, lengths[chosen], starts[chosen])
        for chosen in bucket(lengths, order, TOKEN_BUDGET)
    ]


def emissions_in_batches(
    sentences: Sequence[Sequence[str]],
    lexicon: Lexicon,
    emissions: Emissions,
    contexts: Contexts | None = None,
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """As `Member.batches`, by a Keras network."""
    numbers = lexicon.numbers(sentences)
    lengths = np.array([len(tokens) for tokens in sentences])
    for indices in bucket(lengths, np.argsort(lengths, kind="stable"), KERAS_BUDGET):
        batch = batch_up(indices, lexicon, numbers, contexts=contexts)
        yield indices, batch.lengths, emissions(batch.inputs)
