"""Corpora: the sentences of train and dev, from annotated files or from Hugging Face datasets.

    loading.py   load datasets from the Hub or from disk
    reading.py   convert files and datasets to sentences with spans
    writing.py   convert sentences to a dataset

This is the only package that imports `datasets`, and only if a dataset is named: on the Hub, or on
disk as Arrow, Parquet or JSON. CoNLL columns and JSON Lines are read without it.

A dataset has one row per sentence, with the features ``tokens`` (list of strings) and ``ner_tags``
or ``tags`` (list of strings, or of ClassLabel, as in many datasets on the Hub).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tagger.config.tagger import DataConfig
from tagger.corpora.loading import load
from tagger.corpora.reading import from_dataset, read, rows
from tagger.corpora.writing import to_dataset
from tagger.errors import ConfigError, TaggerError
from tagger.text import annotation, schemes
from tagger.text.spans import Sentence

if TYPE_CHECKING:
    import datasets

__all__ = ["from_dataset", "read", "splits", "to_dataset"]


def splits(data: DataConfig) -> tuple[list[Sentence], list[Sentence], str]:
    """Read the annotated sentences of train and dev.

    Args:
        data: Settings that name two files or a dataset on the Hub. The dataset must have the splits
            train and validation (or dev).

    Returns:
        The sentences of train, those of dev, and the tagging scheme of train, in which dev is read.

    Raises:
        ConfigError: Neither files nor a dataset are named, or both are; or there is no such
            dataset, split or feature.
        DataError: An annotation is missing or ill-formed.
        TaggerError: Train contains no spans.
    """
    names = {"train": data.train, "dev": data.dev}
    if data.hub and any(names.values()):
        raise ConfigError(
            f"data.hub is {data.hub!r}, but data.train or data.dev names a file: expected one or "
            "the other"
        )
    if data.hub:
        parts = _train_and_dev(data.hub)
        names = {split: f"{data.hub}[{split}]" for split in names}
        tagged = {split: rows(parts[split], data.tags, data.hub, names[split]) for split in names}
        train, scheme = annotation.annotate(tagged["train"], names["train"], data.scheme)
        dev, _ = annotation.annotate(tagged["dev"], names["dev"], scheme)
    else:
        missing = [split for split, name in names.items() if not name]
        if missing:
            raise ConfigError(
                f"no {' and no '.join(missing)} data: give --train FILE and --dev FILE, or set "
                "data.train and data.dev; or give --hub NAME"
            )
        train, scheme = read(data.train, data.reading, data.scheme, tags=data.tags)
        dev, _ = read(data.dev, data.reading, scheme, tags=data.tags)
    if scheme != schemes.PLAIN and not any(sentence.spans for sentence in train):
        raise TaggerError(
            f"{names['train']}: every tag is O, so there is nothing to learn; expected spans, "
            "check that the tag column is the right one"
        )
    return train, dev, scheme


def _train_and_dev(hub: str) -> dict[str, datasets.Dataset]:
    """Load the splits train and dev (or validation) of a dataset."""
    parts = load(hub, "data.hub: ")
    dev = "validation" if "validation" in parts else "dev"
    if not {"train", dev} <= set(parts):
        raise ConfigError(
            f"data.hub: {hub!r} has the splits {', '.join(parts)}; expected train and validation"
        )
    return {"train": parts["train"], "dev": parts[dev]}
