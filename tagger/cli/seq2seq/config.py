"""`tagger seq2seq config`."""

from __future__ import annotations

import click

from tagger.cli.settings import print_settings


@click.command()
@click.argument("table", required=False)
def command(table: str | None) -> None:
    """Print the settings of a training: name, default, possible values and meaning.

    TABLE limits the output to one table, such as decoder.

    \b
    Example:
      tagger seq2seq config decoder
    """
    print_settings("seq2seq", table)
