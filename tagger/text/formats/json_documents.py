"""JSON values of a file, one after the other: an object per line, objects over several lines, or
the elements of one array.

Values are decoded from blocks of lines, so that memory does not grow with the file, unless the file
is a single line.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tagger.errors import DataError
from tagger.text.report import shown

__all__ = ["DECODER", "Item", "beginning", "items", "looks_like"]

_BLANKS = re.compile(r"[ \t\n\r]*")
# Characters that are added to a value that is not complete yet, at least.
_BLOCK = 1 << 12


@dataclass(frozen=True)
class Item:
    """A JSON value of a file.

    Attributes:
        line: Number of its first line, counted from 1.
        value: The value; None if there is an error.
        source: Its text; only the first line if there is an error.
        error: Why the text is not JSON; empty if it is.
    """

    line: int
    value: Any
    source: str
    error: str = ""


def items(lines: Iterable[tuple[int, str]], path: str) -> Iterator[Item]:
    """Yield the values of a file.

    Each element of a top-level array is a value, unless the first one is a string or a number: then
    the array is.

    Args:
        lines: Line numbers, counted from 1, and lines without their ends.
        path: Path of the file, for errors.

    Yields:
        The values. After a value that is not JSON, the next line is tried.

    Raises:
        DataError: An element of an array is not JSON, or the array does not end.
    """
    text = _Text(lines)
    while character := text.advance():
        if character == "[" and text.opens_array():
            yield from _elements(text, path)
            continue
        try:
            value = text.value()
            text.check_rest_of_line()
        except ValueError as error:
            line = text.line
            yield Item(line, None, text.skip_line(), str(error))
        else:
            yield Item(text.line, value, text.source)


def _elements(text: _Text, path: str) -> Iterator[Item]:
    """Yield the elements of the array at the position and move behind it."""
    text.end += 1
    character = text.advance()
    try:
        while character != "]":
            if not character:
                raise ValueError("the file ends within an array; is it truncated?")
            value = text.value()
            yield Item(text.line, value, text.source)
            character = text.advance()
            if character == ",":
                text.end += 1
                character = text.advance()
                if character == "]":
                    raise ValueError("a comma before the end of the array")
            elif character not in ("]", ""):
                raise ValueError(f"expected a comma between elements, found {shown(character)}")
    except ValueError as error:
        raise DataError(path, min(text.line, text.last_line), f"not JSON ({error})") from error
    text.end += 1


class _Text:
    """A window of a file: the lines of the current value, and those behind it that were read.

    Attributes:
        start: Index of the first character of the current value.
        end: Index behind it.
        line: Line number of its first character.
        last_line: Number of the last line that was read.
    """

    def __init__(self, lines: Iterable[tuple[int, str]]) -> None:
        """Prepare to read lines."""
        self._lines = iter(lines)
        self._text = ""
        self._is_spread = False  # whether the last error was behind the first line of its value
        self.start = self.end = 0
        self.line = self.last_line = 1

    @property
    def source(self) -> str:
        """Text of the current value."""
        return self._text[self.start : self.end]

    def advance(self) -> str:
        """Move behind the current value and blanks; return the character there, "" at the end."""
        while True:
            self._move(_end_of_blanks(self._text, self.end))
            if self.start < len(self._text):
                return self._text[self.start]
            if not self._fill():
                return ""

    def opens_array(self) -> bool:
        """Return whether the bracket at the position opens an array of objects or arrays."""
        while True:
            index = _end_of_blanks(self._text, self.start + 1)
            if index < len(self._text):
                return self._text[index] in "{[]n"
            if not self._fill():
                return False

    def value(self) -> Any:
        """Decode the value at the position.

        Returns:
            The value.

        Raises:
            ValueError: The text is not JSON.
        """
        while True:
            self._is_spread = True  # unless the place of the error is known
            try:
                value, self.end = DECODER.raw_decode(self._text, self.start)
            except json.JSONDecodeError as error:
                position = min(error.pos, len(self._text.rstrip()))
                line = self.line + self._text.count("\n", self.start, position)
                message = f"{error.msg}: line {line} column {error.colno}"
                self._is_spread = line > self.line
                # As much as there is already: the work remains proportional to the length.
                more = max(len(self._text) - self.start, _BLOCK)
                if self._is_definite(error) or not self._fill(more):
                    raise ValueError(message) from error
            except RecursionError as error:
                raise ValueError("it is nested too deeply") from error
            else:
                return value

    def check_rest_of_line(self) -> None:
        """Raise ValueError if something other than a value follows on the line."""
        self._is_spread = "\n" in self.source
        rest = self._text[self.end : self._text.find("\n", self.end)].strip()
        if rest and rest[0] not in "{[":
            raise ValueError(f"after the value follows {shown(rest, 30)}")

    def skip_line(self) -> str:
        """Move to the next line that may begin a value, and return the current one."""
        line = self._next_line()
        while self._is_spread and (self.start < len(self._text) or self._fill()):
            if self._text[self.start] in "{[":
                break
            self._next_line()
        return line

    def _next_line(self) -> str:
        """Move to the next line, and return the current one."""
        self.end = self._text.find("\n", self.start) + 1
        line = self.source[:-1]
        self._move(self.end)
        return line

    def _move(self, index: int) -> None:
        """Make an index the beginning of the current value."""
        self.line += self._text.count("\n", self.start, index)
        self.start = self.end = index

    def _fill(self, characters: int = 1) -> bool:
        """Read lines with some number of characters or more; return whether there are any."""
        self._text = self._text[self.start :]
        self.start, self.end = 0, self.end - self.start
        added: list[str] = []
        while characters > 0 and (numbered := next(self._lines, None)) is not None:
            self.last_line, line = numbered
            if not (self._text or added):
                self.line = self.last_line
            added.append(line + "\n")
            characters -= len(line) + 1
        self._text += "".join(added)
        return bool(added)

    def _is_definite(self, error: json.JSONDecodeError) -> bool:
        """Return whether more lines cannot complete a text that was refused."""
        is_near_end = error.pos >= len(self._text.rstrip()) - 1
        return not is_near_end and not error.msg.startswith("Unterminated string")


def _end_of_blanks(text: str, start: int) -> int:
    """Return the index after the white space of JSON at an index."""
    found = _BLANKS.match(text, start)
    assert found is not None
    return found.end()


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the object of some pairs; a repeated key would silently be lost."""
    data = dict(pairs)
    if len(data) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {shown(twice)} occurs twice in one object")
    return data


