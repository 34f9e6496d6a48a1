"""What a word is elsewhere in a document helps to tell what it is here.

A name is often clear in one sentence and doubtful in the next: "Blackburn Rovers sacked their manager", then "Blackburn 2
Everton 0" in a table. Before decoding, each token's probabilities of tags are multiplied by a power of what the word's other
occurrences in the document say of its label:

    log p'_t(tag)  =  log p_t(tag) + weight · log( mean over other occurrences s of P_s(label of tag) )

Nothing is trained, and a word that occurs once is left as it was. (With learnt attention, the same idea: Gui et al. 2020,
"Leveraging Document-Level Label Consistency for Named Entity Recognition".)

Axes: N tokens, K tags, L labels and none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from tagger.text import schemes
from tagger.text.formats.conll import DOCUMENT_MARK
from tagger.text.spans import Sentence

__all__ = ["STRETCH", "agreed", "key_of", "labels_of", "stretches"]

STRETCH = 64
"""Sentences of a document that are looked at together, at most: a file may be one endless document."""

_DOUBT = 0.05  # the others may err: no label's probability sinks to nothing because of them


def key_of(word: str) -> str:
    """What an occurrence is known by; empty for a word that has no part in this: "of" is not the same wherever it stands."""
    return word.lower() if any(map(str.isalnum, word)) and (len(word) > 3 or not word.islower()) else ""


def labels_of(tags: Sequence[str]) -> np.ndarray:
    """Which label each tag belongs to, (K,) int64, counted in order of their appearance; "O" is one."""
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(schemes.split(tag)[1], len(numbers)) for tag in tags])


def stretches(sentences: Iterable[Sentence]) -> Iterator[list[Sentence]]:
    """Consecutive sentences of one document, `STRETCH` at most.

    A file is a document, unless it has marks of documents between its sentences, or each of its JSON objects is one.
    """
    stretch: list[Sentence] = []
    for sentence in sentences:
        if stretch and (len(stretch) == STRETCH or _begins_document(sentence, stretch[-1])):
            yield stretch
            stretch = []
        stretch.append(sentence)
    if stretch:
        yield stretch


def _begins_document(sentence: Sentence, previous: Sentence) -> bool:
    record, before = sentence.record, previous.record
    if record is before:
        return False
    if record is None or before is None or record.path != before.path or record.data is not None:
        return True
    return any(line.startswith(DOCUMENT_MARK) for line in record.leading)


def agreed(emissions: np.ndarray, keys: np.ndarray, labels: np.ndarray, weight: float) -> np.ndarray:
    """The emissions (N, K) of tokens of which those with equal `keys` (N,) inform each other; negative keys have no part.

    `labels` (K,) are those of `labels_of`. Equal keys must be of one stretch.
    """
    logs = emissions - np.logaddexp.reduce(emissions, axis=1, keepdims=True)
    members = np.flatnonzero(keys >= 0)
    _, groups, counts = np.unique(keys[members], return_inverse=True, return_counts=True)
    several = counts[groups] > 1
    members, groups = members[several], groups[several]
    if not len(members):
        return logs
    mine = np.exp(logs[members]) @ np.eye(labels.max() + 1)[labels]  # (M, L)
    sums = np.stack([np.bincount(groups, column, len(counts)) for column in mine.T], axis=1)
    others = (sums[groups] - mine) / (counts[groups] - 1)[:, None]
    share = _DOUBT / others.shape[1] + (1 - _DOUBT) * np.clip(others, 0, 1)
    logs[members] += weight * np.log(share)[:, labels]
    return logs
