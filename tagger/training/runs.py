"""Run folders: starting a training in an empty folder, or resuming it from its checkpoint."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from tagger.bundles.folder import MANIFEST
from tagger.config import schema, toml
from tagger.config.reference import commented_toml
from tagger.errors import TaggerError
from tagger.files import atomic_write, is_bookkeeping, require_empty
from tagger.training import checkpoints
from tagger.training.callbacks import State
from tagger.training.checkpoints import Progress
from tagger.training.inputs.soft_labels import LABELS

_STARTED = {"config.toml", "history.csv", "tensorboard", "checkpoint", LABELS, "text"}

__all__ = ["restore", "seed", "start_or_resume", "write_settings"]


def start_or_resume(
    run: Path, settings: Any, resume: bool
) -> tuple[Progress, dict[str, dict[str, np.ndarray]]]:
    """Return the progress of a new training, or of one that is resumed from its checkpoint.

    A training that was stopped before the end of its first epoch has no checkpoint; it starts over,
    with `resume` and without.

    Args:
        run: Folder of the training.
        settings: Settings of any kind of training. Those that must not change between stopping and
            resuming are compared as TOML.
        resume: Whether to resume a training that was stopped.

    Returns:
        The progress, and the arrays of the checkpoint by group and name; no arrays if there is no
        checkpoint.

    Raises:
        TaggerError: The folder is in use; or, with `resume`, it contains nothing to resume, or a
            training with other settings.
    """
    fixed = _fixed(settings)
    new: tuple[Progress, dict[str, dict[str, np.ndarray]]] = Progress(settings=fixed), {}
    has_started = _has_finished_epochs(run)
    config = run / "config.toml"
    if not resume:
        if has_started or not _is_unfinished_start(run, commented_toml(settings)):
            require_empty(run)
        return new
    if not has_started and config.exists():
        before = schema.from_toml(type(settings), toml.read(config), str(config))
        _check_same(run, _fixed(before), settings)
        return new
    progress, arrays = checkpoints.load(run / "checkpoint" / "last.npz")
    _check_same(run, progress.settings, settings)
    return progress, arrays


def _has_finished_epochs(run: Path) -> bool:
    """Return whether a training in a folder has written a checkpoint or a model, lost or not."""
    if (run / "checkpoint" / "last.npz").exists() or (run / MANIFEST).exists():
        return True
    try:  # the history is written before the checkpoint: a head, and a line per epoch
        return (run / "history.csv").read_bytes().count(b"\n") > 2
    except OSError:
        return False


def _is_unfinished_start(run: Path, settings: str) -> bool:
    """Return whether a folder contains only what a training writes before its first checkpoint.

    Its settings must be exactly these, so that no file of the user is ever overwritten.
    """
    try:
        names = {path.name for path in run.iterdir() if not is_bookkeeping(path.name)}
        return names <= _STARTED and (run / "config.toml").read_text(encoding="utf-8") == settings
    except (OSError, ValueError):  # missing, or not a text
        return False


def _fixed(settings: Any) -> str:
    """Return the settings as TOML, with constants for those that may change on resuming."""
    training = settings.training
    # A linear schedule depends on the number of epochs, which then must not change.
    epochs = training.epochs if training.schedule == "linear" else 1
    return schema.to_toml(replace(settings, training=replace(training, epochs=epochs, patience=1)))


def _check_same(run: Path, before: str, settings: Any) -> None:
    """Check that the fixed settings of the stopped training equal the current ones."""
    now = _fixed(settings)
    if before != now:
        names = {line.partition(" = ")[0] for line in now.splitlines()}
        changed = [line for line in now.splitlines() if line not in before.splitlines()]
        changed += [  # a rare setting that is at its default again
            f"without {line}"
            for line in before.splitlines()
            if line.partition(" = ")[0] not in names
        ]
        free = "patience" if settings.training.schedule == "linear" else "patience and epochs"
        raise TaggerError(
            f"{run}: was started with other settings; now: {'; '.join(changed)}. Only {free} may "
            "change"
        )


def write_settings(run: Path, settings: str) -> None:
    """Write the settings of a new training as ``config.toml`` to its folder, which is created.

    Args:
        run: Folder of the training.
        settings: Settings as TOML.

    Raises:
        TaggerError: The file cannot be written, which is thus noticed before the first epoch.
    """
    with atomic_write(run / "config.toml") as stream:
        stream.write(settings)


def seed(number: int) -> None:
    """Seed all random generators of the process and, on TensorFlow, enforce deterministic kernels.

    Args:
        number: Seed.
    """
    keras.utils.set_random_seed(number)
    if keras.backend.backend() == "tensorflow":
        import tensorflow

        tensorflow.config.experimental.enable_op_determinism()


def restore(run: Path, model: Any, state: State, arrays: dict[str, dict[str, np.ndarray]]) -> None:
    """Restore a model and the average of its weights from the arrays of a checkpoint.

    Args:
        run: Folder of the training, for errors.
        model: Compiled model, as it was built for the stopped training. Its variables and those of
            its optimizer are overwritten.
        state: State whose average is replaced, if it has one.
        arrays: Arrays by group and name, as returned by `start_or_resume`. The averages are used
            without a copy.

    Raises:
        TaggerError: The arrays are not those of such a network.
    """
    variables = [*model.variables, *model.optimizer.variables]
    saved = list(arrays["now"].values())
    if [tuple(variable.shape) for variable in variables] != [array.shape for array in saved]:
        raise TaggerError(
            f"{run}: cannot be resumed: its checkpoint is that of another network, so its data or "
            "settings have changed since the training began; train in another folder, or restore "
            "them"
        )
    for variable, array in zip(variables, saved, strict=True):
        variable.assign(array)
    if state.average is not None:
        state.average.arrays = arrays.get("average", {})
        state.average.steps = int(model.optimizer.iterations)
