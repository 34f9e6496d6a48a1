"""`tagger classify config`."""

from __future__ import annotations

import click

from tagger.cli.settings import print_settings


@click.command()
@click.argument("table", required=False)
def command(table: str | None) -> None:
    """Print the settings of a classifier's training: name, default, values and meaning.

    TABLE limits the output to one table, such as model.

    \b
    Example:
      tagger classify config model
    """
    print_settings("classifier", table)
