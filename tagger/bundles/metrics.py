"""The contents of metrics.json, checked like settings: whatever is read from it has its type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["checked"]

_NUMBERS = ("best_epoch", "epochs", "train_sentences")
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
    return metrics
