"""Raw texts and documents as sentences, whose records say where each of them belongs."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import replace

from tagger.inference.arguments import shown
from tagger.text import tokenizers
from tagger.text.spans import Record, Sentence

__all__ = ["in_documents", "tagged_texts"]


def tagged_texts(
    texts: Iterable[str],
    tokenizer: str,
    predict: Callable[[Iterator[Sentence]], Iterator[Sentence]],
) -> Iterator[list[Sentence]]:
    """Tag raw texts lazily.

    Args:
        texts: The texts.
        tokenizer: Name of the tokenizer.
        predict: Tags sentences, lazily and in order; it must keep their records.

    Returns:
        An iterator over the sentences of each text, none for a text without a token.

    Raises:
        TypeError: A text is not a string (while iterating).
    """
    records: deque[Record] = deque()
    return _by_text(predict(_tokenized(texts, tokenizer, records)), records)


def _tokenized(texts: Iterable[str], tokenizer: str, records: deque[Record]) -> Iterator[Sentence]:
    """Yield the sentences of texts; append the record of each text, which may have none."""
    tokenize = tokenizers.get(tokenizer)
    for number, text in enumerate(texts, 1):
        if not isinstance(text, str):
            raise TypeError(f"expected a text of type str, got {shown(text)}")
        record = Record("text" if number == 1 else f"text {number}", 1, text=text)
        records.append(record)
        for offsets in tokenize(text):
            tokens = tuple(text[start:end] for start, end in offsets)
            yield Sentence(tokens, offsets=tuple(offsets), record=record)


def _by_text(sentences: Iterator[Sentence], records: deque[Record]) -> Iterator[list[Sentence]]:
    """Group tagged sentences by text."""
    for record, group in itertools.groupby(sentences, key=lambda each: each.record):
        while records[0] is not record:  # a text without a token
            records.popleft()
            yield []
        records.popleft()
        yield list(group)
    for _ in records:
        yield []


def in_documents(sentences: Sequence[Sentence], documents: Iterable[Hashable]) -> list[Sentence]:
    """Assign sentences to documents.

    Args:
        sentences: The sentences.
        documents: For each sentence, what identifies its document.

    Returns:
        Copies of the sentences whose record names the document.

    Raises:
        ValueError: There is not one document per sentence.
    """
    names = list(documents)
    if len(names) != len(sentences):
        raise ValueError(
            f"expected one document per sentence, got {len(names)} for {len(sentences)} sentences"
        )
    return [
        replace(sentence, record=Record("sentences", 1, data={"document": name}))
        for sentence, name in zip(sentences, names, strict=True)
    ]
