"""Mention replacement: a name in a training sentence gives way to another of its label (Dai and Adel 2020, section 3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tagger.text import schemes
from tagger.text.spans import Span

__all__ = ["Mentions"]


class Mentions:
    """All distinct mentions of a corpus by label, as numbers of a lexicon; they take each other's places."""

    def __init__(self, numbers: Sequence[np.ndarray], spans: Sequence[Sequence[Span]], tag_ids: Mapping[str, int], scheme: str):
        """`numbers` and `spans` are those of each sentence; tags of `scheme` have the ids `tag_ids`."""
        self.spans = [sorted(within, key=lambda span: span.start) for within in spans]
        self.tag_ids = tag_ids
        self.scheme = scheme
        found: dict[str, dict[bytes, np.ndarray]] = {}
        for words, within in zip(numbers, self.spans, strict=True):
            for span in within:
                mention = words[span.start : span.end]
                found.setdefault(span.label, {})[mention.tobytes()] = mention
        self.by_label = {label: list(mentions.values()) for label, mentions in found.items()}

    def replaced(
        self, numbers: Sequence[np.ndarray], tags: Sequence[np.ndarray], probability: float, random: np.random.Generator
    ) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Numbers (T,) and tag ids (T,) of all sentences, in which each mention was replaced with `probability`.

        A mention may be longer or shorter than the one whose place it takes.
        """
        results = [self._sentence(*row, probability, random) for row in zip(numbers, tags, self.spans, strict=True)]
        return [words for words, _ in results], [ids for _, ids in results]

    def _sentence(
        self, words: np.ndarray, ids: np.ndarray, spans: Sequence[Span], probability: float, random: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        new_words, new_ids, done = [], [], 0
        for span in spans:
            if random.random() >= probability:
                continue
            mentions = self.by_label[span.label]
            mention = mentions[random.integers(len(mentions))]
            new_words += [words[done : span.start], mention]
            new_ids += [ids[done : span.start], self._tags(span.label, len(mention))]
            done = span.end
        if not done:
            return words, ids
        return np.concatenate([*new_words, words[done:]]), np.concatenate([*new_ids, ids[done:]])

    def _tags(self, label: str, length: int) -> np.ndarray:
        tags = schemes.encode([Span(0, length, label)], length, self.scheme)
        return np.array([self.tag_ids[tag] for tag in tags], dtype=np.int32)
