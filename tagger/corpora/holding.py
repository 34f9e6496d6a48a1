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
    "fraction_of_text",
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
    limit = limit_of(fractions, share, corpus.name, "sentence")
    dev = [s for unit, f in zip(units, fractions, strict=True) if f <= limit for s in unit]
    train = [s for unit, f in zip(units, fractions, strict=True) if f > limit for s in unit]
    held = sum(f <= limit for f in fractions)
    name = f"dev, {held:,} of {len(units):,} {kind} held out of {corpus.name}"
    return replace(corpus, sentences=train), replace(corpus, name=name, sentences=dev)


def limit_of(fractions: Sequence[float], share: float, name: str, unit: str) -> float:
    """Return the fraction up to which units are held out.

    Args:
        fractions: The fraction of each unit, as `fraction` or `fraction_of_text` returns it.
        share: Share of the units that are held out, in expectation.
        name: Name of the corpus, for errors.
        unit: What a unit is, for errors.

    Returns:
        The limit, with at least one unit on either side, however small the corpus is.

    Raises:
        DataError: There are fewer than two distinct units.
    """
    if len(set(fractions)) < 2:
        raise DataError(
            name,
            None,
            f"has only one distinct {unit}, so none can be held out; give --dev FILE",
        )
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
    return fraction_of_text("\n".join(" ".join(sentence.tokens) for sentence in sentences))


def fraction_of_text(text: str) -> float:
    """Return a number from 0 to 1 that depends on a text alone."""
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") / 2**64
