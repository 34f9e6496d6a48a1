"""The smallest task of the training loop: one dense unit that learns a line from noisy points, in
about a second.

Axes: B batch, F features.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np

from tagger.config.schema import override, setting
from tagger.config.tagger import TrainingConfig
from tagger.files import atomic_write
from tagger.training import checkpoints
from tagger.training.checkpoints import Progress
from tagger.training.facts import RunFacts
from tagger.training.loop import Job, run_training
from tagger.training.observer import Observer

BATCH, FEATURES = 4, 3
AVERAGED = ("training.averaging=0.7", "training.schedule=linear")
"""Changes of settings with which the weights are averaged."""
LINE = np.array([[1.0], [-2.0], [3.0]], dtype=np.float32)


@dataclass(frozen=True)
class PointsConfig:
    """The data."""

    steps: int = setting(12, "batches of an epoch", low=1)


@dataclass(frozen=True)
class Config:
    """All settings of the task."""

    data: PointsConfig = field(default_factory=PointsConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)


def settings_with(*changes: str) -> Config:
    """Return settings of four epochs, changed as by ``--set``."""
    return override(Config(), ["training.epochs=4", "training.learning_rate=0.1", *changes])


def points(seed: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return a batch of points, (B, F) and (B, 1), that depends on the seed alone."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(BATCH, FEATURES)).astype("float32")
    return x, x @ LINE + random.normal(0, 0.1, (BATCH, 1)).astype("float32")


class Points(keras.utils.PyDataset):
    """The batches of an epoch, which differ from epoch to epoch."""

    def __init__(self, settings: Config, epoch: int) -> None:
        super().__init__()
        self.settings = settings
        self.epoch = epoch
        self.tokens = BATCH * settings.data.steps

    def __len__(self) -> int:
        return self.settings.data.steps

    def __getitem__(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        return points((self.settings.training.seed, self.epoch, number))

    def on_epoch_end(self) -> None:
        self.epoch += 1


class Line(keras.Model):
    """One dense unit after dropout, whose random state is part of a checkpoint."""

    def __init__(self) -> None:
        super().__init__()
        self.drop = keras.layers.Dropout(0.1)
        self.dense = keras.layers.Dense(1)
        self.build((None, FEATURES))

    def build(self, input_shape: Any) -> None:
        self.dense.build(input_shape)
        self.built = True

    def call(self, x: Any, training: bool = False) -> Any:
        return self.dense(self.drop(x, training=training))

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        return keras.ops.mean(keras.ops.square(y - y_pred))

    def named_weights(self) -> dict[str, keras.Variable]:
        return {"dense/kernel": self.dense.kernel, "dense/bias": self.dense.bias}


@dataclass(frozen=True)
class Bundle:
    """What the task trains."""

    weights: dict[str, np.ndarray]
    best_epoch: int
    epochs: int


@dataclass(frozen=True)
class LineTask:
    """A task of the loop. ``scores``, if given, are the dev scores of the epochs to come."""

    job: Job[Config]
    data: Points
    scores: Iterator[float] | None = None

    def build_model(self) -> Line:
        return Line()

    def describe(self, model: Line) -> RunFacts:
        return RunFacts(vocabulary=0, parameters=4, epochs=self.job.settings.training.epochs)

    def score(self, model: Line) -> dict[str, float]:
        if self.scores is not None:
            return {"dev_score": next(self.scores)}
        x, y = points(0)
        error = float(np.mean((keras.ops.convert_to_numpy(model(x)) - y) ** 2))
        return {"dev_score": 100 / (1 + error), "dev_error": error}

    def finish(self, weights: dict[str, np.ndarray], progress: Progress) -> Bundle:
        return Bundle(weights, progress.best_epoch, len(progress.history))

    def save(self, run: Path, bundle: Bundle) -> None:
        with atomic_write(run / "weights.npz", "wb") as stream:
            np.savez(stream, **bundle.weights)  # type: ignore[arg-type]


def train(
    settings: Config,
    run: Path,
    *,
    scores: Sequence[float] = (),
    resume: bool = False,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    observer: Observer | None = None,
) -> Bundle:
    """Train the dense unit; the arguments are those of `run_training`, but for `scores`, the dev
    scores of all epochs in place of the measured ones.
    """

    def prepare(job: Job[Config]) -> LineTask:
        given = iter(scores[job.epoch :]) if scores else None
        return LineTask(job, Points(job.settings, job.epoch), given)

    return run_training(
        prepare, settings, run, resume=resume, callbacks=callbacks, observer=observer
    )


def weights_in(run: Path) -> bytes:
    """Return the bytes of a training's weights."""
    return (run / "weights.npz").read_bytes()


def checkpoint_of(run: Path) -> tuple[checkpoints.Progress, dict[str, dict[str, np.ndarray]]]:
    """Return the progress and the arrays in a training's checkpoint."""
    return checkpoints.load(run / "checkpoint" / "last.npz")
