"""Corpora: the sentences of train and dev, from annotated files or from Hugging Face datasets.

The only module that imports `datasets`, and only where a dataset is named: on the Hub, or on the
disk as Arrow, Parquet or JSON. Columns and JSON Lines never pass through it.

A dataset has a row per sentence, with the features ``tokens`` (list of strings) and ``ner_tags`` or
``tags`` (list of strings, or of ClassLabel as many on the Hub).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tagger.config.tagger import DataConfig
from tagger.errors import ConfigError, DataError, TaggerError
from tagger.text import annotation, schemes
from tagger.text.formats import ReadOptions
from tagger.text.spans import Record, Sentence

if TYPE_CHECKING:
    import datasets

__all__ = ["from_dataset", "read", "splits", "to_dataset"]

_LOADERS = {".parquet": "parquet", ".arrow": "arrow", ".json": "json", ".jsonl": "json"}
_DATASET_SUFFIXES = {*_LOADERS} - {".jsonl"}  # JSON Lines have a reader of their own
_SAVED = ("state.json", "dataset_dict.json")  # what save_to_disk leaves of one split and of several
_NAME = re.compile(r"([^/@]+(?:/[^/@]+)?)(?:/([^/@]+))?(?:@(.+))?")
_EXPECTED_NAME = (
    "expected NAME, OWNER/NAME or OWNER/NAME/CONFIG, each with @REVISION if wanted, or an existing "
    "file or folder"
)


def splits(data: DataConfig) -> tuple[list[Sentence], list[Sentence], str]:
    """Read the annotated sentences of train and dev.

    Returns:
        The sentences of train, those of dev, and the scheme of the corpus, which is train's.

    Raises:
        ConfigError: neither files nor a dataset are named, or both are, or there is no such
            dataset, split or feature.
        DataError: an annotation is missing or ill-formed.
        TaggerError: train has no span at all.
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
        rows = {split: _rows(parts[split], data.tags, data.hub, names[split]) for split in names}
        train, scheme = annotation.annotate(rows["train"], names["train"], data.scheme)
        dev, _ = annotation.annotate(rows["dev"], names["dev"], scheme)
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
            f"{names['train']}: every tag is O, there is nothing to learn; is it the right column?"
        )
    return train, dev, scheme


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
    if not _is_saved(file) and not (file.is_file() and file.suffix in _DATASET_SUFFIXES):
        return annotation.read(path, options, scheme)
    parts = _load(str(path))
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
    return annotation.annotate(_rows(dataset, tags, name, name), name, scheme)


def to_dataset(
    corpus: str | Path | Iterable[Sentence] | Mapping[str, str | Path | Iterable[Sentence]],
    scheme: str = "IOB2",
    options: ReadOptions | None = None,
) -> datasets.Dataset | datasets.DatasetDict:
    """Return a corpus as a Hugging Face dataset, whose rows are its sentences.

    Args:
        corpus: annotated sentences, the path of an annotated file, or either for each split.
        scheme: in which tags encode spans: IO, IOB1, IOB2, IOBES or BILOU. Plain tags are taken as
            they are.
        options: how to read files; the defaults of `ReadOptions` if None.

    Returns:
        A `Dataset`, or a `DatasetDict` of a mapping, with the features ``tokens`` (list of strings)
        and ``ner_tags`` (list of ClassLabel, the same for all splits).

    Raises:
        TaggerError: a file cannot be read, a sentence has no annotation, the corpus has spans and
            plain tags, the scheme is unknown or cannot hold the spans, or the package datasets is
            missing.
    """
    if scheme not in schemes.SCHEMES:
        raise TaggerError(
            f"unknown scheme {scheme!r}; expected one of {', '.join(schemes.SCHEMES)}"
        )
    library = _library()
    parts = corpus if isinstance(corpus, Mapping) else {"": corpus}
    found = {name: _sentences(part, options or ReadOptions()) for name, part in parts.items()}
    tags = {name: [_tags(sentence, scheme) for sentence in part] for name, part in found.items()}
    names = _class_names(found, tags, scheme)
    strings = library.List(library.Value("string"))
    classes = library.List(library.ClassLabel(names=names))
    features = library.Features({"tokens": strings, "ner_tags": classes})
    numbers = {tag: number for number, tag in enumerate(names)}
    made = {
        name: library.Dataset.from_dict(
            {
                "tokens": [list(sentence.tokens) for sentence in part],
                "ner_tags": [[numbers[tag] for tag in row] for row in tags[name]],
            },
            features=features,
        )
        for name, part in found.items()
    }
    return library.DatasetDict(made) if isinstance(corpus, Mapping) else made[""]


