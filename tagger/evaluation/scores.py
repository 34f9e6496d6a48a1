"""How well predicted tags agree with gold tags: conlleval's figures, strict ones, and a fast F1
over spans.

Both are precision, recall and F1 of exact spans. They differ only in what they take for a span:

    conlleval   the script of the CoNLL shared tasks (Erik Tjong Kim Sang, 2004-01-26), to the last
                digit. Any tags will do: a stray ``I-`` opens a span. S, L and U, which it does not
                know, open and close one only where the label changes: adjacent spans of one label
                can merge in IOBES and BILOU.
    strict      what the scheme does not allow is no span (seqeval's strict mode).

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
"""A column: one tag a token, sentence by sentence."""
Spans = Iterable[Iterable[Span]]
Column = list[list[str]]

ENOUGH_SPANS = 100
"""`detect` lets one needless B- in a hundred pass as IOB1: fewer cannot tell IOB1 from IOB2 with
stray I-.
"""

_LENIENT = ("IO", "IOB1")
"""Schemes that allow every sequence of their prefixes: to be valid in them is no evidence for
them.
"""


@dataclass(frozen=True, slots=True)
class LabelScore:
    """Counts of spans (tokens, for plain tags) of one label; precision, recall and F1 in
    percent.
    """

    gold: int
    predicted: int
    correct: int
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, slots=True)
class Score:
    """The figures of a corpus: counts of spans, micro averages in percent, and the same label by
    label.

    ``accuracy`` is the share of tokens, O included, with the same tag in both columns; ``macro``
    precision, recall and F1 averaged over the labels in either; ``scheme`` the one in which they
    were compared, empty for conlleval, which asks for none. In ``plain`` each tag is a label and
    each token a span.
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
        """The public form: counts, percentages and ``labels``, ready for ``json.dumps``."""
        names = ("tokens", "gold", "predicted", "correct", "accuracy", "precision", "recall", "f1")
        keys = ("precision", "recall", "f1", "predicted")
        labels = {
            name: {key: getattr(figures, key) for key in keys}
            for name, figures in self.labels.items()
        }
        return {**{name: getattr(self, name) for name in names}, "labels": labels}


@dataclass(frozen=True, slots=True)
class Scores:
    """Both readings of two columns.

    Where no scheme fits the gold tags, ``problem`` says why, and ``strict`` reads both columns in
    IOB1; it is None where even that has no meaning.
    """

    conlleval: Score
    strict: Score | None
    problem: str = ""

    def as_json(self) -> dict[str, Any]:
        """``{"conlleval": {...}, "strict": {...}}``; ``strict`` is null where there is none."""
        return {
            "conlleval": self.conlleval.as_json(),
            "strict": self.strict and self.strict.as_json(),
        }


