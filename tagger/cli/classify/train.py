"""`tagger classify train`."""

from __future__ import annotations

import shlex
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
from tagger.cli.settings import check_not_finished, run_and_settings
from tagger.cli.training_options import EPOCHS, PATHS, RESUME, SEED, UNITS, files_option, set_option


@click.command(cls=Command, no_args_is_help=True)
@PATHS
@files_option(
    "--train",
    "Labeled texts: JSON Lines, a table with a header row, Parquet or Arrow. May be repeated.",
)
@files_option(
    "--dev",
    "Labeled texts that decide when to stop and calibrate probabilities. May be repeated.  "
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
@files_option(
    "--vectors",
    "Pretrained word vectors. May be repeated.",
)
@EPOCHS
@UNITS
@SEED
@set_option("model.pooling=auto", "tagger classify config")
@RESUME
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
    console.repeat_warnings(observer.warnings)
    console.result(
        f"Best {observer.score} {metrics['dev']['score']} (epoch {metrics['best_epoch']}). The "
        f"model is in {run}."
    )
    console.note(f"Next: tagger classify evaluate {shlex.quote(run)} test.jsonl")
    console.note(f"      tagger classify predict {shlex.quote(run)} new.txt")
