"""The contents of metrics.json, checked like settings: whatever is read from it has its type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["checked"]

_NUMBERS = (
    "best_epoch",
    "dev_sentences",
    "epochs",
    "train_pairs",
    "train_sentences",
    "train_texts",
)
_TEXTS = {"precision": ("float32", "int8")}


def checked(metrics: Any, scores: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    """Return the parsed metrics.json after a check; entries of other names are kept.

    Args:
        metrics: The parsed file.
        scores: Names of the objects of scores that it may contain, and the scores that each must
            have. Every score is a number.

    Returns:
        The metrics.

    Raises:
        ValueError: An entry has another type.
    """
    if not isinstance(metrics, dict) or not all(isinstance(name, str) for name in metrics):
        raise ValueError("expected an object")
    for name in _NUMBERS:
        if type(metrics.get(name, 0)) is not int:
            raise ValueError(f'expected an integer "{name}"')
    for name, known in _TEXTS.items():
        if metrics.get(name, known[0]) not in known:
            raise ValueError(f'expected {" or ".join(known)} as "{name}"')
    if not isinstance(metrics.get("source", ""), str):
        raise ValueError('expected a text "source"')
    for name, required in scores.items():
        object_ = metrics.get(name, dict.fromkeys(required, 0))
        if not isinstance(object_, dict) or not all(
            isinstance(value, int | float) for value in object_.values()
        ):
            raise ValueError(f'expected an object of numbers "{name}"')
        if missing := [score for score in required if score not in object_]:
            raise ValueError(f'expected {" and ".join(missing)} in "{name}"')
    _check_probabilities(metrics)
    return metrics


def _check_probabilities(metrics: dict[str, Any]) -> None:
    """Raise ValueError if the entries about probabilities of spans are not as training writes them.

    These are "calibration", "temperatures", "decoding", "reliability", "operating_points" and
    "redaction".
    """
    if not metrics.get("calibration", {}).get("temperature", 1) > 0:
        raise ValueError('expected a "temperature" above 0 in "calibration"')
    if not all(value > 0 for value in _object(metrics, "temperatures").values()):
        raise ValueError('expected numbers above 0 in "temperatures"')
    if not 0 <= metrics.get("decoding", {}).get("threshold", 0) <= 1:
        raise ValueError('expected a "threshold" from 0 to 1 in "decoding"')
    for name, bins in _object(metrics, "reliability").items():
        if not isinstance(bins, list) or not all(_are_numbers(row, 3) for row in bins):
            raise ValueError(f'expected rows of three numbers as "{name}" in "reliability"')
    points = _object(metrics, "operating_points")
    if points:
        size = _thresholds(points, "operating_points")
        counts = points.get("counts")
        if not isinstance(counts, dict) or not all(
            isinstance(row, dict)
            and row.keys() == {"gold", "predicted", "correct"}
            and type(row["gold"]) is int
            and _are_numbers(row["predicted"], size)
            and _are_numbers(row["correct"], size)
            for row in counts.values()
        ):
            raise ValueError('expected "counts" at each threshold in "operating_points"')
    hidden = _object(metrics, "redaction")
    if hidden:
        size = _thresholds(hidden, "redaction")
        labels = _object(hidden, "labels")  # missing in models of earlier versions
        if not all(
            isinstance(row, dict) and _counts(row, size) for row in (hidden, *labels.values())
        ):
            raise ValueError('expected counts at each threshold in "redaction"')


def _counts(row: dict[str, Any], size: int) -> bool:
    """Return whether an object contains counts of hidden spans at each of `size` thresholds."""
    columns = (row.get(name) for name in ("hidden", "tokens", "right"))
    return type(row.get("spans")) is int and all(_are_numbers(each, size) for each in columns)


def _object(metrics: dict[str, Any], name: str) -> dict[str, Any]:
    """Return an entry that must be an object, empty if it is missing."""
    entry = metrics.get(name, {})
    if not isinstance(entry, dict):
        raise ValueError(f'expected an object "{name}"')
    return entry


def _thresholds(entry: dict[str, Any], name: str) -> int:
    """Return the number of thresholds of an entry, which must be increasing probabilities."""
    values = entry.get("thresholds")
    if not isinstance(values, list) or not _are_numbers(values, len(values)):
        raise ValueError(f'expected a list of "thresholds" in "{name}"')
    if not values or values != sorted(values) or not 0 < values[0] <= values[-1] <= 1:
        raise ValueError(f'expected increasing probabilities as "thresholds" in "{name}"')
    return len(values)


def _are_numbers(values: Any, size: int) -> bool:
    """Return whether `values` is a list of `size` numbers."""
    return (
        isinstance(values, list)
        and len(values) == size
        and all(isinstance(value, int | float) for value in values)
    )
