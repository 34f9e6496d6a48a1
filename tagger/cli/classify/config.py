"""`tagger classify config`."""

from __future__ import annotations

import click

from tagger.cli.command import Command
from tagger.cli.options import json_option
from tagger.cli.settings import print_settings


@click.command(cls=Command)
@click.argument("table", required=False)
@json_option
def command(table: str | None, as_json: bool) -> None:
    """Print the settings of a classifier's training: name, default, values and meaning.

    TABLE limits the output to one table, such as model.

    \b
    Example:
      tagger classify config model
    """
    print_settings("classifier", table, as_json)
