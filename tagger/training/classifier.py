"""Training of text classifiers: from a configuration to a bundle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import keras

from tagger.bundles import classifier as bundles
from tagger.bundles.classifier import ClassifierBundle
from tagger.config import schema
from tagger.config.classifier import AUTO, POOLINGS, ClassifierConfig, check
from tagger.corpora.texts import TextSplits
from tagger.files import locked, require_empty
from tagger.training.classifier_task import prepare
from tagger.training.loop import run_training
from tagger.training.observer import LoggingObserver, Observer

__all__ = ["train"]


def train(
    config: ClassifierConfig | Mapping[str, Any] | str | Path,
    run: str | Path,
    *,
    resume: bool = False,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    observer: Observer | None = None,
    splits: TextSplits | None = None,
) -> ClassifierBundle:
    """Train a text classifier and write its bundle to the folder `run`.

    With ``model.pooling=auto``, one is trained per pooling, in subfolders, and the one with the
    highest dev score becomes that of `run`.

    Args:
        config: Settings; tables of settings, such as ``{"data": {"train": "reviews.jsonl"}}``; or
            the path of a TOML file.
        run: Folder of the training, empty unless `resume` is given.
        resume: Whether to continue an interrupted training.
        callbacks: Keras callbacks, which run after the library's own and see its ``logs``. Weights
            that they change are not in the checkpoint of the epoch.
        observer: Receiver of events. Default: the log ``tagger.training``.
        splits: Train and dev as ``corpora.texts.splits`` returned them for these settings. Default:
            they are read.

    Returns:
        The bundle with the weights of the best epoch, whose probabilities are calibrated on dev,
        and ONNX graphs.

    Raises:
        ConfigError: The settings are invalid.
        TaggerError: Errors of `run_training`.
    """
    settings = schema.resolve(ClassifierConfig, config)
    check(settings)
    if settings.model.pooling == AUTO:
        return _best_pooling(settings, Path(run), resume, callbacks, observer, splits)
    return run_training(
        partial(prepare, splits),
        settings,
        run,
        chains=1 + settings.model.bidirectional,
        resume=resume,
        callbacks=callbacks,
        observer=observer,
    )


def _best_pooling(
    settings: ClassifierConfig,
    run: Path,
    resume: bool,
    callbacks: Sequence[keras.callbacks.Callback],
    observer: Observer | None,
    splits: TextSplits | None,
) -> ClassifierBundle:
    """Train with each pooling; return the classifier that is best on dev, written to `run`.

    Of equal dev scores, the lower log loss decides. Finished trainings are resumed too, which
    checks that their data and settings are the same.
    """
    observer = observer or LoggingObserver()
    if not resume:
        require_empty(run)
    with locked(run, "training"):
        trained = []
        for number, pooling in enumerate(POOLINGS, 1):
            observer.run_started(number, len(POOLINGS), f"pooling {pooling}")
            folder = run / f"pooling-{pooling}"
            bundle = train(
                replace(settings, model=replace(settings.model, pooling=pooling)),
                folder,
                resume=resume and (folder / "config.toml").exists(),
                callbacks=callbacks,
                observer=observer,
                splits=splits,
            )
            trained.append(bundle)
            is_best = max(trained, key=_rank) is bundle
            score = bundle.metrics["dev"]["score"]
            outcome = f"pooling {pooling}: dev score {score}"
            observer.run_ended(number, len(POOLINGS), outcome, is_best)
        best = max(trained, key=_rank)
        bundles.save(run, best)
        return best


def _rank(bundle: ClassifierBundle) -> tuple[float, float]:
    """Return what is higher for the better classifier on dev."""
    dev = bundle.metrics["dev"]
    return dev["score"], -dev["log_loss"]
