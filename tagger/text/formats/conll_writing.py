"""Writing of CoNLL columns; see `tagger.text.formats.conll`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import IO

from tagger.errors import DataError
from tagger.text import schemes
from tagger.text.documents import DOCUMENT_MARK
from tagger.text.formats.columns import replace_field
from tagger.text.formats.layouts import INVISIBLE
from tagger.text.options import Columns
from tagger.text.report import shown
from tagger.text.spans import Record, Sentence

__all__ = ["refuses", "rewrite", "write"]

_BLANK = (" ", "\t")


def write(sentences: Iterable[Sentence], stream: IO[str], scheme: str = "IOB2") -> None:
    """Write sentences as columns, followed by a blank line each.

    Sentences that were read from columns keep their columns, comments and document marks, and the
    tag is appended as the last column; all others are written as token and tag.

    Args:
        sentences: Sentences, consumed lazily; tokens without annotation are tagged ``O``.
        stream: Text stream to write to; it is not closed.
        scheme: Tagging scheme of the spans; plain tags are written unchanged.

    Raises:
        DataError: A token or tag is empty or contains a blank, tab or line break, which columns
            cannot represent.
        SchemeError: The scheme cannot represent the spans.
    """
    good: set[tuple[str, str]] = set()
    for sentence in sentences:
        tags = _tags(sentence, scheme)
        record = sentence.record if _is_own(sentence) else None
        separator = " "
        if record is not None and (record.lines or record.leading):
            separator = record.separator
            mark = f"{separator}{schemes.OUTSIDE}"
            stream.write(f"{record.header}{separator}tag\n" if record.header else "")
            stream.write("".join(_leading(record, mark)))
            if not len(sentence) and record.lines:  # a record that could not be read
                stream.write("".join(f"{line}\n" for line in (*record.lines, "")))
                continue
        if record is not None and record.lines:
            rows = _with_tags(record, tags)
        else:
            for token in sentence.tokens:
                _check(token, "token", separator, sentence)
            rows = [
                f"{token}{separator}{tag}\n"
                for token, tag in zip(sentence.tokens, tags, strict=True)
            ]
        for tag in set(tags):
            if (tag, separator) not in good:
                _check(tag, "tag", separator, sentence)
                good.add((tag, separator))
        stream.write("".join([*rows, "\n"]) if rows else "")


def _leading(record: Record, mark: str) -> Iterator[str]:
    """Yield the lines before a sentence; document marks are followed by `mark` and a blank line."""
    for line in record.leading:
        yield f"{line}{mark}\n\n" if line.startswith(DOCUMENT_MARK) else f"{line}\n"


def _with_tags(record: Record, tags: Sequence[str]) -> list[str]:
    """Return the lines of a record with a tag appended to each token line."""
    separator = record.separator
    if record.token_lines is None:
        return [f"{row}{separator}{tag}\n" for row, tag in zip(record.lines, tags, strict=True)]
    by_line = dict(zip(record.token_lines, tags, strict=True))
    return [
        f"{row}{separator}{by_line[index]}\n" if index in by_line else f"{row}\n"
        for index, row in enumerate(record.lines)
    ]


def rewrite(
    sentences: Iterable[Sentence],
    stream: IO[str],
    scheme: str,
    columns: Columns,
    trailing: Sequence[str] = (),
) -> None:
    """Write sentences that were read from columns, with new tags in place of the old ones.

    Everything else is unchanged: comments, document marks, further columns and lines that are no
    tokens.

    Args:
        sentences: Sentences that `read` returned with these columns, with spans or tags.
        stream: Text stream to write to; it is not closed.
        scheme: Tagging scheme of the spans.
        columns: The columns with which the sentences were read.
        trailing: Comments after the last sentence.

    Raises:
        SchemeError: The scheme cannot represent the spans.
    """
    assert isinstance(columns.tag, int)
    on_blanks = columns.delimiter == "blank"
    for sentence in sentences:
        record = sentence.record
        assert record is not None
        separator = None if on_blanks or record.separator == " " else record.separator
        lines = list(record.lines)
        places = range(len(lines)) if record.token_lines is None else record.token_lines
        for index, tag in zip(places, _tags(sentence, scheme), strict=True):
            lines[index] = replace_field(lines[index], separator, columns.tag, tag)
        stream.write(f"{record.header}\n" if record.header else "")
        stream.write("".join(_leading(record, "")))
        stream.write("".join(f"{line}\n" for line in (*lines, "")) if lines else "")
    stream.writelines(f"{line}\n" for line in trailing)


def _tags(sentence: Sentence, scheme: str) -> Sequence[str]:
    """Return the tags to write for a sentence."""
    if sentence.spans is not None:
        return schemes.encode(sentence.spans, len(sentence), scheme)
    return sentence.tags if sentence.tags is not None else [schemes.OUTSIDE] * len(sentence)


def _is_own(sentence: Sentence) -> bool:
    """Return whether the lines of a sentence's record are columns, not those of another format."""
    return sentence.record is not None and sentence.record.data is None


def refuses(sentence: Sentence) -> str:
    """Return why a sentence without columns of its own cannot be written, or "".

    Args:
        sentence: A sentence from another format.
    """
    if _is_own(sentence) and sentence.record is not None and sentence.record.lines:
        return ""
    return next((fault for token in sentence.tokens if (fault := _fault(token, "token", " "))), "")


def _fault(value: str, name: str, separator: str) -> str:
    """Return why a token or tag would not be read back unchanged, or ""."""
    separators = _BLANK if separator in _BLANK else (separator,)
    is_mark = name == "token" and value.startswith(DOCUMENT_MARK)
    is_hidden = name == "tag" and value != value.strip(INVISIBLE)
    if (
        is_mark
        or is_hidden
        or not value.strip(" ")
        or any(part in value for part in (*separators, "\r", "\n"))
    ):
        return f"the {name} {shown(value)} cannot be a CoNLL column; write JSON Lines instead"
    return ""


def _check(value: str, name: str, separator: str, sentence: Sentence) -> None:
    """Raise DataError unless a token or tag would be read back unchanged."""
    if fault := _fault(value, name, separator):
        record = sentence.record
        raise DataError(record.path if record else "output", record.line if record else None, fault)
