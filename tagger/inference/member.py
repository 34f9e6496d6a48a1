"""Batched inference with one bundle: sentences of similar length share a batch, words are cached.

Each distinct word is encoded once. The tokens of all sentences of a window are one row of N tokens,
from which batches are gathered.

Axes: B batch, T time, N tokens of a window, W words encoded so far, X features of a word, S units
of all encoders of tokens, K tags.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from tagger.bundles.encoder import EncoderBundle
from tagger.bundles.tagger import Bundle
from tagger.cells import CELLS
from tagger.features.batches import bucket, collate
from tagger.features.encode import WordEncoder
from tagger.features.token_states import TokenEncoder, TokenStates
from tagger.inference.decoder import Decoder
from tagger.inference.network import OnnxTagger
from tagger.inference.word_cache import WINDOW_TOKENS, EncodedTokens, WordCache
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
    "window_tokens",
]

Emissions = Callable[[dict[str, np.ndarray]], np.ndarray]
"""A function from the inputs of a batch by name to emissions (B, T, K), such as a Keras network."""

TOKEN_BUDGET = 8192  # padded tokens per batch, which is decoded at once
RUN_BUDGET = 1024  # padded tokens per run of the network: they fit into the cache of a core
KERAS_BUDGET = 4096  # padded tokens per run of a Keras network
# Scores (tokens times tags) of a window, a batch and a run, which bound their memory with hundreds
# of tags and more.
WINDOW_SCORES, BATCH_SCORES = 1 << 24, 1 << 20


class TokenBatch(NamedTuple):
    """A batch of sentences of similar length in a window.

    Attributes:
        indices: (B,) indices of the sentences.
        lengths: (B,) int32 lengths in tokens.
        starts: (B,) int64 index of the first token of each sentence in the row of all N tokens.
    """

    indices: np.ndarray
    lengths: np.ndarray
    starts: np.ndarray

    def micro_batches(self) -> Iterator[tuple[np.ndarray, TokenBatch]]:
        """Split the batch into micro-batches of at most about `RUN_BUDGET` padded tokens.

        Yields:
            The rows of this batch that a micro-batch contains, and the micro-batch.
        """
        for rows in bucket(self.lengths, np.arange(len(self.lengths)), RUN_BUDGET, padding=1):
            yield rows, TokenBatch(*(column[rows] for column in self))

    def gather(self, row: np.ndarray) -> np.ndarray:
        """Gather per-token values into the right-padded layout of the batch.

        Args:
            row: (N, ...), one value per token of the window.

        Returns:
            (B, T, ...), 0 where padded; T is at least 1.
        """
        mask, places = self.places()
        padded = np.zeros((*mask.shape, *row.shape[1:]), dtype=row.dtype)
        padded[mask] = row[places]
        return padded

    def places(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the mask of tokens and their indices in the window.

        Returns:
            The mask (B, T) bool, and the index (tokens of the batch,) of each token in the row of
            all N tokens, in the order of the mask.
        """
        time = np.arange(max(int(self.lengths.max(initial=0)), 1))
        mask = time < self.lengths[:, None]
        return mask, (self.starts[:, None] + time)[mask]


