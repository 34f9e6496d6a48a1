"""Settings of the optimization that all kinds of training share, with their defaults."""

from __future__ import annotations

from typing import Any

from tagger.config.schema import setting

__all__ = [
    "averaging",
    "clip_norm",
    "epochs",
    "learning_rate",
    "optimizer",
    "patience",
    "schedule",
    "weight_decay",
]


def optimizer() -> Any:
    """Return the setting of the optimizer."""
    return setting("adam", "Optimizer: Adam, or SGD with momentum 0.9.", choices=("adam", "sgd"))


def learning_rate() -> Any:
    """Return the setting of the initial learning rate."""
    return setting(0.004, "Initial learning rate.", low=0)


def schedule() -> Any:
    """Return the setting of the learning-rate schedule."""
    return setting(
        "linear",
        "Learning-rate schedule: linear to 0, inverse as 1 / (1 + 0.05 epoch), or constant.",
        choices=("linear", "inverse", "constant"),
    )


def averaging(default: float) -> Any:
    """Return the setting of the moving average of the weights."""
    return setting(
        default, "Span of the moving average of the weights, in epochs; 0: no average.", low=0
    )


def clip_norm(default: float) -> Any:
    """Return the setting of the maximum norm of the gradient."""
    return setting(default, "Maximum norm of the gradient; 0: no clipping.", low=0)


def weight_decay() -> Any:
    """Return the setting of the decay of the weights."""
    return setting(
        0.0,
        "Decoupled weight decay (AdamW) of all weights but biases and embeddings; 0: none.",
        low=0,
        high=1,
    )


def epochs(default: int) -> Any:
    """Return the setting of the maximum number of epochs."""
    return setting(default, "Maximum number of epochs.", low=1)


def patience(default: int) -> Any:
    """Return the setting of early stopping."""
    return setting(
        default, "Number of epochs without a better dev score after which training stops.", low=1
    )
