"""Graphs for a trained model: exported, measured on dev, and put into its bundle. Imports no
Keras.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tagger import corpora
from tagger.bundles import tagger_files as bundles
from tagger.bundles.tagger import INT8, Bundle
from tagger.evaluation.scores import span_f1
from tagger.export import tagger as export
from tagger.inference.document_consistency import WEIGHT
from tagger.inference.member import EnsembleMember
from tagger.inference.network import FLOAT32, OnnxTagger
from tagger.inference.predictor import Predictor
from tagger.text import schemes
from tagger.text.spans import Sentence
from tagger.training.inputs.context import contexts_of
from tagger.training.observer import Observer

__all__ = ["MAX_INT8_LOSS", "add", "with_graphs"]

MAX_INT8_LOSS = 0.1
"""So many percentage points of the dev score int8 may lose and still be what a model predicts
in.
"""


def add(run: str | Path, sentences: Sequence[Sentence] = ()) -> Bundle:
    """Put graphs into the bundle in the folder `run`, in place of those it had; errors are those of
    both modules.
    """
    bundle = with_graphs(bundles.load(run, with_graphs=False), sentences)
    bundles.save(run, bundle)
    return bundle


def with_graphs(
    bundle: Bundle, sentences: Sequence[Sentence] = (), observer: Observer | None = None
) -> Bundle:
    """The bundle with graphs of its weights. On annotated `sentences`, if given, it is decided how
    it predicts:

    - whether the occurrences of a word in a document inform each other
      (`inference.document_consistency`): if that is the better;
    - in int8, if that loses no more than `MAX_INT8_LOSS`.

    The figures of all are in its metrics.

    Raises:
        TaggerError: the package onnx is missing.
    """
    bundle, observer = export.with_graphs(bundle), observer or Observer()
    if not sentences:
        return bundle  # as it was decided before, for these weights
    metrics = {
        name: value
        for name, value in bundle.metrics.items()
        if name not in ("agreement", "int8", "precision")
    }
    bundle = replace(bundle, metrics=metrics)
    score = round(_score(bundle, sentences, FLOAT32, observer), 2)
    if bundle.scheme != schemes.PLAIN:
        agreeing = replace(bundle, metrics={**metrics, "agreement": {"weight": WEIGHT}})
        found = round(_score(agreeing, sentences, FLOAT32, observer), 2)
        measured = {"weight": WEIGHT if found > score else 0.0, "score": found, "without": score}
        bundle, score = (
            replace(bundle, metrics={**metrics, "agreement": measured}),
            max(found, score),
        )
    if INT8 not in bundle.graphs:
        return bundle
    int8 = round(_score(bundle, sentences, "int8", observer), 2)
    precision = "int8" if int8 >= score - MAX_INT8_LOSS else FLOAT32
    return replace(
        bundle,
        metrics={**bundle.metrics, "int8": {"score": int8, FLOAT32: score}, "precision": precision},
    )


def annotated(bundle: Bundle, path: str) -> list[Sentence]:
    """The sentences of a file with annotations of the model's kind.

    Raises:
        DataError: the file is ill-formed or not annotated.
    """
    data = bundle.config.data
    return corpora.read(path, data.reading, data.scheme, tags=data.tags)[0]


def _score(
    bundle: Bundle, sentences: Sequence[Sentence], precision: str, observer: Observer
) -> float:
    """Span F1 in percent; for plain tags the accuracy."""
    member = EnsembleMember(bundle, OnnxTagger(bundle, precision))
    states = contexts_of(member.encoders, [sentence.tokens for sentence in sentences], observer)
    with Predictor(member) as model:
        found = list(model.predict(sentences, scores=False, states=states))
    if not model.plain_tags:
        columns = ((one.spans or () for one in column) for column in (sentences, found))
        return 100 * float(span_f1(*columns)[2])
    gold, tags = (
        [tag for sentence in column for tag in sentence.tags or ()] for column in (sentences, found)
    )
    correct = sum(one == other for one, other in zip(gold, tags, strict=True))
    return 100 * correct / max(len(gold), 1)
