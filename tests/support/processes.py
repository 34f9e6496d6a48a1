"""Helpers for tests that run in several processes, or start some."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock

PATIENCE = 600
"""Seconds until a process is given up for hung: generous, since it may import TensorFlow on a slow
and busy machine.
"""


def make_once(base: Path, name: str, make: Callable[[Path], object]) -> Path:
    """Return the folder `name` below `base`, made by the first process that asks for it.

    Args:
        base: A folder that all worker processes of this test run share.
        name: The name of the folder.
        make: Fills the empty folder that it receives. It is called again if it failed before.
    """
    folder, made = base / name, base / f"{name}.made"
    with FileLock(base / f"{name}.lock"):
        if not made.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)
            made.touch()
    return folder
