"""Annotated files as sentences with spans.

Spans of JSON Lines are taken as they are. Tags are decoded to spans once their scheme is declared
or detected, and every tag is checked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from tagger.errors import DataError
from tagger.files import atomic_write
from tagger.text import formats, schemes
from tagger.text.spans import Sentence

__all__ = ["DETECT", "Conversion", "annotate", "convert", "read"]

DETECT = "auto"


def read(
    path: str | Path, options: formats.ReadOptions, scheme: str = DETECT
) -> tuple[list[Sentence], str]:
    """Read the sentences of an annotated file that have tokens, with their spans.

    Args:
        path: a file of a format with annotations; a name that says nothing is CoNLL columns.
        options: how to read it.
        scheme: of its tags; detected by default.

    Returns:
        The sentences and their scheme, which is IOB2 where no sentence has tags but spans. In the
        scheme ``plain`` sentences have tags and no spans.

    Raises:
        DataError: the file is ill-formed or not annotated, holds no sentence, or no scheme fits.
    """
    name = str(path)
    sentences = formats.read(name, formats.format_of(name, annotated=True), options)
    return annotate([sentence for sentence in sentences if len(sentence)], name, scheme)


def annotate(
    sentences: Sequence[Sentence], name: str, scheme: str = DETECT
) -> tuple[list[Sentence], str]:
    """Decode the tags of sentences that have no spans yet; return all sentences and the scheme.

    Args:
        sentences: each with spans or with tags of one scheme.
        name: of the corpus, for errors that are not those of one sentence.
        scheme: as for `read`.

    Raises:
        DataError: there is no sentence, one is not annotated, no scheme fits, a tag is not allowed
            where it stands, or the declared scheme cannot hold the spans.
    """
    if not sentences:
        raise DataError(name, None, "holds no sentence; expected at least one")
    for sentence in sentences:
        if sentence.spans is None and sentence.tags is None:
            raise _error(sentence, 0, 'no annotation; expected "spans" or "tags" beside the tokens')
    found = _detected(sentences, name) if scheme == DETECT else scheme
    if found == schemes.PLAIN:
        return [_with_plain_tags(sentence) for sentence in sentences], found
    return [_with_spans(sentence, found, check=scheme != DETECT) for sentence in sentences], found


def _detected(sentences: Sequence[Sentence], name: str) -> str:
    """The scheme that fits all tags; tags beside spans are not considered."""
    tags = [sentence.tags or () for sentence in sentences if sentence.spans is None]
    try:
        return schemes.detect(tags)
    except schemes.SchemeError as error:
        raise DataError(
            name, None, f"{error}. Declare it with --scheme, or data.scheme in the configuration"
        ) from error


def _with_plain_tags(sentence: Sentence) -> Sentence:
    if sentence.tags is None:
        message = '"spans" among plain tags; expected "tags" beside the tokens of every sentence'
        raise _error(sentence, 0, message)
    return sentence if sentence.spans is None else replace(sentence, spans=None)


def _with_spans(sentence: Sentence, scheme: str, check: bool) -> Sentence:
    try:
        if sentence.spans is None:
            return sentence.with_spans(schemes.decode(sentence.tags or (), scheme))
        if check:  # IO cannot hold all spans
            schemes.encode(sentence.spans, len(sentence), scheme)
        return sentence
    except schemes.SchemeError as error:
        if sentence.spans is not None:
            raise _error(sentence, error.index, str(error)) from error
        message = (
            f"{error} (token {sentence.tokens[error.index]!r}); mend the tag, or declare another "
            "scheme"
        )
        raise _error(sentence, error.index, message) from error


class Conversion(NamedTuple):
    """The number of sentences that were converted, and the scheme that they were read in."""

    sentences: int
    scheme: str


def convert(
    source: str | Path,
    target: str | Path,
    options: formats.ReadOptions | None = None,
    scheme: str = DETECT,
    target_scheme: str = "IOB2",
) -> Conversion:
    """Write an annotated file in another scheme or format, checking every tag.

    The target appears whole or not at all. Comments, further columns and further keys of the source
    are not carried over.

    Args:
        source: an annotated file, gzip or not.
        target: the file to write; its name says the format, CoNLL columns or JSON Lines.
        options: how to read the source; the defaults of `ReadOptions` if None.
        scheme: of the source's tags; detected by default.
        target_scheme: of the tags in the target: IO, IOB1, IOB2, IOBES or BILOU. Plain tags are
            written as they are.

    Returns:
        The number of sentences, and the scheme that the source was read in.

    Raises:
        DataError: the source is ill-formed, the target's scheme or format cannot hold it, or the
            target is compressed, standard output, or the source itself.
    """
    source, target = str(source), str(target)
    if target.endswith(".gz") or target == formats.STANDARD_INPUT:
        raise DataError(
            target,
            None,
            "expected the name of a file, without .gz: what is written is not compressed",
        )
    if (
        Path(source).resolve() == Path(target).resolve()
    ):  # what the target's format cannot hold would be lost for ever
        raise DataError(target, None, "is the source itself; choose another name")
    sentences, found = read(source, options or formats.ReadOptions(), scheme)
    if target_scheme not in schemes.SCHEMES:
        raise DataError(
            target,
            None,
            f"unknown scheme {target_scheme!r}; expected one of {', '.join(schemes.SCHEMES)}",
        )
    bare = (
        replace(sentence, record=None, tags=sentence.tags if found == schemes.PLAIN else None)
        for sentence in sentences
    )
    try:
        with atomic_write(target) as stream:
            formats.write(bare, stream, formats.format_of(target, annotated=True), target_scheme)
    except schemes.SchemeError as error:
        raise DataError(source, None, f"cannot be written in {target_scheme}: {error}") from error
    return Conversion(len(sentences), found)


def _error(sentence: Sentence, token: int, message: str) -> DataError:
    record = sentence.record
    if record is None:
        return DataError("sentence", None, f"{' '.join(sentence.tokens)[:60]!r}: {message}")
    # A CoNLL block has one line per token; a JSON object or a dataset's row is one line.
    return DataError(record.path, record.line + (token if record.lines else 0), message)
