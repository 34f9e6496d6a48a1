"""Mention replacement, a data augmentation (Dai and Adel 2020, section 3).

Mentions in training sentences are replaced by random mentions of the same label.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tagger.text import schemes
from tagger.text.spans import Sentence, Span

__all__ = ["Mentions", "versions"]


class Mentions:
    """The distinct mentions of sentences by label, which can replace each other.

    A sentence consists of two arrays (T,), its words and its tags, which are ids or strings. The
    tags encode its spans in the training scheme, in which the tags of a span do not depend on its
    neighbors.

    Args:
        words: Words of each sentence, (T,).
        tags: Tags of each sentence, (T,).
        spans: Spans of each sentence, in any order.
    """

    def __init__(
        self,
        words: Sequence[np.ndarray],
        tags: Sequence[np.ndarray],
        spans: Sequence[Sequence[Span]],
    ):
        ordered = [sorted(within, key=lambda span: span.start) for within in spans]
        self.sentences = list(zip(words, tags, ordered, strict=True))
        distinct: dict[str, dict[tuple[int, ...], tuple[np.ndarray, np.ndarray]]] = {}
        for row, names, within in self.sentences:
            for span in within:
                mention = row[span.start : span.end]
                distinct.setdefault(span.label, {})[tuple(mention)] = (
                    mention,
                    names[span.start : span.end],
                )
        self.by_label = {label: list(mentions.values()) for label, mentions in distinct.items()}

    def replaced(
        self, probability: float, random: np.random.Generator
    ) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Return the sentences after replacing mentions at random.

        Args:
            probability: Probability of replacing each mention.
            random: Random generator.

        Returns:
            The words and the tags of all sentences, (T,) each. T may change, as a mention may be
            longer or shorter than its replacement. Arrays of unchanged sentences are not copied.
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
        """Replace the mentions of one sentence with `probability` each."""
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
    """Return several versions of sentences, in which mentions are replaced at random.

    The versions do not depend on the training's seed, so that language-model states of them, which
    are cached on disk, can be shared by all seeds.

    Args:
        sentences: Sentences with spans.
        count: Number of versions, the original included.
        probability: Probability of replacing each mention.

    Returns:
        ``count * len(sentences)`` sentences: first the originals, then each version in full.
    """
    spans = [sentence.spans or () for sentence in sentences]
    words = [np.array(sentence.tokens, dtype=object) for sentence in sentences]
    encoded = [
        schemes.encode(within, len(row), schemes.TRAINING_SCHEME)
        for row, within in zip(words, spans, strict=True)
    ]
    mentions = Mentions(words, [np.array(tags, dtype=object) for tags in encoded], spans)
    results = list(sentences)
    for number in range(1, count):
        replaced = zip(*mentions.replaced(probability, np.random.default_rng(number)), strict=True)
        results += [
            Sentence(tuple(row), spans=tuple(schemes.decode(list(tags), schemes.TRAINING_SCHEME)))
            for row, tags in replaced
        ]
    return results
