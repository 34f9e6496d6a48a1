"""The options that commands of trainings share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from tagger.cli.options import (
    SCHEME,
    TAG_COLUMN,
    TOKENIZER,
    annotation_options,
    json_option,
    reading_options,
    span_options,
)
from tagger.cli.paths import FILE, FOLDER

__all__ = [
    "EPOCHS",
    "PATHS",
    "RESUME",
    "SEED",
    "UNITS",
    "files_option",
    "set_option",
    "training_options",
]

PATHS = click.argument("paths", type=FILE, nargs=-1, required=True, metavar="[CONFIG.toml] RUN")
EPOCHS = click.option(
    "--epochs", type=int, metavar="N", help="Maximum number of epochs: training.epochs."
)
UNITS = click.option(
    "--units",
    type=int,
    metavar="N",
    help="Units per recurrent layer and direction: model.units.",
)
SEED = click.option(
    "--seed",
    type=int,
    metavar="N",
    help="Seed of the training; the same seed gives the same model.  [default: 1]",
)
RESUME = click.option("--resume", is_flag=True, help="Continue an interrupted training in RUN.")


def files_option(name: str, help_text: str) -> Callable[..., Any]:
    """Return an option that names files and may be repeated.

    Args:
        name: Its name, such as ``--train``.
        help_text: Its help.
    """
    return click.option(name, type=FILE, multiple=True, metavar="FILE", help=help_text)


def set_option(example: str, command: str = "tagger config") -> Callable[..., Any]:
    """Return the option that changes settings.

    Args:
        example: A setting and its value, for its help.
        command: The command that prints all settings.
    """
    return click.option(
        "--set",
        "assignments",
        multiple=True,
        metavar="KEY=VALUE",
        help=f"Change a setting, for example {example}. See {command}. May be repeated; the last "
        "value of a setting counts.",
    )


_CORPUS = (
    files_option(
        "--train",
        "Annotated training file: CoNLL columns, JSON Lines, .parquet or .arrow. Repeat to "
        "train on several files.",
    ),
    files_option(
        "--dev",
        "Annotated file that decides when to stop and which epoch to keep. May be repeated. "
        "none trains on all of train, for all epochs, without a score.  [default: a tenth of train "
        "is held out]",
    ),
    files_option(
        "--vectors",
        "File of pretrained word vectors. Repeat to concatenate several files.",
    ),
    click.option(
        "--language-model",
        "language_models",
        type=FOLDER,
        multiple=True,
        metavar="DIR",
        help="Folder of a language model whose hidden states become inputs. May be repeated.",
    ),
    click.option(
        "--hub",
        metavar="NAME",
        help="Dataset in place of --train and --dev: OWNER/NAME[/CONFIG][@REVISION] on the "
        "Hugging Face Hub, or the folder of a saved dataset.",
    ),
    click.option(
        "--scheme", type=SCHEME, help="Tagging scheme of the corpus.  [default: detected]"
    ),
    TAG_COLUMN,
)
_RUN_OPTIONS = (
    EPOCHS,
    UNITS,
    click.option(
        "--batch-tokens",
        type=int,
        metavar="N",
        help="Tokens per batch: training.batch_tokens.",
    ),
    SEED,
    click.option(
        "--seeds",
        type=click.IntRange(min=1),
        default=1,
        metavar="N",
        show_default=True,
        help="Train with N seeds. RUN becomes the model of median dev score (the lower one of two "
        "in the middle), RUN/seed-* are all.",
    ),
    set_option("model.units=200"),
    RESUME,
    json_option,
)


def training_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a tagger's training to a command, and return it."""
    for option in reversed(_RUN_OPTIONS):
        command = option(command)
    command = reading_options(TOKENIZER(annotation_options(span_options(command))))
    for option in reversed(_CORPUS):
        command = option(command)
    return command
