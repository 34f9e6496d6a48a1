"""A group of commands that are found without being imported."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Mapping
from typing import Any

import click

__all__ = ["LazyGroup"]


class LazyGroup(click.Group):
    """A group that imports a subcommand when it is called: `tagger --help` costs next to nothing.

    ``commands`` says what each does; it is ``command`` in the module of that name in `package`.
    """

    def __init__(
        self, *args: Any, package: str, commands: Mapping[str, str], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.package = package
        self.lazy = dict(commands)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.lazy:
            return None
        module = "importing" if cmd_name == "import" else cmd_name  # a keyword cannot name a module
        command: click.Command = importlib.import_module(f"{self.package}.{module}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        near = (
            difflib.get_close_matches(args[0], self.lazy, n=1) if args[0] not in self.lazy else []
        )
        if near:
            ctx.fail(f"No such command {args[0]!r}; did you mean {near[0]!r}?")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(self.lazy.items()))
