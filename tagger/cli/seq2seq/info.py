"""`tagger seq2seq info`."""

from __future__ import annotations

import click

from tagger.cli.command import Command
from tagger.cli.options import json_option, print_json
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

    facts = seq2seq.describe(seq2seq.load(run))
    if as_json:
        print_json(facts)
        return
    width = max(map(len, facts))
    click.echo("\n".join(f"{topic:<{width}}  {fact}" for topic, fact in facts.items()))