def scores(gold: Tags, predicted: Tags, scheme: str | None = None) -> Scores:
    """`conlleval` and `strict` of the same sentences.

    conlleval has figures for any tags. That strict finds no scheme becomes ``problem`` and hides
    them not.

    Raises:
        ValueError, SchemeError: as `strict`, but the latter only if a `scheme` is declared.
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
    """Precision, recall and F1, as fractions (0 to 1), of spans with the same start, end and label.

    Raises:
        ValueError: the two differ in their number of sentences.
    """
    wanted, found, correct = 0, 0, 0
    for ours, theirs in zip(map(set, gold), map(set, predicted), strict=True):
        wanted, found, correct = (
            wanted + len(ours),
            found + len(theirs),
            correct + len(ours & theirs),
        )
    precision, recall, f1 = _percentages(wanted, found, correct)
    return precision / 100, recall / 100, f1 / 100


def conlleval(gold: Tags, predicted: Tags) -> Score:
    """What the script conlleval of 2004-01-26 prints for these tags, in any scheme or mixture of
    schemes.

    Raises:
        ValueError: the columns differ in length.
    """
    gold, predicted = _columns(gold, predicted)
    wanted, found, correct = counts = Counter[str](), Counter[str](), Counter[str]()
    matching = 0
    agreeing = (
        False  # both columns are inside a span that began at the same token with the same label
    )
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
            wanted[ours[1]] += ours_opens
            found[theirs[1]] += theirs_opens
            agreeing = agreeing or (ours_opens and theirs_opens and same_label)
            ours_before, theirs_before = ours, theirs
    correct[""] += agreeing  # the script closes at the end of the file what no token closed
    return _score(gold, matching, counts)


_BORDER = (OUTSIDE, "")
_CLOSING = frozenset(map(tuple, ("BB", "BO", "IB", "IO", "EE", "EI", "EO")))
_OPENING = frozenset(map(tuple, ("BB", "IB", "OB", "OI", "EE", "EI", "OE")))


@lru_cache(maxsize=1 << 16)
def _parts(tag: str) -> tuple[str, str]:
    """The tag split at its first hyphen, as the script does it; Perl takes the label ``0`` for no
    label.
    """
    prefix, _, label = tag.partition("-")
    return prefix, "" if label == "0" else label


@lru_cache(maxsize=1 << 16)
def _turn(before: tuple[str, str], here: tuple[str, str]) -> tuple[bool, bool]:
    """Whether a span closes and whether one opens between two tags: the script's endOfChunk,
    startOfChunk.
    """
    (last, last_label), (prefix, label) = before, here
    changed, pair = last_label != label, (last, prefix)
    closes = pair in _CLOSING or last in ("[", "]") or (changed and last not in (OUTSIDE, "."))
    opens = pair in _OPENING or prefix in ("[", "]") or (changed and prefix not in (OUTSIDE, "."))
    return closes, opens


def strict(gold: Tags, predicted: Tags, scheme: str | None = None) -> Score:
    """Exact spans, where tags that the scheme does not allow make no span: seqeval's
    ``mode="strict"``.

    A declared `scheme` holds for both columns. Otherwise the gold column's is detected, and the
    predicted one is read in it if valid there, converted if valid in another, and else read in it
    strictly: stray tags make no span. IO and IOB1 allow stray tags, so beside gold of another
    scheme it passes for them only from `ENOUGH_SPANS` spans on: a few are more likely mistakes.
    Plain tags are counted by token.

    Where seqeval is installed, which `tagger[train]` brings, the spans are those that it finds
    (`seqeval.scheme`, which needs no scikit-learn); elsewhere the built-in reading finds the same,
    which tests compare. Two things are never asked of seqeval as they are: it reads IOB1 wrongly (a
    needless ``B-`` makes no span, so IOB2 tags lose nearly all) and has no IO, so both are read as
    IOB2; and plain tags are counted here.

    Raises: ValueError: the columns differ in length, or there is no such `scheme`. SchemeError: the
        gold column is not valid, or the predicted one has tags that are not of its scheme.
    """
    if scheme not in (None, PLAIN, *PREFIXES):
        raise ValueError(
            f"unknown scheme {scheme!r}: expected one of {', '.join((*PREFIXES, PLAIN))}"
        )
    gold, predicted, common = _in_one_scheme(*_columns(gold, predicted), scheme)
    pairs = zip(chain.from_iterable(gold), chain.from_iterable(predicted), strict=True)
    wanted, found = _entities(gold, common), _entities(predicted, common)
    counts = [Counter(label for *_, label in spans) for spans in (wanted, found, wanted & found)]
    return _score(gold, sum(tag == other for tag, other in pairs), counts, common)


def _entities(column: Column, scheme: str) -> Entities:
    """The spans that are whole and sound, or each token of plain tags: sentence, start, end
    (half-open), label.
    """
    if scheme == PLAIN:
        return {(n, i, i + 1, tag) for n, tags in enumerate(column) for i, tag in enumerate(tags)}
    if scheme in _LENIENT:
        column, scheme = _converted(column, scheme, "IOB2"), "IOB2"
    return entities.found(column, scheme)


def _in_one_scheme(
    gold: Column, predicted: Column, declared: str | None
) -> tuple[Column, Column, str]:
    """Both columns in one scheme, and its name; only the predicted column may be invalid in it."""
    scheme = declared or _detected(gold)
    if scheme == PLAIN:
        return gold, predicted, scheme
    other = declared or _scheme_of_predicted(predicted, scheme)
    _check_prefixes(predicted, other)
    gold = _converted(
        gold, scheme, scheme
    )  # drops the needless B- of IOB1, and refuses what is not valid
    if other != scheme or scheme in _LENIENT:
        predicted = _converted(predicted, other, scheme)
    return gold, predicted, scheme


def _detected(gold: Column) -> str:
    try:
        scheme = schemes.detect(gold)
    except SchemeError as error:
        raise SchemeError(f"the gold column has no one scheme: {error}", error.index) from error
    return (
        "IOB1" if scheme == "IO" else scheme
    )  # the same spans, and a B- if the predicted column needs it


def _scheme_of_predicted(predicted: Column, expected: str) -> str:
    """The scheme to read the predicted column in: another than `expected` only if it is valid there
    alone.
    """
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
    for number, tags in enumerate(predicted, start=1):
        for index, tag in enumerate(tags):
            if tag != OUTSIDE and schemes.split(tag)[0] not in tuple(PREFIXES[scheme]):
                what = (
                    f"the predicted tag {tag!r} (sentence {number}, token {index + 1}) is not of "
                    f"{scheme}"
                )
                mend = (
                    f"mend the tags, convert a column, or declare scheme {PLAIN!r} to count by "
                    "token"
                )
                raise SchemeError(f"{what}, in which the columns are compared: {mend}", index)


def _converted(column: Column, source: str, target: str) -> Column:
    converted = []
    for number, tags in enumerate(column, start=1):
        try:
            converted.append(schemes.convert(tags, source, target))
        except (
            SchemeError
        ) as error:  # only gold is refused: what is predicted is converted only where valid
            raise SchemeError(f"gold tags, sentence {number}: {error}", error.index) from error
    return converted


def _columns(gold: Tags, predicted: Tags) -> tuple[Column, Column]:
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
    """The score of `matching` equal tags and of `counts` of gold, predicted and correct spans by
    label.
    """
    gold, predicted, correct = counts
    names = sorted(gold | predicted)  # labels without a span drop out
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
    precision, recall, f1 = (round(value, 2) for value in _percentages(gold, predicted, correct))
    return LabelScore(gold, predicted, correct, precision, recall, f1)


def _percentages(gold: int, predicted: int, correct: int) -> tuple[float, float, float]:
    # 100 comes first, and F1 is of percentages: in another order the last digit may differ from the
    # script's.
    precision = 100 * correct / predicted if predicted else 0.0
    recall = 100 * correct / gold if gold else 0.0
    return precision, recall, 2 * precision * recall / ((precision + recall) or 1)
