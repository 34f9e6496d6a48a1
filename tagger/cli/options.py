"""What several commands share: options for reading files, and a quiet import of Keras."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from tagger.config.tagger import Config

__all__ = [
    "SCHEME",
    "SPAN_SCHEME",
    "FormatChoice",
    "precision_option",
    "quiet_stderr",
    "reading_options",
    "runs_and_files",
    "training_options",
    "with_data_options",
]  # fmt: skip

# As `text.schemes` names them, which is not imported: a wrong command line is to be told at once.
SPAN_SCHEME = click.Choice(["IO", "IOB1", "IOB2", "IOBES", "BILOU"])
SCHEME = click.Choice(["auto", *SPAN_SCHEME.choices, "plain"])


class FormatChoice(click.Choice):  # type: ignore[type-arg]  # generic only since click 8.2
    """A choice of one of the file formats.

    The table of formats imports NumPy; it is read when a choice is checked or shown, not when the
    command is imported.
    """

    def __init__(self) -> None:
        super().__init__(())

    @property
    def choices(self) -> tuple[str, ...]:
        """The names of the formats in their table, at this moment."""
        from tagger.text.formats import FORMATS

        return tuple(FORMATS)

    @choices.setter
    def choices(self, names: Sequence[str]) -> None:
        """Ignore what the constructor of `click.Choice` sets."""


_READING = (
    click.option(
        "--token-column",
        type=int,
        default=None,
        metavar="N",
        help="CoNLL column of the token, from 0; -1 is the last.",
    ),
    click.option(
        "--delimiter",
        default=None,
        metavar="D",
        help="Of CoNLL columns: auto, blank, tab or any string.",
    ),
)


_CORPUS = (
    click.option(
        "--train",
        metavar="FILE",
        help="Annotated training sentences: CoNLL columns, .jsonl, .parquet or .arrow.",
    ),
    click.option(
        "--dev",
        metavar="FILE",
        help="Annotated sentences that decide when to stop and which epoch to keep.",
    ),
    click.option(
        "--vectors",
        multiple=True,
        metavar="FILE",
        help="Pretrained word vectors; several files stand side by side. See README.",
    ),
    click.option(
        "--language-model",
        "language_models",
        multiple=True,
        metavar="DIR",
        help="A language model whose states are read beside the words; several stand side by "
        "side. See README.",
    ),
    click.option(
        "--hub",
        metavar="NAME",
        help="In place of --train and --dev, a dataset of the Hugging Face Hub: "
        "OWNER/NAME[/CONFIG][@REVISION]; or the folder of a saved one.",
    ),
    click.option("--scheme", type=SCHEME, help="Of the tags; detected by default."),
    click.option(
        "--tag-column",
        type=int,
        metavar="N",
        help="CoNLL column of the tag, from 0; -1, the default, is the last.",
    ),
)
_RUN_OPTIONS = (
    click.option("--seed", type=int, metavar="N", help="The same seed gives the same model."),
    click.option(
        "--seeds",
        type=click.IntRange(min=1),
        default=1,
        metavar="N",
        help="Train N times, with N seeds; RUN is the median model, RUN/seed-* are all of them. 1 "
        "is one training, in RUN.",
    ),
    click.option(
        "--set",
        "assignments",
        multiple=True,
        metavar="KEY=VALUE",
        help="Change a setting, as in model.units=200.",
    ),
    click.option("--resume", is_flag=True, help="Go on with a training in RUN that was stopped."),
)


def training_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a tagger's training: on what, with which seeds and settings."""
    for option in reversed((*_CORPUS, *_READING, *_RUN_OPTIONS)):
        command = option(command)
    return command


def reading_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say how CoNLL columns are to be read."""
    for option in reversed(_READING):
        command = option(command)
    return command


def precision_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the option that says in which precision the network is run."""
    doc = (
        "Of the network's weights; int8 is faster. By default int8 where it was found to lose "
        "nothing."
    )
    return click.option("--precision", type=click.Choice(["float32", "int8"]), help=doc)(command)


def runs_and_files(paths: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """``RUN... FILE...`` in two: the first is a model, and so is what follows as long as it looks
    like one.
    """
    import itertools

    more = list(
        itertools.takewhile(
            lambda path: os.path.isfile(os.path.join(path, "manifest.json")), paths[1:]
        )
    )
    runs, files = paths[: 1 + len(more)], paths[1 + len(more) :]
    if not files:
        raise click.UsageError(
            "expected RUN... FILE...: at least one model, then at least one file"
        )
    return runs, files


def with_data_options(config: Config, given: Mapping[str, Any]) -> Config:
    """`config` with the settings of its table data that were given; None was not."""
    from tagger.config.tagger import assign

    return assign(
        config,
        {f"data.{name}": value for name, value in given.items() if value is not None},
        "command line",
    )


@contextmanager
def quiet_stderr() -> Iterator[None]:
    """Silence whatever writes to stderr's file descriptor inside: TensorFlow's C++ greets there
    when it is imported.

    Python errors inside still propagate.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # what it would log later on
    saved, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(null)
