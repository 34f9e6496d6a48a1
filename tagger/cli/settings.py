"""The output of `tagger config` and `tagger lm config`."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from tagger.cli.options import print_json

__all__ = ["print_settings"]


def print_settings(kind: str, table: str | None, as_json: bool) -> None:
    """Print the settings of a kind of training.

    Args:
        kind: "tagger" or "language-model", as in `config.reference.KINDS`.
        table: The table to print, all by default.
        as_json: Whether a JSON array of the settings is printed.

    Raises:
        click.UsageError: There is no such table.
    """
    from tagger.config.reference import KINDS, settings_of
    from tagger.errors import did_you_mean

    settings = list(settings_of(KINDS[kind][0]))
    tables = list(dict.fromkeys(info.table for info in settings))
    if table is not None and table not in tables:
        raise click.UsageError(f"unknown table {table!r}; {did_you_mean(table, tables)}")
    settings = [info for info in settings if table in (None, info.table)]
    if as_json:
        print_json([{**asdict(info), "default": json.loads(info.default)} for info in settings])
        return
    current = ""
    for info in settings:
        if info.table != current:
            current = info.table
            click.echo(
                f"[{current}]" if table is not None or current == tables[0] else f"\n[{current}]"
            )
        click.echo(f"{info.name} = {info.default}  ({info.values})")
        click.echo(click.wrap_text(info.text, 92, "    ", "    "))
