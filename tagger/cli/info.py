"""`tagger info`."""

from __future__ import annotations

import click


@click.command(no_args_is_help=True)
@click.argument("run")
def command(run: str) -> None:
    """Describe the model in the folder RUN, after verifying each of its files.

    RUN is a tagger or a language model.

    \b
    Example:
      tagger info runs/mine
    """
    from tagger.bundles.describe import describe

    facts = describe(run)
    width = max(map(len, facts))
    click.echo("\n".join(f"{topic:<{width}}  {fact}" for topic, fact in facts.items()))
