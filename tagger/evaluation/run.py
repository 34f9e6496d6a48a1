"""From files to scores: a model's on annotated files, or those of a file that holds predictions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tagger.errors import DataError
from tagger.evaluation.scores import Scores, scores
from tagger.inference.predictor import Predictor
from tagger.text import annotation, formats, schemes
from tagger.text.formats.conll import DOCUMENT_MARK, Columns
from tagger.text.spans import Sentence

__all__ = ["score_model", "score_predictions"]


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
    return scores(_column(gold, common), _column(list(model.predict(gold)), common), common)


def _column(sentences: Sequence[Sentence], scheme: str) -> list[list[str]]:
    if scheme == schemes.PLAIN:
        return [list(sentence.tags or ()) for sentence in sentences]
    return [schemes.encode(sentence.spans or (), len(sentence), scheme) for sentence in sentences]
