"""Plain text in, and text with its spans marked in brackets out: ``[PER Teddy Roosevelt] was a
great President.``

A line is a paragraph and its end ends a sentence, as headlines, lists and one-sentence-a-line files
need it. In wrapped text (e-mails, old books) only a blank line ends a paragraph.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import IO

from tagger.text import tokens
from tagger.text.formats.format import Format, ReadOptions
from tagger.text.spans import Record, Sentence, by_record
from tagger.text.tokens import Tokenizer

__all__ = ["FORMAT", "read", "recognizes", "write"]


def read(
    lines: Iterable[tuple[int, str]], path: str, tokenizer: Tokenizer, *, wrapped: bool
) -> Iterator[Sentence]:
    """Sentences of numbered lines; those of one paragraph share their record, whose text they have
    offsets into.

    A paragraph without a token comes as one empty sentence, so that it can be written back.
    """
    for number, paragraph in _paragraphs(lines) if wrapped else lines:
        record = Record(path, number, text=paragraph)
        empty = True
        for offsets in tokenizer(paragraph.replace("\n", " ") if wrapped else paragraph):
            empty = False
            surfaces = tuple(paragraph[start:end] for start, end in offsets)
            yield Sentence(surfaces, offsets=tuple(offsets), record=record)
        if empty:
            yield Sentence((), offsets=(), record=record)


def _paragraphs(lines: Iterable[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Runs of lines that hold text, joined by line breaks; a line without text stands for
    itself.
    """
    for has_text, group in itertools.groupby(lines, key=lambda numbered: bool(numbered[1].strip())):
        if has_text:
            numbered = list(group)
            yield numbered[0][0], "\n".join(line for _, line in numbered)
        else:
            yield from group


def write(sentences: Iterable[Sentence], stream: IO[str]) -> None:
    """Write each paragraph with its spans in brackets (or, for plain tags, ``token/TAG``), and all
    between as it was.
    """
    for group in by_record(sentences):
        stream.write(_marked(group) + "\n")


def _marked(sentences: list[Sentence]) -> str:
    first = sentences[0]
    if first.offsets is None or first.record is None:
        return " ".join(_marked_tokens(first))
    text, pieces, written = first.record.text, [], 0
    for sentence in sentences:
        for start, end, mark in _marks(sentence):
            pieces += [text[written:start], mark.format(text[start:end])]
            written = end
    return "".join([*pieces, text[written:]])


def _marks(sentence: Sentence) -> Iterator[tuple[int, int, str]]:
    offsets = sentence.offsets or ()
    if sentence.spans is not None:
        for span in sentence.spans:
            yield offsets[span.start][0], offsets[span.end - 1][1], f"[{_escaped(span.label)} {{}}]"
    elif sentence.tags is not None:
        for (start, end), tag in zip(offsets, sentence.tags, strict=True):
            yield start, end, f"{{}}/{_escaped(tag)}"


def _escaped(name: str) -> str:
    return name.replace("{", "{{").replace("}", "}}")


def _marked_tokens(sentence: Sentence) -> list[str]:
    words = list(sentence.tokens)
    if sentence.spans is None:
        return (
            [f"{word}/{tag}" for word, tag in zip(words, sentence.tags, strict=True)]
            if sentence.tags
            else words
        )
    for span in sentence.spans:
        words[span.start] = f"[{span.label} {words[span.start]}"
        words[span.end - 1] += "]"
    return words


def recognizes(lines: Sequence[str]) -> bool:
    """Return True: any lines are text. The other formats are therefore asked first."""
    return True


def _read(lines: Iterable[tuple[int, str]], path: str, options: ReadOptions) -> Iterator[Sentence]:
    return read(lines, path, tokens.get(options.tokenizer), wrapped=options.wrapped)


def _write(sentences: Iterable[Sentence], stream: IO[str], scheme: str) -> None:
    write(sentences, stream)


FORMAT = Format("text", (".txt", ".text", ".md"), recognizes, _read, _write, has_annotations=False)
