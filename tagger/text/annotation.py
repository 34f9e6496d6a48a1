"""Reading and converting annotated files.

Spans in JSON Lines are used unchanged. Tags are decoded to spans by the declared or detected
scheme, and every tag is checked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from tagger.errors import DataError
from tagger.files import atomic_write
from tagger.text import formats, schemes
from tagger.text.opening import compression
from tagger.text.spans import Sentence

__all__ = ["DETECT", "Conversion", "annotate", "convert", "read"]

DETECT = "auto"
"""The value of a `scheme` argument that detects the scheme from the tags."""


def read(
    path: str | Path, options: formats.ReadOptions, scheme: str = DETECT
) -> tuple[list[Sentence], str]:
    """Read the sentences of an annotated file; sentences without tokens are skipped.

    Args:
        path: A file of a format with annotations. A name with an unknown suffix means CoNLL
        columns. options: Columns, tokenizer and other reading options. scheme: Tagging scheme of
        the file; detected by default.

    Returns:
        The sentences with their spans, and their scheme, which is IOB2 if the file contains spans
        instead of tags. In the scheme ``plain`` sentences have tags and no spans.

    Raises:
        DataError: The file is ill-formed, not annotated or without sentences, or no scheme fits.
    """
    name = str(path)
    sentences = formats.read(name, formats.format_of(name, annotated=True), options)
    return annotate([sentence for sentence in sentences if len(sentence)], name, scheme)


def annotate(
    sentences: Sequence[Sentence], name: str, scheme: str = DETECT
) -> tuple[list[Sentence], str]:
    """Decode the tags of the sentences that have no spans.

    Args:
        sentences: Sentences that each have spans or tags, with all tags in the same scheme.
        name: Name of the corpus, for errors that do not concern a single sentence.
        scheme: Tagging scheme; detected by default.

    Returns:
        All sentences in order, as `read` returns them, and their scheme.

    Raises:
        DataError: There is no sentence, one is not annotated, no scheme fits, a tag violates the
            scheme, or the declared scheme cannot represent the spans.
    """
    if not sentences:
        raise DataError(name, None, "contains no sentences; expected at least one")
    for sentence in sentences:
        if sentence.spans is None and sentence.tags is None:
            raise _error(sentence, 0, 'no annotation; expected "spans" or "tags" beside the tokens')
    actual = _detect_scheme(sentences, name) if scheme == DETECT else scheme
    if actual == schemes.PLAIN:
        return [_with_plain_tags(sentence) for sentence in sentences], actual
    return [_with_spans(sentence, actual, check=scheme != DETECT) for sentence in sentences], actual


def _detect_scheme(sentences: Sequence[Sentence], name: str) -> str:
    """Return the scheme that fits all tags; tags of sentences with spans are ignored."""
    tags = [sentence.tags or () for sentence in sentences if sentence.spans is None]
    try:
        return schemes.detect(tags)
    except schemes.SchemeError as error:
        raise DataError(
            name, None, f"{error}. Declare it with --scheme, or data.scheme in the configuration"
        ) from error


def _with_plain_tags(sentence: Sentence) -> Sentence:
    """Return the sentence with its tags and no spans."""
    if sentence.tags is None:
        message = '"spans" among plain tags; expected "tags" beside the tokens of every sentence'
        raise _error(sentence, 0, message)
    return sentence if sentence.spans is None else replace(sentence, spans=None)


def _with_spans(sentence: Sentence, scheme: str, check: bool) -> Sentence:
    """Return the sentence with its spans or, if it has none, those that its tags encode."""
    try:
        if sentence.spans is None:
            return sentence.with_spans(schemes.decode(sentence.tags or (), scheme))
        if check:  # IO cannot represent adjacent spans of one label
            schemes.encode(sentence.spans, len(sentence), scheme)
        return sentence
    except schemes.SchemeError as error:
        if sentence.spans is not None:
            raise _error(sentence, error.index, str(error)) from error
        message = (
            f"{error} (token {sentence.tokens[error.index]!r}); correct the tag, or declare "
            "another scheme"
        )
        raise _error(sentence, error.index, message) from error


class Conversion(NamedTuple):
    """The result of `convert`: the number of sentences, and the scheme of the source."""

    sentences: int
    scheme: str


def convert(
    source: str | Path,
    target: str | Path,
    options: formats.ReadOptions | None = None,
    scheme: str = DETECT,
    target_scheme: str = "IOB2",
) -> Conversion:
    """Convert an annotated file to another scheme or format, checking every tag.

    The target is written atomically. Comments, additional columns and additional keys of the source
    are dropped.

    Args:
        source: Annotated file, which may be compressed.
        target: File to write; its suffix determines the format, CoNLL columns or JSON Lines.
        options: Reading options of the source; the defaults of `ReadOptions` if None.
        scheme: Tagging scheme of the source; detected by default.
        target_scheme: Tagging scheme of the target: IO, IOB1, IOB2, IOBES or BILOU. Plain tags are
            copied unchanged.

    Returns:
        The number of sentences, and the scheme of the source.

    Raises:
        DataError: The source is ill-formed, the target's scheme or format cannot represent it, or
            the target is compressed, standard output, or the source itself.
    """
    source, target = str(source), str(target)
    if target.lower().endswith(compression.SUFFIXES) or target == formats.STANDARD_INPUT:
        raise DataError(
            target,
            None,
            f"expected the name of a file without {', '.join(compression.SUFFIXES)}: the output is "
            "not compressed",
        )
    # Whatever the target's format cannot represent would be lost.
    if Path(source).resolve() == Path(target).resolve():
        raise DataError(target, None, "is the source itself; choose another name")
    sentences, source_scheme = read(source, options or formats.ReadOptions(), scheme)
    if target_scheme not in schemes.SCHEMES:
        raise DataError(
            target,
            None,
            f"unknown scheme {target_scheme!r}; expected one of {', '.join(schemes.SCHEMES)}",
        )
    bare = (
        replace(
            sentence, record=None, tags=sentence.tags if source_scheme == schemes.PLAIN else None
        )
        for sentence in sentences
    )
    try:
        with atomic_write(target) as stream:
            formats.write(bare, stream, formats.format_of(target, annotated=True), target_scheme)
    except schemes.SchemeError as error:
        raise DataError(source, None, f"cannot be written in {target_scheme}: {error}") from error
    return Conversion(len(sentences), source_scheme)


def _error(sentence: Sentence, token: int, message: str) -> DataError:
    """Return an error at the line of a sentence's token."""
    record = sentence.record
    if record is None:
        return DataError("sentence", None, f"{' '.join(sentence.tokens)[:60]!r}: {message}")
    # A CoNLL block has one line per token; a JSON object or a dataset's row is one line.
    return DataError(record.path, record.line + (token if record.lines else 0), message)
