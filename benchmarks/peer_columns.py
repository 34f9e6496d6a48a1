"""CoNLL columns, read and written as one does who needs nothing else; for the peers, whose
environment has no tagger.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

Sentence = tuple[list[str], list[str]]
"""The lines of a sentence and its tokens."""


def sentences(path: str | Path) -> Iterator[Sentence]:
    """The sentences of a file, without the marks of documents."""
    lines: list[str] = []
    with open(path, encoding="utf-8") as file:
        for line in file:
            line = line.rstrip("\n")
            if line and not line.startswith("-DOCSTART-"):
                lines.append(line)
            elif lines:
                yield lines, [line.split()[0] for line in lines]
                lines = []
    if lines:
        yield lines, [line.split()[0] for line in lines]


def annotated(path: str | Path, count: int) -> list[tuple[list[str], list[str]]]:
    """Tokens and tags (IOB2) of the first sentences."""
    return [
        (tokens, iob2([line.split()[-1] for line in lines]))
        for lines, tokens in islice(sentences(path), count)
    ]


def iob2(tags: list[str]) -> list[str]:
    """Tags of IOB1 or IOB2 in IOB2."""
    before = ["O", *tags[:-1]]
    return [
        f"B-{tag[2:]}" if tag[:1] == "I" and last[1:] != tag[1:] and last != f"B-{tag[2:]}" else tag
        for tag, last in zip(tags, before, strict=True)
    ]


def write(tagged: Iterable[tuple[list[str], Iterable[str]]], path: str | Path) -> int:
    """Write lines with one column more; says how many there were."""
    count = 0
    with open(path, "w", encoding="utf-8") as file:
        for lines, tags in tagged:
            file.writelines(f"{line} {tag}\n" for line, tag in zip(lines, tags, strict=True))
            file.write("\n")
            count += len(lines)
    return count