class EnsembleMember:
    """A bundle with its network, decoder and encoders of tokens, and a cache of encoded words.

    Any number of threads may use it at once: the cache is the only mutable state, `encode` and
    `clear_cache` take a lock once per call, and the rows that `encode` returns are never changed.

    Args:
        bundle: The bundle.
        network: Its network in ONNX Runtime, which determines the precision.

    Raises:
        BundleError: The learned transition scores do not fit the tags.
    """

    def __init__(self, bundle: Bundle, network: OnnxTagger) -> None:
        self.bundle = bundle
        self.network = network
        self.decoder = Decoder.of(bundle)
        self.encoders: tuple[TokenEncoder, ...] = encoders_of(bundle, network.precision)
        self.words = WordCache(bundle, network.words)

    def clear_cache(self) -> None:
        """Clear the cache of encoded words."""
        self.words.clear()

    def encode(self, sentences: Sequence[Sequence[str]]) -> EncodedTokens:
        """Return the encoded tokens of sentences; see `WordCache.encode`."""
        return self.words.encode(sentences)

    def batches(
        self, sentences: Sequence[Sequence[str]]
    ) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Run the network over sentences in batches of similar length.

        Args:
            sentences: The tokens of each sentence.

        Yields:
            Indices into `sentences` (B,), lengths (B,), and emissions (B, T, K) float32.
        """
        encoded, context = self.encode(sentences), None
        if self.encoders:
            context = self.context(states_of(self.encoders, sentences))
        for batch in batches_of(sentences, len(self.bundle.tags)):
            yield batch.indices, batch.lengths, self.emissions(batch, encoded, context)

    def context(self, states: TokenStates | None) -> np.ndarray | None:
        """Select the states that the network receives.

        Args:
            states: The states of at least this member's encoders at N tokens.

        Returns:
            (N, S), or None if the network does not receive states.
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
        """Run the network over a batch, in micro-batches.

        Args:
            batch: The batch.
            encoded: The result of `encode` for the window.
            context: The result of `context` for the window.

        Returns:
            (B, T, K) float32, 0 where padded.
        """
        time = max(int(batch.lengths.max(initial=0)), 1)
        emissions = np.zeros((len(batch.lengths), time, len(self.bundle.tags)), dtype=np.float32)
        for rows, part in batch.micro_batches():
            computed = self.network.emissions(
                encoded.features,
                part.gather(encoded.tokens),
                part.lengths,
                None if context is None else part.gather(context),
            )
            emissions[rows, : computed.shape[1]] = computed
        return emissions


def encoders_of(bundle: EncoderBundle, precision: str) -> tuple[LanguageModel, ...]:
    """Open the language models of a model.

    Args:
        bundle: The bundle of the model.
        precision: float32 or int8, which applies to those whose cell has an int8 operator.

    Returns:
        The language models, in the order of their states.
    """
    return tuple(
        LanguageModel(
            model, quantized=precision == "int8" and CELLS[model.config.model.cell].has_int8
        )
        for model in bundle.language_models
    )


def window_tokens(tags: int) -> int:
    """Return the number of tokens per window for K tags."""
    return max(min(WINDOW_TOKENS, WINDOW_SCORES // tags), 1)


def batches_of(sentences: Sequence[Sequence[str]], tags: int) -> list[TokenBatch]:
    """Group sentences of similar length into batches.

    Args:
        sentences: The tokens of each sentence, which in this order are the row of N tokens.
        tags: Number of tags, K.

    Returns:
        Batches of at most about `TOKEN_BUDGET` padded tokens and `BATCH_SCORES` scores, shorter
        sentences first.
    """
    lengths = np.fromiter(map(len, sentences), dtype=np.int32, count=len(sentences))
    starts = np.cumsum(lengths, dtype=np.int64) - lengths
    order = np.argsort(lengths, kind="stable")
    return [
        TokenBatch(chosen, lengths[chosen], starts[chosen])
        for chosen in bucket(lengths, order, min(TOKEN_BUDGET, BATCH_SCORES // tags))
    ]


def emissions_in_batches(
    sentences: Sequence[Sequence[str]],
    word_encoder: WordEncoder,
    emissions: Emissions,
    tags: int,
    contexts: TokenStates | None = None,
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Run a Keras network over sentences in batches of similar length.

    Args:
        sentences: The tokens of each sentence.
        word_encoder: The encoder of their words.
        emissions: The network.
        tags: Number of tags, K.
        contexts: The states of language models at the tokens, if the network receives them.

    Yields:
        Indices into `sentences` (B,), lengths (B,), and emissions (B, T, K).
    """
    word_ids = word_encoder.word_ids(sentences)
    lengths = np.array([len(tokens) for tokens in sentences])
    budget = min(KERAS_BUDGET, BATCH_SCORES // tags)
    for indices in bucket(lengths, np.argsort(lengths, kind="stable"), budget):
        batch = collate(indices, word_encoder, word_ids, contexts=contexts)
        yield indices, batch.lengths, emissions(batch.inputs)
