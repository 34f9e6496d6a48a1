"""Corpora of texts with labels: train and dev of a classifier, from files or Hugging Face datasets.

A dataset has one row per text. A label is a string, an integer or a ClassLabel, and several labels
are a list of these.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tagger.config.classifier import TextDataConfig
from tagger.corpora.checks import SHARED, label_findings
from tagger.corpora.holding import fraction_of, limit_of
from tagger.corpora.loading import DATASETS, is_saved, load_single, load_train_and_dev
from tagger.corpora.reading import distinct_files
from tagger.errors import ConfigError, DataError
from tagger.text.labeled import (
    LABEL_NAMES,
    TEXT_NAMES,
    LabeledText,
    TextOptions,
    check_columns,
    labeled_texts,
)
from tagger.text.report import ReadReport
from tagger.text.rows import Row, column_of, opened

if TYPE_CHECKING:
    import datasets

__all__ = ["TextCorpus", "TextSplits", "from_dataset", "read_all", "splits", "warnings"]

_SHOWN_TOKENS = 16
_SHOWN_LABELS = 30


@dataclass(frozen=True)
class TextCorpus:
    """Labeled texts, and how they were understood.

    Attributes:
        name: Paths of the files, or name of the dataset.
        texts: The texts, at least one.
        reports: Layout and notes of each file.
    """

    name: str
    texts: list[LabeledText]
    reports: tuple[ReadReport, ...] = field(default=(), compare=False)

    @property
    def tokens(self) -> int:
        """Return the number of tokens."""
        return sum(map(len, self.texts))

    def label_counts(self) -> Counter[str]:
        """Return the number of texts with each label."""
        return Counter(label for text in self.texts for label in text.labels)

    def summary(self) -> str:
        """Describe how the corpus was understood.

        Returns:
            Layouts, numbers of texts and tokens, labels with their counts, the beginning of the
            first text, and what was skipped.
        """
        counts = self.label_counts().most_common()
        labels = ", ".join(f"{label} {count:,}" for label, count in counts[:_SHOWN_LABELS])
        if len(counts) > _SHOWN_LABELS:
            labels += f" and {len(counts) - _SHOWN_LABELS:,} others"
        none = sum(not text.labels for text in self.texts)
        layouts = "; ".join(dict.fromkeys(report.layout for report in self.reports))
        first = self.texts[0].tokens
        lines = [
            f"{self.name}: {layouts}",
            f"{len(self.texts):,} texts, {self.tokens:,} tokens, the longest "
            f"{max(map(len, self.texts)):,}",
            f"labels: {labels or 'none'}" + (f"; {none:,} texts without a label" if none else ""),
            f"first: {' '.join(first[:_SHOWN_TOKENS])}" + " …" * (len(first) > _SHOWN_TOKENS),
            *(f"note: {note}" for report in self.reports for note in report.notes),
        ]
        return "\n  ".join(lines)


class TextSplits(NamedTuple):
    """The corpora of a training.

    Attributes:
        train: Texts to learn from.
        dev: Texts that decide when to stop, which epoch to keep, and how probabilities are
            calibrated.
    """

    train: TextCorpus
    dev: TextCorpus


def splits(data: TextDataConfig) -> TextSplits:
    """Read the labeled texts of train and dev; without dev, a tenth of train is held out.

    Args:
        data: Settings that name files or a dataset.

    Returns:
        The two corpora.

    Raises:
        ConfigError: Neither files nor a dataset are named, or both are; or there is no such
            dataset, split or feature.
        DataError: A record has no text or no label, or all texts of train have the same label.
    """
    if data.hub and (data.train or data.dev):
        raise ConfigError(
            f"data.hub is {data.hub!r}, but data.train or data.dev names a file: expected one or "
            "the other"
        )
    if not data.hub and not data.train:
        raise ConfigError("no train data: give --train FILE, or set data.train; or give --hub NAME")
    options, dev = data.reading, None
    if data.hub:
        found = load_train_and_dev(data.hub, needs_dev=False)
        parts = {
            name: from_dataset(one, options, f"{data.hub}[{name}]") for name, one in found.items()
        }
        train, dev = parts["train"], parts.get("dev")
    else:
        train = read_all(data.train, options)
        if data.dev:
            dev = read_all(data.dev, options)
    if dev is None:
        train, dev = _hold_out(train)
    labels = train.label_counts()
    if len(labels) < (1 if options.multi_label else 2):
        known = (
            f"every text has the label {next(iter(labels))}" if labels else "no text has a label"
        )
        raise DataError(train.name, None, f"{known}, so there is nothing to learn")
    return TextSplits(train, dev)


def read_all(paths: Sequence[str | Path], options: TextOptions) -> TextCorpus:
    """Read files of labeled texts as one corpus.

    Args:
        paths: JSON Lines, tables, or datasets (``.parquet``, ``.arrow``, or a folder of
            ``Dataset.save_to_disk``); at least one. A folder stands for all files in it.
        options: How they are read.

    Returns:
        All texts in order.

    Raises:
        DataError: A file cannot be read or contains no texts, or a record has no text or label; the
            message lists the places of all such records of the file.
        ConfigError: A dataset cannot be loaded, or lacks a feature.
    """
    corpora = [_read(str(path), options) for path in distinct_files(paths)]
    return TextCorpus(
        ", ".join(corpus.name for corpus in corpora),
        [text for corpus in corpora for text in corpus.texts],
        tuple(report for corpus in corpora for report in corpus.reports),
    )


def _read(path: str, options: TextOptions) -> TextCorpus:
    """Read one file or dataset."""
    if is_saved(Path(path)) or Path(path).suffix in DATASETS:
        return from_dataset(load_single(path), options, path)
    report = ReadReport(path)
    with opened(
        path, report, encoding=options.encoding, column=options.text, usual=TEXT_NAMES
    ) as file:
        check_columns(file, path, options)
        return _corpus(path, file.rows, options, report)


def from_dataset(
    dataset: datasets.Dataset, options: TextOptions, name: str = "dataset"
) -> TextCorpus:
    """Convert a dataset to labeled texts.

    Args:
        dataset: One split, with one row per text.
        options: How its rows are read.
        name: Its name, for errors.

    Returns:
        The texts.

    Raises:
        ConfigError: There is no feature with the text or the label.
        DataError: A row has no text or no label; the message lists the places of all such rows.
    """
    text, label = (
        _feature(dataset, name, role, declared, usual)
        for role, declared, usual in (
            ("text", options.text, TEXT_NAMES),
            ("label", options.label, LABEL_NAMES),
        )
    )
    report = ReadReport(name, layout=f"a dataset with the features {text} and {label}")
    options = replace(options, text=text, label=label)
    return _corpus(name, _rows(dataset, name, text, label), options, report)


def _corpus(name: str, rows: Iterator[Row], options: TextOptions, report: ReadReport) -> TextCorpus:
    """Return the corpus of all records, after raising the errors of all of them as one."""
    texts = list(labeled_texts(rows, options, report))
    report.finish()
    if not texts:
        raise DataError(name, None, "contains no texts; expected one record per text")
    return TextCorpus(name, texts, (report,))


def _feature(
    dataset: datasets.Dataset, name: str, role: str, declared: str, usual: Sequence[str]
) -> str:
    """Return the name of the feature for a role, or raise ConfigError."""
    found = column_of(list(dataset.features), declared, usual)
    if found is None:
        wanted = repr(declared) if declared else f"such as {role!r}"
        raise ConfigError(
            f"data.{role}_column: {name!r} has the features {', '.join(dataset.features)}; "
            f"expected one {wanted} with the {role}"
        )
    return found


def _rows(dataset: datasets.Dataset, name: str, text: str, label: str) -> Iterator[Row]:
    """Yield the rows of a dataset, with names of labels in place of their ids."""
    feature = dataset.features[label]
    names = getattr(feature, "names", None) or getattr(
        getattr(feature, "feature", None), "names", None
    )
    for number, row in enumerate(dataset.select_columns([text, label]), 1):
        value = row[label]
        if names is not None:
            many = isinstance(value, list)
            value = [_name(one, names) for one in value] if many else _name(value, names)
        yield Row(name, number, {text: row[text], label: value})


def _name(value: Any, names: Sequence[str]) -> str | None:
    """Return the name of a ClassLabel; None for -1, which means "not labeled"."""
    return None if value is None or value < 0 else names[value]


def _hold_out(corpus: TextCorpus) -> tuple[TextCorpus, TextCorpus]:
    """Divide a corpus into train and dev by hashes of the texts: equal ones stay together."""
    fractions = [fraction_of(" ".join(text.tokens)) for text in corpus.texts]
    if len(set(fractions)) < 2:
        raise DataError(
            corpus.name,
            None,
            "has only one distinct text, so none can be held out; give --dev FILE",
        )
    limit = limit_of(fractions)
    parts = list(zip(corpus.texts, fractions, strict=True))
    dev = [text for text, fraction in parts if fraction <= limit]
    train = [text for text, fraction in parts if fraction > limit]
    name = f"dev, {len(dev):,} of {len(corpus.texts):,} texts held out of {corpus.name}"
    return replace(corpus, texts=train), replace(corpus, name=name, texts=dev)


def warnings(train: TextCorpus, dev: TextCorpus) -> list[str]:
    """Describe what in the data makes a good model or an honest score unlikely.

    Args:
        train: Texts to learn from.
        dev: Texts that decide which epoch is kept.

    Returns:
        One sentence per finding, the gravest first.
    """
    found = []
    known: dict[tuple[str, ...], LabeledText] = {}
    contradictions = []
    for text in train.texts:
        first = known.setdefault(text.tokens, text)
        if {*first.labels} != {*text.labels}:
            contradictions.append((first, text))
    shared = sum(text.tokens in known for text in dev.texts)
    if shared:
        misleads = ", so the dev score is too high and the wrong epoch may be kept"
        found.append(
            f"{shared:,} of {len(dev.texts):,} texts of {dev.name} also occur in {train.name}"
            + misleads * (shared >= SHARED * len(dev.texts))
        )
    if contradictions:
        one, other = contradictions[0]
        found.append(
            f"{len(contradictions):,} of {len(train.texts):,} texts of {train.name} repeat an "
            f"earlier text with another label, the first in {other.path}:{other.line}, as in "
            f"{one.path}:{one.line}"
        )
    return found + label_findings(train.label_counts(), dev.label_counts(), unit="texts")
