"""Scores of predicted tags against gold tags: conlleval, strict scores, and a fast F1 of spans.

conlleval and strict are precision, recall and F1 of exact spans. They differ only in which tags
form a span:

    conlleval   the script of the CoNLL shared tasks (Erik Tjong Kim Sang, 2004-01-26), reproduced
                to the last digit. It accepts any tags: a stray ``I-`` opens a span. It does not
                know S, L and U, which open and close a span only where the label changes, so that
                adjacent spans of one label can merge in IOBES and BILOU.
    strict      tags that violate the scheme form no span (seqeval's strict mode).

Percentages are rounded to two decimals, as conlleval prints them; a quotient by zero is 0.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import lru_cache
from itertools import chain, zip_longest
from typing import Any

from tagger.evaluation import entities
from tagger.evaluation.entities import Entities
from tagger.text import schemes
from tagger.text.schemes import OUTSIDE, PLAIN, PREFIXES, SchemeError
from tagger.text.spans import Span

__all__ = ["LabelScore", "Score", "Scores", "conlleval", "scores", "span_f1", "strict"]

Tags = Iterable[Sequence[str]]
"""A column of tags: one tag per token, sentence by sentence."""
Spans = Iterable[Iterable[Span]]
"""The spans of each sentence."""
Column = list[list[str]]
"""A column of tags in memory."""

ENOUGH_SPANS = 100
"""Minimum number of spans to take predicted tags for IO or IOB1.

`schemes.detect` accepts one needless B- in a hundred as IOB1; fewer spans cannot distinguish IOB1
from IOB2 with stray I-.
"""

_LENIENT = ("IO", "IOB1")
"""Schemes that allow every sequence of their prefixes, so that validity is no evidence for them."""


@dataclass(frozen=True, slots=True)
class LabelScore:
    """Counts of the spans of one label (tokens, for plain tags), and percentages.

    Attributes:
        gold: Spans in the gold column.
        predicted: Spans in the predicted column.
        correct: Spans in both.
        precision: 0 to 100.
        recall: 0 to 100.
        f1: 0 to 100.
    """

    gold: int
    predicted: int
    correct: int
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, slots=True)
class Score:
    """The scores of a corpus: counts of spans, micro averages in percent, and scores per label.

    With plain tags each tag is a label and each token a span.

    Attributes:
        tokens: Number of tokens.
        gold: Spans in the gold column.
        predicted: Spans in the predicted column.
        correct: Spans in both.
        accuracy: Percentage of tokens, O included, with the same tag in both columns.
        precision: Micro average, 0 to 100.
        recall: Micro average, 0 to 100.
        f1: Micro average, 0 to 100.
        labels: The scores of each label that occurs in either column.
        macro: Precision, recall and F1 averaged over these labels.
        scheme: The scheme in which the columns were compared; empty for conlleval, which uses none.
    """

    tokens: int
    gold: int
    predicted: int
    correct: int
    accuracy: float
    precision: float
    recall: float
    f1: float
    labels: dict[str, LabelScore]
    macro: tuple[float, ...]
    scheme: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return counts, percentages and ``labels`` as a dict for ``json.dumps``.

        The keys are a public format, also written by ``tagger evaluate --json``.
        """
        names = ("tokens", "gold", "predicted", "correct", "accuracy", "precision", "recall", "f1")
        keys = ("precision", "recall", "f1", "predicted")
        labels = {
            name: {key: getattr(figures, key) for key in keys}
            for name, figures in self.labels.items()
        }
        return {**{name: getattr(self, name) for name in names}, "labels": labels}


