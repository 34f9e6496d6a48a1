"""`tagger info`."""

from __future__ import annotations

import click


@click.command(no_args_is_help=True)
@click.argument("run")
def command(run: str) -> None:
    """Show what the model in the folder RUN is, a tagger or a language model, after checking every
    file of it.
    """
    from tagger.bundles import language_model as language_models
    from tagger.bundles import tagger_files as bundle
    from tagger.bundles.card import describe

    is_language_model = language_models.is_one(run)
    facts = (
        language_models.describe(language_models.load(run))
        if is_language_model
        else describe(bundle.load(run))
    )
    width = max(map(len, facts))
    click.echo("\n".join(f"{topic:<{width}}  {fact}" for topic, fact in facts.items()))
