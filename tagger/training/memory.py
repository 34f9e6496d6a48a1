"""The C library's allocator, set for training."""

from __future__ import annotations

import ctypes
from contextlib import suppress

__all__ = ["keep_freed_memory"]

_TRIM_THRESHOLD, _MMAP_MAX, _ARENA_MAX = -1, -4, -8  # glibc's malloc.h


def keep_freed_memory() -> None:
    """Let glibc keep what is freed for the next step instead of giving it back to the system; elsewhere, do nothing.

    A training step allocates and frees the same megabytes again and again. By default they are returned and come back as
    fresh pages, each with a page fault: that was up to half of a training's time. A higher threshold for maps of their own does
    not help where several threads work; forbidding them does.
    """
    with suppress(OSError, AttributeError, TypeError):
        mallopt = ctypes.CDLL(None).mallopt
        for parameter, value in ((_TRIM_THRESHOLD, 1 << 30), (_MMAP_MAX, 0), (_ARENA_MAX, 1)):
            mallopt(parameter, value)
