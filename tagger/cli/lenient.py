"""A stream for progress and messages whose loss does not end the work they are about."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, TextIO

__all__ = ["Lenient"]


class Lenient:
    """A text stream that ignores that it cannot be written, because its reader has gone or its disk
    is full.

    Args:
        stream: The stream, of which everything else is used unchanged.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        """Return an attribute of the stream."""
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write text, or lose it; return its length."""
        try:
            return self._stream.write(text)
        except OSError:
            return len(text)

    def flush(self) -> None:
        """Flush the stream, or lose what it still holds."""
        with suppress(OSError):
            self._stream.flush()
