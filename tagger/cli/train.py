"""`tagger train`."""

from __future__ import annotations

from typing import Any

import click

from tagger.cli.command import Command
from tagger.cli.training_options import PATHS, training_options


@click.command(cls=Command, no_args_is_help=True)
@PATHS
@training_options
def command(paths: tuple[str, ...], **options: Any) -> None:
    """Train a tagger and write it to the folder RUN.

    All settings are in RUN/config.toml afterwards, with their meaning. The same settings, data and
    seed give the same model.

    \b
    Examples:
      tagger train --train train.conll --dev dev.conll runs/mine
      tagger train --train train.conll --dev dev.conll --vectors glove.6B.100d.txt runs/mine
      tagger train experiments/conll2003.toml runs/conll2003 --units 200 --epochs 50
      tagger train experiments/conll2003.toml runs/conll2003 --seeds 5
    """
    from tagger.cli.training import train

    train(paths, **options)
