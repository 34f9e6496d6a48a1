"""Errors caused by a user's data, configuration or disk.

Each message states what is wrong, where, what was expected and how to fix it.
"""

from __future__ import annotations


class TaggerError(Exception):
    """Base class of all errors that a user can cause.

    The command line prints the message and exits with status 1, without a traceback.
    """


class DataError(TaggerError):
    """An ill-formed input, reported as ``path:line: found, expected, how to fix it``.

    Args:
        path: File that is ill-formed, or another name of the input.
        line: Line number, counted from 1; None if the error concerns the whole file.
        message: Description of the error without its place.
    """

    def __init__(self, path: str, line: int | None, message: str) -> None:
        self.path = path
        self.line = line
        super().__init__(f"{path}: {message}" if line is None else f"{path}:{line}: {message}")


class ConfigError(TaggerError):
    """An unknown, missing or impossible setting."""


class BundleError(TaggerError):
    """A folder that is not a trained model, is damaged, or was written by a newer version."""
