"""Scores of files: those of a model on annotated files, or those of a file with predictions."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Unpack

from tagger import corpora
from tagger.config import tagger as config
from tagger.errors import DataError
from tagger.evaluation.calibration import FLOOR, calibration_of
from tagger.evaluation.characters import Pair, by_text, pair_of, record_of
from tagger.evaluation.curve import curve_of
from tagger.evaluation.scores import Scores, scores
from tagger.features.token_states import TokenStates
from tagger.inference.many_files import Models, opened
from tagger.inference.operating_points import GRID, DecodingOptions
from tagger.inference.predictor import Predictor
from tagger.text import annotation, formats, schemes
from tagger.text.annotation import Corpus
from tagger.text.documents import DOCUMENT_MARK
from tagger.text.formats import ReadReport, jsonl
from tagger.text.formats.conll import Columns
from tagger.text.issues import logged
from tagger.text.opening import AUTO
from tagger.text.spans import CharacterSpan, Record, Sentence, by_record

MISSED = "missed"
"""The default of `misaligned` in evaluation."""

__all__ = ["MISSED", "evaluate", "score_model", "score_predictions", "score_sentences"]


def evaluate(
    model: Models | None = None,
    files: str | Path | Sequence[str | Path] = (),
    *,
    predictions: str | Path | None = None,
    scheme: str | None = None,
    token_column: int | str | None = None,
    tag_column: int | str | None = None,
    delimiter: str | None = None,
    encoding: str = AUTO,
    annotator: str | None = None,
    label_field: str | None = None,
    layer: str | None = None,
    feature: str | None = None,
    precision: str | None = None,
    offsets: str | None = None,
    misaligned: str | None = None,
    overlaps: str | None = None,
    discontinuous: str | None = None,
    issues: str | None = None,
    on_corpus: Callable[[Corpus], None] | None = None,
    calibration: bool = False,
    curve: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
    **decoding: Unpack[DecodingOptions],
) -> Scores:
    """Score a model on annotated files, taken together, or score a file with predictions.

    >>> import tagger
    >>> tagger.evaluate("runs/mine", "test.conll").conlleval.f1       # doctest: +SKIP
    >>> tagger.evaluate(predictions="tagged.conll").strict.f1         # doctest: +SKIP

    Args:
        model: An open model, which stays open; or the folder of a model, or several to average.
        files: One annotated file or folder, or several.
        predictions: Instead of a model and files, a file in the layout of conlleval, whose last two
            columns are the gold and the predicted tag; or JSON Lines with "gold" and "spans".
        scheme: Tagging scheme of the gold tags. Detected if omitted.
        token_column: Column of the tokens, by name or from 0. Default: as in training.
        tag_column: Column of the tags, by name or from 0. Default: as in training.
        delimiter: Column delimiter of CoNLL files: auto, blank, tab or any string. Default: as in
            training; blank for `predictions`.
        encoding: Encoding of the files. Default: UTF-8, or that of a byte order mark.
        annotator: Name or id of the annotator whose annotation is read. Default: as in training.
        label_field: Labeling field that is read, in formats with several. Default: as in training.
        layer: Layer of the spans, in formats with several. Default: as in training.
        feature: Feature of the layer with the labels. Default: as in training.
        precision: float32 or int8, for a model that is opened here; see `tagger.load`.
        offsets: Unit of the offsets of gold spans of characters: utf-32, utf-16, utf-8, graphemes,
            or auto, the default.
        misaligned: What happens to gold spans that cut a token: missed, the default, counts them as
            missed; error, expand, contract.
        overlaps: What happens to gold spans that overlap: error, longest, first or outer. Default:
            as in training; error for `predictions`.
        discontinuous: What happens to gold spans of several parts: error or cover. Default: as in
            training; error for `predictions`.
        issues: File that receives all gold spans that cannot be used as they are, as JSON Lines.
        on_corpus: Called with each annotated file once it is read, to show how it was understood.
        calibration: Whether the calibration of span probabilities is measured.
        curve: Whether spans are counted at every threshold.
        on_progress: Called after each sentence with the number of tagged tokens and of all tokens.
        **decoding: As for `Predictor.predict`: ``decode``, ``min_score`` and ``target``.

    Returns:
        The conlleval and strict scores, those of the schemas of `evaluation.schemas`, and what was
        asked for.

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
        reading = formats.ReadOptions(
            Columns(
                token=-2,
                tag=-1,
                delimiter="blank" if delimiter is None else delimiter,
                has_words=False,
            ),
            encoding=encoding,
            offsets=offsets or "auto",
            overlaps=overlaps or "error",
            discontinuous=discontinuous or "error",
        )
        if misaligned not in (None, MISSED):
            raise ValueError("misaligned cannot be combined with predictions")
        with logged(reading, issues or "") as options:
            return score_predictions(str(predictions), options, scheme=declared)
    if model is None or not paths:
        raise ValueError("expected a model and at least one file, or predictions")
    columns = {
        "token_column": token_column,
        "tag_column": tag_column,
        "delimiter": delimiter,
        "encoding": encoding,
        "annotator": annotator,
        "label_field": label_field,
        "layer": layer,
        "feature": feature,
        "offsets": offsets,
        "overlaps": overlaps,
        "discontinuous": discontinuous,
    }
    given = {f"data.{name}": value for name, value in columns.items()}
    with opened(model, precision=precision) as predictor:
        reading = replace(
            config.reading(predictor.bundle.config, given), misaligned=misaligned or MISSED
        )
        with logged(reading, issues or "") as options:
            return score_model(
                predictor,
                [str(path) for path in paths],
                options,
                scheme or annotation.DETECT,
                on_corpus=on_corpus,
                calibration=calibration,
                curve=curve,
                on_progress=on_progress,
                **decoding,
            )


