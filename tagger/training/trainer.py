"""The training of a tagger: from a configuration to a bundle."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from tagger import corpora
from tagger.bundles import tagger_files as bundle
from tagger.bundles.tagger import Bundle
from tagger.config import tagger as config
from tagger.config.tagger import Config, TrainingConfig
from tagger.features.encode import Lexicon, WordFeatures
from tagger.inference.decoder import Decoder
from tagger.language_models.model import LanguageModel
from tagger.text import schemes, tokens
from tagger.text.spans import Sentence
from tagger.training import distillation, runs
from tagger.training.build import SequenceTagger, architecture
from tagger.training.callbacks import EpochEnd, EpochTensorBoard, State, dev_score, exhausted
from tagger.training.checkpoints import Progress
from tagger.training.export import precision as exporting
from tagger.training.hardware import keep_freed_memory, share_cores
from tagger.training.inputs.augmentation import versions
from tagger.training.inputs.batches import Batches, passes
from tagger.training.inputs.context import contexts_of, language_models_of
from tagger.training.inputs.mixed import Mixed
from tagger.training.inputs.word_features import features_of
from tagger.training.observer import Observer
from tagger.training.optimizers import average_of, compile_model

__all__ = ["train"]

# times that an epoch reads a corpus: at 34 times replaced mentions help readers of language models,
# at 3 they do not
OFTEN = 8


def train(
    settings: Config | str | Path,
    run: str | Path,
    *,
    resume: bool = False,
    observer: Observer | None = None,
) -> Bundle:
    """Train a tagger and write it to the folder `run`, which is a bundle afterwards.

    Beside the bundle it writes ``history.csv``, TensorBoard logs and, after each epoch, a
    checkpoint. The same settings, data and backend give the same bundle, byte for byte, also when
    the training was stopped and resumed in between.

    Args:
        settings: a `Config`, or the path of a TOML file.
        resume: go on after the last whole epoch of a training that was stopped.

    Raises: TaggerError: of configuration, data or disk; also when the loss is no number any more,
        or `run` is in use.
    """
    settings = settings if isinstance(settings, Config) else config.load(settings)
    keep_freed_memory()
    share_cores(1 + settings.model.bidirectional)
    run, observer = Path(run), observer or Observer()
    distillation.check(settings)
    tokens.get(
        settings.data.tokenizer
    )  # an unknown name is to be told now, not when the model is used
    progress, arrays = runs.begun(run, settings, resume)
    runs.seed(settings.training.seed)

    train_sentences, dev_sentences, scheme = corpora.splits(settings.data)
    models = language_models_of(settings)
    readers = [LanguageModel(model) for model in models]
    taught = _versions(train_sentences, settings.training) if models else train_sentences
    read = [
        contexts_of(readers, [one.tokens for one in sentences], observer)
        for sentences in (taught, dev_sentences)
    ]
    tags, labels, known = _tags(train_sentences, scheme), None, train_sentences
    if settings.distillation.teachers:
        tags, labels = distillation.taught(
            settings, run, tags, scheme, observer.labelled, begun=bool(arrays)
        )
        known = distillation.vocabulary_of(train_sentences, labels)
    features, readings = features_of(settings, known, bundle.sources_of(models))
    batches = Batches(
        taught, features, tags, settings, contexts=read[0], epoch=len(progress.history)
    )
    data = batches if labels is None else Mixed(batches, labels, settings)
    decoder = Decoder(tags, plain_tags=scheme == schemes.PLAIN)
    network = replace(
        architecture(settings.model, features, decoder),
        word_prediction=settings.training.word_prediction,
    )
    model = SequenceTagger.create(network)
    compile_model(model, settings.training, len(data))
    state = State(progress, arrays.get("best", {}), average_of(settings.training, len(data)))
    if arrays:
        runs.restore(model, state, arrays)
    else:
        runs.claim(run, config.to_toml(settings))
    facts = _facts(settings, train_sentences, dev_sentences, scheme, features, model)
    observer.started(
        {**facts, "vectors": readings, "text": data.facts if isinstance(data, Mixed) else None}
    )
    score = partial(dev_score, model, dev_sentences, Lexicon(features), decoder, read[1])
    end = EpochEnd(run, state, settings.training, data, score)
    end.observer = observer
    _fit(model, data, end, settings.training, run)

    metrics = _metrics(progress, len(train_sentences))
    trained = Bundle(settings, tags, scheme, features, state.best, metrics, language_models=models)
    trained = exporting.with_graphs(trained, dev_sentences, observer)
    bundle.save(run, trained)
    return trained


def _versions(sentences: list[Sentence], training: TrainingConfig) -> list[Sentence]:
    """What an epoch reads with language models, which know a sentence as a whole: its mentions are
    replaced before.
    """
    count = passes(sum(map(len, sentences)), training)
    replaced = (
        count >= OFTEN
        and training.mention_replacement
        and any(sentence.spans for sentence in sentences)
    )
    return versions(sentences, count, training.mention_replacement) if replaced else sentences


def _tags(sentences: Sequence[Sentence], scheme: str) -> tuple[str, ...]:
    if scheme == schemes.PLAIN:
        return tuple(sorted({tag for sentence in sentences for tag in sentence.tags or ()}))
    return schemes.tags_of(
        (span.label for sentence in sentences for span in sentence.spans or ()),
        schemes.TRAINING_SCHEME,
    )


def _facts(
    settings: Config,
    train: list[Sentence],
    dev: list[Sentence],
    scheme: str,
    features: WordFeatures,
    model: Any,
) -> dict:
    return {
        "train": (len(train), sum(map(len, train))),
        "dev": (len(dev), sum(map(len, dev))),
        "labels": sorted(_labels(train)),
        "unknown_labels": sorted(_labels(dev) - _labels(train)),
        "scheme": scheme,
        "vocabulary": len(features.words),
        "parameters": sum(math.prod(weight.shape) for weight in model.named_weights().values()),
        "epochs": settings.training.epochs,
    }


def _labels(sentences: list[Sentence]) -> set[str]:
    """All labels, or where there are no spans all plain tags."""
    if any(sentence.spans for sentence in sentences):
        return {span.label for sentence in sentences for span in sentence.spans or ()}
    return {tag for sentence in sentences if sentence.spans is None for tag in sentence.tags or ()}


def _fit(
    model: SequenceTagger, data: Batches | Mixed, end: EpochEnd, training: TrainingConfig, run: Path
) -> None:
    if exhausted(end.progress, training.patience):
        return
    callbacks = [end, EpochTensorBoard(str(run / "tensorboard"), write_graph=False)]
    model.fit(
        data,
        epochs=training.epochs,
        initial_epoch=data.epoch,
        callbacks=callbacks,
        verbose=0,
        shuffle=False,
    )


def _metrics(progress: Progress, train_sentences: int) -> dict[str, Any]:
    best = progress.history[progress.best_epoch - 1]
    names = {"dev_score": "score", "dev_precision": "precision", "dev_recall": "recall"}
    return {
        "dev": {name: round(best[key], 2) for key, name in names.items() if key in best},
        "best_epoch": progress.best_epoch,
        "epochs": len(progress.history),
        "train_sentences": train_sentences,
    }
