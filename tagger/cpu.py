"""The CPU cores available to this process."""

from __future__ import annotations

import os

__all__ = ["cores"]


def cores() -> int:
    """Return the number of cores available to this process.

    Respects CPU affinity where the operating system supports it; otherwise all cores of the
    machine are counted, and 1 is returned if their number is unknown.
    """
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
