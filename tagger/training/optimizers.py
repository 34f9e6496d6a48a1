"""Adam that touches only the rows of a table that a batch has looked up, and a moving average of
the weights.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from tagger.training.schedule import OptimizationSettings, Schedule

__all__ = [
    "STEPS_PER_CALL",
    "RowAdam",
    "WeightAverage",
    "average_of",
    "compile_model",
    "optimizer_of",
]

STEPS_PER_CALL = 8
"""Steps after which callbacks hear of a training and its weights are averaged: between two, weights
change little.
"""


def compile_model(model: keras.Model, training: OptimizationSettings, steps: int) -> None:
    """Make a model ready to be trained; `steps` are those of an epoch.

    On TensorFlow a call runs `STEPS_PER_CALL` steps: what Keras does around each was a tenth of the
    time.
    """
    backend = keras.backend.backend()
    at_once = STEPS_PER_CALL if backend == "tensorflow" else 1
    model.compile(
        optimizer=optimizer_of(training, steps),
        jit_compile=backend == "jax",
        steps_per_execution=at_once,
    )
    model.optimizer.build(model.trainable_variables)


def optimizer_of(training: OptimizationSettings, steps: int) -> keras.optimizers.Optimizer:
    """The optimizer of these settings; `steps` are those of an epoch."""
    rate = Schedule(training, steps)
    if training.optimizer == "sgd":
        return keras.optimizers.SGD(rate, momentum=0.9, global_clipnorm=training.clip_norm or None)
    return RowAdam(rate, clip=training.clip_norm)


def average_of(training: OptimizationSettings, steps: int) -> WeightAverage | None:
    """The moving average of these settings, if there is to be one; `steps` are those of an
    epoch.
    """
    return WeightAverage(1 - 1 / max(training.averaging * steps, 1)) if training.averaging else None


class RowAdam(keras.optimizers.Adam):
    """Adam whose step over an embedding costs what the batch's rows cost, not what the table does,
    where the backend tells.

    TensorFlow gives an embedding's gradient as rows. Keras' Adam writes them into a table of zeros
    and then goes over all of it, which for 20,000 words of 150 numbers takes as long as an LSTM.
    Here a row and its moments stay as they are until a batch holds the word again ("lazy" Adam);
    everything else, and every other backend, is Keras' Adam. ``clip`` is the largest norm of all
    gradients together; 0 does not clip (Pascanu et al. 2013).
    """

    def __init__(self, learning_rate: Any, *, clip: float = 0.0, **kwargs: Any) -> None:
        super().__init__(learning_rate, **kwargs)
        self.clip = clip

    def apply(self, grads: Any, trainable_variables: Any = None) -> None:
        # Keras would clip rows too, but as whole tables.
        grads = [
            _summed(gradient) if hasattr(gradient, "indices") else gradient for gradient in grads
        ]
        if self.clip:
            norm = ops.sqrt(
                sum(
                    ops.sum(ops.square(_numbers(gradient)))
                    for gradient in grads
                    if gradient is not None
                )
            )
            scale = ops.minimum(1.0, self.clip / ops.maximum(norm, 1e-12))
            grads = [
                gradient if gradient is None else _scaled(gradient, scale) for gradient in grads
            ]
        super().apply(grads, trainable_variables)

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        if not hasattr(gradient, "indices"):
            super().update_step(gradient, variable, learning_rate)
            return
        import tensorflow

        index = self._get_variable_index(variable)
        momentum, velocity = self._momentums[index].value, self._velocities[index].value
        rows, values, step = (
            gradient.indices,
            gradient.values,
            ops.cast(self.iterations + 1, variable.dtype),
        )
        first = self.beta_1 * tensorflow.gather(momentum, rows) + (1 - self.beta_1) * values
        second = self.beta_2 * tensorflow.gather(velocity, rows) + (1 - self.beta_2) * ops.square(
            values
        )
        rate = learning_rate * ops.sqrt(1 - self.beta_2**step) / (1 - self.beta_1**step)
        momentum.scatter_update(tensorflow.IndexedSlices(first, rows))
        velocity.scatter_update(tensorflow.IndexedSlices(second, rows))
        variable.scatter_sub(
            tensorflow.IndexedSlices(rate * first / (ops.sqrt(second) + self.epsilon), rows)
        )


def _summed(gradient: Any) -> Any:
    """Rows in which no index stands twice: <UNK> may be looked up for several words of a batch."""
    import tensorflow

    rows, place = tensorflow.unique(gradient.indices)
    values = tensorflow.math.unsorted_segment_sum(gradient.values, place, tensorflow.shape(rows)[0])
    return tensorflow.IndexedSlices(values, rows, gradient.dense_shape)


def _numbers(gradient: Any) -> Any:
    return gradient.values if hasattr(gradient, "indices") else gradient


def _scaled(gradient: Any, scale: Any) -> Any:
    if not hasattr(gradient, "indices"):
        return gradient * scale
    import tensorflow

    return tensorflow.IndexedSlices(gradient.values * scale, gradient.indices, gradient.dense_shape)


class WeightAverage:
    """An exponential moving average of weights (Polyak and Juditsky 1992), taken every few steps:
    the weights change little from one to the next, and a pass over all of them costs as much as a
    step.

    ``arrays`` are the averages by name, float32; empty at first. In the beginning all weights that
    were taken count alike, so that the random beginning is forgotten soon. ``steps`` are those of
    the training that are in the averages.
    """

    def __init__(self, momentum: float) -> None:
        """`momentum` is that of one step."""
        self.momentum = momentum
        self.steps = 0
        self.arrays: dict[str, np.ndarray] = {}

    def take(self, weights: dict[str, Any], steps: int) -> None:
        """Takes all weights, by name, into the averages after so many steps of the training."""
        new = steps - self.steps
        share = np.float32(max(1 - self.momentum**new, new / steps))
        for name, weight in weights.items():
            now = ops.convert_to_numpy(weight)
            if name not in self.arrays:
                self.arrays[name] = np.array(now)
            else:
                self.arrays[name] += share * (now - self.arrays[name])
        self.steps = steps
