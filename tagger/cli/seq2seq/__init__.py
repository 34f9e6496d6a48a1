"""`tagger seq2seq`, with one file per subcommand."""

from __future__ import annotations

import click

from tagger.cli.lazy import LazyGroup

SECTIONS = {
    "Train": {
        "train": "Train a model on pairs of a source and a target.",
        "config": "Print the settings of a training, with their meaning.",
    },
    "Use": {
        "predict": "Predict the targets of a file of sources.",
        "evaluate": "Score a model on pairs.",
        "info": "Describe a trained model.",
    },
}


@click.group(cls=LazyGroup, package="tagger.cli.seq2seq", sections=SECTIONS)
def command() -> None:
    """Train and use models from one sequence to another of any length.

    \b
    Examples:
      tagger seq2seq train --train dates.tsv runs/dates
      tagger seq2seq evaluate runs/dates test.tsv
      echo "3 May 1999" | tagger seq2seq predict runs/dates -
    """
