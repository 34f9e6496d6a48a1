"""`tagger lm import`."""

from __future__ import annotations

import click

from tagger.cli.command import Command
from tagger.cli.options import json_option, print_json
from tagger.cli.paths import FILE, FOLDER


@click.command(cls=Command, no_args_is_help=True)
@click.argument("source", type=FILE)
@click.argument("run", type=FOLDER)
@click.option(
    "--direction",
    type=click.Choice(["forward", "backward"]),
    help="Reading direction of the model. Required for .npz files, which do not record it.",
)
@json_option
def command(source: str, run: str, direction: str | None, as_json: bool) -> None:
    """Import a PyTorch character language model from the file SOURCE into the folder RUN.

    SOURCE is an .npz file of arrays, or a PyTorch file with a state dictionary, as Flair publishes
    them. It is read without PyTorch, and nothing in it is executed.

    \b
    Examples:
      tagger lm import news-backward.npz runs/news-backward --direction backward
      tagger lm import news-forward.pt runs/news-forward
    """
    from tagger.bundles import language_model as bundle
    from tagger.language_models import importing

    facts = bundle.describe(importing.import_model(source, run, direction or ""))
    if as_json:
        print_json(facts)
        return
    width = max(map(len, facts))
    click.echo("\n".join(f"{topic:<{width}}  {fact}" for topic, fact in facts.items()))
