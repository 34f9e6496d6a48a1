"""Corpora: the sentences of train and dev, from annotated files or from Hugging Face datasets.

    loading.py      load datasets from the Hub or from disk
    reading.py      convert files and datasets to sentences with spans
    holding.py      hold out dev sentences of train
    splitting.py    divide files into train, dev and test
    checks.py       warn about data that cannot train a good model
    texts.py        read texts with labels, and hold out dev texts
    writing.py      convert sentences to a dataset
    conversion.py   convert files, folders and datasets to another format

This is the only package that imports `datasets`, and only if a dataset is named: on the Hub, or on
disk as Arrow, Parquet or JSON. CoNLL columns and JSON Lines are read without it.

A dataset has one row per sentence, with the features ``tokens`` (list of strings) and ``ner_tags``
or ``tags`` (list of strings, or of ClassLabel, as in many datasets on the Hub).
"""

from __future__ import annotations

from typing import NamedTuple

from tagger.config.tagger import NO_DEV, DataConfig
from tagger.corpora.checks import warnings
from tagger.corpora.holding import hold_out
from tagger.corpora.loading import load_train_and_dev
from tagger.corpora.reading import from_dataset, read, read_all, rows
from tagger.corpora.writing import to_dataset
from tagger.errors import ConfigError, DataError, TaggerError
from tagger.text import annotation, schemes
from tagger.text.annotation import Corpus
from tagger.text.issues import logged

__all__ = ["Splits", "from_dataset", "read", "read_all", "splits", "to_dataset", "warnings"]


class Splits(NamedTuple):
    """The corpora of a training.

    Attributes:
        train: Sentences to learn from.
        dev: Sentences that decide when to stop and which epoch to keep; None to train without.
    """

    train: Corpus
    dev: Corpus | None


def splits(data: DataConfig) -> Splits:
    """Read the annotated sentences of train and dev.

    Each file is read in its own scheme, since all schemes encode spans. Without dev, a tenth of
    train is held out (see `tagger.corpora.holding`), unless the settings ask for no dev set at all.

    Args:
        data: Settings that name files or a dataset on the Hub. The dataset must have the splits
            train and, if dev is used, validation (or dev).

    Returns:
        The two corpora, both with spans or both with plain tags.

    Raises:
        ConfigError: Neither files nor a dataset are named, or both are; dev names files beside
            ``none``; or there is no such dataset, split or feature.
        DataError: An annotation is missing or ill-formed, or one corpus has spans and the other
            plain tags.
        TaggerError: Train contains no spans.
    """
    if data.has_dev and NO_DEV in data.dev:
        raise ConfigError(
            f"data.dev: {NO_DEV!r} beside other files; expected either files, or {NO_DEV!r} to "
            f"train without dev (a file of this name is ./{NO_DEV})"
        )
    if data.hub and (data.train or (data.dev and data.has_dev)):
        raise ConfigError(
            f"data.hub is {data.hub!r}, but data.train or data.dev names a file: expected one or "
            "the other"
        )
    if data.hub:
        train, dev = _from_hub(data)
    elif not data.train:
        raise ConfigError("no train data: give --train FILE, or set data.train; or give --hub NAME")
    else:
        train, dev = _from_files(data)
    if dev is not None and (train.scheme == schemes.PLAIN) != (dev.scheme == schemes.PLAIN):
        plain, other = (train, dev) if train.scheme == schemes.PLAIN else (dev, train)
        raise DataError(
            plain.name,
            None,
            f"has plain tags, but {other.name} has spans in the scheme {other.scheme}; expected "
            "the same in both: declare the scheme of both with --scheme, or convert one of them",
        )
    if train.scheme != schemes.PLAIN and not train.label_counts():
        raise TaggerError(
            f"{train.name}: every tag is O, so there is nothing to learn; expected spans, "
            "check that the tag column is the right one"
        )
    return Splits(train, dev)


def _from_files(data: DataConfig) -> tuple[Corpus, Corpus | None]:
    """Read train and dev from files, or hold out dev."""
    dev = None
    with logged(data.reading, data.issues) as options:
        train = read_all(data.train, options, data.scheme, tags=data.tags)
        if data.dev and data.has_dev:
            dev = read_all(data.dev, options, data.scheme, tags=data.tags)
    return (train, dev) if data.dev else hold_out(train)


def _from_hub(data: DataConfig) -> tuple[Corpus, Corpus | None]:
    """Read train and dev from a dataset."""
    parts = load_train_and_dev(data.hub, needs_dev=data.has_dev)
    if not data.has_dev:
        parts.pop("dev", None)
    names = {split: f"{data.hub}[{split}]" for split in parts}
    tagged = {split: rows(parts[split], data.tags, data.hub, names[split]) for split in parts}
    train = annotation.annotate(tagged["train"], names["train"], data.scheme)
    if not data.has_dev:
        return train, None
    return train, annotation.annotate(tagged["dev"], names["dev"], data.scheme)
