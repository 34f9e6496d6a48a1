"""The learning rate, step by step."""

from __future__ import annotations

from typing import Any, Protocol

import keras
from keras import ops

__all__ = ["OptimizationSettings", "Schedule"]


class OptimizationSettings(Protocol):
    """Settings of the optimization that all kinds of trainings have in common."""

    @property
    def optimizer(self) -> str: ...
    @property
    def learning_rate(self) -> float: ...
    @property
    def schedule(self) -> str: ...
    @property
    def averaging(self) -> float: ...
    @property
    def clip_norm(self) -> float: ...
    @property
    def epochs(self) -> int: ...
    @property
    def patience(self) -> int: ...
    @property
    def seed(self) -> int: ...


class Schedule(keras.optimizers.schedules.LearningRateSchedule):
    """Falls in a line to 0 at the end of the last epoch, or by epochs e, counted from 0, as 1 / (1
    + 0.05 e), or is constant.

    It knows nothing but the number of the step: a resumed training goes on where it was.
    """

    def __init__(self, training: OptimizationSettings, steps: int) -> None:
        """`steps` are those of an epoch."""
        self.training = training
        self.steps = steps

    def __call__(self, step: Any) -> Any:
        training = self.training
        epoch = ops.cast(step, "float32") / self.steps
        done = ops.minimum(epoch / training.epochs, 1.0)
        fall = {"linear": 1 - done, "inverse": 1 / (1 + 0.05 * ops.floor(epoch)), "constant": 1.0}[
            training.schedule
        ]
        return training.learning_rate * fall

    def get_config(self) -> dict[str, Any]:
        raise NotImplementedError("a schedule is made anew from the settings")
