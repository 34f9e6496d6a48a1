"""`tagger distill`."""

from __future__ import annotations

from typing import Any

import click

from tagger.cli.command import Command
from tagger.cli.options import WRAPPED
from tagger.cli.paths import FILE, FOLDER
from tagger.cli.training_options import PATHS, training_options


@click.command(cls=Command, no_args_is_help=True)
@PATHS
@click.option(
    "--teacher",
    "teachers",
    type=FOLDER,
    multiple=True,
    metavar="DIR",
    help="Folder of a trained model. May be repeated; several are averaged.",
)
@click.option(
    "--text",
    "texts",
    type=FILE,
    multiple=True,
    metavar="FILE",
    help="Unannotated text to label: .txt, .jsonl or CoNLL columns. May be repeated.",
)
@WRAPPED
@click.option(
    "--tokens",
    type=click.IntRange(min=1),
    metavar="N",
    help="Approximate number of tokens of the text to label.  [default: 500000]",
)
@training_options
def command(
    paths: tuple[str, ...],
    teachers: tuple[str, ...],
    texts: tuple[str, ...],
    wrapped: bool,
    tokens: int | None,
    **options: Any,
) -> None:
    """Train a fast tagger on the predictions of slower ones, and write it to the folder RUN.

    The teachers assign tag probabilities to each token of the unannotated text. The student is
    trained on them and on the gold tags of the training data. It is a model like any other: --set
    and CONFIG.toml choose its size.

    The soft labels stay in RUN/labels, so that --resume does not compute them again. To train
    several students on the same soft labels, name a folder: --set distillation.labels=DIR.

    \b
    Examples:
      tagger distill runs/fast --teacher runs/slow --text news.txt.gz --train a.conll --dev b.conll
      tagger distill runs/fast --teacher runs/a --teacher runs/b --text a.txt --text b.jsonl ...
      tagger distill student.toml runs/fast
    """
    from tagger.cli.training import train

    values = {
        "teachers": teachers or None,
        "text": texts or None,
        "wrapped": wrapped or None,
        "tokens": tokens,
    }
    more = {f"distillation.{name}": value for name, value in values.items()}
    train(paths, distills=True, more=more, **options)
