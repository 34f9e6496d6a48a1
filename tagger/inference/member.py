"""A bundle at work, in batches: sentences of like length are run together, and each distinct word
is encoded once.

Axes: B batch, T time, N tokens in all, W words encoded so far, X features of a word, S units of all
encoders of tokens, K tags.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from tagger.bundles.tagger import Bundle
from tagger.cells import CELLS
from tagger.features.batches import bucket, collate
from tagger.features.encode import WordEncoder
from tagger.features.token_states import TokenEncoder, TokenStates
from tagger.inference.decoder import Decoder
from tagger.inference.network import OnnxTagger
from tagger.language_models.model import LanguageModel
from tagger.language_models.states import states_of

__all__ = [
    "WINDOW_TOKENS",
    "Emissions",
    "EncodedTokens",
    "EnsembleMember",
    "TokenBatch",
    "batches_of",
    "emissions_in_batches",
    "encoders_of",
]

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


class TokenBatch(NamedTuple):
    """Sentences of like length, by number, and where their tokens stand in the row of all."""

    indices: np.ndarray
    lengths: np.ndarray
    starts: np.ndarray

    def micro_batches(self) -> Iterator[tuple[np.ndarray, TokenBatch]]:
        """The parts, by the numbers of their rows, that the network is given at once."""
        for rows in bucket(self.lengths, np.arange(len(self.lengths)), RUN_BUDGET, padding=1):
            yield rows, TokenBatch(*(column[rows] for column in self))

    def gather(self, row: np.ndarray) -> np.ndarray:
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


class EncodedTokens(NamedTuple):
    """Sentences as the network receives them, valid whatever is encoded or forgotten afterwards.

    ``features`` (W, X) float32, or (W,) int32 of one-hot words, are those of all words encoded so
    far; ``tokens`` (N,) int32 says which of them each token is; ``keys`` (N,) int64 are equal for
    tokens that inform each other within a document, see `tagger.features.encode.consistency_key`.
    """

    features: np.ndarray
    tokens: np.ndarray
    keys: np.ndarray


class EnsembleMember:
    """A bundle with its network, its decoder, its encoders of tokens, and the features of the words
    encoded so far.

    Any number of threads may use it: those words are the only thing that changes, under a lock that
    is taken once per call of `encode`, and what `encode` returns is never changed.
    """

    def __init__(self, bundle: Bundle, network: OnnxTagger) -> None:
        self.bundle = bundle
        self.network = network
        self.decoder = Decoder.of(bundle)
        self.encoders: tuple[TokenEncoder, ...] = encoders_of(bundle, network.precision)
        self.lexicon = WordEncoder(bundle.features)
        self._lock = threading.RLock()
        self.clear_cache()

    def clear_cache(self) -> None:
        """Forget all words encoded so far."""
        with self._lock:
            self.lexicon.clear()
            self._known = 0
            rows = self._limit + WINDOW_TOKENS
            shape, dtype = (
                ((rows,), np.int32)
                if self.network.one_hot
                else ((rows, self.network.width), np.float32)
            )
            self._features = np.empty(shape, dtype=dtype)  # (W, X); costs memory as it is filled

    @property
    def _limit(self) -> int:
        """So many words are remembered from window to window."""
        return min(LEXICON, LEXICON_BYTES // (4 * self.network.width))

    def encode(self, sentences: Sequence[Sequence[str]]) -> EncodedTokens:
        """Encode the tokens of sentences, in one row; each distinct word is encoded once.

        After an error, such as a lack of memory, all words are forgotten, so that nothing half
        encoded remains.
        """
        with self._lock:
            try:
                return self._encode(sentences)
            except BaseException:
                self.clear_cache()
                raise

    def _encode(self, sentences: Sequence[Sequence[str]]) -> EncodedTokens:
        if len(self.lexicon) > self._limit:
            self.clear_cache()
        tokens = self.lexicon.tokens(sentences)
        if len(self.lexicon) > len(self._features):
            larger = np.empty(
                (2 * len(self.lexicon), *self._features.shape[1:]), dtype=self._features.dtype
            )
            larger[: self._known] = self._features[: self._known]
            self._features = larger
        new = np.arange(self._known, len(self.lexicon))
        lengths = self.lexicon.lengths(new)
        for chosen in bucket(lengths, np.argsort(lengths, kind="stable"), CHARACTERS):
            # A word alone would be encoded by other instructions, whose last bits differ: a word's
            # features must not depend on what else is new.
            twice = np.resize(chosen, max(len(chosen), 2))
            features = self.network.features(self.lexicon.words(new[twice]))
            self._features[new[chosen]] = features[: len(chosen)]
        self._known = len(self.lexicon)
        return EncodedTokens(
            self._features[: self._known], tokens, self.lexicon.consistency_keys(tokens)
        )

    def batches(
        self, sentences: Sequence[Sequence[str]]
    ) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Run sentences in batches of similar lengths: indices into `sentences` (B,), lengths (B,),
        emissions (B, T, K).
        """
        encoded, context = self.encode(sentences), None
        if self.encoders:
            context = self.context(states_of(self.encoders, sentences))
        for batch in batches_of(sentences):
            yield batch.indices, batch.lengths, self.emissions(batch, encoded, context)

    def context(self, states: TokenStates | None) -> np.ndarray | None:
        """Return the states (N, S) that the network reads, or None where it reads none.

        Args:
            states: those of this member's encoders, others possibly among them.
        """
        if states is None or not self.encoders:
            return None
        return states.rows([encoder.digest for encoder in self.encoders])

    def emissions(
        self,
        batch: TokenBatch,
        encoded: EncodedTokens,
        context: np.ndarray | None = None,
    ) -> np.ndarray:
        """Return the emissions (B, T, K) of a batch of what `encode` and `context` returned."""
        time = max(int(batch.lengths.max(initial=0)), 1)
        emissions = np.zeros((len(batch.lengths), time, len(self.bundle.tags)), dtype=np.float32)
        for rows, part in batch.micro_batches():
            found = self.network.emissions(
                encoded.features,
                part.gather(encoded.tokens),
                part.lengths,
                None if context is None else part.gather(context),
            )
            emissions[rows, : found.shape[1]] = found
        return emissions


