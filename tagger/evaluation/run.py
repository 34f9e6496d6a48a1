"""Scores of files: those of a model on annotated files, or those of a file with predictions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Unpack

from tagger.config import tagger as config
from tagger.errors import DataError
from tagger.evaluation.calibration import FLOOR, calibration_of
from tagger.evaluation.curve import curve_of
from tagger.evaluation.scores import Scores, scores
from tagger.features.token_states import TokenStates
from tagger.inference.many_files import Models, opened
from tagger.inference.operating_points import GRID, DecodingOptions
from tagger.inference.predictor import Predictor
from tagger.text import annotation, formats, schemes
from tagger.text.documents import DOCUMENT_MARK
from tagger.text.formats import ReadReport, jsonl
from tagger.text.formats.conll import Columns
from tagger.text.opening import AUTO
from tagger.text.spans import Sentence, by_record

__all__ = ["evaluate", "score_model", "score_predictions", "score_sentences"]


def evaluate(
    model: Models | None = None,
    files: str | Path | Sequence[str | Path] = (),
    *,
    predictions: str | Path | None = None,
    scheme: str | None = None,
    token_column: int | None = None,
    tag_column: int | None = None,
    delimiter: str | None = None,
    encoding: str = AUTO,
    precision: str | None = None,
    calibration: bool = False,
    curve: bool = False,
    **decoding: Unpack[DecodingOptions],
) -> Scores:
    """Score a model on annotated files, taken together, or score a file with predictions.

    >>> import tagger
    >>> tagger.evaluate("runs/mine", "test.conll").conlleval.f1       # doctest: +SKIP
    >>> tagger.evaluate(predictions="tagged.conll").strict.f1         # doctest: +SKIP

    Args:
        model: An open model, which stays open; or the folder of a model, or several to average.
        files: One annotated file or several.
        predictions: Instead of a model and files, a file in the layout of conlleval, whose last two
            columns are the gold and the predicted tag; or JSON Lines with "gold" and "spans".
        scheme: Tagging scheme of the gold tags. Detected if omitted.
        token_column: Column of the tokens in CoNLL files, from 0. Default: as in training.
        tag_column: Column of the tags in CoNLL files, from 0. Default: as in training.
        delimiter: Column delimiter of CoNLL files: auto, blank, tab or any string. Default: as in
            training; blank for `predictions`.
        encoding: Encoding of the files. Default: UTF-8, or that of a byte order mark.
        precision: float32 or int8, for a model that is opened here; see `tagger.load`.
        calibration: Whether the calibration of span probabilities is measured.
        curve: Whether spans are counted at every threshold.
        **decoding: As for `Predictor.predict`: ``decode``, ``min_score`` and ``target``.

    Returns:
        The conlleval and strict scores, and what was asked for.

    Raises:
        DataError: A file is ill-formed, or has plain tags where the model predicts spans, or the
            reverse.
        TaggerError: The model cannot be opened.
        ValueError: Neither a model with files nor predictions were passed, or both.
    """
    paths = [files] if isinstance(files, str | Path) else list(files)
    if predictions is not None:
        if calibration or curve or any(decoding.values()):
            raise ValueError("calibration, curve, thresholds and rules need a model and files")
        if model is not None or paths or (token_column, tag_column) != (None, None):
            raise ValueError(
                "predictions cannot be combined with model, files, token_column or tag_column: "
                "their last two columns are scored"
            )
        declared = None if scheme == annotation.DETECT else scheme
        return score_predictions(
            str(predictions), scheme=declared, delimiter=delimiter, encoding=encoding
        )
    if model is None or not paths:
        raise ValueError("expected a model and at least one file, or predictions")
    columns = {
        "token_column": token_column,
        "tag_column": tag_column,
        "delimiter": delimiter,
        "encoding": encoding,
    }
    given = {f"data.{name}": value for name, value in columns.items()}
    with opened(model, precision=precision) as predictor:
        options = config.reading(predictor.bundle.config, given)
        return score_model(
            predictor,
            [str(path) for path in paths],
            options,
            scheme or annotation.DETECT,
            calibration=calibration,
            curve=curve,
            **decoding,
        )


def score_predictions(
    path: str,
    *,
    scheme: str | None = None,
    delimiter: str | None = None,
    encoding: str = AUTO,
) -> Scores:
    """Score a file with gold annotation and predictions.

    Columns are read in the layout of conlleval: the last two are the gold and the predicted tag. A
    ``-DOCSTART-`` line counts as a token, as it does in conlleval. In JSON Lines, "gold" is
    compared with "spans", as `tagger predict` writes them.

    Args:
        path: The file, which may be compressed.
        scheme: Tagging scheme of both columns. Detected if omitted.
        delimiter: Column delimiter. Default: blanks and tabs.
        encoding: Encoding of the file. Default: UTF-8, or that of a byte order mark.

    Returns:
        The conlleval and strict scores.

    Raises:
        DataError: The file is ill-formed, has no sentence, or does not fit `scheme`.
    """
    delimiter = "blank" if delimiter is None else delimiter
    columns = Columns(token=-2, tag=-1, delimiter=delimiter, has_words=False)
    options = formats.ReadOptions(columns, encoding=encoding)
    report = ReadReport(path)
    with formats.opened(path, "", options, report=report) as sentences:
        found = list(sentences)
        if report.format == jsonl.FORMAT.name:
            pairs = [_json_pair(group, report) for group in by_record(found) if group[0].record]
            report.finish()
            scheme = "IOB2"
        else:
            pairs = [pair for sentence in found for pair in _pairs(sentence)]
    if not any(map(len, found)):
        raise DataError(
            path,
            None,
            "contains no sentence; expected lines whose last two columns are the gold and the "
            'predicted tag, or JSON objects with "gold" and "spans"',
        )
    gold, predicted = zip(*pairs, strict=True)
    try:
        return scores(gold, predicted, scheme)
    except ValueError as error:
        raise DataError(path, None, str(error)) from error


def _json_pair(
    sentences: Sequence[Sentence], report: ReadReport
) -> tuple[Sequence[str], Sequence[str]]:
    """Return the gold and predicted tags of a JSON object, in IOB2."""
    record = sentences[0].record
    assert record is not None
    first = sentences[0]
    whole = Sentence(
        tuple(token for sentence in sentences for token in sentence.tokens),
        offsets=None
        if first.offsets is None
        else tuple(offset for sentence in sentences for offset in sentence.offsets or ()),
        record=record,
    )
    try:
        data = record.data or {}
        if "gold" not in data or "spans" not in data:
            raise ValueError(
                f'expected "gold" and "spans", found the keys {", ".join(map(repr, data))}'
            )
        gold, predicted = (
            schemes.encode(jsonl.spans_of(data[key], whole), len(whole), "IOB2")
            for key in ("gold", "spans")
        )
    except ValueError as error:
        report.problem(DataError(record.path, record.line, str(error)))
        return (), ()
    return gold, predicted


def _pairs(sentence: Sentence) -> Iterator[tuple[Sequence[str], Sequence[str]]]:
    """Yield the gold and predicted tags of each document mark before a sentence, then its own."""
    for line in sentence.record.leading if sentence.record else ():
        if line.startswith(DOCUMENT_MARK):
            yield (schemes.OUTSIDE,), (schemes.OUTSIDE,)
    if len(sentence):
        yield sentence.tokens, sentence.tags or ()


def score_model(
    model: Predictor,
    paths: Sequence[str],
    options: formats.ReadOptions,
    scheme: str = annotation.DETECT,
    *,
    calibration: bool = False,
    curve: bool = False,
    **decoding: Unpack[DecodingOptions],
) -> Scores:
    """Score a model on annotated files, taken together.

    Both columns are compared in IOB1 if all files are in IOB1, else in IOB2.

    Args:
        model: An open model, which stays open.
        paths: The annotated files.
        options: How the files are read.
        scheme: Tagging scheme of the gold tags. Detected per file if omitted.
        calibration: As for `evaluate`.
        curve: As for `evaluate`.
        **decoding: As for `evaluate`.

    Returns:
        The conlleval and strict scores, and what was asked for.

    Raises:
        DataError: A file is ill-formed, or has plain tags where the model predicts spans, or the
            reverse.
    """
    gold: list[Sentence] = []
    schemes_of_files = set()
    for path in paths:
        corpus = annotation.read(path, options, scheme)
        scheme_of_file = corpus.scheme
        if (scheme_of_file == schemes.PLAIN) != model.plain_tags:
            expected = "plain tags" if model.plain_tags else "spans"
            raise DataError(
                path,
                None,
                f"its tags are of the scheme {scheme_of_file}, but the model predicts {expected}",
            )
        gold += corpus.sentences
        schemes_of_files.add(scheme_of_file)
    # conlleval reads adjacent spans correctly in IOB1 and IOB2 only.
    in_iob1 = schemes_of_files == {"IOB1"}
    common = schemes.PLAIN if model.plain_tags else "IOB1" if in_iob1 else "IOB2"
    return score_sentences(model, gold, common, calibration=calibration, curve=curve, **decoding)


def score_sentences(
    model: Predictor,
    gold: Sequence[Sentence],
    scheme: str,
    states: TokenStates | None = None,
    *,
    calibration: bool = False,
    curve: bool = False,
    **decoding: Unpack[DecodingOptions],
) -> Scores:
    """Score a model on annotated sentences.

    Args:
        model: An open model, which stays open.
        gold: The annotated sentences.
        scheme: Tagging scheme in which both columns are compared.
        states: Hidden states of the model's encoders for these sentences. Default: computed.
        calibration: As for `evaluate`.
        curve: As for `evaluate`.
        **decoding: As for `evaluate`.

    Returns:
        The conlleval and strict scores, and what was asked for.

    Raises:
        TaggerError: The model predicts plain tags, and calibration or a curve was asked for.
    """
    if calibration or curve:
        decoding["candidates"] = GRID[0] if curve else FLOOR
    predicted = list(model.predict(gold, states=states, **decoding))
    found = scores(_column(gold, scheme), _column(predicted, scheme), scheme)
    return replace(
        found,
        calibration=calibration_of(gold, predicted) if calibration else None,
        curve=curve_of(gold, predicted) if curve else None,
        promises=model.selection(**decoding).promises,
    )


def _column(sentences: Sequence[Sentence], scheme: str) -> list[list[str]]:
    """Return the tags of sentences in a scheme."""
    if scheme == schemes.PLAIN:
        return [list(sentence.tags or ()) for sentence in sentences]
    return [schemes.encode(sentence.spans or (), len(sentence), scheme) for sentence in sentences]
