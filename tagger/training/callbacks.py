"""What happens around an epoch: the dev score, the checkpoint, the decision to stop, and events for
the observer.
"""

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


class EpochData(Protocol):
    """The batches of an epoch, as far as the loop uses them: how many there are, and of how many
    tokens together.
    """

    @property
    def tokens(self) -> int: ...

    def __len__(self) -> int: ...


def divergence_error(what: str) -> TaggerError:
    """Return the error of a training whose numbers became infinite or NaN."""
    return TaggerError(
        f"{what}: the training exploded; set training.clip_norm (5 is usual), or a smaller "
        "training.learning_rate"
    )


@dataclass
class State:
    """What a training carries from epoch to epoch beside the model: its figures, the best weights,
    the average of all.
    """

    progress: Progress
    best: dict[str, np.ndarray] = field(default_factory=dict)
    average: WeightAverage | None = None


class EpochEnd(keras.callbacks.Callback):
    """A callback that scores dev after each epoch, writes checkpoint and history, and stops after
    `patience` epochs without progress.

    Where an average of the weights is kept, it is what is scored, and what is kept if it is best.
    The figures of an epoch, as in the history, are added to Keras' ``logs``.
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
        """Prepare the end of each epoch.

        Args:
            run: Folder of the training.
            state: What changes from epoch to epoch; its progress is continued.
            training: Settings of the training.
            data: Batches of an epoch.
            score: Function that returns the figures of dev, ``dev_score`` among them.
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
        self.started = time.monotonic()
        self.weights = self.model.named_weights()  # once, not after every batch

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        loss, steps = float((logs or {})["loss"]), len(self.data)
        step = min(
            batch + 1, steps
        )  # Keras counts the last steps that run at once as if they were as many as the others
        if not np.isfinite(loss):
            raise divergence_error(
                f"the loss became {loss} in epoch {len(self.progress.history) + 1}, batch {step}"
            )
        if self.state.average is not None and (step % STEPS_PER_CALL == 0 or step == steps):
            # on JAX, asking for it makes Keras write the numbers of the running epoch into the
            # weights
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
        logs = {} if logs is None else logs
        seconds = time.monotonic() - self.started
        average = self.state.average.arrays if self.state.average is not None else {}
        with swapped_weights(self.weights, average):
            figures = self.score()
            scored = {name: np.array(weight) for name, weight in self.weights.items()}
        if not math.isfinite(figures["dev_score"]):
            raise divergence_error(
                f"the dev score became {figures['dev_score']} in epoch {epoch + 1}"
            )
        row = {"epoch": epoch + 1, "loss": float(logs["loss"]), **figures}
        row["learning_rate"] = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))
        row |= {
            "tokens_per_second": self.data.tokens / seconds,
            "seconds": time.monotonic() - self.started,
        }
        better = self.progress.add(row)
        if better:
            self.state.best = scored
        logs.update(row)
        write_history(self.run / "history.csv", self.progress.history)
        groups = {"now": variables_of(self.model), "best": self.state.best, "average": average}
        checkpoints.save(self.run / "checkpoint" / "last.npz", self.progress, groups)
        self.observer.epoch_ended(row, better)
        if patience_exceeded(self.progress, self.training.patience):
            self.model.stop_training = True


class EpochTensorBoard(keras.callbacks.TensorBoard):
    """Keras' callback without what it writes after each batch, which took a sixth of a training's
    time.
    """

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        pass

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        pass


@contextmanager
def swapped_weights(weights: dict[str, Any], arrays: dict[str, np.ndarray]) -> Iterator[None]:
    """Inside, the weights have the values of `arrays`, as far as there are such."""
    before = {name: np.array(weights[name]) for name in arrays}
    try:
        for name, array in arrays.items():
            weights[name].assign(array)
        yield
    finally:
        for name, array in before.items():
            weights[name].assign(array)


def patience_exceeded(progress: Progress, patience: int) -> bool:
    """Whether the last `patience` epochs brought nothing better. A model that finds nothing yet has
    not begun to learn.
    """
    return progress.best_score > 0 and len(progress.history) - progress.best_epoch >= patience


def variables_of(model: Any) -> dict[str, np.ndarray]:
    """All that changes while a model trains, in a fixed order: weights, random states, the
    optimizer's moments.
    """
    variables = [*model.variables, *model.optimizer.variables]
    return {
        f"{number:04d}": keras.ops.convert_to_numpy(variable)
        for number, variable in enumerate(variables)
    }


def write_history(path: Path, history: Sequence[dict[str, float]]) -> None:
    """The figures of all epochs as CSV."""
    with atomic_write(path) as stream:
        writer = csv.DictWriter(stream, fieldnames=list(history[0]))
        writer.writeheader()
        writer.writerows({name: round(value, 6) for name, value in row.items()} for row in history)