def _refuse_constant(name: str) -> float:
    """Raise ValueError for NaN and the infinities, which JSON does not have."""
    raise ValueError(f"{name} is not a JSON value")


def _finite(literal: str) -> float:
    """Return a number; raise ValueError if it is too large for one."""
    value = float(literal)
    if value in (float("inf"), float("-inf")):
        raise ValueError(f"the number {shown(literal, 20)} is too large")
    return value


DECODER = json.JSONDecoder(
    object_pairs_hook=_unique, parse_constant=_refuse_constant, parse_float=_finite
)
"""A decoder that refuses repeated keys, NaN and numbers that are too large."""


# Values by which a format is recognized.
_HEAD_VALUES = 20


def beginning(head: Sequence[str]) -> list[Any]:
    """Return the first values of a file.

    Args:
        head: First lines of the file, complete and without their ends.

    Returns:
        The values, None for one that is not JSON; one that the lines do not complete is returned
        in part if it is the first. Empty if no line is JSON.
    """
    first = next((line.strip() for line in head if line.strip()), "")
    if first[:1] not in ("{", "["):
        return []
    found = []
    try:
        for item in itertools.islice(items(enumerate(head, 1), ""), _HEAD_VALUES):
            found.append(item.value)
    except DataError:
        pass
    return found if any(value is not None for value in found) else _completed("\n".join(head))


def _completed(text: str) -> list[Any]:
    """Return the first value of a text that ends within it, up to the last comma."""
    open_brackets: list[str] = []
    cut, closing = 0, ""
    for match in _STRUCTURE.finditer(text):
        token = match[0]
        if token in ("{", "["):
            open_brackets.append("}" if token == "{" else "]")
        elif token in ("}", "]"):
            if not open_brackets or open_brackets.pop() != token:
                return []
        elif token == ",":
            cut, closing = match.start(), "".join(reversed(open_brackets))
    try:
        value = json.loads(text[:cut] + closing)
    except (ValueError, RecursionError):
        return []
    return value if isinstance(value, list) and value and isinstance(value[0], dict) else [value]


_STRUCTURE = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{},]')


def looks_like(head: Sequence[str], fits: Callable[[Any], bool]) -> bool:
    """Return whether most of the first values of a file are of some kind.

    Args:
        head: First lines of the file, complete and without their ends.
        fits: Return whether a value is of this kind.
    """
    values = beginning(head)
    return 2 * sum(map(fits, values)) > len(values)
