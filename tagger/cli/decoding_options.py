"""The options that choose which spans are predicted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import click

__all__ = ["decoding_of", "decoding_options"]

_DECODING = (
    click.option(
        "--min-score",
        "min_scores",
        multiple=True,
        metavar="[LABEL=]P",
        help="Predict spans with a probability of at least P, of all labels or of one. May be "
        "repeated.  [default: as dev decided, see tagger info]",
    ),
    click.option(
        "--target",
        "targets",
        multiple=True,
        metavar="[LABEL:]recall=R",
        help="Choose the threshold with which dev reached a recall, or a precision, of R, for "
        "example recall=0.99 or PER:precision=0.98. May be repeated.",
    ),
    click.option(
        "--decode",
        type=click.Choice(["best-sequence"]),
        help="Predict the spans of the most probable tag sequence.  [default: as dev decided]",
    ),
)


def decoding_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of thresholds to a command, and return it."""
    for option in reversed(_DECODING):
        command = option(command)
    return command


def decoding_of(
    min_scores: Sequence[str], targets: Sequence[str], decode: str | None
) -> dict[str, Any]:
    """Return the values of `decoding_options` as arguments of `Predictor.predict`.

    Args:
        min_scores: Values of ``--min-score``.
        targets: Values of ``--target``.
        decode: Value of ``--decode``.

    Raises:
        click.UsageError: A value is ill-formed, or options exclude each other.
    """
    from tagger.inference.operating_points import parse_min_score, parse_target

    if decode and (min_scores or targets):
        raise click.UsageError(f"--decode {decode} has no thresholds: leave out the others")
    try:
        scores = parse_min_score(min_scores)
        given = [*scores, *(parse_target(target).label for target in targets)]
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    if repeated := {label for label in given if given.count(label) > 1}:
        whose = ", ".join(label or "all labels" for label in sorted(repeated))
        raise click.UsageError(f"expected one --min-score or --target for {whose}")
    return {"min_score": scores or None, "target": tuple(targets) or None, "decode": decode}
