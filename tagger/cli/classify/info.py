"""`tagger classify info`."""

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
    """Describe the classifier in the folder RUN, after verifying each of its files.

    \b
    Example:
      tagger classify info runs/reviews
    """
    from tagger.bundles import classifier

    show_facts(classifier.describe(classifier.load(run)), as_json=as_json)
