"""Sentences with tags to sentences with spans: their scheme is declared or detected, and every tag
is checked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tagger.errors import DataError
from tagger.files import written_whole
from tagger.text import formats, schemes
from tagger.text.spans import Sentence

__all__ = ["DETECT", "annotate", "convert", "read", "scheme_of", "tagged"]

DETECT = "auto"


def read(
    path: str | Path, options: formats.ReadOptions, scheme: str = DETECT
) -> tuple[list[Sentence], str]:
    """The sentences of an annotated file that have tokens, and their scheme.

    Raises:
        DataError: the file is ill-formed or not annotated, holds no sentence, or no scheme fits.
    """
    sentences = tagged(path, options, scheme)
    scheme = scheme_of(sentences, str(path), scheme)
    return annotate(sentences, scheme), scheme


def tagged(path: str | Path, options: formats.ReadOptions, scheme: str = DETECT) -> list[Sentence]:
    """The sentences of an annotated file that have tokens, with their tags as they stand there.

    Where the file has spans (JSON Lines), their tags are of the declared `scheme`, or of IOB2 if
    none is.

    Raises:
        DataError: as for `read`.
    """
    name = str(path)
    found = formats.read(name, formats.format_of(name, txt_is="conll"), options)
    spans_as = scheme if scheme in schemes.SCHEMES else "IOB2"
    sentences = [_with_tags(sentence, spans_as) for sentence in found if len(sentence)]
    if not sentences:
        raise DataError(name, None, "holds no sentence; expected at least one")
    return sentences


def _with_tags(sentence: Sentence, scheme: str) -> Sentence:
    if sentence.spans is not None:
        try:
            return replace(
                sentence, tags=tuple(schemes.encode(sentence.spans, len(sentence), scheme))
            )
        except schemes.SchemeError as error:
            raise _error(sentence, error.index, str(error)) from error
    if sentence.tags is None:
        raise _error(sentence, 0, 'no annotation; expected "spans" or "tags" beside the tokens')
    return sentence


def scheme_of(sentences: Sequence[Sentence], name: str, declared: str = DETECT) -> str:
    """The declared scheme, or the one that the tags fit.

    Raises:
        DataError: none fits.
    """
    if declared != DETECT:
        return declared
    try:
        return schemes.detect(sentence.tags or () for sentence in sentences)
    except schemes.SchemeError as error:
        raise DataError(
            name, None, f"{error}. Declare it with --scheme, or data.scheme in the configuration"
        ) from error


def annotate(sentences: Sequence[Sentence], scheme: str) -> list[Sentence]:
    """Each sentence with the spans that its tags encode; unchanged where `scheme` is plain.

    Raises:
        DataError: a tag is not allowed where it stands.
    """
    return (
        list(sentences)
        if scheme == schemes.PLAIN
        else [_annotated(sentence, scheme) for sentence in sentences]
    )


def _annotated(sentence: Sentence, scheme: str) -> Sentence:
    if sentence.spans is not None:
        return sentence
    try:
        return sentence.with_spans(schemes.decode(sentence.tags or (), scheme))
    except schemes.SchemeError as error:
        message = (
            f"{error} (token {sentence.tokens[error.index]!r}); mend the tag, or declare another "
            "scheme"
        )
        raise _error(sentence, error.index, message) from error


def convert(
    source: str, target: str, options: formats.ReadOptions, scheme: str, target_scheme: str
) -> tuple[int, str]:
    """Write an annotated file in another scheme or format; how many sentences it has, and the
    scheme it was read in.

    Raises: TaggerError: the file is ill-formed, or the target's scheme or format cannot hold it, or
        it is the source itself.
    """
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
    sentences, found = read(source, options, scheme)
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
        with written_whole(target) as stream:
            formats.write(bare, stream, formats.format_of(target, txt_is="conll"), target_scheme)
    except schemes.SchemeError as error:
        raise DataError(source, None, f"cannot be written in {target_scheme}: {error}") from error
    return len(sentences), found


def _error(sentence: Sentence, token: int, message: str) -> DataError:
    record = sentence.record
    if record is None:
        return DataError("sentence", None, f"{' '.join(sentence.tokens)[:60]!r}: {message}")
    # A CoNLL block has a line for each token; a JSON object has one line for all.
    return DataError(record.path, record.line + (token if record.data is None else 0), message)
