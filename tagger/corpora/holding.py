"""Holding out a tenth of train as dev, where no dev file is given.

A document is held out if the hash of its text falls into the lowest tenth, so the choice does not
depend on the order of the documents and stays the same when others are added, and duplicates stay
together. In a corpus of few documents, single sentences are held out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace

from tagger.errors import DataError
from tagger.text.annotation import Corpus
from tagger.text.documents import begins_document
from tagger.text.spans import Sentence

__all__ = [
    "SHARE",
    "documents",
    "few_documents",
    "fraction",
    "fraction_of",
    "hold_out",
    "limit_of",
]

SHARE = 0.1
"""Share of the documents that are held out."""

# Documents from which whole documents are held out.
_MANY_DOCUMENTS = 30


def hold_out(corpus: Corpus, share: float = SHARE) -> tuple[Corpus, Corpus]:
    """Divide a corpus into train and dev.

    Args:
        corpus: The annotated corpus.
        share: Share of the units that are held out, in expectation.

    Returns:
        Train and dev, with the sentences in their order. Their names say what they are.

    Raises:
        DataError: The corpus has fewer than two sentences.
    """
    units = documents(corpus.sentences)
    kind = "documents"
    if few_documents(units):
        units, kind = [[sentence] for sentence in corpus.sentences], "sentences"
    fractions = [fraction(unit) for unit in units]
    if len(set(fractions)) < 2:
        raise DataError(
            corpus.name,
            None,
            "has only one distinct sentence, so none can be held out; give --dev FILE",
        )
    limit = limit_of(fractions, share)
    dev = [s for unit, f in zip(units, fractions, strict=True) if f <= limit for s in unit]
    held = sum(f <= limit for f in fractions)
    name = f"dev, {held:,} of {len(units):,} {kind} held out of {corpus.name}"
    return _without(corpus, frozenset(map(id, dev))), Corpus(name, dev, corpus.scheme)


def _without(corpus: Corpus, held: frozenset[int]) -> Corpus:
    """Return a corpus, and those of its files, without the sentences with some identities."""
    kept = [sentence for sentence in corpus.sentences if id(sentence) not in held]
    parts = [_without(part, held) for part in corpus.parts]
    return replace(corpus, sentences=kept, parts=tuple(part for part in parts if part.sentences))


def limit_of(fractions: Sequence[float], share: float = SHARE) -> float:
    """Return the greatest fraction that is held out.

    At least one unit is on either side, however small the corpus is.

    Args:
        fractions: Fraction of each unit, at least two distinct ones.
        share: Share of the units that are held out, in expectation.
    """
    return min(max(share, min(fractions)), max(f for f in fractions if f < max(fractions)))


def few_documents(units: Sequence[object]) -> bool:
    """Return whether a corpus has so few documents that sentences are held out."""
    return len(units) < _MANY_DOCUMENTS


def documents(sentences: Iterable[Sentence]) -> list[list[Sentence]]:
    """Divide sentences into documents; see `tagger.text.documents`.

    Args:
        sentences: Sentences in order.

    Returns:
        The sentences of each document.
    """
    found: list[list[Sentence]] = []
    for sentence in sentences:
        if not found or begins_document(sentence, found[-1][-1]):
            found.append([])
        found[-1].append(sentence)
    return found


def fraction(sentences: Sequence[Sentence]) -> float:
    """Return a number from 0 to 1 that depends on the tokens of some sentences alone."""
    return fraction_of("\n".join(" ".join(sentence.tokens) for sentence in sentences))


def fraction_of(text: str) -> float:
    """Return a number from 0 to 1 that depends on a text alone."""
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") / 2**64
