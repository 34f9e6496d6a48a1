"""The terminal: messages and a progress bar on stderr, results on stdout.

Whatever is written here removes the bar first. Colors appear on terminals that have them (NO_COLOR
and TERM=dumb are respected), the bar on terminals alone. `rich` draws it and is imported only then.
"""

from __future__ import annotations

import logging
import os
import sys
import textwrap
import time
from collections.abc import Iterable
from typing import IO, TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from tagger.text.formats.plain import Highlight

__all__ = [
    "clear_bar",
    "draws",
    "headline",
    "highlight_of_spans",
    "is_quiet",
    "note",
    "repeat_warnings",
    "reset",
    "result",
    "show_bar",
    "verbosity_options",
    "warn",
]

_INTERVAL = 0.1  # seconds between two pictures of the bar
_BAR_WIDTH = 20
_COLORS = [
    bright + color
    for bright in ("", "bright_")
    for color in ("red", "green", "yellow", "blue", "magenta", "cyan")
]
_BRIEF = 100  # characters of a warning that is repeated


class _State:
    """The verbosity of the command and the bar on the terminal."""

    def __init__(self) -> None:
        self.is_quiet = False
        self.handler: logging.Handler | None = None
        self.bar: tuple[Progress, TaskID] | None = None
        self.drawn = 0.0


_state = _State()


def reset() -> None:
    """Return to the default verbosity, without a bar; a command begins with it."""
    global _state
    clear_bar()
    if _state.handler is not None:
        logging.getLogger("tagger").removeHandler(_state.handler)
    _state = _State()


def is_quiet() -> bool:
    """Return whether only results, warnings and errors are wanted."""
    return _state.is_quiet


def note(text: str) -> None:
    """Write a message to stderr, unless the command is quiet."""
    if not _state.is_quiet:
        clear_bar()
        click.echo(text, err=True)


def headline(text: str) -> None:
    """Write a message in bold to stderr, unless the command is quiet."""
    note(_styled(text, bold=True))


def warn(text: str, kind: str = "Warning") -> None:
    """Write a warning, or another kind of problem, to stderr."""
    clear_bar()
    color = "red" if kind == "Error" else "yellow"
    click.echo(f"{_styled(f'{kind}:', fg=color, bold=True)} {text}", err=True)


def repeat_warnings(texts: Iterable[str]) -> None:
    """Write warnings again, at the end of a long command, each cut to one line."""
    for text in texts:
        warn(textwrap.shorten(text, _BRIEF, placeholder=" …"))


def result(text: str) -> None:
    """Write a result to stdout."""
    clear_bar()
    click.echo(text)


def _styled(text: str, **style: Any) -> str:
    """Return a text for stderr in a style, where there are colors."""
    return click.style(text, **style) if _has_colors(sys.stderr) else text


def highlight_of_spans() -> Highlight | None:
    """Return what colors the spans in text on stdout by label; None where colors are not wanted."""
    if not _has_colors(sys.stdout):
        return None
    from tagger.text.colors import LabelColors

    numbers = LabelColors()

    def highlight(label: str) -> tuple[str, str]:
        color = _COLORS[numbers.number(label)]
        return click.style("", fg=color, bold=True, reset=False), click.style("")

    return highlight


def _has_colors(stream: IO[str]) -> bool:
    """Return whether a stream is a terminal on which colors are wanted."""
    return _is_terminal(stream) and not os.environ.get("NO_COLOR")


def _is_terminal(stream: IO[str]) -> bool:
    """Return whether a stream is a terminal that understands control sequences."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def draws() -> bool:
    """Return whether `show_bar` draws anything."""
    return _is_terminal(sys.stderr) and not _state.is_quiet


def show_bar(share: float, text: str) -> None:
    """Draw the progress bar on one line, cut to the width of the terminal.

    Args:
        share: Share that is done, 0 to 1.
        text: What stands behind the bar.
    """
    now = time.monotonic()
    if now - _state.drawn < _INTERVAL or not draws():
        return
    _state.drawn = now
    if _state.bar is None:
        _state.bar = _new_bar()
    progress, task = _state.bar
    line = "".join(character if character.isprintable() else "?" for character in text)
    progress.update(task, completed=share, description=line)
    if not progress.live.is_started:
        progress.start()
    progress.refresh()


def clear_bar() -> None:
    """Remove the bar from the terminal; it appears again with the next call of `show_bar`."""
    if _state.bar is not None:
        progress, _ = _state.bar
        _state.bar = None
        progress.stop()


def _new_bar() -> tuple[Progress, TaskID]:
    """Return a bar that is drawn on request only."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
    from rich.table import Column

    progress = Progress(
        BarColumn(_BAR_WIDTH),
        TaskProgressColumn(),
        TextColumn(
            "{task.description}",
            markup=False,
            table_column=Column(no_wrap=True, overflow="ellipsis", ratio=1),
        ),
        console=Console(stderr=True),
        auto_refresh=False,
        expand=True,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )
    return progress, progress.add_task("", total=1)


class _Handler(logging.Handler):
    """A handler that writes the log of the library as messages."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record."""
        note(f"{record.name}: {record.getMessage()}")


def _set_quiet(context: click.Context, option: click.Parameter, value: bool) -> None:
    """Receive the option --quiet."""
    if value:
        _state.is_quiet = True


def _set_verbose(context: click.Context, option: click.Parameter, value: bool) -> None:
    """Receive the option --verbose."""
    if value and _state.handler is None:
        _state.handler = _Handler()
        logger = logging.getLogger("tagger")
        logger.addHandler(_state.handler)
        logger.setLevel(logging.DEBUG)


def verbosity_options() -> list[click.Parameter]:
    """Return the options --quiet and --verbose of a command."""
    return [
        click.Option(
            ["-q", "--quiet"],
            is_flag=True,
            expose_value=False,
            callback=_set_quiet,
            help="Print results, warnings and errors alone.",
        ),
        click.Option(
            ["-v", "--verbose"],
            is_flag=True,
            expose_value=False,
            callback=_set_verbose,
            help="Also print the log of the library.",
        ),
    ]
