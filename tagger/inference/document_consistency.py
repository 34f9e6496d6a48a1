"""What a word is elsewhere in a document helps to tell what it is here.

A name is often clear in one sentence and doubtful in the next: "Blackburn Rovers sacked their
manager", then "Blackburn 2 Everton 0" in a table. Before decoding, each token's probabilities of
tags are multiplied by a power of what the word's other occurrences in the document say of its
label:

    log p'_t(tag)  =  log p_t(tag) + weight · log( mean over others s of P_s(label of tag) )

Nothing is trained, and a word that occurs once is left as it was. (With learnt attention, the same
idea: Gui et al. 2020, "Leveraging Document-Level Label Consistency for Named Entity Recognition".)

Axes: N tokens, K tags, L labels and none.
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
    "chunks",
    "keys_within",
]

CHUNK_SENTENCES, CHUNK_TOKENS = 64, 1 << 13
"""Sentences of a document that are looked at together, at most, and tokens: a file may be one
endless document.
"""

WEIGHT = 0.6
"""That of the other occurrences, where dev says that they help; from 0.3 to 0.9 it makes little
difference.
"""
_SMOOTHING = 0.05  # the others may err: no label's probability sinks to nothing because of them


def chunks(sentences: Iterable[Sentence]) -> Iterator[list[Sentence]]:
    """Consecutive sentences of one document, `CHUNK_SENTENCES` at most, and no more once they have
    `CHUNK_TOKENS`.

    A file is a document, unless it has marks of documents between its sentences, or each of its
    JSON objects is one.
    """
    stretch: list[Sentence] = []
    tokens = 0
    for sentence in sentences:
        if stretch and (
            len(stretch) == CHUNK_SENTENCES
            or tokens >= CHUNK_TOKENS
            or _begins_document(sentence, stretch[-1])
        ):
            yield stretch
            stretch, tokens = [], 0
        stretch.append(sentence)
        tokens += len(sentence)
    if stretch:
        yield stretch


def _begins_document(sentence: Sentence, previous: Sentence) -> bool:
    record, before = sentence.record, previous.record
    if record is before:
        return False
    if record is None or before is None or record.path != before.path or record.data is not None:
        return True
    return any(line.startswith(DOCUMENT_MARK) for line in record.leading)


def apply_consistency(
    emissions: np.ndarray, keys: np.ndarray, labels: np.ndarray, weight: float
) -> np.ndarray:
    """The emissions (N, K) of tokens of which those with equal `keys` (N,) inform each other;
    negative keys have no part.

    `labels` (K,) are numbers of the tags' labels, from 0. Those that others inform become
    logarithms of probabilities.
    """
    members = np.flatnonzero(keys >= 0)
    _, groups, counts = np.unique(keys[members], return_inverse=True, return_counts=True)
    several = counts[groups] > 1
    members, groups = members[several], groups[several]
    if not len(members):
        return emissions
    logs = emissions[members]
    logs -= np.logaddexp.reduce(logs, axis=1, keepdims=True)
    mine = np.exp(logs) @ np.eye(labels.max() + 1)[labels]  # (M, L)
    sums = np.stack([np.bincount(groups, column, len(counts)) for column in mine.T], axis=1)
    others = (sums[groups] - mine) / (counts[groups] - 1)[:, None]
    share = _SMOOTHING / others.shape[1] + (1 - _SMOOTHING) * np.clip(others, 0, 1)
    informed = emissions.copy()
    informed[members] = logs + weight * np.log(share)[:, labels]
    return informed


class DocumentConsistency:
    """What `apply_consistency` needs to know of a model: its tags' labels, and how much the other
    occurrences count; 0: nothing.
    """

    def __init__(self, tags: Sequence[str], weight: float) -> None:
        numbers: dict[str, int] = {}
        self.labels = np.array(
            [numbers.setdefault(schemes.split(tag)[1], len(numbers)) for tag in tags]
        )  # "O" is one
        self.weight = weight

    @classmethod
    def of(cls, bundle: Bundle) -> DocumentConsistency:
        """That of a trained model: dev decided whether there is any."""
        return cls(bundle.tags, float(bundle.metrics.get("agreement", {}).get("weight", 0)))

    def __call__(self, emissions: np.ndarray, keys: np.ndarray) -> np.ndarray:
        """As `apply_consistency`."""
        return (
            apply_consistency(emissions, keys, self.labels, self.weight)
            if self.weight
            else emissions
        )


def keys_within(stretches: Sequence[Sequence[Sentence]], keys: np.ndarray) -> np.ndarray:
    """The words' keys (N,), made such that equal ones are of one stretch; the stretches have N
    tokens in all.
    """
    tokens = [sum(map(len, stretch)) for stretch in stretches]
    places = np.repeat(np.arange(len(tokens)), tokens)
    return np.where(keys < 0, -1, places * (keys.max(initial=0) + 1) + keys)
