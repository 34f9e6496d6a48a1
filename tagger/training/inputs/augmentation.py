"""Mention replacement: a name in a training sentence gives way to another of its label (Dai and
Adel 2020, section 3).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tagger.text import schemes
from tagger.text.spans import Sentence, Span

__all__ = ["Mentions", "versions"]


class Mentions:
    """All distinct mentions of some sentences by label; they take each other's places.

    A sentence is two arrays (T,): its words and its tags, numbers or strings. The tags encode its
    spans in the training scheme, in which those of a span do not depend on what stands beside it.
    """

    def __init__(
        self,
        words: Sequence[np.ndarray],
        tags: Sequence[np.ndarray],
        spans: Sequence[Sequence[Span]],
    ):
        ordered = [sorted(within, key=lambda span: span.start) for within in spans]
        self.sentences = list(zip(words, tags, ordered, strict=True))
        found: dict[str, dict[tuple[int, ...], tuple[np.ndarray, np.ndarray]]] = {}
        for row, names, within in self.sentences:
            for span in within:
                mention = row[span.start : span.end]
                found.setdefault(span.label, {})[tuple(mention)] = (
                    mention,
                    names[span.start : span.end],
                )
        self.by_label = {label: list(mentions.values()) for label, mentions in found.items()}

    def replaced(
        self, probability: float, random: np.random.Generator
    ) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Words and tags, (T,) each, of all sentences, in which each mention was replaced with
        `probability`.

        A mention may be longer or shorter than the one whose place it takes.
        """
        results = [self._sentence(*sentence, probability, random) for sentence in self.sentences]
        return [words for words, _ in results], [tags for _, tags in results]

    def _sentence(
        self,
        words: np.ndarray,
        tags: np.ndarray,
        spans: Sequence[Span],
        probability: float,
        random: np.random.Generator,
    ) -> tuple[np.ndarray, np.ndarray]:
        parts, done = [], 0
        for span in spans:
            if random.random() >= probability:
                continue
            mentions = self.by_label[span.label]
            parts += [
                (words[done : span.start], tags[done : span.start]),
                mentions[random.integers(len(mentions))],
            ]
            done = span.end
        if not done:
            return words, tags
        new_words, new_tags = zip(*parts, (words[done:], tags[done:]), strict=True)
        return np.concatenate(new_words), np.concatenate(new_tags)


def versions(sentences: Sequence[Sentence], count: int, probability: float) -> list[Sentence]:
    """Sentences with spans in `count` versions, one after the other: as they are, then with each
    mention replaced with `probability`. Always the same ones, so that what language models know of
    them is kept on disk for all seeds."""
    spans = [sentence.spans or () for sentence in sentences]
    words = [np.array(sentence.tokens, dtype=object) for sentence in sentences]
    encoded = [
        schemes.encode(within, len(row), schemes.TRAINING_SCHEME)
        for row, within in zip(words, spans, strict=True)
    ]
    mentions, found = (
        Mentions(words, [np.array(tags, dtype=object) for tags in encoded], spans),
        list(sentences),
    )
    for number in range(1, count):
        replaced = zip(*mentions.replaced(probability, np.random.default_rng(number)), strict=True)
        found += [
            Sentence(tuple(row), spans=tuple(schemes.decode(list(tags), schemes.TRAINING_SCHEME)))
            for row, tags in replaced
        ]
    return found
