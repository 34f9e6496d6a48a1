"""A record of how an input file was understood: its layout, notes, and what could not be read."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from tagger.errors import DataError
from tagger.text.spans import CharacterSpan, Record
from tagger.text.units import Evidence

__all__ = ["ERROR", "ON_ERROR", "Issue", "ReadReport"]

ON_ERROR = ("stop", "skip", "keep")
"""What happens to a record that cannot be read: the file fails, or the record is left out of the
output or written to it without annotation. Skipped and kept records are listed.
"""

# Errors beyond this number are counted but not kept.
_KEPT = 1000
_LISTED = 5
_LISTED_ISSUES = 20

ERROR = "error"
"""The action of issues that make a file unusable."""


@dataclass(frozen=True)
class Issue:
    """A place of a file that cannot be used as it is.

    Args:
        path: Path of the file.
        line: Line number, counted from 1; 0 if unknown.
        kind: What it is: misaligned, overlap, discontinuous, offsets, surface, empty, not found,
            or repair.
        action: What happened: "error", "expanded", "contracted", "split", "not used", "missed",
            "covered", or "repaired".
        message: Description with the fix.
        id: Name of the document, if the format has names.
        start: Offset of the span in code points, if it has one.
        end: Offset after its last character.
        label: Label of the span.
        text: Surface of the span, or what stands in the file.
        nearest: Start and end of the tokens that the span touches.
        tokens: These tokens, joined by blanks; or what stands there now.
    """

    path: str
    line: int
    kind: str
    action: str
    message: str
    id: str = ""
    start: int | None = None
    end: int | None = None
    label: str = ""
    text: str = ""
    nearest: tuple[int, int] | None = None
    tokens: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return the fields that are set, for ``json.dumps``."""
        return {key: value for key, value in asdict(self).items() if value not in (None, "")}

    def summary(self) -> str:
        """Describe the issue in one line, without the fix.

        Returns:
            The place, the kind, the text, and the nearest borders of tokens if they are known.
        """
        place = f"{self.path}:{self.line}" if self.line else self.path
        where = f"{place}: {self.id}" if self.id and not self.line else place
        found = f"{where}: {self.kind}: {shown(self.text, 40)}"
        found += f" ({self.label})" if self.label else ""
        if self.nearest is None:
            return found
        start, end = self.nearest
        return f"{found}, nearest token borders {start}-{end} ({shown(self.tokens, 40)})"


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
        trailing: Comments after the last sentence.
        problems: The first errors, in order.
        count: Number of errors.
        issues: All spans that could not be used as they are, and all repairs.
        missed: Gold spans that are not tokens, with their records, if they count as missed.
        offsets: What the documents so far prove about the unit of offsets.
    """

    path: str = ""
    on_error: str = "stop"
    format: str = ""
    layout: str = ""
    header: tuple[str, ...] = ()
    trailing: tuple[str, ...] = ()
    problems: list[DataError] = field(default_factory=list)
    count: int = 0
    issues: list[Issue] = field(default_factory=list)
    missed: list[tuple[Record, CharacterSpan]] = field(default_factory=list)
    offsets: Evidence = field(default_factory=Evidence)
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

    def issue(self, issue: Issue, note: str = "") -> None:
        """Register a span that cannot be used as it is.

        Args:
            issue: The issue; its action "error" is the error of one record.
            note: Otherwise, what was done about it, as a note.
        """
        self.issues.append(issue)
        if issue.action == ERROR:
            where = f"document {shown(issue.id)}: " if issue.id else ""
            self.problem(DataError(issue.path, issue.line or None, where + issue.message))
        else:
            self.note(note, issue.line or None, issue.text)

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

    @property
    def named_columns(self) -> str:
        """The columns that a header row names, as the end of a message; empty without one."""
        names = ", ".join(f"{number} {name}" for number, name in enumerate(self.header))
        return f". The header row names the columns: {names}" if names else ""

    def finish(self) -> None:
        """Raise the errors of the file as one, if any makes it unusable.

        Raises:
            DataError: The first error, with the number and the places of the others.
        """
        if not self.has_failed:
            return
        first = self.problems[0]
        if self.count > 1:
            others = dict.fromkeys(error.line for error in self.problems[1:])
            lines = [str(line) for line in others if line not in (None, first.line)]
            places = ", ".join(lines[:_LISTED]) + ", …" * (len(lines) > _LISTED)
            more = f"{self.count - 1:,} more error{'s' * (self.count > 2)} in this file"
            where = f", in line{'s' * (len(lines) > 1)} {places}" if places else ""
            message = f"{first.message} ({more}{where})"
            raise DataError(first.path, first.line, message, self._listed()) from first
        raise first

    def _listed(self) -> tuple[str, ...]:
        """Return a line for each of the first issues, if there are several."""
        issues = [issue for issue in self.issues if issue.action == ERROR]
        if len(issues) < 2:
            return ()
        lines = [issue.summary() for issue in issues[:_LISTED_ISSUES]]
        if len(issues) > _LISTED_ISSUES:
            lines.append(f"… {len(issues) - _LISTED_ISSUES:,} more; --issues FILE lists all")
        return tuple(lines)


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
