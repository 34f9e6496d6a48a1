"""Scores as a plain-text table: the readings of `tagger.evaluation.scores` side by side."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tagger.evaluation.calibration import table
from tagger.evaluation.scores import LabelScore, Score, Scores
from tagger.text.schemes import PLAIN

__all__ = ["report"]

_NOTHING = LabelScore(0, 0, 0, 0.0, 0.0, 0.0)


def report(scores: Scores) -> str:
    """Format scores as a table, with a note on each reading below it.

    Plain tags have one reading only. If strict scores are not available, the note says why.

    Args:
        scores: Both readings.

    Returns:
        Lines without a final newline: percentages of each reading and the counts of the last one
        per label, and averages.

    >>> from tagger.evaluation.scores import scores
    >>> gold = [["B-PER", "I-PER", "O", "B-LOC"], ["B-LOC", "O"]]
    >>> predicted = [["I-PER", "I-PER", "O", "B-LOC"], ["B-PER", "O"]]
    >>> print(report(scores(gold, predicted)))
                     conlleval                   strict
              precision  recall      F1  precision  recall      F1      gold  predicted  correct
    LOC          100.00   50.00   66.67     100.00   50.00   66.67         2          1        1
    PER           50.00  100.00   66.67       0.00    0.00    0.00         1          1        0
    micro         66.67   66.67   66.67      50.00   33.33   40.00         3          2        1
    macro         75.00   75.00   66.67      50.00   25.00   33.33
    accuracy                      66.67                      66.67   of 6 tokens
    <BLANKLINE>
    conlleval  the script of 2004-01-26: a stray I- opens a span; 3 gold, 3 predicted, 2 correct
    strict     seqeval's, in IOB2: a stray tag makes no span; 3 gold, 2 predicted, 1 correct
    """
    readings = _readings(scores)
    *_, last = readings.values()
    names = sorted({name for score in readings.values() for name in score.labels})
    by_label = {
        name: [score.labels.get(name, _NOTHING) for score in readings.values()] for name in names
    }
    macro = [f"{value:.2f}" for score in readings.values() for value in score.macro]
    accuracy = [cell for score in readings.values() for cell in ("", "", f"{score.accuracy:.2f}")]
    width = max(map(len, ["accuracy", *names]))
    lines = [
        " " * width + "".join(f"{title:^27}" for title in readings),
        _line(
            "",
            width,
            ["precision", "recall", "F1"] * len(readings),
            ["gold", "predicted", "correct"],
        ),
        *(
            _line(name or "-", width, _percentages(row), _counts(row[-1]))
            for name, row in by_label.items()
        ),
        _line("micro", width, _percentages(readings.values()), _counts(last)),
        _line("macro", width, macro),
        _line("accuracy", width, accuracy) + f"   of {last.tokens} tokens",
    ]
    parts = [*(line.rstrip() for line in lines), "", *_notes(scores)]
    if scores.cutting:
        parts.append(f"missed     {scores.cutting} of the gold spans cut a token")
    calibration = ["", table(scores.calibration)] if scores.calibration else []
    return "\n".join([*parts, *_schemas(scores), *_confusion(scores), *calibration])


def _schemas(scores: Scores) -> list[str]:
    """Return the table of the schemas, after a blank line."""
    if not scores.schemas:
        return []
    counts = ("correct", "incorrect", "partial", "missed", "spurious")
    lines = [
        "",
        " " * 7
        + f"{'precision':>11}{'recall':>8}{'F1':>8}"
        + "".join(f"{name:>11}" for name in counts),
    ]
    for name, score in scores.schemas.items():
        figures = [f"{value:.2f}" for value in (score.precision, score.recall, score.f1)]
        lines.append(
            _line(name, 7, figures) + "".join(f"{getattr(score, count):>11}" for count in counts)
        )
    return lines


def _confusion(scores: Scores) -> list[str]:
    """Return the confusion of labels, after a blank line and a title."""
    lines = scores.confusion.table() if scores.confusion else []
    title = "gold label by predicted label of spans with the same borders"
    return ["", title, *lines] if lines else []


def _readings(scores: Scores) -> dict[str, Score]:
    """Return the readings to show, by title."""
    if scores.strict is None:
        return {"conlleval": scores.conlleval}
    if scores.strict.scheme == PLAIN:
        return {"by token": scores.strict}
    return {"conlleval": scores.conlleval, "strict": scores.strict}


def _notes(scores: Scores) -> list[str]:
    """Return the lines below the table, which explain each reading."""
    if scores.strict and scores.strict.scheme == PLAIN:
        return [f"by token   plain tags, each a label; {_totals(scores.strict)}"]
    script = (
        f"conlleval  the script of 2004-01-26: a stray I- opens a span; {_totals(scores.conlleval)}"
    )
    if scores.strict is None:
        return [script, f"strict     not available: {scores.problem}"]
    scheme = scores.strict.scheme
    stray = (
        "an I- may open a span, as this scheme allows"
        if scheme in ("IO", "IOB1")
        else "a stray tag makes no span"
    )
    doubt = (
        [f"           both columns were read in IOB1, as no scheme fits: {scores.problem}"]
        if scores.problem
        else []
    )
    return [script, f"strict     seqeval's, in {scheme}: {stray}; {_totals(scores.strict)}", *doubt]


def _totals(score: Score) -> str:
    """Return the counts of a reading in words."""
    return f"{score.gold} gold, {score.predicted} predicted, {score.correct} correct"


def _percentages(row: Iterable[LabelScore | Score]) -> list[str]:
    """Return precision, recall and F1 of each reading as cells."""
    return [
        f"{value:.2f}"
        for figures in row
        for value in (figures.precision, figures.recall, figures.f1)
    ]


def _counts(figures: LabelScore | Score) -> list[str]:
    """Return the gold, predicted and correct counts as cells."""
    return [str(figures.gold), str(figures.predicted), str(figures.correct)]


def _line(name: str, width: int, percentages: Sequence[str], counts: Sequence[str] = ()) -> str:
    """Return a line of the table: the name in `width` columns, then right-aligned cells."""
    cells = [f"{cell:>{(11, 8, 8)[index % 3]}}" for index, cell in enumerate(percentages)]
    cells += [f"{cell:>{size}}" for cell, size in zip(counts, (10, 11, 9), strict=False)]
    return f"{name:<{width}}" + "".join(cells)
