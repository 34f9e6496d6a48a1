"""Plain text, written with its spans in brackets: ``[PER Teddy Roosevelt] was a great President.``

Each line is a paragraph, and its end is the end of a sentence, as in headlines, lists and files of
one sentence per line. In wrapped text (e-mails, old books) only a blank line ends a paragraph.
Lines keep their ends, ``\\n`` or ``\\r\\n``; a last line without an end receives one.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import IO

from tagger.text import tokenizers
from tagger.text.formats.format import Format
from tagger.text.opening import CrlfLine
from tagger.text.options import ReadOptions
from tagger.text.report import ReadReport
from tagger.text.spans import Record, Sentence, by_record
from tagger.text.tokenizers import Tokenizer

__all__ = ["FORMAT", "Highlight", "marked_tokens", "read", "recognizes", "write"]

Highlight = Callable[[str], tuple[str, str]]
"""Returns what stands before and after the brackets of a label: the codes of a terminal."""


def read(
    lines: Iterable[tuple[int, str]], path: str, tokenizer: Tokenizer, *, wrapped: bool
) -> Iterator[Sentence]:
    """Tokenize numbered lines.

    Args:
        lines: Line numbers, counted from 1, and lines without their ends.
        path: Path of the file, for records and errors.
        tokenizer: Function from a paragraph to the token offsets of each sentence.
        wrapped: Whether only a blank line ends a paragraph.

    Yields:
        The sentences. Those of one paragraph share a record, to whose text their offsets refer. A
        paragraph without tokens yields one empty sentence, so that it can be written back.
    """
    for record in _paragraphs(_records(lines, path)) if wrapped else _records(lines, path):
        paragraph, empty = record.text, True
        unwrapped = paragraph.replace("\n", " ").replace("\r", " ") if wrapped else paragraph
        for offsets in tokenizer(unwrapped):
            empty = False
            surfaces = tuple(paragraph[start:end] for start, end in offsets)
            yield Sentence(surfaces, offsets=tuple(offsets), record=record)
        if empty:
            yield Sentence((), offsets=(), record=record)


def _records(lines: Iterable[tuple[int, str]], path: str) -> Iterator[Record]:
    """Yield a record per line, with its offset in the file and its end."""
    offset = 0
    for number, line in lines:
        end = "\r\n" if type(line) is CrlfLine else "\n"
        yield Record(path, number, text=line, offset=offset, end=end)
        offset += len(line) + len(end)


def _paragraphs(lines: Iterable[Record]) -> Iterator[Record]:
    """Join the records of consecutive lines that are not blank; yield blank lines unchanged."""
    for has_text, group in itertools.groupby(lines, key=lambda line: bool(line.text.strip())):
        if has_text:
            first, *others = group
            text, end = first.text, first.end
            if others:
                pieces = [piece for line in (first, *others) for piece in (line.text, line.end)]
                text, end = "".join(pieces[:-1]), pieces[-1]
            yield replace(first, text=text, end=end)
        else:
            yield from group


def _no_highlight(label: str) -> tuple[str, str]:
    """Return nothing to write before and after spans; see `Highlight`."""
    return "", ""


def write(
    sentences: Iterable[Sentence], stream: IO[str], highlight: Highlight = _no_highlight
) -> None:
    """Write each paragraph with its spans in brackets, or with plain tags as ``token/TAG``.

    The text between is unchanged. Sentences without raw text are written as tokens joined by
    blanks, one sentence per line.

    Args:
        sentences: Sentences in the order of the input, consumed lazily.
        stream: Text stream to write to; it is not closed.
        highlight: Highlights spans by their label.
    """
    for group in by_record(sentences):
        record = group[0].record
        stream.write(_marked(group, highlight) + ("\n" if record is None else record.end))


def _marked(sentences: list[Sentence], highlight: Highlight) -> str:
    """Return the text of one record with its annotation."""
    first = sentences[0]
    if first.offsets is None or first.record is None:
        return " ".join(marked_tokens(first, highlight))
    text, pieces, written = first.record.text, [], 0
    for sentence in sentences:
        for start, end, mark in _marks(sentence, highlight):
            pieces += [text[written:start], mark.format(text[start:end])]
            written = end
    return "".join([*pieces, text[written:]])


def _marks(sentence: Sentence, highlight: Highlight) -> Iterator[tuple[int, int, str]]:
    """Yield start, end and replacement template of each annotated part of the text."""
    offsets = sentence.offsets or ()
    if sentence.spans is not None:
        for span in sentence.spans:
            before, after = highlight(span.label)
            mark = f"{before}[{_escaped(span.label)} {{}}]{after}"
            yield offsets[span.start][0], offsets[span.end - 1][1], mark
    elif sentence.tags is not None:
        for (start, end), tag in zip(offsets, sentence.tags, strict=True):
            yield start, end, f"{{}}/{_escaped(tag)}"


def _escaped(name: str) -> str:
    """Escape braces for `str.format`."""
    return name.replace("{", "{{").replace("}", "}}")


def marked_tokens(sentence: Sentence, highlight: Highlight = _no_highlight) -> list[str]:
    """Return the tokens of a sentence without raw text, with its annotation.

    Args:
        sentence: The sentence.
        highlight: Highlights spans by their label.

    Returns:
        As many strings as there are tokens.
    """
    words = list(sentence.tokens)
    if sentence.spans is None:
        return (
            [f"{word}/{tag}" for word, tag in zip(words, sentence.tags, strict=True)]
            if sentence.tags
            else words
        )
    for span in sentence.spans:
        before, after = highlight(span.label)
        words[span.start] = f"{before}[{span.label} {words[span.start]}"
        words[span.end - 1] += f"]{after}"
    return words


def recognizes(lines: Sequence[str]) -> bool:
    """Return True for any lines, so the other formats must be tried first."""
    return True


def _read(
    lines: Iterable[tuple[int, str]], path: str, options: ReadOptions, report: ReadReport
) -> Iterator[Sentence]:
    """Adapt `read` to `Format.read`."""
    report.layout = "text, one paragraph per line"
    return read(lines, path, tokenizers.get(options.tokenizer), wrapped=options.wrapped)


def _write(sentences: Iterable[Sentence], stream: IO[str], scheme: str) -> None:
    """Adapt `write` to `Format.write`."""
    write(sentences, stream)


FORMAT = Format("text", (".txt", ".text", ".md"), recognizes, _read, _write, has_annotations=False)
