"""Keras callbacks of the training loop: dev score, checkpoint, early stopping, observer events."""

from __future__ import annotations

import csv
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import keras
import numpy as np

from tagger.errors import TaggerError
from tagger.files import atomic_write
from tagger.training import checkpoints
from tagger.training.checkpoints import Progress
from tagger.training.observer import Observer
from tagger.training.optimizers import STEPS_PER_CALL, WeightAverage
from tagger.training.schedule import OptimizationSettings

__all__ = [
    "EpochData",
    "EpochEnd",
    "EpochTensorBoard",
    "State",
    "divergence_error",
    "patience_exceeded",
    "variables_of",
    "write_history",
]


Score = Callable[[], dict[str, float]]
"""Returns the dev scores of the current weights, ``dev_score`` among them; empty without dev."""


class EpochData(Protocol):
    """The batches of an epoch, as far as the loop uses them."""

    @property
    def tokens(self) -> int:
        """Number of tokens per epoch."""

    def __len__(self) -> int:
        """Return the number of batches per epoch."""


def divergence_error(what: str) -> TaggerError:
    """Return the error for a diverged training (NaN or infinite values).

    Args:
        what: Observation that the message starts with.

    Returns:
        The error, whose message says which settings help.
    """
    return TaggerError(
        f"{what}: training diverged; set training.clip_norm (5 is usual) or a smaller "
        "training.learning_rate"
    )


@dataclass
class State:
    """The state of a training apart from the model and optimizer.

    Attributes:
        progress: Scores of all epochs so far.
        best: Weights of the best epoch by name, copies; empty before the first epoch.
        average: Moving average of the weights, if the settings ask for one.
    """

    progress: Progress
    best: dict[str, np.ndarray] = field(default_factory=dict)
    average: WeightAverage | None = None


class EpochEnd(keras.callbacks.Callback):
    """The callback that scores dev, writes checkpoint and history, and stops early.

    If a moving average of the weights is maintained, the averaged weights are scored and kept as
    the best ones. Without a dev set, the weights of each epoch replace those before. The scores of
    an epoch, as in the history, are added to Keras' ``logs``.
    """

    def __init__(
        self,
        run: Path,
        state: State,
        training: OptimizationSettings,
        data: EpochData,
        score: Score,
        observer: Observer,
    ) -> None:
        """Create the callback.

        Args:
            run: Folder of the training, to which checkpoint and history are written.
            state: State of the training, which is updated after every epoch.
            training: Optimization settings, such as the patience.
            data: Batches of an epoch.
            score: Function that returns the dev scores, ``dev_score`` among them; none without
                dev.
            observer: Receiver of events.
        """
        super().__init__()
        self.run = run
        self.state = state
        self.progress = state.progress
        self.training = training
        self.data = data
        self.score = score
        self.observer = observer
        self.started = time.monotonic()
        self.weights: dict[str, Any] = {}

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Start the epoch's clock."""
        self.started = time.monotonic()
        self.weights = self.model.named_weights()  # once per epoch, not after every batch

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Check the loss, update the average of the weights and report progress.

        Raises:
            TaggerError: The loss is infinite or NaN.
        """
        loss, steps = float((logs or {})["loss"]), len(self.data)
        # Keras counts the last call of an epoch as if it ran as many steps as all others.
        step = min(batch + 1, steps)
        if not np.isfinite(loss):
            raise divergence_error(
                f"the loss became {loss} in epoch {len(self.progress.history) + 1}, batch {step}"
            )
        if self.state.average is not None and (step % STEPS_PER_CALL == 0 or step == steps):
            # On JAX, accessing the model makes Keras write the current values to its variables.
            _ = self.model
            self.state.average.take(self.weights, len(self.progress.history) * steps + step)
        done = step / steps
        elapsed = time.monotonic() - self.started
        epochs_left = self.training.epochs - len(self.progress.history) - done
        per_second = done * self.data.tokens / elapsed
        self.observer.batch_ended(
            len(self.progress.history) + 1, done, loss, per_second, epochs_left * elapsed / done
        )

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Score dev, write history and checkpoint, and stop the training if patience is exceeded.

        Raises:
            TaggerError: The dev score or, without dev, a weight is infinite or NaN, or a file
                cannot be written.
        """
        logs = {} if logs is None else logs
        seconds = time.monotonic() - self.started
        average = self.state.average.arrays if self.state.average is not None else {}
        with swapped_weights(self.weights, average):
            scores = self.score()
            scored_weights = {name: np.array(weight) for name, weight in self.weights.items()}
        if not math.isfinite(score := scores.get("dev_score", 0.0)):
            raise divergence_error(f"the dev score became {score} in epoch {epoch + 1}")
        # The last step of an epoch may diverge without any loss having shown it.
        if not scores and not all(map(_is_finite, scored_weights.values())):
            raise divergence_error(f"the weights became infinite or NaN in epoch {epoch + 1}")
        row = {"epoch": epoch + 1, "loss": float(logs["loss"]), **scores}
        row["learning_rate"] = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))
        row |= {
            "tokens_per_second": self.data.tokens / seconds,
            "seconds": time.monotonic() - self.started,
        }
        is_best = self.progress.add(row)
        if is_best:
            self.state.best = scored_weights
        logs.update(row)
        write_history(self.run / "history.csv", self.progress.history)
        groups = {"now": variables_of(self.model), "best": self.state.best, "average": average}
        checkpoints.save(self.run / "checkpoint" / "last.npz", self.progress, groups)
        self.observer.epoch_ended(row, is_best)
        if patience_exceeded(self.progress, self.training.patience):
            self.model.stop_training = True


