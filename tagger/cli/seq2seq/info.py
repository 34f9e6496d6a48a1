"""`tagger seq2seq info`."""

from __future__ import annotations

import click

from tagger.cli.command import Command
from tagger.cli.info import show_facts
from tagger.cli.options import json_option
from tagger.cli.paths import FOLDER


@click.command(cls=Command, no_args_is_help=True)
@click.argument("run", type=FOLDER)
@json_option
def command(run: str, as_json: bool) -> None:
    """Describe the sequence-to-sequence model in the folder RUN, after verifying its files.

    \b
    Example:
      tagger seq2seq info runs/dates
    """
    from tagger.bundles import seq2seq

    show_facts(seq2seq.describe(seq2seq.load(run)), as_json=as_json)
