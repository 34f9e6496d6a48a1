"""Strict scores: tags that violate their scheme form no span (seqeval's strict mode)."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from itertools import chain

from tagger.evaluation import entities
from tagger.evaluation.entities import Entities
from tagger.evaluation.figures import Column, Score, Tags, columns, score_of
from tagger.text import notations, schemes
from tagger.text.schemes import OUTSIDE, PLAIN, PREFIXES, SchemeError

__all__ = ["ENOUGH_SPANS", "strict"]

ENOUGH_SPANS = 100
"""Minimum number of spans to take predicted tags for IO or IOB1.

`schemes.detect` accepts one needless B- in a hundred as IOB1; fewer spans cannot distinguish IOB1
from IOB2 with stray I-.
"""

_LENIENT = ("IO", "IOB1")
"""Schemes that allow every sequence of their prefixes, so that validity is no evidence for them."""


def strict(gold: Tags, predicted: Tags, scheme: str | None = None) -> Score:
    """Compute the scores of exact spans; tags that violate the scheme form no span.

    This is seqeval's ``mode="strict"``.

    A declared `scheme` applies to both columns. Otherwise the scheme of the gold column is
    detected. The predicted column is read in it if it is valid there, converted if it is valid in
    another scheme, and else read strictly: stray tags form no span. IO and IOB1 allow stray tags,
    so a predicted column is only taken for one of them beside gold tags of another scheme if it has
    at least `ENOUGH_SPANS` spans; fewer stray tags are more likely mistakes. Plain tags are counted
    by token.

    If seqeval is installed (`tagger[train]` includes it), it extracts the spans (`seqeval.scheme`,
    which does not need scikit-learn); otherwise the built-in extraction does, which tests compare
    with it. seqeval never receives IO, IOB1 or plain tags: it misreads IOB1 (a needless ``B-``
    forms no span, so IOB2 tags lose nearly all) and does not support IO, so both are converted to
    IOB2, and plain tags are counted here.

    Args:
        gold: The gold tags.
        predicted: The predicted tags, of the same lengths.
        scheme: Tagging scheme of both columns, or "plain". Detected if omitted.

    Returns:
        The scores.

    Raises:
        ValueError: The columns differ in length, or the scheme is unknown.
        SchemeError: The gold column is not valid, or the predicted column has prefixes that are not
            part of its scheme.
    """
    scheme = schemes.ALIASES.get(scheme or "", scheme)
    if scheme not in (None, PLAIN, *PREFIXES):
        raise ValueError(
            f"unknown scheme {scheme!r}: expected one of {', '.join((*PREFIXES, PLAIN))}"
        )
    gold, predicted, common = _in_one_scheme(*columns(gold, predicted), scheme)
    pairs = zip(chain.from_iterable(gold), chain.from_iterable(predicted), strict=True)
    gold_spans, predicted_spans = _entities(gold, common), _entities(predicted, common)
    counts = [
        Counter(label for *_, label in spans)
        for spans in (gold_spans, predicted_spans, gold_spans & predicted_spans)
    ]
    return score_of(
        gold, sum(gold_tag == predicted_tag for gold_tag, predicted_tag in pairs), counts, common
    )


def _entities(column: Column, scheme: str) -> Entities:
    """Return the valid spans of a column; with plain tags, each token is a span."""
    if scheme == PLAIN:
        return {(n, i, i + 1, tag) for n, tags in enumerate(column) for i, tag in enumerate(tags)}
    if scheme in _LENIENT:
        column, scheme = _converted(column, scheme, "IOB2"), "IOB2"
    return entities.found(column, scheme)


def _in_one_scheme(
    gold: Column, predicted: Column, declared: str | None
) -> tuple[Column, Column, str]:
    """Return both columns in one scheme, and its name; only the predicted one may be invalid."""
    scheme = declared or _detected(gold)
    if scheme == PLAIN:
        return gold, predicted, scheme
    other = declared or _scheme_of_predicted(predicted, scheme)
    _check_prefixes(predicted, other)
    # Converting gold to its own scheme drops needless B- of IOB1 and rejects invalid tags.
    gold = _converted(gold, scheme, scheme)
    if other != scheme or scheme in _LENIENT:
        predicted = _converted(predicted, other, scheme)
    return gold, predicted, scheme


def _detected(gold: Column) -> str:
    """Return the scheme of the gold column, IOB1 instead of IO."""
    try:
        notation = notations.detect(Counter(chain.from_iterable(gold)))
        if notation.is_plain:
            return PLAIN
        if notation.name:
            raise SchemeError(f"they are written in another notation ({notation.name})")
        scheme = schemes.detect(gold)
    except (SchemeError, notations.NotationError) as error:
        raise SchemeError(
            f"the gold tags are not in any single scheme: {error}", getattr(error, "index", 0)
        ) from error
    # IOB1 has the same spans as IO, and B- for adjacent spans in the predicted column.
    return "IOB1" if scheme == "IO" else scheme


def _scheme_of_predicted(predicted: Column, expected: str) -> str:
    """Return the scheme to read the predicted column in: `expected` unless only another fits."""
    if all(schemes.first_violation(tags, expected) is None for tags in predicted):
        return expected
    with suppress(SchemeError):
        scheme = schemes.detect(predicted)
        if (
            scheme in _LENIENT
            and sum(len(schemes.decode(tags, scheme)) for tags in predicted) < ENOUGH_SPANS
        ):
            return expected
        return scheme
    return expected


def _check_prefixes(predicted: Column, scheme: str) -> None:
    """Raise SchemeError if a predicted tag has a prefix that is not part of the scheme."""
    for number, tags in enumerate(predicted, start=1):
        for index, tag in enumerate(tags):
            if tag != OUTSIDE and schemes.split(tag)[0] not in tuple(PREFIXES[scheme]):
                raise SchemeError(
                    f"the predicted tag {tag!r} (sentence {number}, token {index + 1}) is not a "
                    f"tag of {scheme}, in which the columns are compared: correct the tags, "
                    f"convert a column, or declare scheme {PLAIN!r} to count by token",
                    index,
                )


def _converted(column: Column, source: str, target: str) -> Column:
    """Convert a column from one scheme to another; raise SchemeError if it is not valid."""
    converted = []
    for number, tags in enumerate(column, start=1):
        try:
            converted.append(schemes.convert(tags, source, target))
        # Only gold tags can be invalid here: predicted tags are converted only if they are valid.
        except SchemeError as error:
            raise SchemeError(f"gold tags, sentence {number}: {error}", error.index) from error
    return converted
