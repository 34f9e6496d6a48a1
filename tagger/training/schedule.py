"""Learning-rate schedules and the optimization settings that they depend on."""

from __future__ import annotations

from typing import Any, Protocol

import keras
from keras import ops

__all__ = ["OptimizationSettings", "Schedule"]


class OptimizationSettings(Protocol):
    """The optimization settings shared by all kinds of trainings.

    Attributes:
        optimizer: ``adam`` or ``sgd``.
        learning_rate: Initial learning rate.
        schedule: ``linear``, ``inverse`` or ``constant``; see `Schedule`.
        averaging: Time constant, in epochs, of the moving average of the weights; 0 disables it.
        clip_norm: Maximum norm of all gradients together; 0 disables clipping.
        weight_decay: Share of a weight that a step with a learning rate of 1 would subtract.
        epochs: Maximum number of epochs.
        patience: Epochs without a better dev score after which training stops.
        seed: Seed of all random numbers.
    """

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
    def weight_decay(self) -> float: ...
    @property
    def epochs(self) -> int: ...
    @property
    def patience(self) -> int: ...
    @property
    def seed(self) -> int: ...


class Schedule(keras.optimizers.schedules.LearningRateSchedule):
    """A learning-rate schedule that depends on the step number only.

    ``linear`` decreases to 0 at the end of the last epoch; ``inverse`` multiplies the initial rate
    by 1 / (1 + 0.05 e) in epoch e, counted from 0; ``constant`` keeps it. As there is no other
    state, a resumed training continues with the same rates.
    """

    def __init__(self, training: OptimizationSettings, steps: int) -> None:
        """Create the schedule of a training.

        Args:
            training: Optimization settings.
            steps: Steps per epoch.
        """
        self.training = training
        self.steps = steps

    def __call__(self, step: Any) -> Any:
        """Return the learning rate of a step, counted from 0."""
        training = self.training
        epoch = ops.cast(step, "float32") / self.steps
        done = ops.minimum(epoch / training.epochs, 1.0)
        fall = {"linear": 1 - done, "inverse": 1 / (1 + 0.05 * ops.floor(epoch)), "constant": 1.0}[
            training.schedule
        ]
        return training.learning_rate * fall

    def get_config(self) -> dict[str, Any]:
        """Return nothing: schedules are not serializable.

        Raises:
            NotImplementedError: Always.
        """
        raise NotImplementedError("a schedule is not serializable; create it from the settings")
