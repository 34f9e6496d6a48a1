"""The scores of conlleval, the script of the CoNLL shared tasks (Erik Tjong Kim Sang, 2004-01-26).

They are reproduced to the last digit. The script accepts any tags: a stray ``I-`` opens a span. It
does not know S, L and U, which open and close a span only where the label changes, so that adjacent
spans of one label can merge in IOBES and BILOU.
"""

from __future__ import annotations

from collections import Counter
from functools import lru_cache

from tagger.evaluation.figures import Score, Tags, columns, score_of
from tagger.text.schemes import OUTSIDE

__all__ = ["conlleval"]

_BORDER = (OUTSIDE, "")
_CLOSING = frozenset(map(tuple, ("BB", "BO", "IB", "IO", "EE", "EI", "EO")))
_OPENING = frozenset(map(tuple, ("BB", "IB", "OB", "OI", "EE", "EI", "OE")))


def conlleval(gold: Tags, predicted: Tags) -> Score:
    """Compute the scores that the script conlleval of 2004-01-26 prints.

    Args:
        gold: The gold tags, in any scheme or mixture of schemes.
        predicted: The predicted tags, of the same lengths.

    Returns:
        The scores, with an empty ``scheme``.

    Raises:
        ValueError: The columns differ in length.
    """
    gold, predicted = columns(gold, predicted)
    gold_counts, predicted_counts, correct = counts = (
        Counter[str](),
        Counter[str](),
        Counter[str](),
    )
    matching = 0
    # Whether both columns are inside a span that began at the same token with the same label.
    agreeing = False
    gold_before = predicted_before = _BORDER
    for gold_tags, predicted_tags in zip(gold, predicted, strict=True):
        pairs = list(zip(map(_parts, gold_tags), map(_parts, predicted_tags), strict=True))
        matching += sum(gold_tag == predicted_tag for gold_tag, predicted_tag in pairs)
        for gold_tag, predicted_tag in [*pairs, (_BORDER, _BORDER)]:
            gold_closes, gold_opens = _turn(gold_before, gold_tag)
            predicted_closes, predicted_opens = _turn(predicted_before, predicted_tag)
            same_label = gold_tag[1] == predicted_tag[1]
            if agreeing and gold_closes and predicted_closes:
                correct[gold_before[1]] += 1
                agreeing = False
            elif gold_closes != predicted_closes or not same_label:
                agreeing = False
            gold_counts[gold_tag[1]] += gold_opens
            predicted_counts[predicted_tag[1]] += predicted_opens
            agreeing = agreeing or (gold_opens and predicted_opens and same_label)
            gold_before, predicted_before = gold_tag, predicted_tag
    correct[""] += agreeing  # the script closes an open span at the end of the file
    return score_of(gold, matching, counts)


@lru_cache(maxsize=1 << 16)
def _parts(tag: str) -> tuple[str, str]:
    """Split a tag at its first hyphen, as the script does; to Perl the label ``0`` is no label."""
    prefix, _, label = tag.partition("-")
    return prefix, "" if label == "0" else label


@lru_cache(maxsize=1 << 16)
def _turn(before: tuple[str, str], here: tuple[str, str]) -> tuple[bool, bool]:
    """Return whether a span closes and whether one opens between two tags.

    These are endOfChunk and startOfChunk of the script.
    """
    (last, last_label), (prefix, label) = before, here
    changed, pair = last_label != label, (last, prefix)
    closes = pair in _CLOSING or last in ("[", "]") or (changed and last not in (OUTSIDE, "."))
    opens = pair in _OPENING or prefix in ("[", "]") or (changed and prefix not in (OUTSIDE, "."))
    return closes, opens
