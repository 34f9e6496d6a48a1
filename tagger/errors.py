"""Errors caused by a user's data, configuration or disk.

Each message states what is wrong, where, what was expected and how to fix it.
"""

from __future__ import annotations

from collections.abc import Iterable

_LONGEST = 1000  # characters of a message
OUT_OF_MEMORY = "there is not enough memory; free some, raise the limit (ulimit -v), or use less"


class TaggerError(Exception):
    """Base class of all errors that a user can cause.

    The command line prints the message and exits with status 1, without a traceback. A message is
    one line of at most 1,000 characters; parts of the input that it quotes may be longer.

    Args:
        message: The message.
    """

    def __init__(self, message: str = "") -> None:
        super().__init__(_one_line(message))


def _one_line(message: str) -> str:
    """Return a message with its line ends escaped, and its middle left out if it is too long."""
    message = "\\n".join(message.splitlines())
    if len(message) <= _LONGEST:
        return message
    return f"{message[: _LONGEST - 300]} … {message[-297:]}"


class DataError(TaggerError):
    """An ill-formed input, reported as ``path:line: found, expected, how to fix it``.

    Args:
        path: File that is ill-formed, or another name of the input.
        line: Line number, counted from 1; None if the error concerns the whole file.
        message: Description of the error without its place.
        details: Lines that the command line prints below the message: the places of all errors of
            the file, if it has several.
    """

    def __init__(
        self, path: str, line: int | None, message: str, details: tuple[str, ...] = ()
    ) -> None:
        self.path = path
        self.line = line
        self.message = message
        self.details = details
        super().__init__(f"{path}: {message}" if line is None else f"{path}:{line}: {message}")


class ConfigError(TaggerError):
    """An unknown, missing or impossible setting."""


class BundleError(TaggerError):
    """A folder that is not a trained model, is damaged, or was written by a newer version."""


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an exception of any library says that memory is exhausted."""
    message = str(error).lower()
    return isinstance(error, MemoryError) or any(
        sign in message
        for sign in (
            "bad_alloc",
            "bad allocation",
            "cannot allocate memory",
            "can't start new thread",
            "failed to map segment",
            "oom when allocating",
        )
    )


def not_installed(need: str, extra: str) -> TaggerError:
    """Return the error that packages are missing which an extra of this distribution installs.

    Args:
        need: What needs which packages, such as "a plot needs matplotlib".
        extra: Name of the extra.
    """
    return TaggerError(f"{need}, not installed here: {installation(extra)}")


def installation(extra: str) -> str:
    """Return the commands that install an extra, as a phrase for messages."""
    return f"pip install 'span-tagger[{extra}]', or '.[{extra}]' in the folder of its sources"


def did_you_mean(name: str, known: Iterable[str], prefix: str = "") -> str:
    """Return a hint for an unknown name: the most similar known one, or all of them.

    Args:
        name: The name that is unknown.
        known: The names that would be right.
        prefix: What stands before each name in the hint, such as ``model.``.

    Returns:
        ``did you mean model.units?`` or ``known: model.cell, model.units``.
    """
    names = list(known)
    if near := most_similar(name, names):
        return f"did you mean {prefix}{near}?"
    return f"known: {', '.join(prefix + one for one in names)}"


def most_similar(name: str, known: Iterable[str]) -> str:
    """Return the known name that is most similar to `name`, or "" if none is."""
    import difflib

    return next(iter(difflib.get_close_matches(name, list(known), n=1, cutoff=0.4)), "")
