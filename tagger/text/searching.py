"""Places of spans that have a text and no offsets, as language models and GLiNER2 write them.

Each text is searched exactly first, and only if it does not occur without regard to blanks, quotes
and hyphens, then to case. Occurrences inside of words count only if there are no others; scripts
without blanks (Chinese, Japanese, Thai, …) have no such words. Occurrences are then assigned by
dynamic programming:

- as many spans as possible receive a place, and places do not overlap;
- of these assignments, one in which the fewest pairs of spans are against the given order;
- of these, the one with the earliest places.

If a text has too many different spans to find that assignment, the spans that can keep the given
order are placed first, as many as possible, and the others in what is left, the longest first.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, partial

__all__ = ["find"]

Place = tuple[int, int]

_State = tuple[int, tuple[int, ...]]  # end, and number of placed items of each surface

# Reachable states of the exact search, beyond which the given order decides.
_STATES = 20_000


def find(
    text: str, wanted: Sequence[tuple[str, str]], taken: Sequence[Place] = ()
) -> list[Place | None]:
    """Assign spans that have a text and a label to places in a text.

    Args:
        text: The text.
        wanted: Surface and label of each span, in the order of the annotation.
        taken: Places that are not available.

    Returns:
        Start and end of each span, in code points; None if it has no place.
    """
    surfaces = [surface.strip() for surface, _ in wanted]
    places = _assigned(surfaces, lambda surface: _occurrences(text, surface, taken))
    for fold in _FOLDS[1:]:  # the text occurs, but not as often as it is annotated
        rest = [number for number, place in enumerate(places) if place is None]
        if not rest:
            break
        used = [*taken, *(place for place in places if place is not None)]
        free = partial(_free_places, _folded(text, fold), used)
        more = _assigned([surfaces[number] for number in rest], free)
        for number, place in zip(rest, more, strict=True):
            places[number] = place
    return places


def _occurrences(text: str, surface: str, taken: Sequence[Place]) -> list[Place]:
    """Return the places of a surface in the strictest reading in which it occurs."""
    for fold in _FOLDS:
        found = _free(_folded(text, fold).places(surface), taken)
        if found:
            return found
    return []


def _free_places(text: _Folded, taken: Sequence[Place], surface: str) -> list[Place]:
    """Return the places of a surface that overlap none of those taken."""
    return _free(text.places(surface), taken)


def _free(places: Sequence[Place], taken: Sequence[Place]) -> list[Place]:
    """Return the places that overlap none of those taken."""
    return [
        (start, end)
        for start, end in places
        if not any(start < stop and begin < end for begin, stop in taken)
    ]


# -- occurrences


def _loosely(character: str) -> str:
    """Return a character without regard to blanks, quotes, hyphens and composition."""
    if character.isspace() or character in _INVISIBLE:
        return ""
    if character in _QUOTES:
        return "'"
    if unicodedata.category(character) == "Pd" or character in "\u2212\u00ad":
        return "-"
    return unicodedata.normalize("NFKD", character)


_QUOTES = frozenset("\"'`´‘’‚‛“”„‟‹›«»「」『』〝〞〟＂＇′″")
_INVISIBLE = frozenset("\u200b\u200c\u200d\u2060\ufeff")

_FOLDS: tuple[Callable[[str], str], ...] = (
    str,
    _loosely,
    lambda character: _loosely(character).casefold(),
)
"""Readings of a character, the strictest first."""


class _Folded:
    """A text in a reading, with the places of its characters.

    Args:
        text: The text.
        fold: One of the readings.
    """

    def __init__(self, text: str, fold: Callable[[str], str]) -> None:
        self._text, self._fold = text, fold
        parts = [fold(character) for character in text]
        self._folded = "".join(parts)
        self._origins = [index for index, part in enumerate(parts) for _ in part]

    def places(self, surface: str) -> list[Place]:
        """Return the places of a surface, those at the borders of words if there are any."""
        target = "".join(map(self._fold, surface))
        found = list(self._all(target)) if target else []
        return [place for place in found if not self._cuts_word(*place)] or found

    def _all(self, target: str) -> Iterator[Place]:
        """Yield the places of a folded surface."""
        origins, position = self._origins, self._folded.find(target)
        while position >= 0:
            last = position + len(target) - 1
            starts = position == 0 or origins[position - 1] != origins[position]
            ends = last + 1 == len(origins) or origins[last + 1] != origins[last]
            if starts and ends:
                yield origins[position], origins[last] + 1
            position = self._folded.find(target, position + 1)

    def _cuts_word(self, start: int, end: int) -> bool:
        """Return whether a place begins or ends inside of a word."""
        text = self._text
        return _joins(text[start - 1 : start], text[start]) or _joins(
            text[end - 1], text[end : end + 1]
        )


@lru_cache(maxsize=8)
def _folded(text: str, fold: Callable[[str], str]) -> _Folded:
    """Return a text in a reading, computed once for all surfaces."""
    return _Folded(text, fold)


def _joins(left: str, right: str) -> bool:
    """Return whether two characters are inside of a word; either may be empty."""
    if not left or not right:
        return False
    if unicodedata.combining(right):
        return True
    return left.isalnum() and right.isalnum() and not (_is_unspaced(left) or _is_unspaced(right))


@lru_cache(maxsize=1 << 12)
def _is_unspaced(character: str) -> bool:
    """Return whether a character is of a script without blanks between words."""
    return unicodedata.name(character, "").startswith(_UNSPACED)


_UNSPACED = ("CJK", "HIRAGANA", "KATAKANA", "BOPOMOFO", "THAI", "LAO", "KHMER", "MYANMAR")


# -- assignment


def _assigned(
    surfaces: Sequence[str], occurrences: Callable[[str], list[Place]]
) -> list[Place | None]:
    """Assign surfaces to their occurrences."""
    found = {surface: occurrences(surface) for surface in set(surfaces)}
    places: list[Place | None] = [None] * len(surfaces)
    items = [index for index, surface in enumerate(surfaces) if found[surface]]
    lists = [found[surfaces[index]] for index in items]
    chosen = _in_order(lists)
    if any(place is None for place in chosen):
        chosen = _best([surfaces[index] for index in items], found) or _completed(chosen, lists)
    for index, place in zip(items, chosen, strict=True):
        places[index] = place
    return places


def _in_order(lists: Sequence[list[Place]]) -> list[Place | None]:
    """Assign as many items as possible to places in the order of the items, as early as possible.

    ``ends[k]`` is the earliest end of k items that are placed in order.
    """
    ends: list[int] = [0]
    history: list[list[tuple[int, Place] | None]] = []  # the choice for each count, item by item
    for places in lists:
        choices: list[tuple[int, Place] | None] = [None] * (len(ends) + 1)
        new = [*ends]
        for count, end in enumerate(ends):
            place = min((p for p in places if p[0] >= end), key=lambda p: p[1], default=None)
            if place is not None and (count + 1 == len(new) or place[1] < new[count + 1]):
                new[count + 1 : count + 2] = [place[1]]
                choices[count + 1] = (count, place)
        ends = new
        history.append(choices)
    found: list[Place | None] = [None] * len(lists)
    count = len(ends) - 1
    for index in range(len(lists) - 1, -1, -1):
        choice = history[index][count] if count < len(history[index]) else None
        if choice is not None:
            count, found[index] = choice
    return found


def _best(surfaces: Sequence[str], found: dict[str, list[Place]]) -> list[Place | None] | None:
    """Return the best assignment, or None if there are too many states to find it.

    From left to right, a state is an end and the number of placed items of each surface: items of
    the same surface are placed in the given order.
    """
    members: dict[str, list[int]] = defaultdict(list)
    for index, surface in enumerate(surfaces):
        members[surface].append(index)
    names = list(members)
    spots = sorted((place, name) for name in names for place in found[name])
    # The fewest inversions of each state, the places so far, and the items at them.
    best: dict[_State, tuple[int, tuple[Place, ...], tuple[int, ...]]] = {
        (0, (0,) * len(names)): (0, (), ())
    }
    for place, name in spots:
        column = names.index(name)
        for (end, counts), (inversions, places, placed) in list(best.items()):
            if place[0] < end or counts[column] == len(members[name]):
                continue
            item = members[name][counts[column]]
            state = (
                place[1],
                (*counts[:column], counts[column] + 1, *counts[column + 1 :]),
            )
            value = (
                inversions + sum(other > item for other in placed),
                (*places, place),
                (*placed, item),
            )
            if state not in best or value < best[state]:
                best[state] = value
        if len(best) > _STATES:
            return None
    inversions, places, placed = min(
        best.values(), key=lambda value: (-len(value[2]), value[0], value[1])
    )
    chosen: list[Place | None] = [None] * len(surfaces)
    for item, place in zip(placed, places, strict=True):
        chosen[item] = place
    return chosen


def _completed(chosen: Sequence[Place | None], lists: Sequence[list[Place]]) -> list[Place | None]:
    """Place the items that the given order left out where there is room, the longest first."""
    found = list(chosen)
    rest = [index for index, place in enumerate(found) if place is None]
    for index in sorted(rest, key=lambda each: lists[each][0][0] - lists[each][0][1]):
        free = _free(lists[index], [place for place in found if place is not None])
        found[index] = free[0] if free else None
    return found
