"""Conversion of sentences to Hugging Face datasets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tagger.corpora.loading import library, without_bars
from tagger.corpora.reading import read
from tagger.errors import TaggerError
from tagger.files import atomic_write
from tagger.text import schemes
from tagger.text.formats import ReadOptions
from tagger.text.spans import Sentence

if TYPE_CHECKING:
    import datasets

__all__ = ["save_dataset", "to_dataset"]


def to_dataset(
    corpus: str | Path | Iterable[Sentence] | Mapping[str, str | Path | Iterable[Sentence]],
    scheme: str = "IOB2",
    options: ReadOptions | None = None,
) -> datasets.Dataset | datasets.DatasetDict:
    """Convert a corpus to a Hugging Face dataset with one row per sentence.

    Args:
        corpus: Annotated sentences, the path of an annotated file, or a mapping from the names of
            splits to either.
        scheme: Tagging scheme of the spans: IO, IOB1, IOB2, IOBES or BILOU. Plain tags are kept
            unchanged.
        options: Reading options of files; the defaults of `ReadOptions` if None.

    Returns:
        A `Dataset`, or a `DatasetDict` for a mapping, with the features ``tokens`` (list of
        strings) and ``ner_tags`` (list of ClassLabel, with the same names in all splits).

    Raises:
        TaggerError: A file cannot be read, a sentence is not annotated, the corpus mixes spans and
            plain tags, the scheme is unknown or cannot represent the spans, or the package
            `datasets` is not installed.
    """
    scheme = schemes.ALIASES.get(scheme, scheme)
    if scheme not in schemes.SCHEMES:
        raise TaggerError(
            f"unknown scheme {scheme!r}; expected one of {', '.join(schemes.SCHEMES)}"
        )
    package = library()
    parts = corpus if isinstance(corpus, Mapping) else {"": corpus}
    splits = {name: _sentences(part, options or ReadOptions()) for name, part in parts.items()}
    tags = {name: [_tags(sentence, scheme) for sentence in part] for name, part in splits.items()}
    names = _class_names(splits, tags, scheme)
    strings = package.List(package.Value("string"))
    classes = package.List(package.ClassLabel(names=names))
    features = package.Features({"tokens": strings, "ner_tags": classes})
    numbers = {tag: number for number, tag in enumerate(names)}
    converted = {
        name: package.Dataset.from_dict(
            {
                "tokens": [list(sentence.tokens) for sentence in part],
                "ner_tags": [[numbers[tag] for tag in row] for row in tags[name]],
            },
            features=features,
        )
        for name, part in splits.items()
    }
    return package.DatasetDict(converted) if isinstance(corpus, Mapping) else converted[""]


def save_dataset(sentences: Sequence[Sentence], path: Path, scheme: str = "IOB2") -> None:
    """Write sentences as a file of a dataset, atomically.

    Args:
        sentences: Annotated sentences.
        path: File with the suffix ``.parquet`` or ``.arrow``.
        scheme: Tagging scheme of the spans.

    Raises:
        TaggerError: As for `to_dataset`, or the file cannot be written.
    """
    dataset = to_dataset(sentences, scheme)
    with atomic_write(path, "wb") as stream, without_bars(library()):
        if path.suffix == ".parquet":
            dataset.to_parquet(stream)
            return
        import pyarrow  # which datasets brings

        table = dataset.data.table
        with pyarrow.ipc.new_stream(stream, dataset.features.arrow_schema) as writer:
            writer.write_table(table.combine_chunks())


def _sentences(part: str | Path | Iterable[Sentence], options: ReadOptions) -> list[Sentence]:
    """Return the sentences of one split, read from a file if necessary."""
    return read(part, options).sentences if isinstance(part, (str, Path)) else list(part)


def _tags(sentence: Sentence, scheme: str) -> Sequence[str]:
    """Return the spans of a sentence as tags in `scheme`, or its plain tags."""
    try:
        if sentence.spans is not None:
            return schemes.encode(sentence.spans, len(sentence), scheme)
    except schemes.SchemeError as error:
        raise TaggerError(f"{_place(sentence)}: cannot be written in {scheme}: {error}") from error
    if sentence.tags is None and len(sentence):
        raise TaggerError(f"{_place(sentence)}: no annotation; expected spans or plain tags")
    return sentence.tags or ()


def _class_names(
    splits: Mapping[str, Sequence[Sentence]],
    tags: Mapping[str, Sequence[Sequence[str]]],
    scheme: str,
) -> list[str]:
    """Return the class names: all tags of the span labels, or the plain tags that occur."""
    sentences = [sentence for part in splits.values() for sentence in part if len(sentence)]
    plain = [sentence for sentence in sentences if sentence.spans is None]
    if len(plain) not in (0, len(sentences)):
        raise TaggerError(
            f"{_place(plain[0])}: has tags and no spans, but other sentences have spans; "
            "expected spans in all sentences, or plain tags in all"
        )
    if plain:
        return sorted({tag for part in tags.values() for row in part for tag in row})
    labels = (span.label for sentence in sentences for span in sentence.spans or ())
    return list(schemes.tag_set(labels, scheme))


def _place(sentence: Sentence) -> str:
    """Return path and line of a sentence, or else its first tokens, for errors."""
    record = sentence.record
    return f"{record.path}:{record.line}" if record else repr(" ".join(sentence.tokens)[:60])
