"""Sentences with the labels of their texts, as conditional language models read them.

A text is an object of JSON Lines with "text" or "tokens"; its label is a string, or a number of a
class. Each of its sentences is a sequence that begins with the label. Files of other formats have
no labels.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from tagger.errors import DataError, did_you_mean
from tagger.features.text_labels import TextLabels
from tagger.text import formats
from tagger.text.formats import ReadOptions
from tagger.text.spans import Record

__all__ = ["LabeledSentence", "checked", "counted", "labeled_sentences"]

_JSON_LINES = "jsonl"


class LabeledSentence(NamedTuple):
    """A sentence, the label of its text, and its place.

    Attributes:
        tokens: The tokens, at least one.
        label: The label; "" for a text without one.
        path: File of the text.
        line: Line number of the text in the file, counted from 1.
        begins_text: Whether it is the first sentence of its text.
    """

    tokens: tuple[str, ...]
    label: str
    path: str
    line: int
    begins_text: bool


def labeled_sentences(
    paths: Iterable[str | Path], options: ReadOptions, key: str
) -> Iterator[LabeledSentence]:
    """Read the sentences of files with the labels of their texts, skipping empty sentences.

    Args:
        paths: The files.
        options: How they are read.
        key: Key of the label in objects of JSON Lines; "" reads no labels.

    Yields:
        The sentences, file by file.

    Raises:
        DataError: A file cannot be read or is ill-formed, or a label is not a string or integer.
    """
    options = replace(options, annotated=False)
    for path in paths:
        previous = None
        for sentence in formats.read(path, options=options):
            if not sentence.tokens:
                continue
            record = sentence.record
            label = _label_of(record, key) if record is not None and key else ""
            line = record.line if record is not None else 1
            begins_text = record is None or record is not previous
            yield LabeledSentence(sentence.tokens, label, str(path), line, begins_text)
            previous = record


def _label_of(record: Record, key: str) -> str:
    """Return the label of a text, "" if it has none."""
    if record.data is None or record.format != _JSON_LINES:
        return ""
    value = record.data.get(key)
    if value is None:
        return ""
    if isinstance(value, bool) or type(value) is int:
        return str(value).lower()
    if not isinstance(value, str) or not value.strip():
        raise DataError(
            record.path,
            record.line,
            f'"{key}" must be one label, a string or an integer, found {json.dumps(value)[:60]}; '
            "correct it, or read no labels: --set data.label=",
        )
    return value.strip()


def counted(
    sentences: Iterable[LabeledSentence], counts: Counter[str], key: str
) -> Iterator[tuple[str, ...]]:
    """Pass on the tokens of sentences, counting the texts of each label.

    Args:
        sentences: The sentences of the training set.
        counts: Receives the number of texts by label; stays empty if no text has one.
        key: Key of the labels, for errors.

    Yields:
        The tokens of each sentence.

    Raises:
        DataError: Some texts have a label, others have none.
    """
    first: LabeledSentence | None = None
    for each in sentences:
        first = first or each
        if bool(each.label) != bool(first.label):
            has, lacks = (each, first) if each.label else (first, each)
            raise DataError(
                each.path,
                each.line,
                f'{"has" if each is has else "no"} "{key}", unlike {first.path}:{first.line}; add '
                f"one to every text of train, of which {lacks.path}:{lacks.line} has none, or read "
                "no labels: --set data.label=",
            )
        if each.label and each.begins_text:
            counts[each.label] += 1
        yield each.tokens


def checked(sentence: LabeledSentence, labels: TextLabels, key: str, advice: str = "") -> str:
    """Return the label of a sentence after checking that the model has it.

    Args:
        sentence: The sentence.
        labels: The labels of the model.
        key: Key of the label, for errors.
        advice: What else a user may do about a text without a label.

    Raises:
        DataError: The text has no label, or one that train lacks.
    """
    if not sentence.label:
        raise DataError(
            sentence.path,
            sentence.line,
            f'no "{key}", on which the model is conditional; expected one of '
            f"{', '.join(labels.names)}{advice}",
        )
    if sentence.label not in labels:
        raise DataError(
            sentence.path,
            sentence.line,
            f"unknown label {sentence.label}, which train lacks; "
            f"{did_you_mean(sentence.label, labels.names)}",
        )
    return sentence.label