def encoders_of(bundle: Bundle, precision: str) -> tuple[LanguageModel, ...]:
    """Return the language models that a tagger reads with, in order; in int8 those whose cell has
    such an operator.
    """
    return tuple(
        LanguageModel(
            model, quantized=precision == "int8" and CELLS[model.config.model.cell].has_int8
        )
        for model in bundle.language_models
    )


def batches_of(sentences: Sequence[Sequence[str]]) -> list[TokenBatch]:
    """Sentences of like length together; the tokens of the first begin the row."""
    lengths = np.fromiter(map(len, sentences), dtype=np.int32, count=len(sentences))
    starts = np.cumsum(lengths, dtype=np.int64) - lengths
    order = np.argsort(lengths, kind="stable")
    return [
        TokenBatch(chosen, lengths[chosen], starts[chosen])
        for chosen in bucket(lengths, order, TOKEN_BUDGET)
    ]


def emissions_in_batches(
    sentences: Sequence[Sequence[str]],
    lexicon: WordEncoder,
    emissions: Emissions,
    contexts: TokenStates | None = None,
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """As `Member.batches`, by a Keras network."""
    numbers = lexicon.word_ids(sentences)
    lengths = np.array([len(tokens) for tokens in sentences])
    for indices in bucket(lengths, np.argsort(lengths, kind="stable"), KERAS_BUDGET):
        batch = collate(indices, lexicon, numbers, contexts=contexts)
        yield indices, batch.lengths, emissions(batch.inputs)
