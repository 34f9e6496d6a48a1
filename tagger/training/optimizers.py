"""Optimizers: Adam with row-wise updates of embeddings, and a moving average of the weights."""

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
"""Steps between two calls of callbacks, and between two updates of the average of the weights.

Weights change little within so few steps.
"""


def compile_model(model: keras.Model, training: OptimizationSettings, steps: int) -> None:
    """Compile a model for training and create its optimizer's variables.

    On TensorFlow one call runs `STEPS_PER_CALL` steps: Keras' overhead per step was a tenth of the
    training time.

    Args:
        model: Model that computes its own loss.
        training: Optimization settings.
        steps: Steps per epoch.
    """
    backend = keras.backend.backend()
    at_once = STEPS_PER_CALL if backend == "tensorflow" else 1
    optimizer = optimizer_of(training, steps)
    optimizer.exclude_from_weight_decay(var_list=_undecayed(model))
    model.compile(
        optimizer=optimizer,
        jit_compile=backend == "jax",
        steps_per_execution=at_once,
    )
    model.optimizer.build(model.trainable_variables)


def optimizer_of(training: OptimizationSettings, steps: int) -> keras.optimizers.Optimizer:
    """Create the optimizer that settings ask for, with its learning-rate schedule.

    Args:
        training: Optimization settings.
        steps: Steps per epoch.

    Returns:
        `RowAdam`, or SGD with momentum 0.9, both with decoupled weight decay (Loshchilov and Hutter
        2019) if the settings ask for it.
    """
    rate, decay = Schedule(training, steps), training.weight_decay or None
    if training.optimizer == "sgd":
        clip = training.clip_norm or None
        return keras.optimizers.SGD(rate, momentum=0.9, global_clipnorm=clip, weight_decay=decay)
    return RowAdam(rate, clip=training.clip_norm, weight_decay=decay)


def _undecayed(model: keras.Model) -> list[keras.Variable]:
    """Return the variables that weight decay leaves alone.

    A step changes only those rows of an embedding that the batch contains, so the others would
    decay without ever being trained.
    """
    return [
        variable
        for variable in model.trainable_variables
        if len(variable.shape) < 2 or "embedding" in variable.path
    ]


def average_of(training: OptimizationSettings, steps: int) -> WeightAverage | None:
    """Create the moving average of weights that settings ask for.

    Args:
        training: Optimization settings; ``averaging`` is the time constant in epochs.
        steps: Steps per epoch.

    Returns:
        An empty average, or None if ``averaging`` is 0.
    """
    return WeightAverage(1 - 1 / max(training.averaging * steps, 1)) if training.averaging else None


class RowAdam(keras.optimizers.Adam):
    """Adam whose update of an embedding costs as much as the batch's rows, not as the whole table.

    On TensorFlow the gradient of an embedding is sparse, a set of rows. Keras' Adam writes them
    into a table of zeros and updates all of it, which for 20,000 words of dimension 150 takes as
    long as an LSTM. Here a row and its moments remain unchanged until a batch contains the word
    again ("lazy" Adam). Dense gradients, and all gradients on other backends, are handled by Keras'
    Adam.

    Args:
        learning_rate: Learning rate or schedule.
        clip: Maximum norm of all gradients together (Pascanu et al. 2013); 0 disables clipping.
    """

    def __init__(self, learning_rate: Any, *, clip: float = 0.0, **kwargs: Any) -> None:
        super().__init__(learning_rate, **kwargs)
        self.clip = clip

    def apply(self, grads: Any, trainable_variables: Any = None) -> None:
        """Clip the gradients by their global norm and update all variables."""
        # Keras' own clipping would turn rows into whole tables.
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
        """Update one variable; of a sparse gradient only the rows."""
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
    """Sum the rows of a sparse gradient by index; <UNK> may occur for several words of a batch."""
    import tensorflow

    rows, index = tensorflow.unique(gradient.indices)
    values = tensorflow.math.unsorted_segment_sum(gradient.values, index, tensorflow.shape(rows)[0])
    return tensorflow.IndexedSlices(values, rows, gradient.dense_shape)


def _numbers(gradient: Any) -> Any:
    """Return the values of a dense or sparse gradient."""
    return gradient.values if hasattr(gradient, "indices") else gradient


def _scaled(gradient: Any, scale: Any) -> Any:
    """Multiply a dense or sparse gradient by a scalar."""
    if not hasattr(gradient, "indices"):
        return gradient * scale
    import tensorflow

    return tensorflow.IndexedSlices(gradient.values * scale, gradient.indices, gradient.dense_shape)


class WeightAverage:
    """An exponential moving average of weights (Polyak and Juditsky 1992), updated every few steps.

    Weights change little from one step to the next, while a pass over all of them costs as much as
    a step. Early on, the average is a plain mean of all weights seen, so that the random
    initialization soon loses its influence.

    Attributes:
        momentum: Decay of the average per step.
        steps: Number of training steps in the average.
        arrays: Averages by name, float32; empty before the first update.
    """

    def __init__(self, momentum: float) -> None:
        """Create an empty average with this decay per step."""
        self.momentum = momentum
        self.steps = 0
        self.arrays: dict[str, np.ndarray] = {}

    def take(self, weights: dict[str, Any], steps: int) -> None:
        """Update the averages.

        Args:
            weights: Variables by name, the same names in every call. Their values are copied.
            steps: Number of training steps so far, more than in the last call.
        """
        new = steps - self.steps
        share = np.float32(max(1 - self.momentum**new, new / steps))
        for name, weight in weights.items():
            now = ops.convert_to_numpy(weight)
            if name not in self.arrays:
                self.arrays[name] = np.array(now)
            else:
                self.arrays[name] += share * (now - self.arrays[name])
        self.steps = steps
