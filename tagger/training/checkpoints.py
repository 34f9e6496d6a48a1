"""Checkpoints: one .npz file with everything needed to resume a training.

It is replaced atomically after each epoch. It contains ``progress``, a JSON object in UTF-8 bytes,
and arrays named ``<group>/<name>``: ``now/…`` all variables in their order, ``best/…`` the weights
of the best epoch, ``average/…`` their moving average.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tagger.bundles.npz import from_npz
from tagger.errors import TaggerError
from tagger.files import atomic_write

__all__ = ["Progress", "load", "save"]

Arrays = dict[str, np.ndarray]


@dataclass
class Progress:
    """The progress of a training.

    Attributes:
        history: One row of scores per epoch.
        best_epoch: Epoch with the highest dev score, from 1, or the last one without dev; 0 before
            the first epoch.
        settings: TOML of the settings that must not change when the training is resumed.
        data: Fields of the `data_facts.DataFacts` of the data that the training started from; empty
            if they were not recorded.
    """

    history: list[dict[str, float]] = field(default_factory=list)
    best_epoch: int = 0
    settings: str = ""
    data: list[dict[str, Any]] = field(default_factory=list)

    @property
    def best_score(self) -> float:
        """Highest dev score so far; -inf before the first epoch and without dev."""
        if not self.best_epoch:
            return -math.inf
        return self.history[self.best_epoch - 1].get("dev_score", -math.inf)

    def add(self, row: dict[str, float]) -> bool:
        """Append an epoch's scores and return whether it is the best epoch so far.

        Args:
            row: Scores by name, with ``dev_score`` among them if there is a dev set. It is stored
                without a copy.

        Returns:
            Whether its weights are kept: its dev score is the highest so far, or it has none.
        """
        is_best = row.get("dev_score", math.inf) > self.best_score
        self.history.append(row)
        self.best_epoch = len(self.history) if is_best else self.best_epoch
        return is_best


def save(path: Path, progress: Progress, groups: dict[str, Arrays]) -> None:
    """Write a checkpoint atomically.

    Args:
        path: File to write or replace.
        progress: Progress of the training.
        groups: Arrays by group and name. Group names contain no slash; names may.
    """
    text = np.frombuffer(json.dumps(asdict(progress)).encode(), dtype=np.uint8)
    arrays = {
        f"{group}/{name}": array for group, named in groups.items() for name, array in named.items()
    }
    with atomic_write(path, "wb") as stream:
        np.savez(stream, progress=text, **arrays)  # type: ignore[arg-type]


def load(path: Path) -> tuple[Progress, dict[str, Arrays]]:
    """Read a checkpoint.

    Returns:
        The progress, and the arrays by group and name. Empty groups are missing.

    Raises:
        TaggerError: There is no checkpoint, or it is damaged.
    """
    try:
        with open(path, "rb") as stream:
            arrays = from_npz(stream, path)
        progress = _progress(json.loads(arrays.pop("progress").tobytes()))
    except FileNotFoundError as error:
        raise TaggerError(
            f"{path}: there is nothing to resume; train without --resume in an empty folder"
        ) from error
    except Exception as error:  # a damaged file can make its parsers raise any exception
        raise TaggerError(
            f"{path}: damaged checkpoint ({error}); remove the folder and train again"
        ) from error
    groups: dict[str, Arrays] = {}
    for name, array in arrays.items():
        group, _, inner = name.partition("/")
        groups.setdefault(group, {})[inner] = array
    return progress, groups


def _progress(data: dict[str, Any]) -> Progress:
    """Return the progress of its JSON object after a check of its types."""
    progress = Progress(**data)
    if not isinstance(progress.settings, str) or type(progress.best_epoch) is not int:
        raise ValueError("expected a text of settings and the number of an epoch")
    if not isinstance(progress.history, list) or not all(
        isinstance(row, dict)
        and "loss" in row
        and all(isinstance(value, int | float) for value in row.values())
        for row in progress.history
    ):
        raise ValueError("expected a list of epochs with their losses and scores")
    if not isinstance(progress.data, list) or not all(
        isinstance(facts, dict) and {"role", "name", "digest"} <= facts.keys()
        for facts in progress.data
    ):
        raise ValueError("expected a list of facts about the data")
    if not 0 <= progress.best_epoch <= len(progress.history):
        raise ValueError("the best epoch is not in the history")
    return progress
