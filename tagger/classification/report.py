"""Scores of a classifier as plain text, and a report in Markdown with wrongly labeled texts."""

from __future__ import annotations

from collections.abc import Sequence

from tagger.classification.evaluation import Evaluation
from tagger.classification.scores import TextScores
from tagger.evaluation.calibration import table as calibration_table
from tagger.evaluation.figures import LabelScore, Score

__all__ = ["confusion_table", "markdown", "report"]

_MOST_COLUMNS = 12  # labels of a confusion matrix that is shown as a table
_PAIRS = 20  # confusions that are listed otherwise
_ERRORS = 50
_TOKENS = 40  # of a text that is shown


def report(scores: TextScores) -> str:
    """Format scores as a table, followed by the confusion matrix and the calibration.

    Args:
        scores: The scores.

    Returns:
        Lines without a final newline: percentages and counts per label, and averages.

    >>> import numpy as np
    >>> from tagger.classification.scores import text_scores
    >>> gold, predicted = [["a"], ["b"], ["b"]], [["a"], ["b"], ["a"]]
    >>> probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
    >>> print(report(text_scores(gold, predicted, probabilities, "ab", multi_label=False)))
              precision  recall      F1      gold  predicted  correct
    a             50.00  100.00   66.67         1          2        1
    b            100.00   50.00   66.67         2          1        1
    micro         66.67   66.67   66.67         3          3        2
    macro         75.00   75.00   66.67
    accuracy                      66.67   of 3 texts
    log loss     0.4149 nats per text
    <BLANKLINE>
    gold \\ predicted  a  b
                   a  1  0
                   b  1  1
    <BLANKLINE>
    probability   texts    mean  correct
    0.0 to 0.1        0       -        -
    0.1 to 0.2        0       -        -
    0.2 to 0.3        0       -        -
    0.3 to 0.4        0       -        -
    0.4 to 0.5        0       -        -
    0.5 to 0.6        0       -        -
    0.6 to 0.7        1   0.600    0.000
    0.7 to 0.8        0       -        -
    0.8 to 0.9        1   0.800    1.000
    0.9 to 1.0        1   0.900    1.000
    expected calibration error 0.3000, Brier score 0.2733 per text
    """
    parts = [_figures(scores)]
    if scores.confusion:
        parts.append(confusion_table(scores))
    units, per = ("texts", "text") if scores.confusion else ("labels", "label of a text")
    parts.append(calibration_table(scores.calibration, units, per))
    return "\n\n".join(parts)


def _figures(scores: TextScores) -> str:
    """Return the table of percentages and counts."""
    score = scores.score
    width = max(map(len, ["accuracy", *score.labels]))
    lines = [
        f"{'':<{width}}{'precision':>11}{'recall':>8}{'F1':>8}{'gold':>10}{'predicted':>11}"
        f"{'correct':>9}"
    ]
    rows: list[tuple[str, LabelScore | Score]] = [*score.labels.items(), ("micro", score)]
    for name, one in rows:
        lines.append(
            f"{name:<{width}}{one.precision:>11.2f}{one.recall:>8.2f}{one.f1:>8.2f}"
            f"{one.gold:>10}{one.predicted:>11}{one.correct:>9}"
        )
    precision, recall, f1 = score.macro
    lines.append(f"{'macro':<{width}}{precision:>11.2f}{recall:>8.2f}{f1:>8.2f}")
    lines.append(f"{'accuracy':<{width}}{score.accuracy:>27.2f}   of {scores.texts:,} texts")
    if scores.log_loss is not None:
        lines.append(f"{'log loss':<{width}}{scores.log_loss:>11.4f} nats per text")
    if scores.unknown:
        names = ", ".join(f"{name} {count:,}" for name, count in sorted(scores.unknown.items()))
        lines.append(f"labels that the model does not have: {names}")
    return "\n".join(lines)


def confusion_table(scores: TextScores) -> str:
    """Format the confusion matrix: a row per gold label, a column per predicted one.

    Args:
        scores: The scores, with one label per text.

    Returns:
        Lines without a final newline. With more than a dozen labels, the most frequent confusions
        are listed instead.
    """
    names = sorted({name for pair in scores.confusion for name in pair})
    if len(names) > _MOST_COLUMNS:
        wrong = [(count, pair) for pair, count in scores.confusion.items() if pair[0] != pair[1]]
        ranked = sorted(wrong, key=lambda one: (-one[0], one[1]))[:_PAIRS]
        return "\n".join(
            ["confusions:", *(f"{count:>7,}  {gold} as {other}" for count, (gold, other) in ranked)]
        )
    rows = [[scores.confusion.get((gold, other), 0) for other in names] for gold in names]
    corner = "gold \\ predicted"
    width = max(len(corner), *map(len, names))
    sizes = [max(len(name), *(len(f"{row[k]:,}") for row in rows)) for k, name in enumerate(names)]

    def line(head: str, cells: Sequence[str]) -> str:
        padded = (f"  {cell:>{size}}" for cell, size in zip(cells, sizes, strict=True))
        return f"{head:>{width}}" + "".join(padded)

    lines = [line(corner, names)]
    lines += [
        line(name, [f"{count:,}" for count in row]) for name, row in zip(names, rows, strict=True)
    ]
    return "\n".join(lines)


def markdown(found: Evaluation, model: str) -> str:
    """Return a report in Markdown: the scores, and the texts with wrong labels.

    Args:
        found: The evaluation.
        model: Name of the model.

    Returns:
        The text of a file.
    """
    errors = found.errors()
    lines = [
        f"# {model} on {found.corpus.name}",
        "",
        "```text",
        report(found.scores),
        "```",
        "",
        f"## Wrong labels: {len(errors):,} of {found.scores.texts:,} texts",
        "",
    ]
    if errors:
        lines += ["The surest errors come first; some may be errors of the annotation.", ""]
    for text, prediction in errors[:_ERRORS]:
        scores = prediction.probabilities
        gold = ", ".join(f"{one} {scores.get(one, 0.0):.2f}" for one in text.labels) or "none"
        other = ", ".join(f"{one} {scores[one]:.2f}" for one in prediction.labels) or "none"
        words = " ".join(text.tokens[:_TOKENS]) + " …" * (len(text) > _TOKENS)
        lines.append(f"- `{text.path}:{text.line}` gold {gold}; predicted {other}: {words}")
    if len(errors) > _ERRORS:
        lines += ["", f"{len(errors) - _ERRORS:,} more are left out."]
    return "\n".join(lines) + "\n"
