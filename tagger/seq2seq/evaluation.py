"""Scores of a sequence-to-sequence model on files of pairs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

from tagger.errors import TaggerError
from tagger.seq2seq.error_rates import ErrorRates
from tagger.seq2seq.model import Seq2SeqModel, load
from tagger.seq2seq.pairs import read_all
from tagger.seq2seq.splits import references_of

__all__ = ["Evaluation", "evaluate", "reading"]

_AT_ONCE = 1024  # sources that are grouped into batches of similar length
_OPTIONS = ("format", "source", "target", "encoding")


@dataclass
class Evaluation:
    """Scores of a model on pairs.

    Attributes:
        rates: Error rates of the most probable targets.
        pairs: Number of pairs; the targets of a repeated source are its references.
        at_limit: Number of predictions of the maximum length.
        unknown: Number of sources with a symbol that the model does not know.
    """

    rates: ErrorRates = field(default_factory=ErrorRates)
    pairs: int = 0
    at_limit: int = 0
    unknown: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Return rates in percent and counts, for JSON."""
        counts = {"pairs": self.pairs, "at_limit": self.at_limit, "unknown": self.unknown}
        return {**self.rates.as_dict(), **counts}

    def report(self) -> str:
        """Return the scores in words."""
        rates = self.rates
        lines = [
            f"symbol error rate {100 * rates.symbol_error_rate:.2f} %: {rates.edits:,} edits of "
            f"{rates.symbols:,} symbols",
            f"string error rate {100 * rates.string_error_rate:.2f} %: {rates.wrong:,} of "
            f"{rates.sources:,} sources",
        ]
        if self.unknown:
            lines.append(f"{self.unknown:,} sources have symbols that train does not contain")
        if self.at_limit:
            lines.append(f"{self.at_limit:,} predictions reached the maximum length")
        return "\n".join(lines)


def evaluate(
    model: Seq2SeqModel | str | Path,
    files: str | Path | Iterable[str | Path],
    *,
    beam: int = 1,
    **reading_options: Any,
) -> Evaluation:
    """Score a model on files of pairs, all of which count together.

    A repeated source is predicted once, and its prediction is compared with the nearest of its
    targets.

    Args:
        model: An open model, or the folder of one.
        files: The files; ``-`` is standard input.
        beam: Number of continuations that the search keeps; 1 is greedy.
        **reading_options: As for `reading`.

    Returns:
        The scores.

    Raises:
        TaggerError: The folder is not such a model, or a file is ill-formed or empty.
    """
    opened = model if isinstance(model, Seq2SeqModel) else load(model)
    names = [files] if isinstance(files, str | Path) else list(files)
    pairs = read_all(names, reading(opened, reading_options))
    references = references_of(pairs)
    scores, known = Evaluation(pairs=len(pairs)), opened.bundle.features.words
    rest = iter(references)
    while sources := list(islice(rest, _AT_ONCE)):
        for source, targets in zip(
            sources, opened.predict_symbols(sources, beam=beam), strict=True
        ):
            scores.rates.add(targets[0].symbols, references[source])
            scores.at_limit += targets[0].at_limit
            scores.unknown += any(symbol not in known for symbol in source)
    return scores


def reading(model: Seq2SeqModel, options: Mapping[str, Any]) -> Any:
    """Return how the files of a model are read: as in its training, but for some options.

    Args:
        model: The model.
        options: ``format``, ``source``, ``target`` and ``encoding`` of `PairsConfig`; None, or a
            missing one, stands for auto (format and encoding) or the training's (columns).

    Returns:
        A `tagger.config.seq2seq.PairsConfig`.

    Raises:
        TaggerError: There is no such option.
    """
    if wrong := [name for name in options if name not in _OPTIONS]:
        raise TaggerError(f"unknown option {wrong[0]!r}; expected one of {', '.join(_OPTIONS)}")
    given = {name: value for name, value in options.items() if value is not None}
    config = model.bundle.config.data
    return replace(config, **{"format": "auto", "encoding": "auto", **given})
