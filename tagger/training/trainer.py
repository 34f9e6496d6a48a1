"""The training of a tagger: from a configuration to a bundle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np

from tagger import bundle, corpora
from tagger.bundle import Bundle
from tagger.errors import TaggerError
from tagger.features.batches import batch_up, shuffled_buckets
from tagger.features.encode import encode, replace_rare
from tagger.features.vocabulary import Vocabulary
from tagger.files import written_whole
from tagger.runtime.predictor import INNER_SCHEME, Decoder
from tagger.text import schemes, tokens
from tagger.text.spans import Sentence
from tagger.training import checkpoints, config
from tagger.training.callbacks import EpochEnd, dev_score, exhausted
from tagger.training.checkpoints import Progress
from tagger.training.config import Config, TrainingConfig
from tagger.training.models import SequenceTagger, architecture
from tagger.training.observer import Observer

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
    settings = settings if isinstance(settings, Config) else config.load(settings)
    run, observer = Path(run), observer or Observer()
    tokens.get(settings.data.tokenizer)  # an unknown name is to be told now, not when the model is used
    progress, variables, best = _state(run, settings, resume)
    keras.utils.set_random_seed(settings.training.seed)
    if keras.backend.backend() == "tensorflow":
        _make_deterministic()

    train_sentences, dev_sentences, scheme = corpora.splits(settings.data)
    vocabulary = Vocabulary.build(
        (sentence.tokens for sentence in train_sentences),
        minimum_count=settings.vocabulary.minimum_count,
        maximum_size=settings.vocabulary.maximum_size,
    )
    tags = _tags(train_sentences, scheme)
    data = _Batches(train_sentences, vocabulary, tags, settings)
    model = SequenceTagger.create(architecture(settings.model, len(vocabulary), len(tags)))
    model.compile(optimizer=_optimizer(settings.training), jit_compile=keras.backend.backend() == "jax")
    model.optimizer.build(model.trainable_variables)
    if resume:
        _assign(model, variables)
        data.epoch = len(progress.history)
    else:
        _claim(run, settings)
    observer.started(_facts(settings, train_sentences, dev_sentences, scheme, vocabulary, model))
    decoder = Decoder(tags, plain_tags=scheme == schemes.PLAIN)
    score = partial(dev_score, model, dev_sentences, vocabulary, decoder)
    end = EpochEnd(run, progress, best, settings.training, data, score)
    end.observer = observer
    _fit(model, data, end, settings.training, run)

    metrics = _metrics(progress, len(train_sentences))
    trained = Bundle(settings, tags, scheme, vocabulary, best, metrics)
    bundle.save(run, trained)
    return trained


def _state(run: Path, settings: Config, resume: bool) -> tuple[Progress, dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Where to begin: nowhere, or at a checkpoint of the same settings."""
    text = config.to_toml(replace(settings, training=replace(settings.training, epochs=1, patience=1)))
    if not resume:
        if run.exists() and (not run.is_dir() or any(run.iterdir())):
            raise TaggerError(f"{run}: exists and is not empty; choose another folder, remove it, or go on with --resume")
        return Progress(settings=text), {}, {}
    progress, variables, best = checkpoints.load(run / "checkpoint" / "last.npz")
    if progress.settings != text:
        changed = [line for line in text.splitlines() if line not in progress.settings.splitlines()]
        raise TaggerError(f"{run}: was begun with other settings; now: {'; '.join(changed)}. Only epochs and patience may change")
    return progress, variables, best


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


def _optimizer(training: TrainingConfig) -> keras.optimizers.Optimizer:
    clip = training.clip_norm or None
    if training.optimizer == "sgd":
        return keras.optimizers.SGD(training.learning_rate, momentum=0.9, global_clipnorm=clip)
    return keras.optimizers.Adam(training.learning_rate, global_clipnorm=clip)


def _assign(model: SequenceTagger, arrays: dict[str, np.ndarray]) -> None:
    variables = [*model.variables, *model.optimizer.variables]
    for variable, array in zip(variables, arrays.values(), strict=True):
        variable.assign(array)


def _facts(settings: Config, train: list[Sentence], dev: list[Sentence], scheme: str, vocabulary: Vocabulary, model: Any) -> dict:
    return {
        "train": (len(train), sum(map(len, train))),
        "dev": (len(dev), sum(map(len, dev))),
        "labels": sorted(_labels(train)),
        "unknown_labels": sorted(_labels(dev) - _labels(train)),
        "scheme": scheme,
        "vocabulary": len(vocabulary),
        "parameters": model.count_params(),
        "epochs": settings.training.epochs,
    }


def _labels(sentences: list[Sentence]) -> set[str]:
    """All labels, or where there are no spans all plain tags."""
    if any(sentence.spans for sentence in sentences):
        return {span.label for sentence in sentences for span in sentence.spans or ()}
    return {tag for sentence in sentences if sentence.spans is None for tag in sentence.tags or ()}


def _fit(model: SequenceTagger, data: _Batches, end: EpochEnd, training: TrainingConfig, run: Path) -> None:
    if exhausted(end.progress, training.patience):
        return
    callbacks = [
        keras.callbacks.LearningRateScheduler(lambda epoch: training.learning_rate / (1 + training.decay * epoch)),
        end,
        keras.callbacks.TensorBoard(str(run / "tensorboard"), write_graph=False),
    ]
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


class _Batches(keras.utils.PyDataset):
    """The batches of an epoch, in an order that the seed and the epoch's number alone determine."""

    def __init__(self, sentences: Sequence[Sentence], vocabulary: Vocabulary, tags: tuple[str, ...], settings: Config) -> None:
        super().__init__()
        self.features = encode([sentence.tokens for sentence in sentences], vocabulary)
        self.lengths = np.array([len(sentence) for sentence in sentences])
        numbers = {tag: number for number, tag in enumerate(tags)}
        self.tags = [_targets(sentence, numbers) for sentence in sentences]
        self.rare = vocabulary.rare(1)
        self.unknown_probability = settings.vocabulary.unknown_probability
        self.seed = settings.training.seed
        self.tokens = int(self.lengths.sum())
        self.budget = settings.training.batch_tokens or min(max(self.tokens // 100, 128), 512)
        self._epoch = 0
        self.epoch = 0

    @property
    def epoch(self) -> int:
        return self._epoch

    @epoch.setter
    def epoch(self, epoch: int) -> None:
        self._epoch = epoch
        self._batches = shuffled_buckets(self.lengths, self.budget, (self.seed, epoch))

    def __len__(self) -> int:
        return len(self._batches)

    def __getitem__(self, number: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
        fixed_shapes = self.budget if keras.backend.backend() == "jax" else 0
        batch = batch_up(self._batches[number], self.features, self.tags, token_budget=fixed_shapes)
        random = np.random.default_rng((self.seed, self.epoch, number))
        words = replace_rare(batch.inputs["words"], self.rare, self.unknown_probability, random)
        assert batch.tags is not None
        return {**batch.inputs, "words": words}, batch.tags

    def on_epoch_end(self) -> None:
        self.epoch += 1


def _targets(sentence: Sentence, numbers: Mapping[str, int]) -> np.ndarray:
    """The tag ids of a training sentence, (T,) int32."""
    tags: Sequence[str] = sentence.tags or ()
    if sentence.spans is not None:
        tags = schemes.encode(sentence.spans, len(sentence), INNER_SCHEME)
    return np.array([numbers[tag] for tag in tags], dtype=np.int32)
