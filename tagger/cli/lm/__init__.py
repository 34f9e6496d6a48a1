"""`tagger lm`, with one file per subcommand."""

from __future__ import annotations

import click

from tagger.cli.lazy import LazyGroup

SECTIONS = {
    "Train": {
        "train": "Train a language model on text.",
        "import": "Import a model that PyTorch trained.",
        "config": "Print the settings of a training, with their meaning.",
    },
    "Use": {
        "score": "Print the log-probabilities of sentences.",
        "sample": "Sample text from a model.",
        "evaluate": "Check a conditional model by the classifier it implies.",
    },
}


@click.group(cls=LazyGroup, package="tagger.cli.lm", sections=SECTIONS)
def command() -> None:
    """Train, score and sample language models of words or characters.

    \b
    Examples:
      tagger lm train news.toml runs/news
      tagger lm score runs/news sentences.txt
      tagger lm sample runs/news --prefix "The government"
    """
