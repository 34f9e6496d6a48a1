"""The folder of a training: how a training begins there or resumes at its checkpoint."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from tagger.bundles.folder import MANIFEST
from tagger.config import schema
from tagger.errors import TaggerError
from tagger.files import atomic_write, require_empty
from tagger.training import checkpoints
from tagger.training.callbacks import State
from tagger.training.checkpoints import Progress

__all__ = ["restore", "seed", "start_or_resume", "write_settings"]


def start_or_resume(
    run: Path, settings: Any, resume: bool
) -> tuple[Progress, dict[str, dict[str, np.ndarray]]]:
    """Return where a training begins: nowhere, or at the checkpoint of a training with the same
    settings.

    A training that was stopped before its first epoch ended has no checkpoint; if it is resumed,
    it starts over.

    Args:
        run: Folder of the training.
        settings: Settings of any kind of training. Those that must not change before it is resumed
            are compared as TOML.
        resume: Whether to resume a training that was stopped.

    Returns:
        The progress, and the arrays of the checkpoint by group and name, none without a checkpoint.

    Raises:
        TaggerError: The folder is in use; or, with `resume`, it contains nothing to resume, or a
            training with other settings.
    """
    fixed = _fixed(settings)
    if not resume:
        require_empty(run)
        return Progress(settings=fixed), {}
    config = run / "config.toml"
    if config.exists() and not (run / "checkpoint").exists() and not (run / MANIFEST).exists():
        _see_same(run, _fixed(schema.load(type(settings), config)), settings)
        return Progress(settings=fixed), {}
    progress, arrays = checkpoints.load(run / "checkpoint" / "last.npz")
    _see_same(run, progress.settings, settings)
    return progress, arrays


def _fixed(settings: Any) -> str:
    """The settings as TOML, with a constant for each that may change when a training resumes."""
    training = settings.training
    # a linear rate falls the slower, the more epochs there are
    epochs = training.epochs if training.schedule == "linear" else 1
    return schema.to_toml(replace(settings, training=replace(training, epochs=epochs, patience=1)))


def _see_same(run: Path, before: str, settings: Any) -> None:
    """Compare the fixed settings of the stopped training with those of now."""
    now = _fixed(settings)
    if before != now:
        changed = [line for line in now.splitlines() if line not in before.splitlines()]
        free = "patience" if settings.training.schedule == "linear" else "patience and epochs"
        raise TaggerError(
            f"{run}: was begun with other settings; now: {'; '.join(changed)}. Only {free} may "
            "change"
        )


def write_settings(run: Path, settings: str) -> None:
    """Write the settings to the folder of a new training: if it cannot be written, that must show
    before the first epoch.
    """
    with atomic_write(run / "config.toml") as stream:
        stream.write(settings)


def seed(number: int) -> None:
    """Make all that follows depend on this number alone: random numbers, and on TensorFlow the
    order of additions.
    """
    keras.utils.set_random_seed(number)
    if keras.backend.backend() == "tensorflow":
        import tensorflow

        tensorflow.config.experimental.enable_op_determinism()


def restore(model: Any, state: State, arrays: dict[str, dict[str, np.ndarray]]) -> None:
    """Put the model and the average of its weights back to where the checkpoint's epoch ended."""
    variables = [*model.variables, *model.optimizer.variables]
    for variable, array in zip(variables, arrays["now"].values(), strict=True):
        variable.assign(array)
    if state.average is not None:
        state.average.arrays = arrays.get("average", {})
        state.average.steps = int(model.optimizer.iterations)
