"""The output of `tagger config` and the commands ``config`` of other kinds of training."""

from __future__ import annotations

import click

__all__ = ["print_settings"]


def print_settings(kind: str, table: str | None) -> None:
    """Print the settings of a kind of training.

    Args:
        kind: A key of `config.reference.KINDS`, such as "tagger".
        table: The table to print, all by default.

    Raises:
        click.UsageError: There is no such table.
    """
    from tagger.config.reference import KINDS, settings_of
    from tagger.errors import did_you_mean

    settings = list(settings_of(KINDS[kind][0]))
    tables = list(dict.fromkeys(info.table for info in settings))
    if table is not None and table not in tables:
        raise click.UsageError(f"unknown table {table!r}; {did_you_mean(table, tables)}")
    current = ""
    for info in settings:
        if table is not None and info.table != table:
            continue
        if info.table != current:
            current = info.table
            click.echo(
                f"[{current}]" if table is not None or current == tables[0] else f"\n[{current}]"
            )
        click.echo(f"{info.name} = {info.default}  ({info.values})")
        click.echo(click.wrap_text(info.text, 92, "    ", "    "))
