"""One file that holds all a training needs to go on after it was stopped: it is replaced whole
after each epoch.
"""

from __future__ import annotations

import json
import math
import zipfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tagger.errors import TaggerError
from tagger.files import atomic_write

__all__ = ["Progress", "load", "save"]

Arrays = dict[str, np.ndarray]


@dataclass
class Progress:
    """How far a training has come: a row of figures for each epoch, and the best of them (counted
    from 1; 0: none).
    """

    history: list[dict[str, float]] = field(default_factory=list)
    best_epoch: int = 0
    settings: str = ""

    @property
    def best_score(self) -> float:
        return self.history[self.best_epoch - 1]["dev_score"] if self.best_epoch else -math.inf

    def add(self, row: dict[str, float]) -> bool:
        """Append an epoch's figures; whether it is the best so far."""
        better = row["dev_score"] > self.best_score
        self.history.append(row)
        self.best_epoch = len(self.history) if better else self.best_epoch
        return better


def save(path: Path, progress: Progress, groups: dict[str, Arrays]) -> None:
    """Write the progress and all arrays, by group and name; neither holds a slash at its
    beginning.
    """
    text = np.frombuffer(json.dumps(asdict(progress)).encode(), dtype=np.uint8)
    arrays = {
        f"{group}/{name}": array for group, named in groups.items() for name, array in named.items()
    }
    with atomic_write(path, "wb") as stream:
        np.savez(stream, progress=text, **arrays)  # type: ignore[arg-type]


def load(path: Path) -> tuple[Progress, dict[str, Arrays]]:
    """Read what `save` wrote: the progress, and the arrays by group and name.

    Raises:
        TaggerError: there is no checkpoint, or it is damaged.
    """
    try:
        with open(path, "rb") as stream, np.load(stream, allow_pickle=False) as file:
            arrays: dict[str, Any] = {name: file[name] for name in file.files}
        progress = Progress(**json.loads(arrays.pop("progress").tobytes()))
    except FileNotFoundError as error:
        raise TaggerError(f"{path}: there is nothing to resume; train without --resume") from error
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise TaggerError(
            f"{path}: damaged checkpoint ({error}); remove the folder and train anew"
        ) from error
    groups: dict[str, Arrays] = {}
    for name, array in arrays.items():
        group, _, inner = name.partition("/")
        groups.setdefault(group, {})[inner] = array
    return progress, groups
