"""Lemmas of English words by a network, beside a dictionary.

    git clone https://github.com/UniversalDependencies/UD_English-EWT
    python experiments/lemmas.py prepare UD_English-EWT data/lemmas
    tagger seq2seq train experiments/lemmas.toml runs/lemmas/1 --seed 1
    python experiments/lemmas.py score data/lemmas dev runs/lemmas/1 runs/lemmas/2

`prepare` writes the words of each part with their lemmas, universal parts of speech and numbers of
occurrences. Of several lemmas of a word with the same part of speech, train keeps the most
frequent one. Tokens to which the treebank gives no lemma are left out: parts of a word that was
typed apart.

`score` counts tokens whose lemma is right. The dictionary knows the words of train; to others, it
gives the word itself, in lower case unless it is a proper noun.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tables import shown

import tagger.seq2seq
from tagger.files import atomic_write

PARTS = ("train", "dev", "test")
HEADER = "word\tlemma\tpos\tcount"
Source = tuple[str, str]
"""A word and its part of speech."""


@dataclass(frozen=True)
class Entry:
    """A word, its part of speech, a lemma of it, and the number of its occurrences."""

    source: Source
    lemma: str
    count: int


def tokens(path: Path) -> Iterator[tuple[Source, str]]:
    """Yield word, part of speech and lemma of each token of a CoNLL-U file that has a lemma."""
    for line in path.read_text(encoding="utf-8").splitlines():
        cells = line.split("\t")
        if len(cells) != 10 or not cells[0].isdigit():
            continue
        word, lemma, pos = cells[1:4]
        if lemma != "_" or word == "_":
            yield (word, pos), lemma


def prepare(treebank: Path, folder: Path) -> None:
    """Write the three parts and print their sizes."""
    for part in PARTS:
        counts: dict[Source, Counter[str]] = defaultdict(Counter)
        (path,) = treebank.glob(f"*-ud-{part}.conllu")
        for source, lemma in tokens(path):
            counts[source][lemma] += 1
        rows = [
            (word, lemma, pos, count)
            for (word, pos), lemmas in counts.items()
            for lemma, count in lemmas.most_common(1 if part == "train" else None)
        ]
        with atomic_write(folder / f"{part}.tsv") as stream:
            print(HEADER, file=stream)
            for row in rows:
                print(*row, sep="\t", file=stream)
        print(
            f"{part}: {sum(lemmas.total() for lemmas in counts.values()):,} tokens, "
            f"{len(counts):,} words with a part of speech"
        )


def read(path: Path) -> list[Entry]:
    """Return the entries of a part."""
    header, *lines = path.read_text(encoding="utf-8").splitlines()
    if header != HEADER:
        raise SystemExit(f"{path}:1: expected the header of `prepare`, found {header!r}")
    rows = [line.split("\t") for line in lines]
    return [Entry((word, pos), lemma, int(count)) for word, lemma, pos, count in rows]


def by_network(run: str, sources: list[Source]) -> dict[Source, str]:
    """Return the lemmas that a network predicts; "" for one that is too long."""
    found = tagger.seq2seq.load(run).predict(
        [word for word, _ in sources], features=[{"pos": pos} for _, pos in sources], beam=5
    )
    return {
        source: best.text if not best.at_limit else ""
        for source, (best, *_) in zip(sources, found, strict=True)
    }


def score(folder: Path, part: str, runs: list[str]) -> None:
    """Print a table with the share of tokens whose lemma is right, by method."""
    known = {entry.source: entry.lemma for entry in read(folder / "train.tsv")}
    entries = read(folder / f"{part}.tsv")
    new = [entry for entry in entries if entry.source not in known]
    sources = list(dict.fromkeys(entry.source for entry in entries))

    def as_it_is(source: Source) -> str:
        word, pos = source
        return word if pos == "PROPN" else word.lower()

    networks = [by_network(run, sources) for run in runs]
    methods = {
        "dictionary": [{one: known.get(one, as_it_is(one)) for one in sources}],
        "network": networks,
        "dictionary, the network for other words": [
            {one: known.get(one, lemmas[one]) for one in sources} for lemmas in networks
        ],
    }
    total = sum(entry.count for entry in entries)
    print(f"| {part} | all {total:,} tokens | {sum(e.count for e in new):,} not in train |")
    print("|---|---:|---:|")
    for name, found in methods.items():
        cells = [shown([accuracy(lemmas, some) for lemmas in found]) for some in (entries, new)]
        print(f"| {name} | {cells[0]} | {cells[1]} |")


def accuracy(lemmas: dict[Source, str], entries: list[Entry]) -> float:
    """Return the percentage of tokens whose lemma is right."""
    right = sum(entry.count for entry in entries if lemmas[entry.source] == entry.lemma)
    return 100 * right / sum(entry.count for entry in entries)


def main() -> None:
    """Prepare the data, or score models."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    preparing = commands.add_parser("prepare")
    preparing.add_argument("treebank", type=Path)
    preparing.add_argument("folder", type=Path)
    scoring = commands.add_parser("score")
    scoring.add_argument("folder", type=Path)
    scoring.add_argument("part", choices=PARTS[1:])
    scoring.add_argument("runs", nargs="+")
    options = parser.parse_args()
    if options.command == "prepare":
        prepare(options.treebank, options.folder)
    else:
        score(options.folder, options.part, options.runs)


if __name__ == "__main__":
    sys.exit(main())
