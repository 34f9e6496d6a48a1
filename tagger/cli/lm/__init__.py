"""`tagger lm`: its subcommands, a file each."""

from __future__ import annotations

import click

from tagger.cli.lazy import LazyGroup

COMMANDS = {
    "train": "Train a language model on text.",
    "score": "Say how probable sentences are.",
    "sample": "Draw text from a model.",
    "import": "Read a model that was trained elsewhere.",
}


@click.group(cls=LazyGroup, package="tagger.cli.lm", commands=COMMANDS)
def command() -> None:
    """Train, score and sample language models of words or characters.

    \b
    tagger lm train news.toml runs/news
    tagger lm score runs/news sentences.txt
    tagger lm sample runs/news --prefix "The government"
    """
