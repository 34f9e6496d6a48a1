"""Splitting of annotated files into train, dev and test.

A document belongs to the part into which the hash of its text falls, so that parts stay the same
when the order changes or documents are added, and duplicates are in one part. Where a label is
missing in dev or test and several documents of train have it, the one with the lowest hash moves.
In a corpus of few documents, single sentences are divided.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tagger.corpora.holding import documents, few_documents, fraction
from tagger.corpora.reading import read_all
from tagger.corpora.writing import save_dataset
from tagger.errors import DataError, TaggerError
from tagger.text import annotation, conversion, formats, schemes
from tagger.text.annotation import Corpus
from tagger.text.formats import ReadOptions
from tagger.text.opening import compression
from tagger.text.spans import Sentence

__all__ = ["PARTS", "Splitting", "parts_of", "split"]

PARTS = ("train", "dev", "test")


@dataclass(frozen=True)
class Splitting:
    """The result of `split`.

    Attributes:
        corpus: The corpus that was divided.
        parts: Train, dev and test, by name.
        paths: The files or folders that were written, by the name of the part.
        kind: What was divided: documents or sentences.
    """

    corpus: Corpus
    parts: dict[str, Corpus]
    paths: dict[str, Path]
    kind: str

    def table(self) -> str:
        """Return the numbers of documents, sentences, tokens and labels of each part."""
        parts = [self.parts[name] for name in self.paths]
        counts = [part.label_counts() for part in parts]
        rows = [
            ("", *self.paths),
            ("documents", *(f"{len(documents(part.sentences)):,}" for part in parts)),
            ("sentences", *(f"{len(part.sentences):,}" for part in parts)),
            ("tokens", *(f"{part.tokens:,}" for part in parts)),
        ]
        total = sum(counts, Counter[str]())
        for label, _ in total.most_common():
            rows.append((label, *(f"{count[label]:,}" for count in counts)))
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return "\n".join(
            "  ".join(
                cell.rjust(width) if index else cell.ljust(width)
                for index, (cell, width) in enumerate(zip(row, widths, strict=True))
            )
            for row in rows
        )


def split(
    sources: Sequence[str | Path],
    into: str | Path,
    options: ReadOptions | None = None,
    scheme: str = annotation.DETECT,
    *,
    dev: float = 0.1,
    test: float = 0.1,
) -> Splitting:
    """Divide annotated files into train, dev and test, written in their format.

    Args:
        sources: Annotated files and folders of one format.
        into: Folder of the parts, ``train``, ``dev`` and ``test`` with the suffix of the first
            file; folders of these names for a format with a file per document.
        options: Reading options; the defaults of `ReadOptions` if None.
        scheme: Tagging scheme of the sources; detected by default.
        dev: Share of dev, in expectation.
        test: Share of test, in expectation; 0 writes none.

    Returns:
        The parts and where they are.

    Raises:
        DataError: The sources are ill-formed or of different formats, or contain too little.
        TaggerError: A share is impossible, or a part exists or cannot be written.
    """
    if not (0 < dev < 1 and 0 <= test < 1 and dev + test < 1):
        raise TaggerError(
            f"expected shares between 0 and 1 that leave something for train, got {dev} for dev "
            f"and {test} for test"
        )
    options = options or ReadOptions()
    corpus = read_all(sources, options, scheme)
    paths = dict(_paths(corpus, Path(into), PARTS if test else PARTS[:2]))
    units, kind = _units(corpus)
    members: dict[str, list[Sentence]] = {name: [] for name in PARTS}
    for unit, name in zip(units, parts_of(units, dev, test), strict=True):
        members[name] += unit
    if missing := [name for name in paths if not members[name]]:
        message = f"has {len(units):,} {kind}, too few for {' and '.join(missing)}"
        raise DataError(corpus.name, None, f"{message}; expected more, or larger shares")
    parts = {
        name: replace(corpus, name=name, sentences=sentences, parts=())
        for name, sentences in members.items()
    }
    for name, path in paths.items():
        _save(parts[name], path, options)
    return Splitting(corpus, parts, paths, kind)


def parts_of(units: Sequence[Sequence[Sentence]], dev: float, test: float) -> list[str]:
    """Return the part of each document.

    Args:
        units: Documents, or single sentences.
        dev: Share of dev.
        test: Share of test.

    Returns:
        The name of the part of each unit; equal units have the same.
    """
    fractions = [fraction(unit) for unit in units]
    part = {
        value: "test" if value < test else "dev" if value < test + dev else "train"
        for value in fractions
    }
    labels: dict[float, set[str]] = {}
    for value, unit in zip(fractions, units, strict=True):
        labels.setdefault(value, set()).update(_labels(unit))
    counts = Counter(label for found in labels.values() for label in found)
    for name in ("dev", "test") if test else ("dev",):
        for label in sorted(counts, key=lambda label: (counts[label], label)):
            having = sorted(value for value, found in labels.items() if label in found)
            if any(part[value] == name for value in having):
                continue
            movable = (value for value in having if _is_movable(value, labels, part))
            if (moved := next(movable, None)) is not None:
                part[moved] = name
    return [part[value] for value in fractions]


def _is_movable(unit: float, labels: dict[float, set[str]], part: dict[float, str]) -> bool:
    """Return whether a unit is in train, which keeps all labels without it."""
    others = (labels[value] for value, name in part.items() if name == "train" and value != unit)
    return part[unit] == "train" and labels[unit] <= set().union(*others)


def _labels(unit: Sequence[Sentence]) -> Iterator[str]:
    """Yield the labels or plain tags of some sentences."""
    for sentence in unit:
        if sentence.spans is not None:
            yield from (span.label for span in sentence.spans)
        else:
            yield from sentence.tags or ()


def _units(corpus: Corpus) -> tuple[list[list[Sentence]], str]:
    """Return what is divided, and its name: a text is never divided."""
    units = documents(corpus.sentences)
    texts = {id(s.record) for s in corpus.sentences if s.offsets is not None}
    has_sentences = not texts or len(texts) == len(corpus.sentences)
    if few_documents(units) and has_sentences:
        return [[sentence] for sentence in corpus.sentences], "sentences"
    return units, "documents"


def _paths(corpus: Corpus, into: Path, names: Sequence[str]) -> Iterator[tuple[str, Path]]:
    """Yield the paths of the parts; raise an error if the formats differ or a path exists."""
    if len({part.report.format for part in corpus.parts}) > 1:
        found = ", ".join(f"{part.name}: {part.report.format}" for part in corpus.parts)
        raise DataError(corpus.name, None, f"expected files of one format, found {found}")
    first = corpus.parts[0] if corpus.parts else corpus
    suffix = Path(compression.unpacked_name(Path(first.name).name)).suffix
    has_folders = corpus.report.format and formats.named(corpus.report.format).has_folders
    for name in names:
        path = into / (name if has_folders else name + suffix)
        if path.exists():
            raise TaggerError(f"{path}: exists; choose another folder with --into, or remove it")
        yield name, path


def _save(part: Corpus, path: Path, options: ReadOptions) -> None:
    """Write a part in the format of the corpus."""
    is_plain = part.scheme == schemes.PLAIN
    scheme = "IOB2" if is_plain else part.scheme
    sentences = [s if is_plain else replace(s, tags=None) for s in part.sentences]
    if part.report.format:
        conversion.rewrite(sentences, path, part.report, scheme, options)
    else:
        save_dataset(sentences, path, scheme)
