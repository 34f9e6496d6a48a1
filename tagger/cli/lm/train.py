"""`tagger lm train`."""

from __future__ import annotations

import click

from tagger.cli import console
from tagger.cli.backend import backend_name, quiet_stderr
from tagger.cli.command import Command
from tagger.cli.options import encoding_option, json_option, print_json
from tagger.cli.settings import run_and_settings
from tagger.cli.training_options import PATHS, RESUME, SEED, files_option, set_option


@click.command(cls=Command, no_args_is_help=True)
@PATHS
@files_option(
    "--train",
    "Training text. May be repeated; several files are read as one text.",
)
@files_option(
    "--dev",
    "Text that decides when to stop and which epoch to keep. May be repeated.",
)
@encoding_option
@SEED
@set_option("model.units=500", "tagger lm config")
@RESUME
@json_option
def command(
    paths: tuple[str, ...],
    train: tuple[str, ...],
    dev: tuple[str, ...],
    encoding: str | None,
    seed: int | None,
    assignments: tuple[str, ...],
    resume: bool,
    as_json: bool,
) -> None:
    """Train a language model and write it to the folder RUN.

    All settings are in RUN/config.toml afterwards, with their meaning. The same settings, text and
    seed give the same model. If every text of train is an object of JSON Lines with a "label", the
    model is conditional on the label.

    \b
    Examples:
      tagger lm train --train news.txt --dev other-news.txt runs/news
      tagger lm train news.toml runs/news-backward --set model.direction=backward
      tagger lm train news.toml runs/words --set model.level=words --set model.cell=gru
      tagger lm train --train labeled.jsonl --dev dev.jsonl runs/genres
    """
    from tagger.config.language_model import LanguageModelConfig
    from tagger.training import require_packages

    require_packages()
    given = {
        "data.train": train,
        "data.dev": dev,
        "data.encoding": encoding,
        "training.seed": seed,
    }
    run, settings = run_and_settings(LanguageModelConfig, paths, given, assignments)
    console.note(f"Loading {backend_name()}")
    with quiet_stderr():
        from tagger.cli.progress import LanguageModelProgress
        from tagger.training import language_model
    bundle = language_model.train(settings, run, resume=resume, observer=LanguageModelProgress())
    dev_figures = bundle.metrics["dev"]
    if as_json:
        print_json({"run": run, **bundle.metrics})
        return
    console.result(
        f"Best dev perplexity {dev_figures['perplexity']}, {dev_figures['bits_per_character']} "
        "bits per character "
        f"(epoch {bundle.metrics['best_epoch']}). The model is in {run}."
    )
