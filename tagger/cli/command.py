"""The class of all commands: what they have in common, whatever they do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from tagger.cli import console

__all__ = ["Command"]


class Command(click.Command):
    """A command with ``--quiet`` and ``--verbose``, none of whose options is silently overridden.

    click takes the last of several values without a word; here an option that does not say that it
    may be repeated must be given once.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params += console.verbosity_options()

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments into the context.

        Args:
            ctx: The context.
            args: The arguments.

        Returns:
            The arguments that are left.

        Raises:
            click.UsageError: An option that has one value is repeated, or as for all commands.
        """
        if not ctx.resilient_parsing:  # completion
            _, _, given = self.make_parser(ctx).parse_args(list(args))
            if name := _repeated(given):
                ctx.fail(f"{name} may be given only once")
        return super().parse_args(ctx, args)


def _repeated(given: Sequence[click.Parameter]) -> str:
    """Return the name of an option that has one value and is given more than once, or ""."""
    for option in given:
        has_one = isinstance(option, click.Option) and not (option.multiple or option.is_flag)
        if has_one and given.count(option) > 1:
            return max(option.opts, key=len)
    return ""
