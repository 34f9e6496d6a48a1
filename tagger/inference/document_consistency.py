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

import numpy as np

from tagger.bundles.tagger import Bundle
from tagger.text import schemes
from tagger.text.formats.conll import DOCUMENT_MARK
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
            or _begins_document(sentence, chunk[-1])
        ):
            yield chunk
            chunk, tokens = [], 0
        chunk.append(sentence)
        tokens += len(sentence)
    if chunk:
        yield chunk


def _begins_document(sentence: Sentence, previous: Sentence) -> bool:
    """Return whether a sentence belongs to another document than the previous one."""
    record, before = sentence.record, previous.record
    if record is before:
        return False
    if record is None or before is None or record.path != before.path or record.data is not None:
        return True
    return any(line.startswith(DOCUMENT_MARK) for line in record.leading)


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
    members = np.flatnonzero(keys >= 0)
    _, groups, counts = np.unique(keys[members], return_inverse=True, return_counts=True)
    several = counts[groups] > 1
    members, groups = members[several], groups[several]  # (M,)
    if not len(members):
        return emissions
    logs = emissions[members]  # (M, K)
    logs -= np.logaddexp.reduce(logs, axis=1, keepdims=True)
    mine = np.exp(logs) @ np.eye(labels.max() + 1)[labels]  # (M, L)
    # (keys, L)
    sums = np.stack([np.bincount(groups, column, len(counts)) for column in mine.T], axis=1)
    others = (sums[groups] - mine) / (counts[groups] - 1)[:, None]
    share = _SMOOTHING / others.shape[1] + (1 - _SMOOTHING) * np.clip(others, 0, 1)
    informed = emissions.copy()
    informed[members] = logs + weight * np.log(share)[:, labels]
    return informed


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

    def __call__(self, emissions: np.ndarray, keys: np.ndarray) -> np.ndarray:
        """Return `apply_consistency` of emissions (N, K) and keys (N,); unchanged if disabled."""
        return (
            apply_consistency(emissions, keys, self.labels, self.weight)
            if self.weight
            else emissions
        )


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
