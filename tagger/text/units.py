"""Units of character offsets, and the proof of the unit of a file.

    utf-32      code points: Python, and everything inside of this package
    utf-16      code units of UTF-16: JavaScript and Java
    utf-8       bytes of UTF-8: C, Go and Rust
    graphemes   characters as a reader sees them: grapheme clusters (Unicode Annex 29)

Only texts with characters beyond ASCII, or with ``\\r\\n``, distinguish them.
"""

from __future__ import annotations

import bisect
import itertools
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

__all__ = [
    "AUTO",
    "CODE_POINTS",
    "NAMES",
    "UNITS",
    "Evidence",
    "Positions",
    "Reading",
    "readings",
    "same_surface",
]

CODE_POINTS = "utf-32"
"""The unit inside of this package."""

UNITS = (CODE_POINTS, "utf-16", "utf-8", "graphemes")
"""All units, by the names that Google's language API uses."""

NAMES = {
    CODE_POINTS: "code points",
    "utf-16": "UTF-16 units",
    "utf-8": "UTF-8 bytes",
    "graphemes": "grapheme clusters",
}
"""The names of the units in messages."""

AUTO = "auto"
"""The unit that the surface texts of the spans prove; code points if a file has none."""


class Positions:
    """The borders of the characters of a text, counted in a unit.

    Args:
        text: The text.
        unit: One of `UNITS`.
    """

    def __init__(self, text: str, unit: str) -> None:
        self._length = len(text)
        self._borders: list[int] | None = None  # of each code point, in the unit
        self._clusters: list[int] | None = None  # in code points, of each grapheme cluster
        if unit == "graphemes" and not (text.isascii() and "\r" not in text):
            ends = (match.end() for match in _cluster().finditer(text))
            self._clusters = [0, *ends]
        elif unit in _SIZES and not text.isascii():
            self._borders = list(itertools.accumulate(map(_SIZES[unit], text), initial=0))

    @property
    def length(self) -> int:
        """Return the length of the text in the unit."""
        if self._clusters is not None:
            return len(self._clusters) - 1
        return self._length if self._borders is None else self._borders[-1]

    def to_code_points(self, offset: int) -> int | None:
        """Return an offset in code points; None if it is inside of a character or of no text."""
        if not 0 <= offset <= self.length:
            return None
        if self._clusters is not None:
            return self._clusters[offset]
        if self._borders is None:
            return offset
        index = bisect.bisect_left(self._borders, offset)
        return index if self._borders[index] == offset else None

    def from_code_points(self, offset: int) -> int:
        """Return an offset of code points in the unit.

        Raises:
            ValueError: The offset is inside of a grapheme cluster, or of no text.
        """
        if not 0 <= offset <= self._length:
            raise ValueError(f"offset {offset} of a text of {self._length} code points")
        if self._clusters is None:
            return offset if self._borders is None else self._borders[offset]
        index = bisect.bisect_left(self._clusters, offset)
        if self._clusters[index] != offset:
            raise ValueError(f"offset {offset} is inside of a grapheme cluster")
        return index


def _utf_16_size(character: str) -> int:
    """Return the number of UTF-16 units of a character."""
    return 1 + (character > "\uffff")


def _utf_8_size(character: str) -> int:
    """Return the number of UTF-8 bytes of a character."""
    return 1 + (character > "\x7f") + (character > "\u07ff") + (character > "\uffff")


_SIZES = {"utf-16": _utf_16_size, "utf-8": _utf_8_size}


@cache
def _cluster() -> Any:
    """Compile the pattern of a grapheme cluster."""
    import regex  # type: ignore[import-untyped,unused-ignore]

    return regex.compile(r"\X", regex.DOTALL)


def same_surface(left: str, right: str) -> bool:
    """Return whether two surface texts are the same, as annotation tools write them.

    White space is collapsed, since tools write a line break as ``\\n``, as ``\\r\\n``, as a blank
    or as a backslash and the letter n, and composed characters equal decomposed ones.
    """
    return left == right or _normal(left) == _normal(right)


def _normal(text: str) -> str:
    """Return a text composed (NFC) and with single blanks."""
    for escape in ("\\r", "\\n"):
        text = text.replace(escape, " ")
    return " ".join(unicodedata.normalize("NFC", text).split())


Reading = tuple[int, int] | None
"""Start and end of a span in code points; None if it is not in the text, or cuts a character."""


@dataclass
class Evidence:
    """The units in which the offsets of a file can be counted, after some of its documents.

    Attributes:
        units: The units that fit all documents so far.
        line: Line of the document that excluded the others; 0 if none are excluded.
        is_proven: Whether the surface texts of a document excluded other units.
    """

    units: tuple[str, ...] = UNITS
    line: int = 0
    is_proven: bool = False

    def add(self, fitting: Iterable[str], line: int, *, is_proof: bool = True) -> tuple[str, ...]:
        """Add the evidence of a document.

        Args:
            fitting: The units that fit its spans' surface texts, at least one.
            line: Its line.
            is_proof: Whether the surface texts prove it; otherwise, it was assumed.

        Returns:
            The units that still fit all documents; empty if this document contradicts those before
            it, whose units then stay.
        """
        left = tuple(unit for unit in self.units if unit in set(fitting))
        if left and left != self.units:
            self.line = self.line or line
            self.units, self.is_proven = left, self.is_proven or is_proof
        return left


def readings(text: str, spans: Sequence[tuple[int, int]], unit: str) -> list[Reading]:
    """Return spans in code points that are counted in a unit.

    Args:
        text: The text.
        spans: Start and end of each span, in the unit.
        unit: One of `UNITS`.

    Returns:
        Start and end of each span; None for those that are empty, not in the text, or begin or end
        inside of a character.
    """
    positions = Positions(text, unit)
    found: list[Reading] = []
    for start, end in spans:
        first, last = positions.to_code_points(start), positions.to_code_points(end)
        found.append(None if first is None or last is None or first >= last else (first, last))
    return found