def score_predictions(
    path: str, options: formats.ReadOptions | None = None, *, scheme: str | None = None
) -> Scores:
    """Score a file with gold annotation and predictions.

    Columns are read in the layout of conlleval: the last two are the gold and the predicted tag. A
    ``-DOCSTART-`` line counts as a token, as it does in conlleval. In JSON Lines, "gold" is
    compared with "spans", as `tagger predict` writes them.

    Args:
        path: The file, which may be compressed.
        options: Reading options, whose columns are the gold and the predicted tag. Default: the
            last two columns, delimited by blanks and tabs.
        scheme: Tagging scheme of both columns. Detected if omitted.

    Returns:
        The conlleval and strict scores and, for JSON Lines, those of the schemas.

    Raises:
        DataError: The file is ill-formed, has no sentence, or does not fit `scheme`.
    """
    options = options or formats.ReadOptions(
        Columns(token=-2, tag=-1, delimiter="blank", has_words=False)
    )
    report = ReadReport(path)
    # The unit of the predictions is proven apart from that of the gold annotation beside them.
    reading = replace(options, offsets=AUTO, misaligned=MISSED)
    with formats.opened(path, "", reading, report=report) as sentences:
        found = list(sentences)
        if report.format == jsonl.FORMAT.name:
            pairs, scheme = _json_pairs(list(by_record(found)), options, report), "IOB2"
        else:
            pairs = [Pair(*pair) for sentence in found for pair in _pairs(sentence)]
    if not any(map(len, found)):
        raise DataError(
            path,
            None,
            "contains no sentence; expected lines whose last two columns are the gold and the "
            'predicted tag, or JSON objects with "gold" and "spans"',
        )
    try:
        scored = scores([pair.gold for pair in pairs], [pair.predicted for pair in pairs], scheme)
    except ValueError as error:
        raise DataError(path, None, str(error)) from error
    if report.format != jsonl.FORMAT.name:
        return scored
    extra = [Counter[str](), Counter[str](), Counter[str]()]
    for pair in pairs:
        for count, more in zip(extra, pair.extra, strict=True):
            count.update(more)
    return scored.with_spans(
        [pair.gold_spans for pair in pairs], [pair.predicted_spans for pair in pairs], extra
    )


