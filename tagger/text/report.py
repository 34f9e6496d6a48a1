"""A record of how an input file was understood: its layout, notes, and what could not be read."""

from __future__ import annotations

from dataclasses import dataclass, field

from tagger.errors import DataError

__all__ = ["ON_ERROR", "ReadReport"]

ON_ERROR = ("stop", "skip", "keep")
"""What happens to a record that cannot be read: the file fails, or the record is left out of the
output or written to it without annotation. Skipped and kept records are listed.
"""

# Errors beyond this number are counted but not kept.
_KEPT = 1000
_LISTED = 5


@dataclass
class ReadReport:
    """A record of what a reader understood, changed, skipped and could not read in one file.

    Readers call `note` for everything that they change, skip or interpret, and `problem` for each
    record that they cannot read; then they continue with the next record.

    Args:
        path: Path of the file.
        on_error: One of `ON_ERROR`.

    Attributes:
        format: Name of the file's format.
        layout: Description of the file's layout, such as its columns.
        header: Names of the columns, if the file has a header row.
        problems: The first errors, in order.
        count: Number of errors.
    """

    path: str = ""
    on_error: str = "stop"
    format: str = ""
    layout: str = ""
    header: tuple[str, ...] = ()
    problems: list[DataError] = field(default_factory=list)
    count: int = 0
    _notes: dict[str, tuple[int, str]] = field(default_factory=dict)

    def note(self, text: str, line: int | None = None, example: str = "") -> None:
        """Note something that the reader changed, skipped or interpreted.

        Args:
            text: What it was. The same text may be noted many times; it is counted.
            line: Line number, counted from 1; kept of the first time.
            example: What stands there; kept of the first time.
        """
        count, first = self._notes.get(text, (0, ""))
        if not count:
            place = "" if line is None else f"line {line}"
            first = ": ".join(part for part in (place, shown(example) if example else "") if part)
        self._notes[text] = (count + 1, first)

    def problem(self, error: DataError) -> None:
        """Register an error of one record.

        Args:
            error: The error, with its line.
        """
        self.count += 1
        if len(self.problems) < _KEPT:
            self.problems.append(error)

    @property
    def notes(self) -> tuple[str, ...]:
        """The notes, one sentence each, in the order of their first occurrence."""
        return tuple(
            text
            + (f" ({count:,} times; first in {first})" if count > 1 else f" ({first})")
            * bool(first)
            for text, (count, first) in self._notes.items()
        )

    @property
    def has_failed(self) -> bool:
        """True if an error makes the whole file unusable."""
        return self.count > 0 and self.on_error == "stop"

    def finish(self) -> None:
        """Raise the errors of the file as one, if any makes it unusable.

        Raises:
            DataError: The first error, with the number and the places of the others.
        """
        if not self.has_failed:
            return
        first = self.problems[0]
        if self.count > 1:
            lines = [str(error.line) for error in self.problems[1:] if error.line is not None]
            places = ", ".join(dict.fromkeys(lines[:_LISTED])) + ", …" * (len(lines) > _LISTED)
            more = f"{self.count - 1:,} more error{'s' * (self.count > 2)} in this file"
            where = f", in line{'s' * (len(lines) > 1)} {places}" if places else ""
            message = f"{first.message} ({more}{where})"
            raise DataError(first.path, first.line, message) from first
        raise first


def shown(text: str, length: int = 60) -> str:
    """Return a text for a message: in quotes, cut at some length, unusual characters escaped.

    Blanks other than the space, control characters and other invisible characters are written as
    escape sequences, so that they can be seen.

    Args:
        text: The text.
        length: Maximum number of characters shown.

    Returns:
        The text between single quotes, with ``…`` where it is cut.
    """
    cut = text[:length]
    visible = "".join(
        character
        if character.isprintable() and character not in _LOOK_ALIKES
        else character.encode("unicode_escape").decode()
        for character in cut
    )
    return f"'{visible}'" if len(text) <= length else f"'{visible}…'"


# Printable characters that look like others or cannot be seen.
_LOOK_ALIKES = frozenset("\u115f\u1160\u3164\uffa0\u2800")
