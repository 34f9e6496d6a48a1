"""A training's folder: how it begins, there or at a checkpoint, and how what was stopped is put
back.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from tagger.config.schema import to_toml
from tagger.errors import TaggerError
from tagger.files import see_free, written_whole
from tagger.training import checkpoints
from tagger.training.callbacks import State
from tagger.training.checkpoints import Progress

__all__ = ["begun", "claim", "restore", "seed"]


def begun(
    run: Path, settings: Any, resume: bool
) -> tuple[Progress, dict[str, dict[str, np.ndarray]]]:
    """Where to begin: nowhere, or at a checkpoint of the same settings, whose arrays come by group
    and name.

    `settings` are those of either kind of training; those of them that must not change in between
    are compared as TOML.

    Raises: TaggerError: the folder is in use; or, with `resume`, there is no checkpoint, or one of
        other settings.
    """
    training = settings.training
    linear = training.schedule == "linear"  # a line falls the slower, the more epochs there are
    fixed = to_toml(
        replace(
            settings,
            training=replace(training, epochs=training.epochs if linear else 1, patience=1),
        )
    )
    if not resume:
        see_free(run)
        return Progress(settings=fixed), {}
    if (
        not (run / "checkpoint").exists()
        and (run / "config.toml").exists()
        and _is_taught(settings)
    ):
        return Progress(settings=fixed), {}  # stopped while its teachers labelled a text
    progress, arrays = checkpoints.load(run / "checkpoint" / "last.npz")
    if progress.settings != fixed:
        changed = [
            line for line in fixed.splitlines() if line not in progress.settings.splitlines()
        ]
        free = "patience" if linear else "patience and epochs"
        raise TaggerError(
            f"{run}: was begun with other settings; now: {'; '.join(changed)}. Only {free} may "
            "change"
        )
    return progress, arrays


def _is_taught(settings: Any) -> bool:
    return hasattr(settings, "distillation") and bool(settings.distillation.teachers)


def claim(run: Path, settings: str) -> None:
    """Begin the run's folder with its settings: if it cannot be written, that is to be told before
    the first epoch.
    """
    with written_whole(run / "config.toml") as stream:
        stream.write(settings)


def seed(number: int) -> None:
    """Make all that follows a matter of this number alone: chance, and on TensorFlow the order of
    additions.
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
