"""The training of a tagger: from a configuration to a bundle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np

from tagger import bundle, corpora
from tagger.bundle import Bundle
from tagger.errors import TaggerError
from tagger.features.encode import Lexicon, WordFeatures
from tagger.files import written_whole
from tagger.runtime.decoder import INNER_SCHEME, Decoder
from tagger.text import schemes, tokens
from tagger.text.spans import Sentence
from tagger.training import checkpoints, config, exporting, series
from tagger.training.callbacks import EpochEnd, EpochTensorBoard, State, dev_score, exhausted
from tagger.training.checkpoints import Progress
from tagger.training.config import Config, TrainingConfig
from tagger.training.data import Batches
from tagger.training.features import features_of
from tagger.training.memory import keep_freed_memory
from tagger.training.models import SequenceTagger, architecture
from tagger.training.observer import Observer
from tagger.training.optimizers import RowAdam, WeightAverage
from tagger.training.schedule import Schedule

__all__ = ["train"]


def train(settings: Config | str | Path, run: str | Path, *, resume: bool = False, observer: Observer | None = None) -> Bundle:
    """Train a tagger and write it to the folder `run`, which is a bundle afterwards.

    Beside the bundle it writes ``history.csv``, TensorBoard logs and, after each epoch, a checkpoint. The same settings,
    data and backend give the same bundle, byte for byte, also when the training was stopped and resumed in between.

    Args:
        settings: a `Config`, or the path of a TOML file.
        resume: go on after the last whole epoch of a training that was stopped.

    Raises:
        TaggerError: of configuration, data or disk; also when the loss is no number any more, or `run` is in use.
    """
    keep_freed_memory()
    settings = settings if isinstance(settings, Config) else config.load(settings)
    run, observer = Path(run), observer or Observer()
    tokens.get(settings.data.tokenizer)  # an unknown name is to be told now, not when the model is used
    progress, arrays = _begun(run, settings, resume)
    keras.utils.set_random_seed(settings.training.seed)
    if keras.backend.backend() == "tensorflow":
        _make_deterministic()

    train_sentences, dev_sentences, scheme = corpora.splits(settings.data)
    features, readings = features_of(settings, train_sentences)
    tags = _tags(train_sentences, scheme)
    data = Batches(train_sentences, features, tags, settings, epoch=len(progress.history))
    decoder = Decoder(tags, plain_tags=scheme == schemes.PLAIN)
    model = SequenceTagger.create(architecture(settings.model, features, decoder, settings.training.label_smoothing))
    model.compile(optimizer=_optimizer(settings.training, len(data)), jit_compile=keras.backend.backend() == "jax")
    model.optimizer.build(model.trainable_variables)
    state = State(progress, arrays.get("best", {}), _average(settings.training, len(data)))
    if resume:
        _restore(model, state, arrays)
    else:
        _claim(run, settings)
    observer.started({**_facts(settings, train_sentences, dev_sentences, scheme, features, model), "vectors": readings})
    score = partial(dev_score, model, dev_sentences, Lexicon(features), decoder)
    end = EpochEnd(run, state, settings.training, data, score)
    end.observer = observer
    _fit(model, data, end, settings.training, run)

    metrics = _metrics(progress, len(train_sentences))
    trained = exporting.with_graphs(Bundle(settings, tags, scheme, features, state.best, metrics), dev_sentences)
    bundle.save(run, trained)
    return trained


def _begun(run: Path, settings: Config, resume: bool) -> tuple[Progress, dict[str, dict[str, np.ndarray]]]:
    """Where to begin: nowhere, or at a checkpoint of the same settings, whose arrays come by group and name."""
    training = settings.training
    epochs = 1 if training.schedule != "linear" else training.epochs  # a line falls the slower, the more there are
    text = config.to_toml(replace(settings, training=replace(training, epochs=epochs, patience=1)))
    if not resume:
        series.see_free(run)
        return Progress(settings=text), {}
    progress, arrays = checkpoints.load(run / "checkpoint" / "last.npz")
    if progress.settings != text:
        changed = [line for line in text.splitlines() if line not in progress.settings.splitlines()]
        free = "patience" if training.schedule == "linear" else "patience and epochs"
        raise TaggerError(f"{run}: was begun with other settings; now: {'; '.join(changed)}. Only {free} may change")
    return progress, arrays


def _claim(run: Path, settings: Config) -> None:
    """Begin the run's folder with its settings: if it cannot be written, that is to be told before the first epoch."""
    with written_whole(run / "config.toml") as stream:
        stream.write(config.to_toml(settings))


