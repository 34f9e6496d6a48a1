"""Signals that end a process, and processes that end with their parent.

SIGTERM and SIGHUP become exceptions as Ctrl-C does, so that temporary files are removed and child
processes ended. An exception that is raised while a module is imported may be swallowed by it
(TensorFlow does so), and so may one in a destructor: such a signal is delivered again afterwards.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

__all__ = ["as_exceptions", "terminate_after"]

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")
_AGAIN = 0.05  # seconds after which a deferred signal is delivered again
_PATIENCE = 10  # seconds that a process has to end by an exception


class _Delivery:
    """The delivery of signals as exceptions, possibly delayed."""

    def __init__(self) -> None:
        self.deferred = 0

    def receive(self, number: int, frame: FrameType | None) -> None:
        """Handle a signal; the second one during an import ends the process at once."""
        if self.deferred:
            os._exit(128 + number)
        self.deliver(number, frame)

    def again(self, _: int, frame: FrameType | None) -> None:
        """Deliver the deferred signal."""
        number, self.deferred = self.deferred, 0
        if number:
            self.deliver(number, frame)

    def deliver(self, number: int, frame: FrameType | None) -> None:
        """Raise the exception of a signal, or defer it if a module is being imported."""
        if hasattr(signal, "setitimer") and _is_importing(frame):
            self.defer(number)
        elif number == signal.SIGINT:
            raise KeyboardInterrupt
        else:
            raise SystemExit(128 + number)

    def defer(self, number: int) -> None:
        """Deliver a signal a little later."""
        self.deferred = number
        signal.setitimer(signal.ITIMER_REAL, _AGAIN)

    def unraisable(self, arguments: Any) -> None:
        """Deliver a signal again whose exception was raised where none can be, in a destructor."""
        exception = arguments.exc_value
        if isinstance(exception, KeyboardInterrupt):
            self.defer(signal.SIGINT)
        elif isinstance(exception, SystemExit) and exception.code in (143, 129):
            self.defer(int(exception.code) - 128)
        else:
            sys.__unraisablehook__(arguments)


def _is_importing(frame: FrameType | None) -> bool:
    """Return whether a module is being imported by one of the calls that led to a frame."""
    while frame is not None:
        if frame.f_code.co_filename == "<frozen importlib._bootstrap>":
            return True
        frame = frame.f_back
    return False


@contextmanager
def as_exceptions() -> Iterator[None]:
    """Return a context in which signals that end the process raise exceptions.

    SIGINT (Ctrl-C) raises KeyboardInterrupt, SIGTERM and SIGHUP raise SystemExit with the status
    143 and 129. A signal that the process was started to ignore, as by nohup, stays ignored.
    Outside of the main thread, where Python does not allow handlers, the context has no effect.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    delivery, before = _Delivery(), {}
    for name in _NAMES:
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number is not None and signal.getsignal(number) != signal.SIG_IGN:
            before[number] = signal.signal(number, delivery.receive)
    hook = sys.unraisablehook
    if hasattr(signal, "setitimer"):
        before[signal.SIGALRM] = signal.signal(signal.SIGALRM, delivery.again)
        sys.unraisablehook = delivery.unraisable
    try:
        yield
    finally:
        sys.unraisablehook = hook
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)


def terminate_after(wait: Callable[[], object]) -> None:
    """Terminate this process once a call returns, such as one that waits for the parent's end.

    The process sends itself SIGTERM, whose handler must have been set before, until the handler has
    been called: with several threads, Python may overlook a signal for a long time. If the process
    has not ended 10 seconds later, it ends without cleaning up.

    Args:
        wait: The call, which runs on a thread of its own.
    """
    handler, received = signal.getsignal(signal.SIGTERM), threading.Event()

    def receive(number: int, frame: FrameType | None) -> None:
        received.set()
        if callable(handler):
            handler(number, frame)

    def watch() -> None:
        wait()
        deadline = time.monotonic() + _PATIENCE
        while not received.wait(_AGAIN) and time.monotonic() < deadline:
            if hasattr(signal, "pthread_kill"):  # interrupts what the main thread waits for
                signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)
            else:
                signal.raise_signal(signal.SIGTERM)
        time.sleep(_PATIENCE)
        os._exit(1)

    signal.signal(signal.SIGTERM, receive)
    threading.Thread(target=watch, daemon=True).start()
