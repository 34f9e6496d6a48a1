"""Corpora as `datasets.Dataset`: from local files or from the Hugging Face Hub. The only module that imports `datasets`.

A split has the features ``tokens`` (list of strings), ``tags`` (list of strings, or of ClassLabel as many on the Hub) and
``line`` (where the sentence begins: in its file, or in the split).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tagger.errors import ConfigError, TaggerError
from tagger.text import annotation, schemes
from tagger.text.formats import ReadOptions
from tagger.text.spans import Record, Sentence
from tagger.training.config import DataConfig

if TYPE_CHECKING:
    import datasets

__all__ = ["load", "load_file", "sentences_of", "splits"]


def load(data: DataConfig) -> datasets.DatasetDict:
    """The splits train and dev.

    Raises:
        ConfigError: neither files nor a Hub name are given, or the Hub has no such dataset, split or feature.
        DataError: a file is ill-formed.
    """
    import datasets

    if data.hub:
        return _from_hub(data)
    missing = [name for name in ("train", "dev") if not getattr(data, name)]
    if missing:
        raise ConfigError(f"no {' and no '.join(missing)} data: give --train FILE and --dev FILE, or set data.train and data.dev")
    return datasets.DatasetDict({name: load_file(getattr(data, name), data.reading) for name in ("train", "dev")})


def load_file(path: str | Path, options: ReadOptions) -> datasets.Dataset:
    """One annotated file, CoNLL columns or JSON Lines, as a dataset.

    Raises:
        DataError: it is ill-formed or not annotated, or has no sentence.
    """
    import datasets

    sentences = annotation.tagged(path, options)
    columns = {
        "tokens": [list(sentence.tokens) for sentence in sentences],
        "tags": [list(sentence.tags or ()) for sentence in sentences],
        "line": [sentence.record.line if sentence.record else 0 for sentence in sentences],
    }
    strings = datasets.List(datasets.Value("string"))
    features = datasets.Features({"tokens": strings, "tags": strings, "line": datasets.Value("int64")})
    return datasets.Dataset.from_dict(columns, features=features)


def _from_hub(data: DataConfig) -> datasets.DatasetDict:
    import datasets

    try:
        found = datasets.load_dataset(data.hub)
    except Exception as error:  # the library raises many kinds, for a wrong name as for a missing network
        raise ConfigError(f"data.hub: the dataset {data.hub!r} cannot be loaded: {error}") from error
    names = {"train": "train", "dev": "validation" if "validation" in found else "dev"}
    if not set(names.values()) <= set(found):
        raise ConfigError(f"data.hub: {data.hub!r} has the splits {', '.join(found)}; expected train and validation")
    return datasets.DatasetDict({name: _prepared(found[split], data) for name, split in names.items()})


def _prepared(split: datasets.Dataset, data: DataConfig) -> datasets.Dataset:
    tags = data.tags or next((name for name in ("tags", "ner_tags") if name in split.features), "")
    if not {"tokens", tags} <= set(split.features):
        raise ConfigError(
            f"data.tags: {data.hub!r} has the features {', '.join(split.features)}; expected tokens, and tags, ner_tags or "
            "the one that data.tags names"
        )
    split = split.select_columns(["tokens", tags])
    split = split if tags == "tags" else split.rename_column(tags, "tags")
    return split.add_column("line", list(range(1, len(split) + 1)))


def sentences_of(split: datasets.Dataset, name: str) -> list[Sentence]:
    """The sentences of a split with their tags as strings; the numbers of a ClassLabel feature become its names.

    Raises:
        DataError: a sentence has not one tag a token.
    """
    names: Sequence[str] | None = getattr(getattr(split.features["tags"], "feature", None), "names", None)
    rows = zip(split["tokens"], split["tags"], split["line"], strict=True)
    return [_sentence(tokens, tags, names, Record(name, line)) for tokens, tags, line in rows]


def _sentence(tokens: list[str], tags: list[Any], names: Sequence[str] | None, record: Record) -> Sentence:
    try:
        return Sentence(tuple(tokens), tags=tuple(tags if names is None else (names[tag] for tag in tags)), record=record)
    except ValueError as error:
        raise TaggerError(f"{record.path}:{record.line}: {error}") from error


def splits(data: DataConfig) -> tuple[list[Sentence], list[Sentence], str]:
    """The annotated sentences of train and dev, and the scheme of the corpus, which is train's.

    Raises:
        TaggerError: something is missing or ill-formed, or train has no span at all.
    """
    corpus = load(data)
    names = {split: getattr(data, split) or f"{data.hub}[{split}]" for split in ("train", "dev")}
    tagged = {split: sentences_of(corpus[split], name) for split, name in names.items()}
    scheme = annotation.scheme_of(tagged["train"], names["train"], data.scheme)
    train, dev = (annotation.annotate(tagged[split], scheme) for split in ("train", "dev"))
    if scheme != schemes.PLAIN and not any(sentence.spans for sentence in train):
        raise TaggerError(f"{names['train']}: every tag is O, there is nothing to learn; is it the right column?")
    return train, dev, scheme
