"""`tagger info`."""

from __future__ import annotations

import click

from tagger.cli.command import Command
from tagger.cli.options import json_option, print_json
from tagger.cli.paths import FOLDER


@click.command(cls=Command, no_args_is_help=True)
@click.argument("run", type=FOLDER)
@json_option
def command(run: str, as_json: bool) -> None:
    """Describe the model in the folder RUN, after verifying each of its files.

    RUN is a model of any kind, such as a tagger or a language model.

    \b
    Example:
      tagger info runs/mine
    """
    from tagger.bundles.describe import describe

    show_facts(describe(run), as_json=as_json)


def show_facts(facts: dict[str, str], *, as_json: bool) -> None:
    """Print the facts about a model.

    Args:
        facts: Facts in words by topic.
        as_json: Whether to print them as JSON.
    """
    if as_json:
        print_json(facts)
        return
    width = max(map(len, facts))
    click.echo("\n".join(f"{topic:<{width}}  {fact}" for topic, fact in facts.items()))