def _make_deterministic() -> None:
    import tensorflow

    tensorflow.config.experimental.enable_op_determinism()


def _tags(sentences: Sequence[Sentence], scheme: str) -> tuple[str, ...]:
    if scheme == schemes.PLAIN:
        return tuple(sorted({tag for sentence in sentences for tag in sentence.tags or ()}))
    return schemes.tags_of((span.label for sentence in sentences for span in sentence.spans or ()), INNER_SCHEME)


def _optimizer(training: TrainingConfig, steps: int) -> keras.optimizers.Optimizer:
    """`steps` are those of an epoch."""
    rate = Schedule(training, steps)
    if training.optimizer == "sgd":
        return keras.optimizers.SGD(rate, momentum=0.9, global_clipnorm=training.clip_norm or None)
    return RowAdam(rate, clip=training.clip_norm)


def _average(training: TrainingConfig, steps: int) -> WeightAverage | None:
    return WeightAverage(1 - 1 / max(training.averaging * steps, 1)) if training.averaging else None


def _restore(model: SequenceTagger, state: State, arrays: dict[str, dict[str, np.ndarray]]) -> None:
    """Put the model and the average of its weights back to where the checkpoint's epoch ended."""
    variables = [*model.variables, *model.optimizer.variables]
    for variable, array in zip(variables, arrays["now"].values(), strict=True):
        variable.assign(array)
    if state.average is not None:
        state.average.arrays = arrays.get("average", {})
        state.average.steps = int(model.optimizer.iterations)


def _facts(settings: Config, train: list[Sentence], dev: list[Sentence], scheme: str, features: WordFeatures, model: Any) -> dict:
    return {
        "train": (len(train), sum(map(len, train))),
        "dev": (len(dev), sum(map(len, dev))),
        "labels": sorted(_labels(train)),
        "unknown_labels": sorted(_labels(dev) - _labels(train)),
        "scheme": scheme,
        "vocabulary": len(features.words),
        "parameters": model.count_params(),
        "epochs": settings.training.epochs,
    }


def _labels(sentences: list[Sentence]) -> set[str]:
    """All labels, or where there are no spans all plain tags."""
    if any(sentence.spans for sentence in sentences):
        return {span.label for sentence in sentences for span in sentence.spans or ()}
    return {tag for sentence in sentences if sentence.spans is None for tag in sentence.tags or ()}


def _fit(model: SequenceTagger, data: Batches, end: EpochEnd, training: TrainingConfig, run: Path) -> None:
    if exhausted(end.progress, training.patience):
        return
    callbacks = [end, EpochTensorBoard(str(run / "tensorboard"), write_graph=False)]
    model.fit(data, epochs=training.epochs, initial_epoch=data.epoch, callbacks=callbacks, verbose=0, shuffle=False)


def _metrics(progress: Progress, train_sentences: int) -> dict[str, Any]:
    best = progress.history[progress.best_epoch - 1]
    names = {"dev_score": "score", "dev_precision": "precision", "dev_recall": "recall"}
    return {
        "dev": {name: round(best[key], 2) for key, name in names.items() if key in best},
        "best_epoch": progress.best_epoch,
        "epochs": len(progress.history),
        "train_sentences": train_sentences,
    }
