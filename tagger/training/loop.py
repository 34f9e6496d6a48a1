"""The loop of every training, whatever kind of network it trains.

A kind of training is a `Task`; everything that trainings have in common happens here, in this
order: hardware settings, the run's folder or its checkpoint, the seed, data, model, optimizer,
epochs (see `callbacks`), and the bundle.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import keras
import numpy as np

from tagger.config.reference import commented_toml
from tagger.training import hardware, runs
from tagger.training.callbacks import (
    EpochData,
    EpochEnd,
    EpochTensorBoard,
    State,
    patience_exceeded,
)
from tagger.training.checkpoints import Progress
from tagger.training.facts import RunFacts
from tagger.training.observer import Observer
from tagger.training.optimizers import average_of, compile_model
from tagger.training.schedule import OptimizationSettings

__all__ = ["Job", "Settings", "Task", "run_training"]


class Settings(Protocol):
    """Settings, a dataclass of `tagger.config.schema`, of any kind of training."""

    @property
    def training(self) -> OptimizationSettings: ...


SettingsType = TypeVar("SettingsType", bound=Settings)
BundleType = TypeVar("BundleType")


@dataclass(frozen=True)
class Job(Generic[SettingsType]):
    """What the loop hands to a task that prepares its data.

    Attributes:
        settings: Settings of the training.
        run: Its folder.
        epoch: Epochs that ended before a resumed training was stopped; 0 for a new training.
        observer: Receiver of events.
        cleanup: Contexts that last until the training has ended, or failed. They are left before
            the bundle is written.
    """

    settings: SettingsType
    run: Path
    epoch: int
    observer: Observer
    cleanup: ExitStack

    def claim(self) -> None:
        """Write the settings of a new training to its folder, so that it can be resumed.

        The loop does so before the first epoch. A task whose preparation is long, and survives an
        interruption, does so earlier.
        """
        if not self.epoch:
            runs.write_settings(self.run, commented_toml(self.settings))


class Task(Protocol[BundleType]):
    """A training whose data are prepared.

    Attributes:
        data: The batches of an epoch, a `keras.utils.PyDataset`.
    """

    @property
    def data(self) -> EpochData: ...

    def build_model(self) -> Any:
        """Return a model whose weights exist: a `keras.Model` that computes its own loss, and whose
        ``named_weights()`` are the weights of the bundle by name.
        """

    def describe(self, model: Any) -> RunFacts:
        """Return the facts for observers."""

    def score(self, model: Any) -> dict[str, float]:
        """Return the figures of dev after an epoch.

        The figure that decides has the key ``dev_score``: higher is better, and 0 is that of a
        model which has not learned anything yet. All others are for the history alone.
        """

    def finish(self, weights: dict[str, np.ndarray], progress: Progress) -> BundleType:
        """Return the bundle with the weights of the best epoch."""

    def save(self, run: Path, bundle: BundleType) -> None:
        """Write the bundle to the folder."""


def run_training(
    prepare: Callable[[Job[SettingsType]], Task[BundleType]],
    settings: SettingsType,
    run: str | Path,
    *,
    chains: int = 1,
    resume: bool = False,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    observer: Observer | None = None,
) -> BundleType:
    """Train a network and write its bundle, history, checkpoint and TensorBoard logs to a folder.

    The same settings, data and backend give the same bundle, byte for byte, also when the training
    was stopped and resumed in between.

    Args:
        prepare: Function that reads the data of a training.
        settings: Settings of the training.
        run: Folder to write to.
        chains: Chains of operations that the network runs side by side, such as the two directions
            of a bidirectional layer.
        resume: Whether to continue after the last whole epoch of a training that was stopped.
        callbacks: Keras callbacks of the user. They run after ours: ``logs`` contain ``dev_score``
            and the other figures of the epoch, and its checkpoint has been written. They may stop
            the training. Weights that they change are their own responsibility: neither the score
            nor the checkpoint of that epoch includes the change, so that a resumed training
            differs.
        observer: Receiver of events.

    Raises:
        TaggerError: Errors of settings, data or disk; the folder is in use; or the loss or the
            model's scores became infinite or NaN.
    """
    hardware.keep_freed_memory()
    hardware.set_thread_counts(chains)
    run, observer = Path(run), observer or Observer()
    progress, arrays = runs.start_or_resume(run, settings, resume)
    runs.seed(settings.training.seed)
    with ExitStack() as cleanup:
        job = Job(settings, run, len(progress.history), observer, cleanup)
        task = prepare(job)
        model, steps = task.build_model(), len(task.data)
        compile_model(model, settings.training, steps)
        state = State(progress, arrays.get("best", {}), average_of(settings.training, steps))
        if arrays:
            runs.restore(model, state, arrays)
        else:
            job.claim()
        observer.training_started(task.describe(model))
        end = EpochEnd(
            run, state, settings.training, task.data, partial(task.score, model), observer
        )
        _fit(model, task.data, end, callbacks)
        bundle = task.finish(state.best, progress)
    task.save(run, bundle)
    return bundle


def _fit(
    model: keras.Model,
    data: EpochData,
    end: EpochEnd,
    callbacks: Sequence[keras.callbacks.Callback],
) -> None:
    """Train the epochs that remain, unless patience is exhausted."""
    progress, training = end.state.progress, end.training
    if patience_exceeded(progress, training.patience):
        return
    logs = EpochTensorBoard(str(end.run / "tensorboard"), write_graph=False)
    model.fit(
        data,
        epochs=training.epochs,
        initial_epoch=len(progress.history),
        callbacks=[end, logs, *callbacks],
        verbose=0,
        shuffle=False,
    )
