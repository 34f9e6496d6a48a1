"""Train and dev of a sequence-to-sequence model, and the references of each source."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from tagger.config.seq2seq import PairsConfig
from tagger.corpora.holding import fraction_of, limit_of
from tagger.errors import DataError
from tagger.seq2seq.pairs import Pair, read_all

__all__ = ["PairSplits", "References", "references_of", "splits"]

Symbols = tuple[str, ...]
References = dict[Symbols, list[Symbols]]
"""The distinct targets of each distinct source, in the order of their first occurrence."""


class PairSplits(NamedTuple):
    """The pairs of a training, and their names in messages."""

    train: list[Pair]
    dev: list[Pair]
    train_name: str
    dev_name: str

    def summaries(self) -> list[str]:
        """Return the sizes of train and of dev, in words."""
        return [
            f"{name}: {len(pairs):,} pairs of {len({pair.source for pair in pairs}):,} sources"
            for name, pairs in ((self.train_name, self.train), (self.dev_name, self.dev))
        ]

    def warnings(self) -> list[str]:
        """Return what in the data makes an honest score unlikely."""
        known = {pair.source for pair in self.train}
        shared = {pair.source for pair in self.dev} & known
        if not shared:
            return []
        return [
            f"{len(shared):,} sources of dev are in train too, so the dev score says little about "
            "new sources"
        ]


def references_of(pairs: Iterable[Pair]) -> References:
    """Return the targets of each source."""
    found: dict[Symbols, dict[Symbols, None]] = {}
    for pair in pairs:
        found.setdefault(pair.source, {})[pair.target or ()] = None
    return {source: list(targets) for source, targets in found.items()}


def splits(data: PairsConfig) -> PairSplits:
    """Read train and dev; without dev, a tenth of the sources of train is held out.

    A source is held out with all of its targets if the hash of its symbols falls into the lowest
    tenth, as documents are; see `tagger.corpora.holding`.

    Args:
        data: Settings that name the files.

    Returns:
        The pairs.

    Raises:
        DataError: A file is ill-formed or empty, or train has a single source, none of which can be
            held out.
    """
    train, name = read_all(data.train, data), ", ".join(data.train)
    if data.dev:
        return PairSplits(train, read_all(data.dev, data), name, ", ".join(data.dev))
    fractions = {source: fraction_of(" ".join(source)) for source in references_of(train)}
    if len(set(fractions.values())) < 2:
        message = "has only one distinct source, so none can be held out; give --dev FILE"
        raise DataError(name, None, message)
    limit = limit_of(list(fractions.values()))
    held = sum(fraction <= limit for fraction in fractions.values())
    dev_name = f"dev, {held:,} of {len(fractions):,} sources held out of {name}"
    return PairSplits(
        _where(train, fractions, limit, held_out=False),
        _where(train, fractions, limit, held_out=True),
        name,
        dev_name,
    )


def _where(
    pairs: Sequence[Pair], fractions: dict[Symbols, float], limit: float, *, held_out: bool
) -> list[Pair]:
    """Return the pairs whose source is held out, or those whose source is not."""
    return [pair for pair in pairs if (fractions[pair.source] <= limit) == held_out]
