"""A recorded terminal: a command runs in a pseudo-terminal, and what it leaves on the screen is
read.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import sys
import termios
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from support.paths import ROOT

_CONTROL = re.compile(r"\x1b\[([0-9;?]*)([A-Za-z])")


@dataclass
class Recording:
    """What a command wrote to a terminal, and its exit status.

    Attributes:
        status: The exit status.
        raw: Everything that was written.
        screen: The lines at the end, without those that were removed.
        frames: The lines that were overwritten in place.
    """

    status: int
    raw: str
    screen: list[str] = field(default_factory=lambda: [""])
    frames: list[str] = field(default_factory=list)


def record(
    command: Sequence[str | Path], columns: int, environment: Mapping[str, str] | None = None
) -> Recording:
    """Run a command in a terminal of so many columns, and play what it wrote."""
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(ROOT)
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        variables = {**os.environ, "TERM": "xterm-256color", **(environment or {})}
        os.execve(sys.executable, [sys.executable, *map(str, command)], variables)
    pieces = []
    while True:
        try:
            piece = os.read(terminal, 1 << 16)
        except OSError:  # the command has ended
            break
        if not piece:
            break
        pieces.append(piece)
    os.close(terminal)
    status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    recording = Recording(status, b"".join(pieces).decode())
    _play(recording)
    return recording


def _play(recording: Recording) -> None:
    """Fill the screen of a recording; an unknown control sequence is an error."""
    lines, row, column, position = recording.screen, 0, 0, 0
    text = recording.raw
    while position < len(text):
        if match := _CONTROL.match(text, position):
            argument, kind = match.groups()
            position = match.end()
            if kind == "A":
                row -= int(argument or 1)
            elif kind == "K":
                recording.frames.append(lines[row])
                lines[row] = ""
            else:
                assert kind in "mhl", match[0]
            continue
        character = text[position]
        position += 1
        if character == "\r":
            column = 0
        elif character == "\n":
            row += 1
            if row == len(lines):
                lines.append("")
        else:
            line = lines[row].ljust(column)
            lines[row] = line[:column] + character + line[column + 1 :]
            column += 1