@dataclass(frozen=True, slots=True)
class Scores:
    """Both readings of two columns of tags.

    Attributes:
        conlleval: The scores of the script conlleval.
        strict: The strict scores. If no scheme fits the gold tags, both columns are read in IOB1;
            None if they cannot be read in IOB1 either.
        problem: Why no scheme fits the gold tags; else empty.
    """

    conlleval: Score
    strict: Score | None
    problem: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return ``{"conlleval": {...}, "strict": {...}}``; ``strict`` may be None."""
        return {
            "conlleval": self.conlleval.as_json(),
            "strict": self.strict and self.strict.as_json(),
        }


def scores(gold: Tags, predicted: Tags, scheme: str | None = None) -> Scores:
    """Compute the conlleval and strict scores of the same sentences.

    conlleval accepts any tags, so its scores are returned even if strict finds no scheme, which is
    then reported as ``problem``.

    Args:
        gold: The gold tags.
        predicted: The predicted tags, of the same lengths.
        scheme: Tagging scheme of both columns, or "plain". Detected if omitted; see `strict`.

    Returns:
        Both scores.

    Raises:
        ValueError: The columns differ in length, or the scheme is unknown.
        SchemeError: The tags do not fit a declared `scheme`.
    """
    gold, predicted = _columns(gold, predicted)
    by_script = conlleval(gold, predicted)
    try:
        return Scores(by_script, strict(gold, predicted, scheme))
    except SchemeError as error:
        if scheme is not None:
            raise
        problem = str(error)
    with suppress(SchemeError):
        return Scores(by_script, strict(gold, predicted, "IOB1"), problem)
    return Scores(by_script, None, problem)


def span_f1(gold: Spans, predicted: Spans) -> tuple[float, float, float]:
    """Compute precision, recall and F1 of spans; a span is correct if start, end and label match.

    Args:
        gold: The gold spans of each sentence.
        predicted: The predicted spans of each sentence.

    Returns:
        Precision, recall and F1 as fractions, 0 to 1.

    Raises:
        ValueError: The columns differ in their number of sentences.
    """
    gold_count, predicted_count, correct = 0, 0, 0
    for ours, theirs in zip(map(set, gold), map(set, predicted), strict=True):
        gold_count += len(ours)
        predicted_count += len(theirs)
        correct += len(ours & theirs)
    precision, recall, f1 = _percentages(gold_count, predicted_count, correct)
    return precision / 100, recall / 100, f1 / 100


def conlleval(gold: Tags, predicted: Tags) -> Score:
    """Compute the scores that the script conlleval of 2004-01-26 prints.

    Args:
        gold: The gold tags, in any scheme or mixture of schemes.
        predicted: The predicted tags, of the same lengths.

    Returns:
        The scores, with an empty ``scheme``.

    Raises:
        ValueError: The columns differ in length.
    """
    gold, predicted = _columns(gold, predicted)
    gold_counts, predicted_counts, correct = counts = (
        Counter[str](),
        Counter[str](),
        Counter[str](),
    )
    matching = 0
    # Whether both columns are inside a span that began at the same token with the same label.
    agreeing = False
    ours_before = theirs_before = _BORDER
    for ours_tags, theirs_tags in zip(gold, predicted, strict=True):
        pairs = list(zip(map(_parts, ours_tags), map(_parts, theirs_tags), strict=True))
        matching += sum(ours == theirs for ours, theirs in pairs)
        for ours, theirs in [*pairs, (_BORDER, _BORDER)]:
            ours_closes, ours_opens = _turn(ours_before, ours)
            theirs_closes, theirs_opens = _turn(theirs_before, theirs)
            same_label = ours[1] == theirs[1]
            if agreeing and ours_closes and theirs_closes:
                correct[ours_before[1]] += 1
                agreeing = False
            elif ours_closes != theirs_closes or not same_label:
                agreeing = False
            gold_counts[ours[1]] += ours_opens
            predicted_counts[theirs[1]] += theirs_opens
            agreeing = agreeing or (ours_opens and theirs_opens and same_label)
            ours_before, theirs_before = ours, theirs
    correct[""] += agreeing  # the script closes an open span at the end of the file
    return _score(gold, matching, counts)


_BORDER = (OUTSIDE, "")
_CLOSING = frozenset(map(tuple, ("BB", "BO", "IB", "IO", "EE", "EI", "EO")))
_OPENING = frozenset(map(tuple, ("BB", "IB", "OB", "OI", "EE", "EI", "OE")))


@lru_cache(maxsize=1 << 16)
def _parts(tag: str) -> tuple[str, str]:
    """Split a tag at its first hyphen, as the script does; to Perl the label ``0`` is no label."""
    prefix, _, label = tag.partition("-")
    return prefix, "" if label == "0" else label


@lru_cache(maxsize=1 << 16)
def _turn(before: tuple[str, str], here: tuple[str, str]) -> tuple[bool, bool]:
    """Return whether a span closes and whether one opens between two tags.

    These are endOfChunk and startOfChunk of the script.
    """
    (last, last_label), (prefix, label) = before, here
    changed, pair = last_label != label, (last, prefix)
    closes = pair in _CLOSING or last in ("[", "]") or (changed and last not in (OUTSIDE, "."))
    opens = pair in _OPENING or prefix in ("[", "]") or (changed and prefix not in (OUTSIDE, "."))
    return closes, opens


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
    if scheme not in (None, PLAIN, *PREFIXES):
        raise ValueError(
            f"unknown scheme {scheme!r}: expected one of {', '.join((*PREFIXES, PLAIN))}"
        )
    gold, predicted, common = _in_one_scheme(*_columns(gold, predicted), scheme)
    pairs = zip(chain.from_iterable(gold), chain.from_iterable(predicted), strict=True)
    ours, theirs = _entities(gold, common), _entities(predicted, common)
    counts = [Counter(label for *_, label in spans) for spans in (ours, theirs, ours & theirs)]
    return _score(gold, sum(tag == other for tag, other in pairs), counts, common)


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
        scheme = schemes.detect(gold)
    except SchemeError as error:
        raise SchemeError(
            f"the gold column is not in any single scheme: {error}", error.index
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
        return expected if scheme == PLAIN else scheme
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


def _columns(gold: Tags, predicted: Tags) -> tuple[Column, Column]:
    """Return both columns as lists; raise ValueError if a sentence differs in length."""
    ours, theirs = [list(tags) for tags in gold], [list(tags) for tags in predicted]
    for number, (tags, others) in enumerate(zip_longest(ours, theirs, fillvalue=()), start=1):
        if len(tags) != len(others):
            raise ValueError(
                f"sentence {number} has {len(tags)} gold tags but {len(others)} predicted ones"
            )
    return ours, theirs


def _score(
    column: Column, matching: int, counts: Sequence[Counter[str]], scheme: str = ""
) -> Score:
    """Return the score for `matching` equal tags and the gold, predicted and correct `counts`."""
    gold, predicted, correct = counts
    names = sorted(gold | predicted)  # labels without a span are dropped
    labels = {name: _figures(gold[name], predicted[name], correct[name]) for name in names}
    exact = [_percentages(gold[name], predicted[name], correct[name]) for name in names]
    macro = tuple(round(sum(row) / len(names), 2) for row in zip(*exact, strict=True)) or (
        0.0,
        0.0,
        0.0,
    )
    micro, tokens = asdict(_figures(*(count.total() for count in counts))), sum(map(len, column))
    accuracy = round(100 * matching / (tokens or 1), 2)
    return Score(
        **micro, tokens=tokens, accuracy=accuracy, labels=labels, macro=macro, scheme=scheme
    )


def _figures(gold: int, predicted: int, correct: int) -> LabelScore:
    """Return the counts with their percentages, rounded to two decimals."""
    precision, recall, f1 = (round(value, 2) for value in _percentages(gold, predicted, correct))
    return LabelScore(gold, predicted, correct, precision, recall, f1)


def _percentages(gold: int, predicted: int, correct: int) -> tuple[float, float, float]:
    """Return precision, recall and F1 in percent."""
    # 100 comes first, and F1 is computed from percentages: in another order of operations the last
    # digit can differ from that of the script.
    precision = 100 * correct / predicted if predicted else 0.0
    recall = 100 * correct / gold if gold else 0.0
    return precision, recall, 2 * precision * recall / ((precision + recall) or 1)
