"""Types of arguments that are files or folders, which the shell completes."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem

__all__ = ["FILE", "FOLDER"]


class _Path(click.ParamType):  # type: ignore[type-arg]  # generic only since click 8.4
    """A path, which is not checked: the library does so, with better messages.

    Args:
        kind: "file", which includes folders, or "dir".
    """

    name = "path"

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def shell_complete(
        self, context: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Return the item that lets the shell complete the name of a file or folder."""
        return [CompletionItem(incomplete, type=self.kind)]


FILE, FOLDER = _Path("file"), _Path("dir")