def _is_finite(weight: np.ndarray) -> bool:
    """Return whether all numbers of an array are finite."""
    return bool(np.isfinite(weight).all())


class EpochTensorBoard(keras.callbacks.TensorBoard):
    """Keras' TensorBoard callback without its work per batch, a sixth of the training time."""

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Do nothing."""

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Do nothing."""


@contextmanager
def swapped_weights(weights: dict[str, Any], arrays: dict[str, np.ndarray]) -> Iterator[None]:
    """Return a context in which weights have other values; they are restored afterwards.

    Args:
        weights: Variables by name.
        arrays: Temporary values of some or all of them, by the same names.
    """
    before = {name: np.array(weights[name]) for name in arrays}
    try:
        for name, array in arrays.items():
            weights[name].assign(array)
        yield
    finally:
        for name, array in before.items():
            weights[name].assign(array)


def patience_exceeded(progress: Progress, patience: int) -> bool:
    """Return whether the dev score has not improved for `patience` epochs.

    Args:
        progress: Progress of the training.
        patience: Number of epochs.

    Returns:
        Whether to stop; False as long as the best score is 0, since such a model has not started
        to learn yet, and without a dev set.
    """
    return progress.best_score > 0 and len(progress.history) - progress.best_epoch >= patience


def variables_of(model: Any) -> dict[str, np.ndarray]:
    """Return copies of all variables that training changes, in a fixed order.

    Returns:
        Weights, states of random generators and the optimizer's variables, under their zero-padded
        position ("0000", …).
    """
    variables = [*model.variables, *model.optimizer.variables]
    return {
        f"{number:04d}": keras.ops.convert_to_numpy(variable)
        for number, variable in enumerate(variables)
    }


def write_history(path: Path, history: Sequence[dict[str, float]]) -> None:
    """Write the scores of all epochs as CSV, rounded to 6 decimals, atomically.

    Args:
        path: File to write or replace.
        history: One row per epoch, all with the keys of the first; at least one row.
    """
    with atomic_write(path) as stream:
        writer = csv.DictWriter(stream, fieldnames=list(history[0]))
        writer.writeheader()
        writer.writerows({name: round(value, 6) for name, value in row.items()} for row in history)
