"""Training of taggers: from a configuration to a bundle."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np

from tagger.bundles import tagger_files
from tagger.bundles.tagger import Bundle
from tagger.config import schema
from tagger.config.tagger import Config
from tagger.corpora import Splits
from tagger.networks.sequence_tagger import SequenceTagger
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
    splits: Splits | None = None,
) -> Bundle:
    """Train a tagger and write its bundle to the folder `run`.

    Args:
        config: Settings; tables of settings, such as ``{"data": {"train": "train.conll"}}``; or the
            path of a TOML file.
        run: Folder of the training, empty unless `resume` is given.
        resume: Whether to continue an interrupted training.
        callbacks: Keras callbacks, which run after the library's own and see its ``logs``. Weights
            that they change are not in the checkpoint of the epoch.
        observer: Receiver of events. Default: the log ``tagger.training``.
        splits: Train and dev as ``corpora.splits`` returned them for these settings. Default: they
            are read.

    Returns:
        The bundle with the weights of the best epoch, and ONNX graphs whose precision and document
        consistency have been decided on dev. Without dev, the weights are those after the last
        epoch, and nothing is decided.

    Raises:
        ConfigError: The settings are invalid.
        TaggerError: Errors of `run_training`.
    """
    settings = schema.resolve(Config, config)
    tagging.check(settings)
    return run_training(
        partial(_prepare, splits),
        settings,
        run,
        chains=1 + settings.model.bidirectional,
        resume=resume,
        callbacks=callbacks,
        observer=observer,
    )


def _prepare(splits: Splits | None, job: Job[Config]) -> _TaggerTask:
    """Read the data of a training, unless they have been, and return its task."""
    return _TaggerTask(job.settings, tagging.read(job, splits), job.observer)


@dataclass(frozen=True)
class _TaggerTask:
    """The task of training a tagger."""

    settings: Config
    inputs: tagging.TaggerData
    observer: Observer

    @property
    def data(self) -> tagging.Batches | tagging.DistillationBatches:
        """Batches of an epoch."""
        return self.inputs.batches

    def build_model(self) -> SequenceTagger:
        """Return the untrained network."""
        network = architecture(self.settings.model, self.inputs.features, self.inputs.decoder)
        word_prediction = self.settings.training.word_prediction
        return SequenceTagger.create(replace(network, word_prediction=word_prediction))

    def describe(self, model: SequenceTagger) -> TaggerFacts:
        """Return the facts for observers."""
        parameters = sum(math.prod(weight.shape) for weight in model.named_weights().values())
        return self.inputs.describe(parameters, self.settings.training.epochs)

    def score(self, model: SequenceTagger) -> dict[str, float]:
        """Return the dev scores, none without dev; see `dev_score`."""
        inputs = self.inputs
        if not self.settings.data.has_dev:
            return {}
        return dev_score(
            model, inputs.dev, inputs.word_encoder, inputs.decoder, inputs.dev_contexts
        )

    def finish(self, weights: dict[str, np.ndarray], progress: Progress) -> Bundle:
        """Return the bundle with the best weights and graphs whose precision dev decides."""
        inputs = self.inputs
        trained = Bundle(
            self.settings,
            inputs.tags,
            inputs.scheme,
            inputs.features,
            weights,
            _metrics(progress, inputs, has_dev=self.settings.data.has_dev),
            language_models=inputs.models,
        )
        return precision.with_graphs(trained, inputs.dev, self.observer)

    def save(self, run: Path, bundle: Bundle) -> None:
        """Write the bundle to the run's folder."""
        tagger_files.save(run, bundle)


def _metrics(progress: Progress, inputs: tagging.TaggerData, *, has_dev: bool) -> dict[str, Any]:
    """Return the metrics of the bundle: dev scores of the best epoch, if any, and sizes."""
    sizes = {"epochs": len(progress.history), "train_sentences": len(inputs.train)}
    if not has_dev:
        return {"dev": {}, "dev_sentences": 0, **sizes}
    best = progress.history[progress.best_epoch - 1]
    names = {"dev_score": "score", "dev_precision": "precision", "dev_recall": "recall"}
    return {
        "dev": {name: round(best[key], 2) for key, name in names.items() if key in best},
        "best_epoch": progress.best_epoch,
        **sizes,
    }
