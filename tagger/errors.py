"""Errors that a user's data, configuration or disk can cause. Each message says what is wrong,
where and how to mend it.
"""

from __future__ import annotations


class TaggerError(Exception):
    """Base of all errors that the command line shows as one message (exit status 1), never as a
    traceback.
    """


class DataError(TaggerError):
    """An ill-formed input: ``path:line: what was found, what was expected, how to mend it``."""

    def __init__(self, path: str, line: int | None, message: str) -> None:
        self.path = path
        self.line = line
        super().__init__(f"{path}: {message}" if line is None else f"{path}:{line}: {message}")


class ConfigError(TaggerError):
    """An unknown, missing or impossible setting."""


class BundleError(TaggerError):
    """A folder that is not a trained model, or one that was damaged or made by a newer version."""
