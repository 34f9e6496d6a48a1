"""Corpora as `datasets.Dataset`: from local files or from the Hugging Face Hub. The only module
that imports `datasets`.

A split has the features ``tokens`` (list of strings), ``tags`` (list of strings, or of ClassLabel
as many on the Hub) and ``line`` (where the sentence begins: in its file, or in the split).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tagger.config.tagger import DataConfig
from tagger.errors import ConfigError, DataError, TaggerError
from tagger.text import annotation, schemes
from tagger.text.formats import ReadOptions, format_of
from tagger.text.spans import Record, Sentence

if TYPE_CHECKING:
    import datasets

__all__ = ["load", "load_file", "sentences_of", "splits"]


def load(data: DataConfig) -> datasets.DatasetDict:
    """The splits train and dev.

    Raises: ConfigError: neither files nor a Hub name are given, or the Hub has no such dataset,
        split or feature. DataError: a file is ill-formed.
    """
    import datasets

    if data.hub and (data.train or data.dev):
        raise ConfigError(
            f"data.hub is {data.hub!r}, but data.train or data.dev names a file: expected one or "
            "the other"
        )
    if data.hub:
        return _from_hub(data)
    missing = [name for name in ("train", "dev") if not getattr(data, name)]
    if missing:
        raise ConfigError(
            f"no {' and no '.join(missing)} data: give --train FILE and --dev FILE, or set "
            "data.train and data.dev"
        )
    return datasets.DatasetDict(
        {
            name: load_file(getattr(data, name), data.reading, data.scheme)
            for name in ("train", "dev")
        }
    )


def load_file(
    path: str | Path, options: ReadOptions, scheme: str = annotation.DETECT
) -> datasets.Dataset:
    """One annotated file, CoNLL columns or JSON Lines, as a dataset; spans become tags of `scheme`
    (IOB2 if not declared).

    Raises:
        DataError: it is ill-formed or not annotated, or has no sentence.
    """
    import datasets

    sentences = annotation.tagged(path, options, scheme)
    columns = {
        "tokens": [list(sentence.tokens) for sentence in sentences],
        "tags": [list(sentence.tags or ()) for sentence in sentences],
        "line": [sentence.record.line if sentence.record else 0 for sentence in sentences],
    }
    strings = datasets.List(datasets.Value("string"))
    features = datasets.Features(
        {"tokens": strings, "tags": strings, "line": datasets.Value("int64")}
    )
    return datasets.Dataset.from_dict(columns, features=features)


def _from_hub(data: DataConfig) -> datasets.DatasetDict:
    import datasets

    try:
        found = datasets.load_dataset(data.hub)
    except (
        Exception
    ) as error:  # the library raises many kinds, for a wrong name as for a missing network
        raise ConfigError(
            f"data.hub: the dataset {data.hub!r} cannot be loaded: {error}"
        ) from error
    names = {"train": "train", "dev": "validation" if "validation" in found else "dev"}
    if not set(names.values()) <= set(found):
        raise ConfigError(
            f"data.hub: {data.hub!r} has the splits {', '.join(found)}; expected train and "
            "validation"
        )
    return datasets.DatasetDict(
        {name: _prepared(found[split], data) for name, split in names.items()}
    )


def _prepared(split: datasets.Dataset, data: DataConfig) -> datasets.Dataset:
    tags = data.tags or next((name for name in ("ner_tags", "tags") if name in split.features), "")
    if tags == "tokens" or not {"tokens", tags} <= set(split.features):
        raise ConfigError(
            f"data.tags: {data.hub!r} has the features {', '.join(split.features)}; expected "
            "tokens, and ner_tags, tags or "
            "the one that data.tags names"
        )
    for name in ("tokens", tags):
        element = getattr(split.features[name], "feature", None)
        if getattr(element, "dtype", "") not in ("string", "large_string") and (
            name == "tokens" or not _names(element)
        ):
            raise ConfigError(
                f"data.tags: the feature {name!r} of {data.hub!r} is {split.features[name]}; "
                "expected a list of strings"
                + ("" if name == "tokens" else ", or of ClassLabel, which names its numbers")
            )
    split = split.select_columns(["tokens", tags])
    split = split if tags == "tags" else split.rename_column(tags, "tags")
    return split.add_column("line", list(range(1, len(split) + 1)))


def _names(element: Any) -> Sequence[str] | None:
    """The names of a ClassLabel."""
    return getattr(element, "names", None)


def sentences_of(
    split: datasets.Dataset, name: str, *, token_lines: bool = False
) -> list[Sentence]:
    """The sentences of a split that have tokens, with their tags as strings: for a ClassLabel
    feature, its names.

    With `token_lines` each token has a line of its own in the file `name`, which later errors then
    name.

    Raises:
        DataError: a sentence has not one tag a token.
    """
    names = _names(getattr(split.features["tags"], "feature", None))
    rows = zip(split["tokens"], split["tags"], split["line"], strict=True)
    data: dict[str, Any] | None = None if token_lines else {}
    return [
        _sentence(tokens, tags or [], names, Record(name, line, data=data))
        for tokens, tags, line in rows
        if tokens
    ]


def _sentence(
    tokens: list[str], tags: list[Any], names: Sequence[str] | None, record: Record
) -> Sentence:
    if (
        None in tokens or None in tags or (names is not None and min(tags, default=0) < 0)
    ):  # -1 means: not labelled
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


def splits(data: DataConfig) -> tuple[list[Sentence], list[Sentence], str]:
    """The annotated sentences of train and dev, and the scheme of the corpus, which is train's.

    Raises:
        TaggerError: something is missing or ill-formed, or train has no span at all.
    """
    corpus = load(data)
    names = {split: getattr(data, split) or f"{data.hub}[{split}]" for split in ("train", "dev")}
    columns = {
        split: not data.hub and format_of(name, txt_is="conll") == "conll"
        for split, name in names.items()
    }
    tagged = {
        split: sentences_of(corpus[split], name, token_lines=columns[split])
        for split, name in names.items()
    }
    for split, sentences in tagged.items():
        if not sentences:
            raise DataError(names[split], None, "holds no sentence; expected at least one")
    scheme = annotation.scheme_of(tagged["train"], names["train"], data.scheme)
    train, dev = (annotation.annotate(tagged[split], scheme) for split in ("train", "dev"))
    if scheme != schemes.PLAIN and not any(sentence.spans for sentence in train):
        raise TaggerError(
            f"{names['train']}: every tag is O, there is nothing to learn; is it the right column?"
        )
    return train, dev, scheme
