"""Predictions for the sources of a file, as a stream.

Of a table, each prediction is a line with the source, the target and its log-probability, divided
by tabs; of JSON Lines, each object comes back with the key "predictions".
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import IO, Any

from tagger.errors import DataError
from tagger.files import atomic_write
from tagger.seq2seq.evaluation import reading
from tagger.seq2seq.model import Prediction, Seq2SeqModel, load
from tagger.seq2seq.pairs import Pair, read

__all__ = ["predict_file"]

_AT_ONCE = 256  # sources that are grouped into batches of similar length


def predict_file(
    model: Seq2SeqModel | str | Path,
    file: str | Path,
    output: str | Path | IO[str] | None = None,
    *,
    beam: int = 1,
    count: int = 1,
    as_json: bool = False,
    **reading_options: Any,
) -> tuple[int, int]:
    """Predict the targets of the sources of a file, in bounded memory.

    Args:
        model: An open model, or the folder of one.
        file: A table or JSON Lines with sources, or a text with a source per line; ``-`` is
            standard input. Targets in it are not read.
        output: The file to write, which appears whole or not at all; or an open text stream. None
            is standard output.
        beam: Number of continuations that the search keeps; 1 is greedy.
        count: Number of targets per source, at most `beam`.
        as_json: Whether the predictions of a table are written as JSON Lines, too.
        **reading_options: As for `evaluation.reading`.

    Returns:
        The number of sources, and the number of predictions of the maximum length.

    Raises:
        TaggerError: The folder is not such a model, the file is ill-formed, or the output cannot be
            written.
    """
    opened = model if isinstance(model, Seq2SeqModel) else load(model)
    pairs = read(file, reading(opened, reading_options), with_targets=False)
    predicted = _predicted(opened, pairs, beam, count)
    if isinstance(output, str | Path):
        with atomic_write(output) as stream:
            return _write(predicted, stream, as_json)
    return _write(predicted, sys.stdout if output is None else output, as_json)


def _predicted(
    model: Seq2SeqModel, pairs: Iterable[Pair], beam: int, count: int
) -> Iterator[tuple[Pair, list[Prediction]]]:
    """Yield each source and its predictions."""
    rest = iter(pairs)
    while group := list(islice(rest, _AT_ONCE)):
        found = model.predict_symbols([pair.source for pair in group], beam=beam, count=count)
        yield from zip(group, found, strict=True)


def _write(
    predicted: Iterable[tuple[Pair, list[Prediction]]], stream: IO[str], as_json: bool
) -> tuple[int, int]:
    """Write predictions; return the numbers of sources and of predictions at the limit."""
    sources = at_limit = 0
    for pair, targets in predicted:
        sources += 1
        at_limit += sum(one.at_limit for one in targets)
        if as_json or pair.data is not None:
            stream.write(json.dumps(_object(pair, targets), ensure_ascii=False) + "\n")
        else:
            stream.writelines(_lines(pair, targets))
    stream.flush()
    return sources, at_limit


def _object(pair: Pair, targets: list[Prediction]) -> dict[str, Any]:
    """Return the object of a source with its predictions."""
    data = {"source": pair.text} if pair.data is None else pair.data
    predictions = [
        {
            "target": one.text,
            "log_probability": round(one.log_probability, 6),
            **({"at_limit": True} if one.at_limit else {}),
        }
        for one in targets
    ]
    return {**data, "predictions": predictions}


def _lines(pair: Pair, targets: list[Prediction]) -> Iterator[str]:
    """Yield the lines of a source: one per prediction, at least one."""
    for text in (pair.text, *(one.text for one in targets)):
        if any(sign in text for sign in "\t\n\r"):
            raise DataError(
                pair.path,
                pair.line,
                "the source or its prediction contains a tab or a line end, which a table cannot; "
                "write JSON Lines: --json",
            )
    if not targets:
        yield f"{pair.text}\t\t\n"
    for one in targets:
        yield f"{pair.text}\t{one.text}\t{one.log_probability:.6f}\n"
