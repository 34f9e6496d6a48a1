"""The code blocks of Markdown pages, to be executed one after the other in a folder of samples."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from support.paths import ROOT

__all__ = ["PAGES", "Block", "blocks_of", "commands_of"]

EXECUTED = ("sh", "python", "toml", "json", "text")
SHELL = ("tagger", "pip", "make", "cd", "git")
"""What lines of a shell block may begin with."""

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


@dataclass(frozen=True)
class Block:
    """A fenced block of code: its language, its title (the file it stands for), its text."""

    language: str
    title: str
    text: str


def blocks_of(page: Path) -> list[Block]:
    """Return the fenced blocks of a page, indented ones (in lists) included."""
    pattern = re.compile(
        r"^(?P<indent> *)```(?P<language>[\w-]*)(?: title=\"(?P<title>[^\"]*)\")?\n"
        r"(?P<text>.*?)^(?P=indent)```$",
        re.DOTALL | re.MULTILINE,
    )
    return [
        Block(
            found["language"],
            found["title"] or "",
            re.sub(f"^{found['indent']}", "", found["text"], flags=re.MULTILINE),
        )
        for found in pattern.finditer(page.read_text(encoding="utf-8"))
    ]


def commands_of(block: Block) -> list[tuple[list[str], str | None]]:
    """Return the commands of a shell block as words, each with its standard input, if it has one.

    A backslash joins lines, ``#`` begins a comment, and ``echo TEXT | command`` is understood.

    Raises:
        ValueError: a line begins with something else than `SHELL` lists.
    """
    commands: list[tuple[list[str], str | None]] = []
    for line in block.text.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        given = None
        if "|" in words:
            echo, given, *rest = words
            if echo != "echo" or rest[0] != "|":
                raise ValueError(f"expected echo TEXT | command, found {line!r}")
            words, given = rest[1:], given + "\n"
        if not words:
            continue
        if words[0] not in SHELL:
            raise ValueError(f"expected a line that begins with one of {SHELL}, found {line!r}")
        commands.append((words, given))
    return commands
