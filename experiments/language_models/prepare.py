"""Cut untagged news into train, dev and test: a tokenised sentence a line, its tokens divided by
blanks.

    python experiments/language_models/prepare.py data/news reuters21578.txt.gz bbc.txt.gz

A source holds stories; the first line of each is its title. Where two blank lines stand between
some stories, one divides paragraphs; elsewhere a blank line divides stories, and lines that are
indented begin paragraphs. Of every 100 blocks of ten stories, the 99th is dev and the 100th test:
neighbours, which often report the same event, mostly stay together. What dev has in common with
train, or test with either, is left out, paragraph by paragraph: no figure is of text that was
learnt.
"""

from __future__ import annotations

import argparse
import gzip
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from tagger.files import atomic_write
from tagger.text import tokenizers

SPLITS = ("train", "dev", "test")
BLOCK, BLOCKS = 10, 100


def stories(path: str) -> Iterator[list[str]]:
    """The paragraphs of each story, the title first."""
    with (
        gzip.open(path, "rt", encoding="utf-8")
        if path.endswith(".gz")
        else open(path, encoding="utf-8") as stream
    ):
        text = stream.read()
    for story in re.split("\n{3,}" if "\n\n\n" in text else "\n\n", text):
        title, _, body = story.strip("\n").partition("\n")
        paragraphs = (" ".join(part.split()) for part in (title, *re.split(r"\n(?=\n|  )", body)))
        yield [paragraph for paragraph in paragraphs if paragraph]


def split_of(number: int) -> str:
    """Where the story with this number belongs."""
    return {BLOCKS - 2: "dev", BLOCKS - 1: "test"}.get(number // BLOCK % BLOCKS, "train")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder")
    parser.add_argument("sources", nargs="+")
    options = parser.parse_args()
    found: dict[str, list[str]] = {split: [] for split in SPLITS}
    for source in options.sources:
        for number, story in enumerate(stories(source)):
            found[split_of(number)] += story
    tokenizer, seen, counts = (
        tokenizers.get(tokenizers.DEFAULT),
        set[str](),
        dict.fromkeys(SPLITS, (0, 0)),
    )
    with ExitStack() as stack:
        for split in SPLITS:
            stream = stack.enter_context(atomic_write(Path(options.folder) / f"{split}.txt"))
            new = [paragraph for paragraph in found[split] if paragraph not in seen]
            seen.update(new)
            for paragraph in new:
                for offsets in tokenizer(paragraph):
                    stream.write(" ".join(paragraph[start:end] for start, end in offsets) + "\n")
                    counts[split] = counts[split][0] + 1, counts[split][1] + len(offsets)
    for split, (sentences, words) in counts.items():
        print(f"{split}: {sentences:,} sentences, {words:,} tokens")


if __name__ == "__main__":
    main()
