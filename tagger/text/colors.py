"""Colors of labels, for spans on terminals and in HTML."""

from __future__ import annotations

import zlib

__all__ = ["COLORS", "LabelColors"]

COLORS = 12
"""Number of colors."""


class LabelColors:
    """The color of each label, as a number below `COLORS`.

    A checksum of the label chooses the color, so that a label usually has the same one everywhere.
    If another label has it already, the next free color is taken. Colors repeat once all are used.
    """

    def __init__(self) -> None:
        self._colors: dict[str, int] = {}

    def number(self, label: str) -> int:
        """Return the number of a label's color.

        Args:
            label: The label, such as ``PER``.

        Returns:
            The number, which later calls return again for this label.
        """
        if label not in self._colors:
            first = zlib.crc32(label.encode("utf-8", "surrogatepass")) % COLORS
            used = set(self._colors.values())
            in_order = ((first + step) % COLORS for step in range(COLORS))
            self._colors[label] = next((color for color in in_order if color not in used), first)
        return self._colors[label]
