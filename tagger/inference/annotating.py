"""Sentences of windows with what was decoded for them: spans, tags, candidates, distributions.

Axes: B batch, T time, K tags.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from tagger.inference.decoder import Decoder
from tagger.inference.member import TokenBatch
from tagger.inference.pipeline import Window
from tagger.inference.selection import Selected
from tagger.text.spans import Alternative, Sentence, Span

__all__ = ["annotated", "distributed"]


def annotated(window: Window[Selected], decoder: Decoder) -> Iterator[Sentence]:
    """Annotate the sentences of a window, once it has run.

    Args:
        window: The window.
        decoder: The decoder of its results.

    Yields:
        Copies of the sentences with their decoded spans or tags, and with candidates and best
        sequences where they were selected.
    """
    spans: list[list[Span]] = [[] for _ in window.sentences]
    tags: list[tuple[str, ...] | None] = [None] * len(window.sentences)
    more: list[dict[str, Any]] = [{} for _ in window.sentences]
    names, labels = decoder.tags, decoder.labels
    for batch, selected in zip(window.batches, window.results(), strict=True):
        indices, decoded = batch.indices.tolist(), selected.decoded
        _add_more(window.sentences, batch, selected, decoder, more)
        if decoder.plain_tags and decoded.paths is not None:
            for index, path, length in zip(
                indices, decoded.paths, batch.lengths.tolist(), strict=True
            ):
                tags[index] = tuple(names[number] for number in path[:length].tolist())
        for row, start, end, label, score in decoded.spans:
            index = indices[row]
            spans[index].append(window.sentences[index].span(start, end, labels[label], score))
    for sentence, own_spans, own_tags, extra in zip(
        window.sentences, spans, tags, more, strict=True
    ):
        found = None if decoder.plain_tags else tuple(own_spans)
        result = sentence.with_annotation(found, own_tags)
        yield replace(result, **extra) if extra else result


def _add_more(
    sentences: list[Sentence],
    batch: TokenBatch,
    selected: Selected,
    decoder: Decoder,
    more: list[dict[str, Any]],
) -> None:
    """Add the candidates and best sequences of a batch to the fields of its sentences."""
    indices = batch.indices.tolist()
    if selected.candidates is not None:
        spans: dict[int, list[Span]] = {index: [] for index in indices}
        for row, start, end, label, score in selected.candidates:
            name = decoder.labels[label]
            spans[indices[row]].append(sentences[indices[row]].span(start, end, name, score))
        for index, candidates in spans.items():
            more[index]["candidates"] = tuple(candidates)
    if selected.best is not None:
        lengths = batch.lengths.tolist()
        for index, length, paths, scores in zip(indices, lengths, *selected.best, strict=True):
            more[index]["best"] = tuple(
                _alternative(sentences[index], path[:length], score, decoder)
                for path, score in zip(paths, scores.tolist(), strict=True)
                if score > 0
            )


def _alternative(
    sentence: Sentence, path: np.ndarray, score: float, decoder: Decoder
) -> Alternative:
    """Return one of the best tag sequences (T,) of a sentence."""
    if decoder.plain_tags:
        return Alternative(score, tags=tuple(decoder.tags[number] for number in path))
    spans = (sentence.span(one.start, one.end, one.label) for one in decoder.spans_of(path))
    return Alternative(score, spans=tuple(spans))


def distributed(window: Window[np.ndarray]) -> Iterator[tuple[Sentence, np.ndarray]]:
    """Pair the sentences of a window with their rows of scores, once it has run.

    Args:
        window: A window whose results are arrays (B, T, K).

    Yields:
        The sentences, and their scores or probabilities (T, K).
    """
    rows: list[np.ndarray] = [np.empty(0)] * len(window.sentences)
    for batch, probabilities in zip(window.batches, window.results(), strict=True):
        for index, length, each in zip(batch.indices, batch.lengths, probabilities, strict=True):
            rows[index] = each[:length]
    yield from zip(window.sentences, rows, strict=True)
