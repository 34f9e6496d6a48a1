"""`tagger classify train`."""

from __future__ import annotations

import shlex
import textwrap
from typing import Any

import click

from tagger.cli import console
from tagger.cli.backend import backend_name, quiet_stderr
from tagger.cli.classify.options import label_columns, text_column
from tagger.cli.command import Command
from tagger.cli.options import (
    TOKENIZER,
    encoding_option,
    json_option,
    print_json,
)
from tagger.cli.paths import FILE
from tagger.cli.settings import check_not_finished, run_and_settings

_BRIEF = 100  # characters of a warning that is repeated


@click.command(cls=Command, no_args_is_help=True)
@click.argument("paths", type=FILE, nargs=-1, required=True, metavar="[CONFIG.toml] RUN")
@click.option(
    "--train",
    type=FILE,
    multiple=True,
    metavar="FILE",
    help="Labeled texts: JSON Lines, a table with a header row, Parquet or Arrow. May be repeated.",
)
@click.option(
    "--dev",
    type=FILE,
    multiple=True,
    metavar="FILE",
    help="Labeled texts that decide when to stop and calibrate probabilities. May be repeated.  "
    "[default: a tenth of train]",
)
@click.option(
    "--hub",
    metavar="NAME",
    help="Dataset on the Hugging Face Hub, or a saved dataset, in place of --train and --dev.",
)
@click.option(
    "--multi-label",
    is_flag=True,
    default=None,
    help="A text has any number of labels, or none, instead of exactly one.",
)
@text_column
@label_columns
@encoding_option
@TOKENIZER
@click.option(
    "--vectors",
    type=FILE,
    multiple=True,
    metavar="FILE",
    help="Pretrained word vectors. May be repeated.",
)
@click.option("--epochs", type=int, metavar="N", help="Maximum number of epochs: training.epochs.")
@click.option(
    "--units",
    type=int,
    metavar="N",
    help="Units per recurrent layer and direction: model.units.",
)
@click.option(
    "--seed",
    type=int,
    metavar="N",
    help="Seed of the training; the same seed gives the same model.  [default: 1]",
)
@click.option(
    "--set",
    "assignments",
    multiple=True,
    metavar="KEY=VALUE",
    help="Change a setting, for example model.pooling=auto. See tagger classify config. May be "
    "repeated; the last value of a setting counts.",
)
@click.option("--resume", is_flag=True, help="Continue an interrupted training in RUN.")
@json_option
def command(
    paths: tuple[str, ...],
    epochs: int | None,
    units: int | None,
    seed: int | None,
    assignments: tuple[str, ...],
    resume: bool,
    as_json: bool,
    **data: Any,
) -> None:
    """Train a text classifier and write it to the folder RUN.

    All settings are in RUN/config.toml afterwards, with their meaning. The same settings, data and
    seed give the same model.

    \b
    Examples:
      tagger classify train --train reviews.jsonl --dev more.jsonl runs/reviews
      tagger classify train --train tickets.csv --text-column body --label-column team runs/teams
      tagger classify train --train topics.jsonl --multi-label runs/topics
      tagger classify train --hub stanfordnlp/imdb runs/imdb
    """
    from tagger.config.classifier import ClassifierConfig, check
    from tagger.corpora import texts
    from tagger.training import require_packages

    require_packages()
    given = {f"data.{name}": value for name, value in data.items()}
    given |= {"training.seed": seed, "training.epochs": epochs, "model.units": units}
    run, settings = run_and_settings(ClassifierConfig, paths, given, assignments)
    check(settings)
    check_not_finished(run, resume)
    # Errors of the data come first, before the backend is loaded.
    splits = texts.splits(settings.data)
    console.note(f"Loading {backend_name()}")
    with quiet_stderr():
        from tagger.cli.progress import ClassifierProgress
        from tagger.training import classifier
    observer = ClassifierProgress()
    bundle = classifier.train(settings, run, resume=resume, observer=observer, splits=splits)
    metrics = bundle.metrics
    if as_json:
        print_json(
            {
                "run": run,
                **metrics,
                "stopped": observer.reason,
                "seconds": round(observer.seconds, 1),
                "warnings": observer.warnings,
            }
        )
        return
    for warning in observer.warnings:
        console.warn(textwrap.shorten(warning, _BRIEF, placeholder=" …"))
    console.result(
        f"Best {observer.score} {metrics['dev']['score']} (epoch {metrics['best_epoch']}). The "
        f"model is in {run}."
    )
    console.note(f"Next: tagger classify evaluate {shlex.quote(run)} test.jsonl")
    console.note(f"      tagger classify predict {shlex.quote(run)} new.txt")
