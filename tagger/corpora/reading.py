"""Annotated files and datasets to sentences with spans."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tagger.corpora.loading import LOADERS, is_saved, load
from tagger.errors import ConfigError, DataError
from tagger.text import annotation
from tagger.text.formats import ReadOptions
from tagger.text.spans import Record, Sentence

if TYPE_CHECKING:
    import datasets

__all__ = ["from_dataset", "read", "rows"]

_DATASET_SUFFIXES = {*LOADERS} - {".jsonl"}  # JSON Lines have a reader of their own


def read(
    path: str | Path,
    options: ReadOptions,
    scheme: str = annotation.DETECT,
    *,
    tags: str = "",
) -> tuple[list[Sentence], str]:
    """Read one annotated file: columns, JSON Lines, or a dataset of one split.

    A dataset is a file named ``.parquet``, ``.arrow`` or ``.json``, or a folder that
    ``Dataset.save_to_disk`` wrote.

    Args:
        path: the file or folder.
        options: how to read columns and JSON Lines.
        scheme: of the tags; detected by default.
        tags: the feature of a dataset that holds the tags; ner_tags or tags by default.

    Returns:
        The sentences that have tokens, with their spans, and the scheme; as `annotation.read`.

    Raises:
        DataError: the file is ill-formed or not annotated, or no scheme fits.
        ConfigError: a dataset cannot be loaded or lacks a feature.
    """
    file = Path(path)
    if not is_saved(file) and not (file.is_file() and file.suffix in _DATASET_SUFFIXES):
        return annotation.read(path, options, scheme)
    parts = load(str(path))
    if len(parts) != 1:
        raise ConfigError(
            f"{path}: holds the splits {', '.join(parts)}; expected one, or name it with --hub"
        )
    (dataset,) = parts.values()
    return from_dataset(dataset, scheme, tags=tags, name=str(path))


def from_dataset(
    dataset: datasets.Dataset,
    scheme: str = annotation.DETECT,
    *,
    tags: str = "",
    name: str = "dataset",
) -> tuple[list[Sentence], str]:
    """Return the sentences of a dataset that have tokens, with their spans, and their scheme.

    Args:
        dataset: a row per sentence, with the features ``tokens`` and `tags`.
        scheme: of the tags; detected by default.
        tags: the feature that holds the tags; ner_tags or tags by default.
        name: of the dataset, for errors.

    Raises:
        ConfigError: a feature is missing or of another type.
        DataError: a row does not have one tag per token, a tag is not allowed where it stands, or
            no scheme fits.
    """
    return annotation.annotate(rows(dataset, tags, name, name), name, scheme)


def rows(dataset: datasets.Dataset, tags: str, dataset_name: str, name: str) -> list[Sentence]:
    """Return the rows that have tokens as sentences with tags, not yet decoded.

    Args:
        dataset: one split.
        tags: the feature that holds the tags, strings or a ClassLabel; ner_tags or tags by default.
        dataset_name: of the dataset, for errors in its features.
        name: of the split, for errors in its rows, which are counted from 1.

    Raises:
        ConfigError: a feature is missing or of another type.
        DataError: a row does not have one tag per token.
    """
    tags = _checked_feature(dataset, tags, dataset_name)
    names = getattr(dataset.features[tags].feature, "names", None)
    selected = dataset.select_columns(["tokens", tags])
    numbered = enumerate(zip(selected["tokens"], selected[tags], strict=True), 1)
    return [
        _sentence(tokens, values or [], names, Record(name, number, data={"tokens": tokens}))
        for number, (tokens, values) in numbered
        if tokens
    ]


def _checked_feature(dataset: datasets.Dataset, tags: str, name: str) -> str:
    """The feature that holds the tags: the one declared, or ner_tags or tags."""
    features = dataset.features
    tags = tags or next((name for name in ("ner_tags", "tags") if name in features), "")
    if tags == "tokens" or not {"tokens", tags} <= set(features):
        raise ConfigError(
            f"data.tags: {name!r} has the features {', '.join(features)}; expected tokens, and "
            "ner_tags, tags or the one that data.tags names"
        )
    for feature in ("tokens", tags):
        element = getattr(features[feature], "feature", None)
        is_text = getattr(element, "dtype", "") in ("string", "large_string")
        if not is_text and (feature == "tokens" or not getattr(element, "names", None)):
            raise ConfigError(
                f"data.tags: the feature {feature!r} of {name!r} is {features[feature]}; expected "
                "a list of strings"
                + ("" if feature == "tokens" else ", or of ClassLabel, which names its numbers")
            )
    return tags


def _sentence(
    tokens: list[str], tags: list[Any], names: Sequence[str] | None, record: Record
) -> Sentence:
    # -1 means: not labelled
    if None in tokens or None in tags or (names is not None and min(tags, default=0) < 0):
        raise DataError(
            record.path,
            record.line,
            "a token or its tag is missing; expected a tag for every token",
        )
    try:
        return Sentence(
            tuple(tokens),
            tags=tuple(tags if names is None else (names[tag] for tag in tags)),
            record=record,
        )
    except ValueError as error:
        raise DataError(record.path, record.line, str(error)) from error
