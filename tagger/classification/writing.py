"""Records with their predicted labels, as JSON Lines or as a table whose columns tabs separate.

    {"text": "A quiet, lovely film.", "label": "positive", "probability": 0.93}
    {"text": "Rain stopped play.", "labels": ["sport", "weather"], "probabilities": {…}}

An annotation in the place of the prediction is moved to "gold". If there is a "gold" already, it is
an earlier prediction and is replaced.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable
from typing import IO, Any

from tagger.classification.prediction import Prediction
from tagger.text.rows import Row, RowFile

__all__ = ["SUFFIXES", "Write", "writer_of"]

SUFFIXES = {"jsonl": ".jsonl", "tsv": ".tsv"}
"""The suffix of each output format."""

Write = Callable[[Iterable[tuple[Row, Prediction]], IO[str]], None]
"""A function that writes records and their predictions, consumed lazily, to a text stream."""

_DIGITS = 6
_EARLIER = ("probability", "probabilities")  # of an earlier prediction


def writer_of(
    target: str, file: RowFile, *, multi_label: bool, separator: str, with_all: bool
) -> Write:
    """Return the function that writes an output.

    Args:
        target: Key of `SUFFIXES`.
        file: The input.
        multi_label: Whether a text has any number of labels.
        separator: What separates several labels in a cell of a table.
        with_all: Whether the probability of every label is written.

    Returns:
        The function.
    """
    if target == "jsonl":

        def write_lines(pairs: Iterable[tuple[Row, Prediction]], stream: IO[str]) -> None:
            for row, prediction in pairs:
                data = _origin(row, file, "labels" if multi_label else "label")
                data |= _json(prediction, multi_label, with_all)
                stream.write(json.dumps(data, ensure_ascii=False) + "\n")

        return write_lines

    columns = [one for one in file.columns or ("text",) if one not in ("predicted", "probability")]

    def write_table(pairs: Iterable[tuple[Row, Prediction]], stream: IO[str]) -> None:
        writer = csv.writer(stream, delimiter="\t", lineterminator="\n")
        is_first = True
        for row, prediction in pairs:
            if is_first:
                names = prediction.names if with_all else ()
                writer.writerow([*columns, "predicted", "probability", *names])
                is_first = False
            values = [_cell(row, name) for name in columns]
            scores = prediction.probabilities
            found = prediction.labels if multi_label else (prediction.label,)
            cells = [separator.join(found), separator.join(_shown(scores[one]) for one in found)]
            writer.writerow([*values, *cells, *(map(_shown, scores.values()) if with_all else ())])

    return write_table


def _origin(row: Row, file: RowFile, key: str) -> dict[str, Any]:
    """Return the values of a record, with the one at `key` moved to "gold".

    Those of a line of text begin with its place; those of an earlier prediction are left out.
    """
    if file.format == "text":
        return {"file": row.path, "line": row.line, **row.values}
    data = {name: value for name, value in row.values.items() if name not in _EARLIER}
    if key in data:
        data.setdefault("gold", data.pop(key))
    return data


def _json(prediction: Prediction, multi_label: bool, with_all: bool) -> dict[str, Any]:
    """Return the prediction as the values of an object."""
    scores = {name: round(score, _DIGITS) for name, score in prediction.probabilities.items()}
    if not multi_label:
        found = {"label": prediction.label, "probability": scores[prediction.label]}
        return found | {"probabilities": scores} if with_all else found
    chosen = {name: scores[name] for name in prediction.labels}
    return {"labels": [*chosen], "probabilities": scores if with_all else chosen}


def _cell(row: Row, name: str) -> str:
    """Return the value of a record as a cell; that of JSON may be a list of tokens."""
    value = row.values.get(name, row.values.get("tokens", "") if name == "text" else "")
    return " ".join(value) if isinstance(value, list) else str(value)


def _shown(score: float) -> str:
    """Return a probability as text."""
    return f"{score:.{_DIGITS}f}"
