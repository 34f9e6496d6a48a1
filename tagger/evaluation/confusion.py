"""The confusion of labels: which label the model predicts where another one is annotated.

Only spans with the same borders are compared. All others are missed or spurious, whether they
overlap another span or not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tagger.evaluation.schemas import Interval

__all__ = ["Confusion", "confusion"]

_SHOWN = 10  # labels of the largest matrix that `table` returns


@dataclass(frozen=True, slots=True)
class Confusion:
    """Counts of spans by gold and predicted label.

    Attributes:
        pairs: Gold and predicted label of spans with the same borders.
        missed: Label of gold spans whose borders no predicted span has.
        spurious: Label of predicted spans whose borders no gold span has.
    """

    pairs: Counter[tuple[str, str]] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    spurious: Counter[str] = field(default_factory=Counter)

    @property
    def labels(self) -> list[str]:
        """Return all labels in order of the alphabet."""
        compared = {label for pair in self.pairs for label in pair}
        return sorted({*compared, *self.missed, *self.spurious})

    def as_json(self) -> dict[str, Any]:
        """Return ``labels`` by gold, then predicted label, ``missed`` and ``spurious`` by label."""
        rows: dict[str, dict[str, int]] = {}
        for (gold, predicted), count in sorted(self.pairs.items()):
            rows.setdefault(gold, {})[predicted] = count
        return {
            "labels": rows,
            "missed": dict(sorted(self.missed.items())),
            "spurious": dict(sorted(self.spurious.items())),
        }

    def table(self) -> list[str]:
        """Return a line per gold label, with a column per predicted one, and a header.

        A single label confuses nothing, so that there are no lines. Nor are there for more than ten
        labels, whose lines would be too long.
        """
        names = self.labels
        if not 2 <= len(names) <= _SHOWN:
            return []
        width = max(map(len, [*names, "spurious"]))
        rows: list[tuple[str, list[Any]]] = [("", [*names, "missed"])]
        for gold in names:
            counts = [self.pairs[gold, predicted] for predicted in names]
            rows.append((gold, [*counts, self.missed[gold]]))
        rows.append(("spurious", [self.spurious[name] for name in names]))
        return [
            f"{name:<{width}}" + "".join(f"{cell:>{width + 2}}" for cell in cells)
            for name, cells in rows
        ]


def confusion(
    gold: Iterable[Sequence[Interval]], predicted: Iterable[Sequence[Interval]]
) -> Confusion:
    """Count spans by gold and predicted label.

    Of several spans with the same borders, those with the same label belong together first, then
    the others in order of their labels.

    Args:
        gold: The gold spans of each sentence or document.
        predicted: The predicted spans of the same sentences or documents.

    Returns:
        The counts.

    Raises:
        ValueError: The numbers of sentences or documents differ.
    """
    found = Confusion()
    for gold_spans, predicted_spans in zip(gold, predicted, strict=True):
        one, other = Counter(gold_spans), Counter(predicted_spans)
        found.pairs.update((span[2], span[2]) for span in (one & other).elements())
        rest = sorted((other - one).elements())
        for span in sorted((one - other).elements()):
            partner = next((each for each in rest if each[:2] == span[:2]), None)
            if partner is None:
                found.missed[span[2]] += 1
            else:
                rest.remove(partner)
                found.pairs[span[2], partner[2]] += 1
        found.spurious.update(span[2] for span in rest)
    return found
