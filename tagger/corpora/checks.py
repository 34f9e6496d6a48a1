"""Warnings about train and dev, before the time of a training is spent."""

from __future__ import annotations

import difflib
from collections import Counter

from tagger.text import schemes
from tagger.text.annotation import Corpus

__all__ = ["SHARED", "label_findings", "warnings"]

SHARED = 0.1
"""Share of dev that also occurs in train, from which the dev score misleads."""
# Sentences of fewer tokens recur in any corpus.
_SHORT = 5
# Spans below which a label can hardly be learned, and tokens of a suspiciously long sentence.
_FEW = 10
_LONG = 1000
_SHOWN = 5


def warnings(train: Corpus, dev: Corpus | None) -> list[str]:
    """Describe what in the data makes a good model or an honest score unlikely.

    Args:
        train: Sentences to learn from.
        dev: Sentences that decide which epoch is kept, if any.

    Returns:
        One sentence per finding, the gravest first.
    """
    found = []
    if dev is None:
        found.append(
            "there is no dev set, so nothing is scored, calibrated or chosen: the weights after "
            "the last epoch are kept, and their probabilities may be too high"
        )
    elif dev.scheme != schemes.PLAIN and not dev.label_counts():
        found.append(
            f"{dev.name} contains no spans, so its score cannot tell which epoch is best; give "
            "annotated sentences with --dev"
        )
    found += [] if dev is None else _shared(train, dev)
    dev_labels = Counter[str]() if dev is None else dev.label_counts()
    kind, unit = ("tag", "") if train.scheme == schemes.PLAIN else ("label", "spans")
    found += label_findings(train.label_counts(), dev_labels, kind=kind, unit=unit)
    for corpus in (train, dev) if dev is not None else (train,):
        longest = max(corpus.sentences, key=len)
        if len(longest) > _LONG:
            record = longest.record
            place = f"{record.path}:{record.line}" if record else corpus.name
            found.append(
                f"{place}: a sentence of {len(longest):,} tokens; is the blank line after each "
                "sentence missing?"
            )
    return found


def _shared(train: Corpus, dev: Corpus) -> list[str]:
    """Describe dev sentences that also occur in train."""
    known = {sentence.tokens for sentence in train.sentences}
    long = [sentence for sentence in dev.sentences if len(sentence) >= _SHORT] or dev.sentences
    count = sum(sentence.tokens in known for sentence in long)
    if count < max(SHARED * len(long), 1):
        return []
    return [
        f"{count:,} of {len(long):,} sentences of {dev.name} also occur in {train.name}, so the "
        "dev score is too high and the wrong epoch may be kept"
    ]


def label_findings(
    train: Counter[str], dev: Counter[str], *, kind: str = "label", unit: str = ""
) -> list[str]:
    """Describe labels that are rare, misspelled or missing in train.

    Args:
        train: Counts of the labels of train.
        dev: Counts of the labels of dev.
        kind: What they are called.
        unit: What is counted, in the plural; empty if rare labels are no finding.

    Returns:
        One sentence per finding.
    """
    found = []
    missing = sorted(set(dev) - set(train))
    if missing:
        found.append(
            f"{kind}s of dev that do not occur in train cannot be learned: {_listed(missing)}"
        )
    for label, count in train.items():
        similar = _similar(label, count, train)
        if similar:
            found.append(
                f"the {kind} {label} ({count:,}) resembles {similar} ({train[similar]:,}); if it "
                "is a slip, correct it"
            )
    few = sorted(label for label, count in train.items() if count < _FEW)
    if few and unit:
        rare = _listed([f"{label} {train[label]}" for label in few])
        found.append(f"labels with fewer than {_FEW} {unit} in train are hard to learn: {rare}")
    return found


def _similar(label: str, count: int, counts: Counter[str]) -> str:
    """Return a label that is at least ten times as frequent and spelled nearly alike, or ""."""
    for other, more in counts.items():
        if more >= 10 * count and other != label and _is_slip(label, other):
            return other
    return ""


def _is_slip(label: str, other: str) -> bool:
    """Return whether two labels differ by case, or by one letter or a swap of two."""
    if label.casefold() == other.casefold():
        return True
    if min(len(label), len(other)) < 3 or abs(len(label) - len(other)) > 1:
        return False
    if sorted(label) == sorted(other):
        return sum(a != b for a, b in zip(label, other, strict=True)) == 2
    matcher = difflib.SequenceMatcher(None, label, other, autojunk=False)
    same = sum(block.size for block in matcher.get_matching_blocks())
    return same >= max(len(label), len(other)) - 1 and not label[-1:].isdigit()


def _listed(names: list[str]) -> str:
    """Return the first names and the number of the others."""
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more:,} more" if more > 0 else "")
