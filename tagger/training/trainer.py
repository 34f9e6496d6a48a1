"""The training of a tagger: from a configuration to a bundle."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from tagger.bundles import tagger_files
from tagger.bundles.tagger import Bundle
from tagger.config import schema
from tagger.config.tagger import Config
from tagger.features.encode import Lexicon
from tagger.inference.decoder import Decoder
from tagger.networks.sequence_tagger import SequenceTagger
from tagger.text import schemes, tokens
from tagger.text.spans import Sentence
from tagger.training import distillation
from tagger.training.build import architecture
from tagger.training.checkpoints import Progress
from tagger.training.dev_score import dev_score
from tagger.training.export import precision
from tagger.training.facts import TaggerFacts
from tagger.training.inputs import tagging
from tagger.training.loop import Job, run_training
from tagger.training.observer import Observer

__all__ = ["train"]


def train(
    config: Config | Mapping[str, Any] | str | Path,
    run: str | Path,
    *,
    resume: bool = False,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    observer: Observer | None = None,
) -> Bundle:
    """Train a tagger and write it to the folder `run`, which is a bundle afterwards.

    Args:
        config: Settings; tables of settings, such as ``{"data": {"train": "train.conll"}}``; or the
            path of a TOML file.
        run, resume, callbacks, observer: See `tagger.training.loop.run_training`.

    Raises:
        TaggerError: Errors of configuration, data or disk; `run` is in use; or the loss is infinite
            or NaN.
    """
    settings = schema.resolve(Config, config)
    distillation.check(settings)
    tokens.get(settings.data.tokenizer)  # an unknown name must show now, not in the trained model
    return run_training(
        _prepare,
        settings,
        run,
        chains=1 + settings.model.bidirectional,
        resume=resume,
        callbacks=callbacks,
        observer=observer,
    )


def _prepare(job: Job[Config]) -> _TaggerTask:
    inputs = tagging.read(job)
    decoder = Decoder(inputs.tags, plain_tags=inputs.scheme == schemes.PLAIN)
    return _TaggerTask(job.settings, job.observer, inputs, decoder, Lexicon(inputs.features))


@dataclass(frozen=True)
class _TaggerTask:
    """The task of training a tagger."""

    settings: Config
    observer: Observer
    inputs: tagging.TaggerData
    decoder: Decoder
    lexicon: Lexicon

    @property
    def data(self) -> Any:
        return self.inputs.batches

    def build_model(self) -> SequenceTagger:
        network = replace(
            architecture(self.settings.model, self.inputs.features, self.decoder),
            word_prediction=self.settings.training.word_prediction,
        )
        return SequenceTagger.create(network)

    def describe(self, model: SequenceTagger) -> TaggerFacts:
        train, dev = self.inputs.train, self.inputs.dev
        return TaggerFacts(
            vocabulary=len(self.inputs.features.words),
            parameters=sum(math.prod(weight.shape) for weight in model.named_weights().values()),
            epochs=self.settings.training.epochs,
            train_sentences=len(train),
            train_tokens=sum(map(len, train)),
            dev_sentences=len(dev),
            dev_tokens=sum(map(len, dev)),
            scheme=self.inputs.scheme,
            labels=tuple(sorted(_labels(train))),
            unknown_labels=tuple(sorted(_labels(dev) - _labels(train))),
            vectors=self.inputs.vectors,
            text=self.inputs.text,
        )

    def score(self, model: SequenceTagger) -> dict[str, float]:
        inputs = self.inputs
        return dev_score(model, inputs.dev, self.lexicon, self.decoder, inputs.dev_contexts)

    def finish(self, weights: dict[str, np.ndarray], progress: Progress) -> Bundle:
        inputs = self.inputs
        trained = Bundle(
            self.settings,
            inputs.tags,
            inputs.scheme,
            inputs.features,
            weights,
            _metrics(progress, len(inputs.train)),
            language_models=inputs.models,
        )
        return precision.with_graphs(trained, inputs.dev, self.observer)

    def save(self, run: Path, bundle: Bundle) -> None:
        tagger_files.save(run, bundle)


def _labels(sentences: list[Sentence]) -> set[str]:
    """All labels, or where there are no spans all plain tags."""
    if any(sentence.spans for sentence in sentences):
        return {span.label for sentence in sentences for span in sentence.spans or ()}
    return {tag for sentence in sentences if sentence.spans is None for tag in sentence.tags or ()}


def _metrics(progress: Progress, train_sentences: int) -> dict[str, Any]:
    best = progress.history[progress.best_epoch - 1]
    names = {"dev_score": "score", "dev_precision": "precision", "dev_recall": "recall"}
    return {
        "dev": {name: round(best[key], 2) for key, name in names.items() if key in best},
        "best_epoch": progress.best_epoch,
        "epochs": len(progress.history),
        "train_sentences": train_sentences,
    }
