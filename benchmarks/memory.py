"""Peak memory of `tagger predict` over the size of its file, and for one line of 100,000 tokens.

    python benchmarks/memory.py RUN [--sizes 10 100 1000]

Files are the corpus' test set, repeated to so many MB, as CoNLL columns; in each repetition a tenth
of the words is new. The line is raw text.
"""

from __future__ import annotations

import argparse
import tempfile
import zlib
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import peer_columns
import processes
import rounds

LINE = 100_000


def lines() -> Iterator[str]:
    """Endless columns; of each repetition a tenth of the words is new."""
    sentences = list(peer_columns.sentences(rounds.corpus("test")))
    for repetition in count():
        for _, tokens in sentences:
            for token in tokens:
                new = repetition and zlib.crc32(token.encode()) % 10 == 0 and token.isalpha()
                yield f"{token}{repetition} O\n" if new else f"{token} O\n"
            yield "\n"


def write_columns(path: Path, megabytes: float) -> int:
    """A file of so many MB; the number of its tokens."""
    size, tokens = 0, 0
    with open(path, "w", encoding="utf-8") as file:
        for line in lines():
            file.write(line)
            size, tokens = size + len(line.encode()), tokens + (line != "\n")
            if size >= megabytes * 1e6 and line == "\n":
                return tokens
    raise AssertionError


def write_line(path: Path, tokens: int) -> int:
    words = [
        word
        for _, sentence in peer_columns.sentences(rounds.corpus("test"))
        for word in sentence
        if word.isalpha()
    ]
    path.write_text(
        " ".join((words * (tokens // len(words) + 1))[:tokens]) + "\n", encoding="utf-8"
    )
    return tokens


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run")
    parser.add_argument("--sizes", type=float, nargs="+", default=[10, 100], metavar="MB")
    options = parser.parse_args()
    print(rounds.table(["input", "tokens", "peak MB", "tokens/s"], []))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for size in (*options.sizes, None):
            source = folder / ("line.txt" if size is None else "columns.conll")
            tokens = write_line(source, LINE) if size is None else write_columns(source, size)
            took = processes.run(
                processes.predict(options.run, source, "--output", folder / "tagged")
            )
            label = f"one line of {LINE:,} tokens" if size is None else f"{size:g} MB"
            print(
                f"| {label} | {tokens:,} | {took.memory:,.0f} | {tokens / took.seconds:,.0f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
