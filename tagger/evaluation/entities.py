"""Extraction of the valid spans from tags that may violate their scheme, for strict scores."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from itertools import chain

from tagger.text import schemes
from tagger.text.schemes import OUTSIDE

__all__ = ["Entities", "built_in", "by_seqeval", "found"]

Entities = set[tuple[int, int, int, str]]
"""A set of spans (sentence, start, end, label): indices of sentence and tokens, end exclusive."""


def found(column: Sequence[Sequence[str]], scheme: str) -> Entities:
    """Return the valid spans of a column of tags.

    Args:
        column: The tags of each sentence.
        scheme: IOB2, IOBES or BILOU.

    Returns:
        The result of `by_seqeval` if seqeval is installed, else of `built_in`, which is equal.
    """
    return by_seqeval(column, scheme) if find_spec("seqeval") else built_in(column, scheme)


def built_in(column: Sequence[Sequence[str]], scheme: str) -> Entities:
    """Return the valid spans of a column of tags, without seqeval; arguments as for `found`."""
    return {
        (number, *span)
        for number, tags in enumerate(column)
        for span in schemes.strict_spans(tags, scheme)
    }


def by_seqeval(column: Sequence[Sequence[str]], scheme: str) -> Entities:
    """Return the spans that seqeval finds in its strict mode; arguments as for `found`.

    Labels are passed as numbers, because seqeval would strip hyphens off their ends.
    """
    # seqeval.metrics would import scikit-learn and SciPy, which takes over a second.
    from seqeval import scheme as seqeval  # type: ignore[import-untyped,unused-ignore]

    parts = [[schemes.split(tag) for tag in tags] for tags in column]
    labels = sorted({label for tags in parts for _, label in tags})
    label_ids = {label: number for number, label in enumerate(labels)}
    tags = [
        [f"{prefix}-{label_ids[label]}" if prefix else OUTSIDE for prefix, label in each]
        for each in parts
    ]
    sentences = seqeval.Entities(tags, getattr(seqeval, scheme)).entities
    return {
        (entity.sent_id, entity.start, entity.end, labels[int(entity.tag)])
        for entity in chain.from_iterable(sentences)
    }
