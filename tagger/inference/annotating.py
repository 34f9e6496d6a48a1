"""From windows of batches to sentences with the annotation of the model.

Axes: T time, K tags.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from tagger.inference.decoder import Decoder
from tagger.inference.member import TokenBatch
from tagger.inference.pipeline import Window
from tagger.inference.selection import Selected
from tagger.text.spans import Alternative, Sentence, Span

__all__ = ["annotated", "arrays"]


def annotated(windows: Iterable[Window[Selected]], decoder: Decoder) -> Iterator[Sentence]:
    """Annotate sentences with what was selected of their batches.

    Args:
        windows: Sentences with the results of their batches, consumed lazily.
        decoder: The decoder that decoded them.

    Yields:
        Copies of the sentences, in order, with spans; or with tags, if those are plain.
    """
    for window in windows:
        yield from _window(window, decoder)


def arrays(windows: Iterable[Window[np.ndarray]]) -> Iterator[tuple[Sentence, np.ndarray]]:
    """Pair sentences with their rows of results.

    Args:
        windows: Sentences with the results (B, T, K) of their batches, consumed lazily.

    Yields:
        Each sentence, in order, with its rows (T, K), without padding.
    """
    for window in windows:
        rows: list[np.ndarray] = [np.empty(0)] * len(window.sentences)
        for batch, results in zip(window.batches, window.results(), strict=True):
            for index, length, each in zip(batch.indices, batch.lengths, results, strict=True):
                rows[index] = each[:length]
        yield from zip(window.sentences, rows, strict=True)


def _window(window: Window[Selected], decoder: Decoder) -> Iterator[Sentence]:
    """Yield the sentences of a window with their decoded spans or tags."""
    spans: list[list[Span]] = [[] for _ in window.sentences]
    tags: list[tuple[str, ...] | None] = [None] * len(window.sentences)
    more: list[dict[str, Any]] = [{} for _ in window.sentences]
    for batch, selected in zip(window.batches, window.results(), strict=True):
        indices, decoded = batch.indices.tolist(), selected.decoded
        _add_more(window, batch, selected, decoder, more)
        if decoder.plain_tags and decoded.paths is not None:
            for index, path, length in zip(
                indices, decoded.paths, batch.lengths.tolist(), strict=True
            ):
                tags[index] = tuple(decoder.tags[number] for number in path[:length].tolist())
        for row, start, end, label, score in decoded.spans:
            index, name = indices[row], decoder.labels[label]
            spans[index].append(window.sentences[index].span(start, end, name, score))
    for sentence, own_spans, own_tags, extra in zip(
        window.sentences, spans, tags, more, strict=True
    ):
        found = sentence.with_annotation(None if decoder.plain_tags else tuple(own_spans), own_tags)
        yield replace(found, **extra) if extra else found


def _add_more(
    window: Window[Selected],
    batch: TokenBatch,
    selected: Selected,
    decoder: Decoder,
    more: list[dict[str, Any]],
) -> None:
    """Add the candidates and best sequences of a batch to the fields of its sentences."""
    indices, sentences = batch.indices.tolist(), window.sentences
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
