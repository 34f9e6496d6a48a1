"""The training loop shared by all kinds of networks.

Each kind of training implements `Task`. The loop does the rest, in this order: hardware settings,
the run's folder or its checkpoint, the seed, data, model, optimizer, epochs (see `callbacks`), and
the bundle.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import keras
import numpy as np

from tagger.config.reference import commented_toml
from tagger.files import locked
from tagger.training import hardware, runs
from tagger.training.callbacks import (
    EpochData,
    EpochEnd,
    EpochTensorBoard,
    State,
    patience_exceeded,
)
from tagger.training.checkpoints import Progress
from tagger.training.data_facts import DataFacts, check_same
from tagger.training.facts import RunFacts
from tagger.training.observer import LoggingObserver, Observer
from tagger.training.optimizers import average_of, compile_model
from tagger.training.schedule import OptimizationSettings

__all__ = ["Job", "Settings", "Task", "run_training"]


class Settings(Protocol):
    """The settings of any kind of training, a dataclass of `tagger.config.schema`."""

    @property
    def training(self) -> OptimizationSettings:
        """Optimization settings."""


SettingsType = TypeVar("SettingsType", bound=Settings)
BundleType = TypeVar("BundleType")


@dataclass(frozen=True)
class Job(Generic[SettingsType]):
    """The arguments that the loop passes to a task that prepares its data.

    Attributes:
        settings: Settings of the training.
        run: Folder of the training.
        epoch: Number of completed epochs of a resumed training; 0 for a new training.
        observer: Receiver of events.
        cleanup: Contexts that last until the training has ended or failed. They are closed before
            the bundle is written.
        progress: The progress of the training.
    """

    settings: SettingsType
    run: Path
    epoch: int
    observer: Observer
    cleanup: ExitStack
    progress: Progress = field(default_factory=Progress)

    def check_data(self, data: Sequence[DataFacts]) -> None:
        """Check that the data of a resumed training are those it started from.

        The data of a new training are stored with its checkpoints. A task should call this before
        anything is computed from the data.

        Args:
            data: Facts about everything that the training reads.

        Raises:
            TaggerError: Something has changed, which the message names.
        """
        if self.epoch:
            check_same(self.run, self.progress.data, data)
        self.progress.data = [asdict(each) for each in data]

    def claim(self) -> None:
        """Write the settings of a new training to its folder, so that it can be resumed.

        The loop does so before the first epoch. A task whose preparation is long and can itself be
        resumed does so earlier.

        Raises:
            TaggerError: The file cannot be written.
        """
        if not self.epoch:
            runs.write_settings(self.run, commented_toml(self.settings))


class Task(Protocol[BundleType]):
    """A training whose data have been prepared."""

    @property
    def data(self) -> EpochData:
        """Batches of an epoch, a `keras.utils.PyDataset`."""

    def build_model(self) -> Any:
        """Return the untrained model.

        Returns:
            A built `keras.Model` that computes its own loss and whose method ``named_weights``
            returns the bundle's weights by name.
        """

    def describe(self, model: Any) -> RunFacts:
        """Return the facts for observers."""

    def score(self, model: Any) -> dict[str, float]:
        """Return the dev scores after an epoch.

        Returns:
            Scores by name. ``dev_score`` selects the best epoch: higher is better, and 0 means that
            the model has not learned anything yet. All others are for the history only. Without a
            dev set there are none, all epochs are trained, and the last one is kept.
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

    The same settings, data and backend produce the same bundle, byte for byte, even if the training
    was stopped and resumed in between. The random seed and hardware settings affect the whole
    process, so trainings must not run in parallel threads.

    Args:
        prepare: Function that reads the data of a training.
        settings: Settings of the training.
        run: Folder to write to.
        chains: Number of chains of operations that the network can run in parallel, such as the two
            directions of a bidirectional layer.
        resume: Whether to continue after the last completed epoch of a training that was stopped.
        callbacks: Keras callbacks of the user. They run after the library's own: ``logs`` contains
            ``dev_score`` and the other scores of the epoch, and its checkpoint has been written.
            They may stop the training. If they change weights, neither the score nor the
            checkpoint of that epoch includes the change, so that a resumed training differs.
        observer: Receiver of events. Default: the log ``tagger.training``.

    Returns:
        The bundle with the weights of the best epoch, as written to the folder.

    Raises:
        TaggerError: Errors of settings, data or disk; the folder is in use, also by a process
            that runs at the same time; or the loss or the
            model's scores became infinite or NaN.
    """
    hardware.keep_freed_memory()
    hardware.set_thread_counts(chains)
    run, observer = Path(run), observer or LoggingObserver()
    with locked(run, "training"):
        progress, arrays = runs.start_or_resume(run, settings, resume)
        runs.seed(settings.training.seed)
        with ExitStack() as cleanup:
            job = Job(settings, run, len(progress.history), observer, cleanup, progress)
            task = prepare(job)
            model, steps = task.build_model(), len(task.data)
            compile_model(model, settings.training, steps)
            state = State(progress, arrays.get("best", {}), average_of(settings.training, steps))
            if arrays:
                runs.restore(run, model, state, arrays)
            else:
                job.claim()
            observer.training_started(task.describe(model))
            end = EpochEnd(
                run, state, settings.training, task.data, partial(task.score, model), observer
            )
            _fit(model, task.data, end, callbacks)
            observer.training_ended(_reason(progress, settings.training))
            bundle = task.finish(state.best, progress)
        task.save(run, bundle)
        return bundle


def _fit(
    model: keras.Model,
    data: EpochData,
    end: EpochEnd,
    callbacks: Sequence[keras.callbacks.Callback],
) -> None:
    """Train the remaining epochs, unless patience is already exceeded."""
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


def _reason(progress: Progress, training: OptimizationSettings) -> str:
    """Return why the training has ended."""
    epochs = len(progress.history)
    if patience_exceeded(progress, training.patience):
        return f"no better dev score in {training.patience} epochs, after epoch {epochs}"
    if epochs >= training.epochs:
        return f"all {epochs} epochs are trained"
    return f"a callback ended the training after epoch {epochs}"
