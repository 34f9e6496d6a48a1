"""The interval at which Python switches threads, while several of them tag."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["short_gil_switch_interval"]

_running: list[float] = []  # the usual switch interval, once per file that is being tagged
_lock = threading.Lock()  # guards `_running` and the switch interval


@contextmanager
def short_gil_switch_interval() -> Iterator[None]:
    """Reduce the interval of thread switches to a tenth while files are tagged.

    A thread that returns from a short run of the network then waits less for the one that reads and
    writes. Several threads may enter at once; the last to leave restores the interval.
    """
    with _lock:
        _running.append(_running[0] if _running else sys.getswitchinterval())
        sys.setswitchinterval(_running[0] / 10)
    try:
        yield
    finally:
        with _lock:
            usual = _running.pop()
            if not _running:
                sys.setswitchinterval(usual)
