"""From files to scores: a model's on annotated files, or those of a file that holds predictions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from tagger.config import tagger as config
from tagger.errors import DataError
from tagger.evaluation.scores import Scores, scores
from tagger.features.token_states import TokenStates
from tagger.inference.many_files import Models, opened
from tagger.inference.predictor import Predictor
from tagger.text import annotation, formats, schemes
from tagger.text.formats.conll import DOCUMENT_MARK, Columns
from tagger.text.spans import Sentence

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
    precision: str | None = None,
) -> Scores:
    """Score a model on annotated files, all together, or a file that has predictions.

    >>> import tagger
    >>> tagger.evaluate("runs/mine", "test.conll").conlleval.f1       # doctest: +SKIP
    >>> tagger.evaluate(predictions="tagged.conll").strict.f1         # doctest: +SKIP

    Args:
        model: open, which it stays, or the folder of a model, or several to average.
        files: one annotated file or several.
        predictions: instead of both, a file in conlleval's layout: its last two columns are the
            gold and the predicted tag.
        scheme: of the gold tags; detected by default.
        token_column, tag_column: of CoNLL columns, from 0; by default as in training.
        delimiter: of CoNLL columns: auto, blank, tab or any string; by default as in training.
        precision: float32 or int8, of a model that is opened here; see `tagger.load`.

    Raises:
        DataError: a file is ill-formed, or not annotated with the kind of tags that the model
            predicts.
        TaggerError: the model cannot be opened.
        ValueError: neither a model with files nor predictions, or both.
    """
    paths = [files] if isinstance(files, str | Path) else list(files)
    if predictions is not None:
        if model is not None or paths or (token_column, tag_column) != (None, None):
            raise ValueError("predictions stand alone: their last two columns count")
        found = None if scheme == annotation.DETECT else scheme
        return score_predictions(str(predictions), scheme=found, delimiter=delimiter)
    if model is None or not paths:
        raise ValueError("expected a model and at least one file, or predictions")
    columns = {"token_column": token_column, "tag_column": tag_column, "delimiter": delimiter}
    given = {f"data.{name}": value for name, value in columns.items()}
    with opened(model, precision=precision) as predictor:
        options = config.reading(predictor.bundle.config, given)
        return score_model(
            predictor, [str(path) for path in paths], options, scheme or annotation.DETECT
        )


def score_predictions(
    path: str, *, scheme: str | None = None, delimiter: str | None = None
) -> Scores:
    """Scores of a file in conlleval's layout: the last two columns are the gold and the predicted
    tag; gzip or not.

    Columns are separated by blanks and tabs, or by `delimiter`. A ``-DOCSTART-`` line counts as a
    token, as it does in conlleval.

    Raises:
        DataError: it is ill-formed.
    """
    columns = Columns(token=-2, tag=-1, delimiter="blank" if delimiter is None else delimiter)
    sentences = list(formats.read(path, "conll", formats.ReadOptions(columns)))
    if not any(map(len, sentences)):
        raise DataError(
            path,
            None,
            "holds no sentence; expected lines whose last two columns are the gold and the "
            "predicted tag",
        )
    try:
        gold, predicted = zip(
            *(pair for sentence in sentences for pair in _pairs(sentence)), strict=True
        )
        return scores(gold, predicted, scheme)
    except ValueError as error:
        raise DataError(path, None, str(error)) from error


def _pairs(sentence: Sentence) -> Iterator[tuple[Sequence[str], Sequence[str]]]:
    """Gold and predicted tags of the document marks before a sentence, each by itself, and of the
    sentence.
    """
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
) -> Scores:
    """Scores of a model on annotated files, taken together: both columns in IOB1 if all files are,
    else in IOB2.

    Raises: DataError: a file is ill-formed, or not annotated with the kind of tags that the model
        predicts.
    """
    gold: list[Sentence] = []
    found = set()
    for path in paths:
        sentences, found_scheme = annotation.read(path, options, scheme)
        if (found_scheme == schemes.PLAIN) != model.plain_tags:
            expected = "plain tags" if model.plain_tags else "spans"
            raise DataError(
                path,
                None,
                f"its tags are of the scheme {found_scheme}, but the model predicts {expected}",
            )
        gold += sentences
        found.add(found_scheme)
    # conlleval reads adjacent spans rightly in these two schemes alone.
    common = schemes.PLAIN if model.plain_tags else "IOB1" if found == {"IOB1"} else "IOB2"
    return score_sentences(model, gold, common)


def score_sentences(
    model: Predictor, gold: Sequence[Sentence], scheme: str, states: TokenStates | None = None
) -> Scores:
    """Return the scores of a model on annotated sentences, both columns in `scheme`.

    Args:
        states: those of the model's encoders for these sentences, if they have been computed.
    """
    predicted = list(model.predict(gold, states=states))
    return scores(_column(gold, scheme), _column(predicted, scheme), scheme)


def _column(sentences: Sequence[Sentence], scheme: str) -> list[list[str]]:
    if scheme == schemes.PLAIN:
        return [list(sentence.tags or ()) for sentence in sentences]
    return [schemes.encode(sentence.spans or (), len(sentence), scheme) for sentence in sentences]
