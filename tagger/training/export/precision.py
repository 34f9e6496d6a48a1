"""ONNX graphs of a trained tagger and the choice, on dev, of how it predicts with them.

This module does not import Keras.
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
from tagger.inference.selection import threshold_of
from tagger.text import schemes
from tagger.text.spans import Sentence
from tagger.training.export import calibration, lattices
from tagger.training.inputs.context import contexts_of
from tagger.training.observer import Observer

__all__ = ["MAX_INT8_LOSS", "add", "with_graphs"]

MAX_INT8_LOSS = 0.1
"""Maximum dev-score loss, in percentage points, at which int8 becomes the default precision."""


def add(run: str | Path, sentences: Sequence[Sentence] = ()) -> Bundle:
    """Export the tagger in a folder again and replace the graphs of its bundle.

    Args:
        run: Folder of the bundle.
        sentences: See `with_graphs`.

    Returns:
        The bundle as written to the folder.

    Raises:
        TaggerError: The folder is not a tagger, the package onnx is missing, or the bundle cannot
            be written.
    """
    bundle = with_graphs(bundles.load(run, with_graphs=False), sentences)
    bundles.save(run, bundle)
    return bundle


def with_graphs(
    bundle: Bundle, sentences: Sequence[Sentence] = (), observer: Observer | None = None
) -> Bundle:
    """Return a bundle with ONNX graphs of its weights; choose its defaults on `sentences`.

    Decisions are made in this order and recorded, with all scores, in the bundle's metrics:

    - document consistency (`inference.document_consistency`) is used if it improves the score;
    - the temperature of probabilities, and the threshold of spans if it improves the score
      (`training.export.calibration`);
    - int8 becomes the default precision if it costs at most `MAX_INT8_LOSS`.

    Args:
        bundle: Bundle with trained weights.
        sentences: Annotated sentences, usually dev. Without any, earlier decisions are kept.
        observer: Receiver of the progress of computing language-model states.

    Returns:
        A new bundle, which shares its weights with the old one.

    Raises:
        TaggerError: The package onnx is missing.
    """
    bundle, observer = export.with_graphs(bundle), observer or Observer()
    if not sentences:
        return bundle  # with the decisions already made for these weights
    metrics = {
        name: value
        for name, value in bundle.metrics.items()
        if name not in ("agreement", "int8", "precision", *calibration.ENTRIES)
    }
    bundle = replace(bundle, metrics=metrics)
    score = round(_score(bundle, sentences, FLOAT32, observer), 2)
    if bundle.scheme != schemes.PLAIN:
        agreeing = replace(bundle, metrics={**metrics, "agreement": {"weight": WEIGHT}})
        with_consistency = round(_score(agreeing, sentences, FLOAT32, observer), 2)
        measured = {
            "weight": WEIGHT if with_consistency > score else 0.0,
            "score": with_consistency,
            "without": score,
        }
        bundle = replace(bundle, metrics={**metrics, "agreement": measured})
        score = max(with_consistency, score)
        bundle = _calibrated(bundle, sentences, observer)
        if threshold_of([bundle]):
            score = round(_score(bundle, sentences, FLOAT32, observer), 2)
    if INT8 not in bundle.graphs:
        return bundle
    int8 = round(_score(bundle, sentences, "int8", observer), 2)
    precision = "int8" if int8 >= score - MAX_INT8_LOSS else FLOAT32
    return replace(
        bundle,
        metrics={**bundle.metrics, "int8": {"score": int8, FLOAT32: score}, "precision": precision},
    )


def _calibrated(bundle: Bundle, sentences: Sequence[Sentence], observer: Observer) -> Bundle:
    """Return a bundle with the decisions of `calibration.decided`."""
    member = EnsembleMember(bundle, OnnxTagger(bundle, FLOAT32))
    states = contexts_of(member.encoders, [sentence.tokens for sentence in sentences], observer)
    with Predictor(member) as model:
        used, batches = lattices.lattices(model.emissions(sentences, states=states))
        metrics = calibration.decided(used, batches, model.decoder)
    return replace(bundle, metrics={**bundle.metrics, **metrics})


def annotated(bundle: Bundle, path: str | Path | None) -> list[Sentence]:
    """Read an annotated file, or the dev data of a trained tagger, with its reading options.

    Args:
        bundle: The tagger, for its options and its scheme.
        path: File to read; None reads the dev files of its training or, if there were none, the
            part of train that was held out. A training without dev needs a file.

    Returns:
        Sentences with spans, or with plain tags if the tagger has these.

    Raises:
        DataError: The file is malformed or not annotated.
    """
    data = bundle.config.data
    if path is None and not data.dev:
        held_out = corpora.splits(data).dev
        assert held_out is not None
        return held_out.sentences
    paths = data.dev if path is None else [path]
    return corpora.read_all(paths, data.reading, data.scheme, tags=data.tags).sentences


def _score(
    bundle: Bundle, sentences: Sequence[Sentence], precision: str, observer: Observer
) -> float:
    """Return span F1 in percent, or accuracy for plain tags, of a bundle's ONNX graphs."""
    member = EnsembleMember(bundle, OnnxTagger(bundle, precision))
    states = contexts_of(member.encoders, [sentence.tokens for sentence in sentences], observer)
    with Predictor(member) as model:
        predicted = list(model.predict(sentences, scores=False, states=states))
    if not model.plain_tags:
        columns = ((one.spans or () for one in column) for column in (sentences, predicted))
        return 100 * float(span_f1(*columns)[2])
    gold, tags = (
        [tag for sentence in column for tag in sentence.tags or ()]
        for column in (sentences, predicted)
    )
    correct = sum(one == other for one, other in zip(gold, tags, strict=True))
    return 100 * correct / max(len(gold), 1)