def _json_pairs(
    groups: Sequence[Sequence[Sentence]], options: formats.ReadOptions, predicted: ReadReport
) -> list[Pair]:
    """Return the gold and predicted annotation of each object of JSON Lines."""
    gold = ReadReport(predicted.path)
    cutting: dict[int, list[CharacterSpan]] = defaultdict(list)
    for record, span in predicted.missed:
        cutting[id(record)].append(span)
    pairs = []
    try:
        for group in groups:
            record = record_of(group)
            try:
                pairs.append(pair_of(group, cutting[id(record)], options, gold))
            except ValueError as error:
                gold.problem(DataError(record.path, record.line, str(error)))
        gold.finish()
    finally:
        if options.on_issues is not None:
            options.on_issues(gold.issues)
    return pairs


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
    on_corpus: Callable[[Corpus], None] | None = None,
    calibration: bool = False,
    curve: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
    **decoding: Unpack[DecodingOptions],
) -> Scores:
    """Score a model on annotated files, taken together.

    Both columns are compared in IOB1 if all files are in IOB1, else in IOB2.

    Args:
        model: An open model, which stays open.
        paths: The annotated files.
        options: How the files are read.
        scheme: Tagging scheme of the gold tags. Detected per file if omitted.
        on_corpus: Called with each file once it is read.
        calibration: As for `evaluate`.
        curve: As for `evaluate`.
        on_progress: As for `evaluate`.
        **decoding: As for `evaluate`.

    Returns:
        The conlleval and strict scores, and what was asked for.

    Raises:
        DataError: A file is ill-formed, or has plain tags where the model predicts spans, or the
            reverse.
    """
    gold: list[Sentence] = []
    missed: list[tuple[Record, CharacterSpan]] = []
    schemes_of_files = set()
    for path in itertools.chain.from_iterable(map(formats.files_of, paths)):
        corpus = corpora.read(path, options, scheme)
        if on_corpus is not None:
            on_corpus(corpus)
        scheme_of_file = corpus.scheme
        if (scheme_of_file == schemes.PLAIN) != model.plain_tags:
            expected = "plain tags" if model.plain_tags else "spans"
            raise DataError(
                path,
                None,
                f"its tags are of the scheme {scheme_of_file}, but the model predicts {expected}",
            )
        gold += corpus.sentences
        missed += corpus.report.missed
        schemes_of_files.add(scheme_of_file)
    # conlleval reads adjacent spans correctly in IOB1 and IOB2 only.
    in_iob1 = schemes_of_files == {"IOB1"}
    common = schemes.PLAIN if model.plain_tags else "IOB1" if in_iob1 else "IOB2"
    return score_sentences(
        model,
        gold,
        common,
        missed=missed,
        calibration=calibration,
        curve=curve,
        on_progress=on_progress,
        **decoding,
    )


def score_sentences(
    model: Predictor,
    gold: Sequence[Sentence],
    scheme: str,
    states: TokenStates | None = None,
    *,
    missed: Sequence[tuple[Record, CharacterSpan]] = (),
    calibration: bool = False,
    curve: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
    **decoding: Unpack[DecodingOptions],
) -> Scores:
    """Score a model on annotated sentences.

    Args:
        model: An open model, which stays open.
        gold: The annotated sentences.
        scheme: Tagging scheme in which both columns are compared.
        states: Hidden states of the model's encoders for these sentences. Default: computed.
        missed: Gold spans that cut a token, with the records of their texts.
        calibration: As for `evaluate`.
        curve: As for `evaluate`.
        on_progress: As for `evaluate`.
        **decoding: As for `evaluate`.

    Returns:
        The conlleval and strict scores, those of the schemas, and what was asked for.

    Raises:
        TaggerError: The model predicts plain tags, and calibration or a curve was asked for.
    """
    if calibration or curve:
        decoding["candidates"] = GRID[0] if curve else FLOOR
    predicted, done, tokens = [], 0, sum(map(len, gold))
    for sentence in model.predict(gold, states=states, **decoding):
        predicted.append(sentence)
        done += len(sentence)
        if on_progress is not None:
            on_progress(done, tokens)
    cutting = Counter(span.label for _, span in missed)
    found = replace(
        scores(_column(gold, scheme), _column(predicted, scheme), scheme),
        calibration=calibration_of(gold, predicted, len(missed)) if calibration else None,
        curve=curve_of(gold, predicted, cutting) if curve else None,
        promises=model.selection(**decoding).promises,
    )
    if scheme == schemes.PLAIN:
        return found
    extra = (cutting, Counter[str](), Counter[str]())
    return found.with_spans(*by_text(gold, predicted, missed), extra)


def _column(sentences: Sequence[Sentence], scheme: str) -> list[list[str]]:
    """Return the tags of sentences in a scheme."""
    if scheme == schemes.PLAIN:
        return [list(sentence.tags or ()) for sentence in sentences]
    return [schemes.encode(sentence.spans or (), len(sentence), scheme) for sentence in sentences]
