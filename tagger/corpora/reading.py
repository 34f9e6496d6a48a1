"""Reading of annotated files and datasets as sentences with spans."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tagger.corpora.loading import DATASETS, LOADERS, is_saved, load_single
from tagger.errors import ConfigError, DataError
from tagger.text import annotation, formats, schemes
from tagger.text.annotation import Corpus
from tagger.text.formats import ReadOptions, ReadReport
from tagger.text.spans import Record, Sentence

if TYPE_CHECKING:
    import datasets

__all__ = ["distinct_files", "from_dataset", "read", "read_all", "rows"]

_DATASET_SUFFIXES = {*LOADERS} - {".jsonl"}  # JSON Lines are read by tagger.text.formats


def read(
    path: str | Path,
    options: ReadOptions,
    scheme: str = annotation.DETECT,
    *,
    tags: str = "",
    predictions: bool = False,
) -> Corpus:
    """Read an annotated file: columns, JSON Lines, or a dataset with a single split.

    A dataset is a file with the suffix ``.parquet``, ``.arrow`` or ``.json``, or a folder that
    ``Dataset.save_to_disk`` wrote.

    Args:
        path: The file or folder.
        options: Reading options of columns and JSON Lines.
        scheme: Tagging scheme; detected by default.
        tags: Feature of a dataset with the tags; empty means ner_tags or else tags.
        predictions: As for `annotation.read`.

    Returns:
        The sentences with their spans, as `annotation.read` returns them; sentences without tokens
        are skipped.

    Raises:
        DataError: The file is ill-formed or not annotated, or no scheme fits.
        ConfigError: A dataset cannot be loaded, has several splits or lacks a feature.
    """
    file = Path(path)
    if not is_saved(file) and not _is_dataset(file, options):
        return annotation.read(path, options, scheme, predictions=predictions)
    return from_dataset(load_single(path), scheme, tags=tags, name=str(path))


def _is_dataset(file: Path, options: ReadOptions) -> bool:
    """Return whether a file is read by the package `datasets`; its suffix or content decides."""
    if not file.is_file() or options.format or file.suffix not in _DATASET_SUFFIXES:
        return False
    return file.suffix in DATASETS or not formats.evident(str(file), options)


def read_all(
    paths: Sequence[str | Path],
    options: ReadOptions,
    scheme: str = annotation.DETECT,
    *,
    tags: str = "",
    predictions: bool = False,
) -> Corpus:
    """Read several annotated files as one corpus.

    Args:
        paths: The files, at least one, each in its own scheme if that is detected. A folder stands
            for all files in it, unless ``Dataset.save_to_disk`` wrote it.
        options: Reading options of columns and JSON Lines.
        scheme: Tagging scheme; detected by default.
        tags: Feature of a dataset with the tags; empty means ner_tags or else tags.
        predictions: As for `annotation.read`.

    Returns:
        All sentences in order. The scheme is that of the first file.

    Raises:
        DataError: As `read`; or a file is named twice, or some files have spans and others plain
            tags.
        ConfigError: As `read`.
    """
    paths = distinct_files(paths)
    corpora = [read(path, options, scheme, tags=tags, predictions=predictions) for path in paths]
    first = corpora[0]
    if len(corpora) == 1:
        return first
    for corpus in corpora:
        if (corpus.scheme == schemes.PLAIN) != (first.scheme == schemes.PLAIN):
            raise DataError(
                corpus.name,
                None,
                f"is read as {corpus.scheme}, but {first.name} as {first.scheme}; expected spans "
                "in all files, or plain tags in all: declare --scheme",
            )
    names = {corpus.report.format for corpus in corpora}
    last = corpora[-1].report
    return Corpus(
        ", ".join(corpus.name for corpus in corpora),
        [sentence for corpus in corpora for sentence in corpus.sentences],
        first.scheme,
        ReadReport(
            format=names.pop() if len(names) == 1 else "",
            header=first.report.header,
            trailing=last.trailing,
            issues=[issue for corpus in corpora for issue in corpus.report.issues],
        ),
        parts=tuple(corpora),
    )


def distinct_files(paths: Sequence[str | Path]) -> list[str | Path]:
    """Return all files that paths stand for, after checking that none is named twice.

    Args:
        paths: Files and folders. A folder stands for all files in it, unless
            ``Dataset.save_to_disk`` wrote it.

    Returns:
        The files, and the folders of datasets.

    Raises:
        DataError: A file is named twice or, with a README beside it, missing; or a folder contains
            no files.
    """
    files: list[str | Path] = [
        file
        for path in paths
        for file in ([path] if is_saved(Path(path)) else formats.files_of(path))
    ]
    seen: dict[Path, str] = {}
    for path in files:
        real = Path(path).resolve()
        if real in seen:
            raise DataError(str(path), None, f"is the same file as {seen[real]}; name it once")
        seen[real] = str(path)
        _check_exists(Path(path))
    return files


def _check_exists(path: Path) -> None:
    """Raise DataError if a file is missing that a README beside it explains how to obtain.

    Other missing files are reported when they are opened.
    """
    readme = path.parent / "README.md"
    if path.parent != Path() and not path.exists() and readme.is_file():
        message = f"cannot be read: No such file or directory; see {readme}"
        raise DataError(str(path), None, message)


def from_dataset(
    dataset: datasets.Dataset,
    scheme: str = annotation.DETECT,
    *,
    tags: str = "",
    name: str = "dataset",
) -> Corpus:
    """Convert a dataset to sentences with spans; rows without tokens are skipped.

    Args:
        dataset: One split, with one row per sentence and the features ``tokens`` and `tags`.
        scheme: Tagging scheme; detected by default.
        tags: Feature with the tags; empty means ner_tags or else tags.
        name: Name of the dataset, for errors.

    Returns:
        The sentences with their spans, as `annotation.read` returns them.

    Raises:
        ConfigError: A feature is missing or has another type.
        DataError: A row does not have one tag per token, a tag violates the scheme, or no scheme
            fits.
    """
    return annotation.annotate(rows(dataset, tags, name, name), name, scheme)


def rows(dataset: datasets.Dataset, tags: str, dataset_name: str, name: str) -> list[Sentence]:
    """Convert the rows of a dataset to sentences with tags that are not decoded yet.

    Args:
        dataset: One split.
        tags: Feature with the tags, strings or ClassLabel; empty means ner_tags or else tags.
        dataset_name: Name of the dataset, for errors in its features.
        name: Name of the split, for errors in its rows, which are counted from 1.

    Returns:
        The sentences; rows without tokens are skipped.

    Raises:
        ConfigError: A feature is missing or has another type.
        DataError: A row does not have one tag per token.
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
    """Return the feature with the tags, after a check of its type and that of the tokens."""
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
                + ("" if feature == "tokens" else ", or of ClassLabel with names")
            )
    return tags


def _sentence(
    tokens: list[str], tags: list[Any], names: Sequence[str] | None, record: Record
) -> Sentence:
    """Create the sentence of a row, with the names of its tags."""
    # The value -1 of a ClassLabel means "not labeled".
    if None in tokens or None in tags or (names is not None and min(tags, default=0) < 0):
        raise DataError(
            record.path,
            record.line,
            "a token or its tag is missing; expected one tag per token",
        )
    try:
        return Sentence(
            tuple(tokens),
            tags=tuple(tags if names is None else (names[tag] for tag in tags)),
            record=record,
        )
    except ValueError as error:
        raise DataError(record.path, record.line, str(error)) from error