def _sentences(part: str | Path | Iterable[Sentence], options: ReadOptions) -> list[Sentence]:
    return read(part, options)[0] if isinstance(part, (str, Path)) else list(part)


def _tags(sentence: Sentence, scheme: str) -> Sequence[str]:
    """The tags of a sentence's spans in `scheme`, or its plain tags."""
    try:
        if sentence.spans is not None:
            return schemes.encode(sentence.spans, len(sentence), scheme)
    except schemes.SchemeError as error:
        raise TaggerError(f"{_place(sentence)}: cannot be written in {scheme}: {error}") from error
    if sentence.tags is None and len(sentence):
        raise TaggerError(f"{_place(sentence)}: no annotation; expected spans or plain tags")
    return sentence.tags or ()


def _class_names(
    found: Mapping[str, Sequence[Sentence]],
    tags: Mapping[str, Sequence[Sequence[str]]],
    scheme: str,
) -> list[str]:
    """The names of the classes: all tags of the labels of spans, or the plain tags that occur."""
    sentences = [sentence for part in found.values() for sentence in part if len(sentence)]
    plain = [sentence for sentence in sentences if sentence.spans is None]
    if len(plain) not in (0, len(sentences)):
        raise TaggerError(
            f"{_place(plain[0])}: has tags and no spans, where other sentences have spans; "
            "expected spans, or plain tags, in all of them"
        )
    if plain:
        return sorted({tag for part in tags.values() for row in part for tag in row})
    labels = (span.label for sentence in sentences for span in sentence.spans or ())
    return list(schemes.tags_of(labels, scheme))


def _place(sentence: Sentence) -> str:
    record = sentence.record
    return f"{record.path}:{record.line}" if record else repr(" ".join(sentence.tokens)[:60])


def _train_and_dev(hub: str) -> dict[str, datasets.Dataset]:
    parts = _load(hub, "data.hub: ")
    dev = "validation" if "validation" in parts else "dev"
    if not {"train", dev} <= set(parts):
        raise ConfigError(
            f"data.hub: {hub!r} has the splits {', '.join(parts)}; expected train and validation"
        )
    return {"train": parts["train"], "dev": parts[dev]}


def _load(name: str, setting: str = "") -> Mapping[str, datasets.Dataset]:
    """The splits of a dataset, by its path or else by its name on the Hub; errors begin with
    `setting`.
    """
    library = _library()
    try:
        if Path(name).exists():
            found = _load_local(library, Path(name))
        else:
            dataset, config, revision = _parsed(name)
            found = library.load_dataset(dataset, config, revision=revision)
    except Exception as error:  # of many kinds, for a wrong name as for a missing network
        raise ConfigError(f"{setting}the dataset {name!r} cannot be loaded: {error}") from error
    return found if isinstance(found, Mapping) else {"train": found}


def _load_local(library: Any, path: Path) -> Any:
    if _is_saved(path):
        return library.load_from_disk(str(path))
    if path.is_dir():  # files named after their splits, as the Hub has them
        return library.load_dataset(str(path))
    if path.suffix not in _LOADERS:
        raise ValueError(f"its name should end in one of {', '.join(_LOADERS)}")
    return library.load_dataset(_LOADERS[path.suffix], data_files=str(path), split="train")


def _parsed(name: str) -> tuple[str, str | None, str | None]:
    """Divide ``[OWNER/]NAME[/CONFIG][@REVISION]``; a configuration can be named after an owner
    alone, since ``a/b`` is a dataset of the owner a.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        raise ValueError(_EXPECTED_NAME)
    dataset, config, revision = match.groups()
    return dataset, config, revision


def _is_saved(path: Path) -> bool:
    """Whether ``save_to_disk`` wrote this folder."""
    return any((path / name).is_file() for name in _SAVED)


def _library() -> Any:
    """The package `datasets`.

    Raises:
        TaggerError: it is not installed.
    """
    try:
        import datasets
    except ModuleNotFoundError as error:
        raise TaggerError(
            f"this needs {error.name}, not installed here: pip install 'span-tagger[train]'"
        ) from error
    return datasets


def _rows(dataset: datasets.Dataset, tags: str, dataset_name: str, name: str) -> list[Sentence]:
    """The sentences of rows that have tokens, with their tags as strings: for a ClassLabel, its
    names. Errors name the dataset, or in it the split `name` and the row, counted from 1.
    """
    tags = _checked_feature(dataset, tags, dataset_name)
    names = getattr(dataset.features[tags].feature, "names", None)
    rows = dataset.select_columns(["tokens", tags])
    numbered = enumerate(zip(rows["tokens"], rows[tags], strict=True), 1)
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
    is_missing = names is not None and min((tag for tag in tags if tag is not None), default=0) < 0
    if None in tokens or None in tags or is_missing:  # -1 means: not labelled
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
