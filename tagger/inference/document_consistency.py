"""Document consistency: occurrences of a word in a document inform each other's labels.

A name is often clear in one sentence and ambiguous in the next: "Blackburn Rovers sacked their
manager", then "Blackburn 2 Everton 0" in a table. Before decoding, the tag probabilities of each
token are multiplied by a power of the mean label probabilities of the word's other occurrences in
the document:

    log p'_t(tag)  =  log p_t(tag) + weight · log( mean over others s of P_s(label of tag) )

Nothing is trained, and a word that occurs once is not changed. Gui et al. 2020, "Leveraging
Document-Level Label Consistency for Named Entity Recognition", do the same with learned attention.

Axes: N tokens, M tokens of words that occur several times, K tags, L labels, O included.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

import numpy as np

from tagger.bundles.tagger import Bundle
from tagger.text import schemes
from tagger.text.documents import begins_document
from tagger.text.spans import Sentence

__all__ = [
    "CHUNK_SENTENCES",
    "WEIGHT",
    "DocumentConsistency",
    "apply_consistency",
    "chunk_keys",
    "chunks",
]

CHUNK_SENTENCES, CHUNK_TOKENS = 64, 1 << 13
"""Maximum sentences and tokens of a chunk, because a file may be one document of any length."""

WEIGHT = 0.6
"""Weight of the other occurrences, if they improve the dev score; 0.3 to 0.9 differ little."""
# The other occurrences may be wrong, so no label's probability becomes zero because of them.
_SMOOTHING = 0.05


def chunks(sentences: Iterable[Sentence]) -> Iterator[list[Sentence]]:
    """Split sentences into chunks, each of consecutive sentences of one document.

    A file is a document, unless it has ``-DOCSTART-`` marks between sentences or consists of JSON
    objects, each of which is a document.

    Args:
        sentences: The sentences, read lazily.

    Yields:
        At most `CHUNK_SENTENCES` sentences; a chunk ends with the sentence that reaches
        `CHUNK_TOKENS` tokens.
    """
    chunk: list[Sentence] = []
    tokens = 0
    for sentence in sentences:
        if chunk and (
            len(chunk) == CHUNK_SENTENCES
            or tokens >= CHUNK_TOKENS
            or begins_document(sentence, chunk[-1])
        ):
            yield chunk
            chunk, tokens = [], 0
        chunk.append(sentence)
        tokens += len(sentence)
    if chunk:
        yield chunk


def apply_consistency(
    emissions: np.ndarray, keys: np.ndarray, labels: np.ndarray, weight: float
) -> np.ndarray:
    """Apply document consistency to emissions.

    Args:
        emissions: (N, K).
        keys: (N,) int64; tokens with equal keys inform each other, negative keys take no part.
        labels: (K,) label ids of the tags, from 0.
        weight: Weight of the other occurrences; see the module.

    Returns:
        (N, K), a copy in which the rows of informed tokens are unnormalized log-probabilities;
        `emissions` itself if no key occurs twice.
    """
    mask, places = np.ones(len(keys), dtype=bool), np.arange(len(keys))
    occurrences = _Occurrences(keys, labels)
    occurrences.add(emissions, mask, places)
    return occurrences.informed(emissions, mask, places, weight)


class _Occurrences:
    """The label probabilities of the M tokens whose words occur several times.

    Args:
        keys: (N,) as for `apply_consistency`.
        labels: (K,) as for `apply_consistency`.
    """

    def __init__(self, keys: np.ndarray, labels: np.ndarray) -> None:
        members = np.flatnonzero(keys >= 0)
        _, groups, counts = np.unique(keys[members], return_inverse=True, return_counts=True)
        members = members[counts[groups] > 1]
        _, self._groups, self._counts = np.unique(
            keys[members], return_inverse=True, return_counts=True
        )
        # (N,) row of each token in arrays of M tokens, -1 for none.
        self._rows = np.full(len(keys), -1)
        self._rows[members] = np.arange(len(members))
        self._labels = labels
        self._order = np.argsort(labels, kind="stable")
        self._first = np.searchsorted(labels[self._order], np.arange(labels.max() + 1))
        self._probabilities = np.zeros((len(members), len(self._first)))  # (M, L)

    def _informed(
        self, mask: np.ndarray, places: np.ndarray
    ) -> tuple[tuple[np.ndarray, ...], np.ndarray]:
        """Return the indices of the informed tokens in `mask`, and their rows (m,)."""
        rows = self._rows[places]
        chosen = rows >= 0
        return tuple(index[chosen] for index in np.nonzero(mask)), rows[chosen]

    def add(self, emissions: np.ndarray, mask: np.ndarray, places: np.ndarray) -> None:
        """Record the label probabilities of the tokens of a batch.

        Args:
            emissions: (..., K).
            mask: (...) bool, true for n tokens.
            places: (n,) index of each of these among all N tokens.
        """
        where, rows = self._informed(mask, places)
        logs = _normalized(emissions[where])
        probabilities = np.exp(logs, out=logs)[:, self._order]
        self._probabilities[rows] = np.add.reduceat(probabilities, self._first, axis=1)

    @cached_property
    def _shares(self) -> np.ndarray:
        """Return the logs (M, L) of the mean label probabilities of the other occurrences."""
        mine, groups, counts = self._probabilities, self._groups, self._counts
        in_order = mine[np.argsort(groups, kind="stable")]
        sums = np.add.reduceat(in_order, np.cumsum(counts) - counts, axis=0)  # (keys, L)
        others = (sums[groups] - mine) / (counts[groups] - 1)[:, None]
        share = _SMOOTHING / mine.shape[1] + (1 - _SMOOTHING) * np.clip(others, 0, 1)
        return np.asarray(np.log(share))

    def informed(
        self, emissions: np.ndarray, mask: np.ndarray, places: np.ndarray, weight: float
    ) -> np.ndarray:
        """Apply document consistency to the tokens of a batch, after all batches have been added.

        Args:
            emissions: (..., K).
            mask: As for `add`.
            places: As for `add`.
            weight: Weight of the other occurrences.

        Returns:
            (..., K); `emissions` itself if none of the tokens is informed.
        """
        where, rows = self._informed(mask, places)
        if not len(rows):
            return emissions
        informed = emissions.astype(np.float64)
        logs = _normalized(emissions[where])
        logs += (weight * self._shares[rows])[:, self._labels]
        informed[where] = logs
        return informed


def _normalized(emissions: np.ndarray) -> np.ndarray:
    """Return the log-softmax of emissions (n, K) as float64."""
    logs = emissions.astype(np.float64)
    logs -= logs.max(axis=1, keepdims=True, initial=np.finfo(np.float64).min)
    logs -= np.log(np.exp(logs).sum(axis=1, keepdims=True))
    return logs


class DocumentConsistency:
    """Document consistency for the tags of a model.

    Args:
        tags: The tags by id.
        weight: Weight of the other occurrences; 0 disables it.
    """

    def __init__(self, tags: Sequence[str], weight: float) -> None:
        label_ids: dict[str, int] = {}
        # (K,) label ids; the empty label of O has one of its own.
        self.labels = np.array(
            [label_ids.setdefault(schemes.split(tag)[1], len(label_ids)) for tag in tags]
        )
        self.weight = weight

    @classmethod
    def of(cls, bundle: Bundle) -> DocumentConsistency:
        """Return that of a trained model, with the weight ``metrics["agreement"]["weight"]``.

        Training sets the weight to 0 unless it improves the dev score.
        """
        return cls(bundle.tags, float(bundle.metrics.get("agreement", {}).get("weight", 0)))

    def __call__(
        self, batches: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]], keys: np.ndarray
    ) -> Iterator[np.ndarray]:
        """Apply document consistency to the batches of a window, one by one.

        Args:
            batches: For each batch its emissions (B, T, K), its mask (B, T) and the indices of its
                tokens among all N tokens, as `member.TokenBatch.places` returns them.
            keys: (N,) as for `apply_consistency`.

        Yields:
            Emissions (B, T, K) per batch, undefined where padded.
        """
        occurrences = _Occurrences(keys, self.labels)
        for emissions, mask, places in batches:
            occurrences.add(emissions, mask, places)
        for emissions, mask, places in batches:
            yield occurrences.informed(emissions, mask, places, self.weight)


def chunk_keys(document_chunks: Sequence[Sequence[Sentence]], keys: np.ndarray) -> np.ndarray:
    """Make keys differ between chunks, so that tokens inform each other within a chunk only.

    Args:
        document_chunks: The chunks of sentences, N tokens in all.
        keys: (N,) int64 consistency keys of the tokens; negative keys take no part.

    Returns:
        (N,) int64 keys; -1 for tokens that take no part.
    """
    tokens = [sum(map(len, chunk)) for chunk in document_chunks]
    places = np.repeat(np.arange(len(tokens)), tokens)
    return np.where(keys < 0, -1, places * (keys.max(initial=0) + 1) + keys)
