"""`tagger lm import`."""

from __future__ import annotations

import click


@click.command(no_args_is_help=True)
@click.argument("source")
@click.argument("run")
@click.option(
    "--direction",
    type=click.Choice(["forward", "backward"]),
    help="In which the model reads; needed where SOURCE does not say it, as .npz files do not.",
)
def command(source: str, run: str, direction: str | None) -> None:
    """Read the character language model in the file SOURCE, which PyTorch trained, and write it to
    the folder RUN.

    \b
    tagger lm import news-backward.npz runs/news-backward --direction backward
    tagger lm import news-forward.pt runs/news-forward

    SOURCE is an .npz file of arrays, or a file of PyTorch with a state dictionary, as Flair
    publishes them. It is read without PyTorch, and nothing in it is executed.
    """
    from tagger.bundles import language_model as bundle
    from tagger.language_models import importing

    facts = bundle.describe(importing.import_model(source, run, direction or ""))
    width = max(map(len, facts))
    click.echo("\n".join(f"{topic:<{width}}  {fact}" for topic, fact in facts.items()))
