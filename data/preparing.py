"""What the scripts data/<corpus>/prepare.py share: find a corpus, check that it is the published
one, write it as columns.

Files of a folder are copied byte for byte. Sentences from the Hugging Face Hub become a line a
token, with every column of labels that the dataset has, each label by its name. In both cases the
scheme of the tags is the source's. Where a corpus was published without a dev split, the end of its
train becomes one, cut between two lines.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from tagger.errors import ConfigError, DataError, TaggerError
from tagger.files import atomic_write
from tagger.text import annotation, formats
from tagger.text.formats import ReadOptions, conll
from tagger.text.spans import Sentence

__all__ = ["Corpus", "Counts", "main", "prepare"]

SPLITS = ("train", "dev", "test")
HUB_NAMES = {"train": ("train",), "dev": ("validation", "dev", "devel"), "test": ("test",)}
HUB_TAGS = ("ner_tags", "tags", "chunk_tags")  # the first that a dataset has
HUB_OTHER_COLUMNS = ("pos_tags", "chunk_tags")


@dataclass(frozen=True)
class Counts:
    """How much a split holds; None where nothing is published to compare with."""

    sentences: int | None
    tokens: int | None
    entities: int | None

    def differences(self, published: Counts) -> str:
        """What is not as published, in words; empty if all is."""
        pairs = [
            (field.name, getattr(self, field.name), getattr(published, field.name))
            for field in fields(self)
        ]
        return ", ".join(
            f"{found:,} {name} instead of {known:,}"
            for name, found, known in pairs
            if known not in (None, found)
        )


@dataclass(frozen=True)
class Corpus:
    """A corpus that users must fetch: under which file names it goes about, and how much each split
    holds.

    ``layouts`` are alternatives, each with a file for train, dev and test in this order.
    ``separator`` stands between the columns of what comes from the Hub, where ``hub`` is the
    dataset that is taken unless another one is named. A corpus with ``held_out`` has no dev split,
    neither as a file nor on the Hub: so many of train's last sentences become it.
    """

    name: str
    layouts: tuple[tuple[str, ...], ...]
    hub: str
    separator: str
    published: Mapping[str, Counts]
    held_out: int = 0

    @property
    def splits(self) -> tuple[str, ...]:
        """Those that the source has."""
        return tuple(split for split in SPLITS if split != "dev" or not self.held_out)


@dataclass(frozen=True)
class _Split:
    content: bytes
    sentences: list[Sentence]
    origin: str


def main(corpus: Corpus, folder: Path, arguments: Sequence[str] | None = None) -> int:
    """The command line of a prepare.py that lies in `folder`; the exit status.

    0: all is written and counts what is published; 1: something could not be read or written, or
    counts differ.
    """
    parser = argparse.ArgumentParser(
        description=f"Bring {corpus.name} into the form that tagger reads. See README.md beside."
    )
    source = parser.add_mutually_exclusive_group(required=True)
    layouts = " or ".join(", ".join(layout) for layout in corpus.layouts)
    source.add_argument(
        "--from", dest="folder", type=Path, metavar="FOLDER", help=f"your copy of it: {layouts}"
    )
    hub_help = f"a dataset on the Hugging Face Hub (without NAME: {corpus.hub})"
    source.add_argument("--hub", nargs="?", const=corpus.hub, metavar="NAME", help=hub_help)
    parser.add_argument(
        "--to",
        type=Path,
        default=folder,
        metavar="FOLDER",
        help="where to write (default: beside this script)",
    )
    options = parser.parse_args(arguments)
    try:
        found = (
            _from_folder(corpus, options.folder)
            if options.folder
            else _from_hub(corpus, options.hub)
        )
        if corpus.held_out:
            found = _with_dev(found, corpus.held_out)
        differences = prepare(corpus, found, options.to)
    except TaggerError as error:
        print(error, file=sys.stderr)
        return 1
    if differences:
        print(
            f"This is not {corpus.name} as published. The files are written and can be used, but "
            "scores on them do not compare:",
            *differences,
            sep="\n  ",
            file=sys.stderr,
        )
    return 1 if differences else 0


def prepare(corpus: Corpus, found: Mapping[str, _Split], target: Path) -> list[str]:
    """Write {train,dev,test}.conll into `target`, each whole or not at all, and print a line for
    each.

    Nothing is written before every split has been read and all its tags checked. The result names
    the splits whose counts are not the published ones.

    Raises:
        TaggerError: a split is ill-formed, or a file cannot be written.
    """
    counted = {name: _counts(split) for name, split in found.items()}
    for name, split in found.items():
        path = target / f"{name}.conll"
        with atomic_write(path, "wb") as stream:
            stream.write(split.content)
        counts, scheme = counted[name]
        print(
            f"{path}: {counts.sentences:,} sentences, {counts.tokens:,} tokens, "
            f"{counts.entities:,} entities, {scheme}"
        )
    compared = {
        name: counts.differences(corpus.published[name]) for name, (counts, _) in counted.items()
    }
    return [f"{name}: {difference}" for name, difference in compared.items() if difference]


def _counts(split: _Split) -> tuple[Counts, str]:
    corpus = annotation.annotate(split.sentences, split.origin)
    entities = sum(len(sentence.spans or ()) for sentence in corpus.sentences)
    return Counts(len(corpus.sentences), corpus.tokens, entities), corpus.scheme


def _from_folder(corpus: Corpus, folder: Path) -> dict[str, _Split]:
    if not folder.is_dir():
        raise ConfigError(
            f"{folder}: no such folder; give the one that holds "
            f"{' or '.join(map(', '.join, corpus.layouts))}"
        )
    layout = max(corpus.layouts, key=lambda names: sum((folder / name).is_file() for name in names))
    missing = [name for name in layout if not (folder / name).is_file()]
    if missing:
        expected = " or ".join(map(", ".join, corpus.layouts))
        raise ConfigError(
            f"{folder}: holds no {' and no '.join(missing)}; expected the files {expected}"
        )
    return {split: _file(folder / name) for split, name in zip(corpus.splits, layout, strict=True)}


def _file(path: Path) -> _Split:
    # Parsed first: its errors say how to mend what is wrong.
    name = str(path)
    sentences = formats.read(name, formats.format_of(name, annotated=True), ReadOptions())
    tagged = [sentence for sentence in sentences if len(sentence)]
    if not tagged:
        raise DataError(name, None, "holds no sentence; expected at least one")
    return _Split(path.read_bytes(), tagged, name)


def _from_hub(corpus: Corpus, name: str) -> dict[str, _Split]:
    import datasets

    try:
        found = datasets.load_dataset(name)
    except (
        Exception
    ) as error:  # the library raises many kinds, for a wrong name as for a missing network
        raise ConfigError(
            f"the dataset {name!r} cannot be loaded from the Hugging Face Hub: {error}. "
            "Name another copy with --hub NAME, or use your own with --from FOLDER."
        ) from error
    splits = {
        split: next((known for known in HUB_NAMES[split] if known in found), "")
        for split in corpus.splits
    }
    if not all(splits.values()):
        *wanted, last = (HUB_NAMES[split][0] for split in corpus.splits)
        raise ConfigError(
            f"{name!r} has the splits {', '.join(found)}; expected {', '.join(wanted)} and {last}"
        )
    return {
        split: _rows(found[known], f"{name}[{known}]", corpus.separator)
        for split, known in splits.items()
    }


def _with_dev(found: Mapping[str, _Split], count: int) -> dict[str, _Split]:
    """These splits, with the last `count` sentences of train taken out of it as dev."""
    train = found["train"]
    if len(train.sentences) <= count:
        raise DataError(
            train.origin,
            None,
            f"holds {len(train.sentences):,} sentences; expected more than the {count:,} for dev",
        )
    first = train.sentences[-count].record
    assert first is not None  # as in whatever was read from a file
    lines = train.content.splitlines(keepends=True)
    rest = _Split(b"".join(lines[: first.line - 1]), train.sentences[:-count], train.origin)
    dev = _Split(b"".join(lines[first.line - 1 :]), train.sentences[-count:], train.origin)
    return {"train": rest, "dev": dev, "test": found["test"]}


def _rows(split: Any, origin: str, separator: str) -> _Split:
    """A split of the Hub as columns: the tokens, what other labels they have, and last the tag."""
    tag = next((known for known in HUB_TAGS if known in split.features), "")
    if not {"tokens", tag} <= set(split.features):
        raise ConfigError(
            f"{origin} has the features {', '.join(split.features)}; expected tokens, and "
            f"{' or '.join(HUB_TAGS)}"
        )
    columns = [
        "tokens",
        *(column for column in HUB_OTHER_COLUMNS if column in split.features and column != tag),
        tag,
    ]
    values = [
        _named(split[column], split.features[column], f"{origin}: {column}") for column in columns
    ]
    lines: list[str] = []
    for number, row in enumerate(zip(*values, strict=True), 1):
        try:
            lines += [separator.join(token) for token in zip(*row, strict=True)]
        except ValueError as error:
            lengths = ", ".join(
                f"{len(cells)} {column}" for cells, column in zip(row, columns, strict=True)
            )
            raise DataError(
                origin, number, f"expected as many labels as tokens, found {lengths}"
            ) from error
        lines.append("")
    # As a file says it, so that what is counted is what will be read.
    sentences = list(
        conll.read(
            enumerate(lines, 1),
            origin,
            conll.Columns(delimiter="tab" if separator == "\t" else "blank"),
        )
    )
    if not sentences:
        raise DataError(origin, None, "holds no sentence; expected at least one")
    return _Split(
        "".join(f"{line}\n" for line in lines).encode(),
        [found for found in sentences if len(found)],
        origin,
    )


def _named(column: Iterable[Sequence[Any]], feature: Any, where: str) -> list[list[str]]:
    """The cells of a column as strings; the numbers of a ClassLabel become its names.

    Raises: DataError: they are numbers without names, or hold blanks or line breaks, which columns
        cannot carry.
    """
    labels = getattr(getattr(feature, "feature", None), "names", ())
    names = dict(enumerate(labels))  # a dict, for -1 is how `datasets` says that there is no label
    rows = [[names.get(cell, cell) for cell in cells] for cells in column]
    for number, cells in enumerate(rows, 1):
        for cell in cells:
            if not isinstance(cell, str):
                hint = "choose a dataset whose labels are strings or have names (ClassLabel)"
                raise DataError(where, number, f"the label {cell!r} has no name; {hint}")
            if not cell or any(character in " \t\r\n" for character in cell):
                raise DataError(
                    where,
                    number,
                    f"{cell!r} is empty, or holds a blank or a line break, which no column can "
                    "hold",
                )
    return rows
