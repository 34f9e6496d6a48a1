"""`tagger classify`, with one file per subcommand."""

from __future__ import annotations

import click

from tagger.cli.lazy import LazyGroup

SECTIONS = {
    "Train": {
        "train": "Train a classifier on labeled texts.",
        "config": "Print the settings of a training, with their meaning.",
    },
    "Use": {
        "predict": "Classify the texts of files.",
        "evaluate": "Score a classifier on labeled texts.",
        "info": "Describe a trained classifier.",
    },
}


@click.group(cls=LazyGroup, package="tagger.cli.classify", sections=SECTIONS)
def command() -> None:
    """Train, evaluate and run classifiers of whole texts.

    \b
    Examples:
      tagger classify train --train reviews.jsonl runs/reviews
      tagger classify evaluate runs/reviews test.jsonl
      tagger classify predict runs/reviews new.txt
    """
