"""`tagger seq2seq train`."""

from __future__ import annotations

import click

from tagger.cli import console
from tagger.cli.backend import backend_name, quiet_stderr
from tagger.cli.command import Command
from tagger.cli.options import json_option, print_json
from tagger.cli.seq2seq.options import column_options, reading_of
from tagger.cli.settings import check_not_finished, run_and_settings
from tagger.cli.training_options import PATHS, RESUME, SEED, files_option, set_option


@click.command(cls=Command, no_args_is_help=True)
@PATHS
@files_option(
    "--train",
    "Training pairs: a table with tabs or commas, or JSON Lines. May be repeated.",
)
@files_option(
    "--dev",
    "Pairs that decide when to stop and which epoch to keep. May be repeated.  [default: a "
    "tenth of the sources of train is held out]",
)
@column_options
@click.option(
    "--features",
    metavar="NAMES",
    help="Further columns or keys, divided by commas, whose values the encoder reads in front of "
    "the source.",
)
@SEED
@set_option("decoder.attention=none", "tagger seq2seq config")
@RESUME
@json_option
def command(
    paths: tuple[str, ...],
    train: tuple[str, ...],
    dev: tuple[str, ...],
    features: str | None,
    seed: int | None,
    assignments: tuple[str, ...],
    resume: bool,
    as_json: bool,
    **columns: str | int | None,
) -> None:
    """Train a sequence-to-sequence model and write it to the folder RUN.

    Sources and targets are read as characters; with --set data.target_level=tokens (or
    source_level) as tokens, which blanks divide. All settings are in RUN/config.toml afterwards,
    with their meaning. The same settings, pairs and seed give the same model.

    \b
    Examples:
      tagger seq2seq train --train dates.tsv runs/dates
      tagger seq2seq train --train words.csv --source word --target lemma --features pos runs/lemmas
      tagger seq2seq train g2p.toml runs/g2p --set decoder.attention=none
    """
    from tagger.config.seq2seq import Seq2SeqConfig, check
    from tagger.seq2seq.splits import splits
    from tagger.training import require_packages

    require_packages()
    given = {
        "data.train": train,
        "data.dev": dev,
        "data.features": features,
        **{f"data.{name}": value for name, value in reading_of(columns).items()},
        "training.seed": seed,
    }
    run, settings = run_and_settings(Seq2SeqConfig, paths, given, assignments)
    check(settings)
    check_not_finished(run, resume)
    # Errors of the data come first, before the backend is loaded.
    read = splits(settings.data)
    console.note(f"Loading {backend_name()}")
    with quiet_stderr():
        from tagger.cli.progress import Seq2SeqProgress
        from tagger.training import seq2seq
    bundle = seq2seq.train(settings, run, resume=resume, observer=Seq2SeqProgress(), splits=read)
    figures = bundle.metrics["dev"]
    if as_json:
        print_json({"run": run, **bundle.metrics})
        return
    console.result(
        f"Best dev error rates: {figures['symbol_error_rate']:.2f} % of symbols, "
        f"{figures['string_error_rate']:.2f} % of strings (epoch {bundle.metrics['best_epoch']}). "
        f"The model is in {run}."
    )
