"""`tagger lm train`."""

from __future__ import annotations

import click

from tagger.cli import console
from tagger.cli.backend import backend_name, quiet_stderr
from tagger.cli.command import Command
from tagger.cli.options import encoding_option, json_option, print_json
from tagger.cli.paths import FILE
from tagger.errors import ConfigError


@click.command(cls=Command, no_args_is_help=True)
@click.argument("paths", type=FILE, nargs=-1, required=True, metavar="[CONFIG.toml] RUN")
@click.option(
    "--train",
    type=FILE,
    multiple=True,
    metavar="FILE",
    help="Training text. May be repeated; several files are read as one text.",
)
@click.option(
    "--dev",
    type=FILE,
    multiple=True,
    metavar="FILE",
    help="Text that decides when to stop and which epoch to keep. May be repeated.",
)
@encoding_option
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
    help="Change a setting, for example model.units=500. See tagger lm config. May be "
    "repeated; the last value of a setting counts.",
)
@click.option("--resume", is_flag=True, help="Continue an interrupted training in RUN.")
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
    seed give the same model.

    \b
    Examples:
      tagger lm train --train news.txt --dev other-news.txt runs/news
      tagger lm train news.toml runs/news-backward --set model.direction=backward
      tagger lm train news.toml runs/words --set model.level=words --set model.cell=gru
    """
    if len(paths) > 2:
        raise click.UsageError(f"expected [CONFIG.toml] RUN, found {' '.join(paths)}")
    from tagger.config import language_model as config
    from tagger.training import require_packages

    require_packages()
    settings = config.load(paths[0]) if len(paths) == 2 else config.LanguageModelConfig()
    given = {
        "data.train": train or None,
        "data.dev": dev or None,
        "data.encoding": encoding,
        "training.seed": seed,
    }
    try:
        settings = config.assign(
            settings,
            {key: value for key, value in given.items() if value is not None},
            "command line",
        )
        settings = config.override(settings, assignments)
    except ConfigError as error:
        raise click.UsageError(str(error)) from error
    console.note(f"Loading {backend_name()}")
    with quiet_stderr():
        from tagger.cli.progress import LanguageModelProgress
        from tagger.training import language_model
    bundle = language_model.train(
        settings, paths[-1], resume=resume, observer=LanguageModelProgress()
    )
    dev_figures = bundle.metrics["dev"]
    if as_json:
        print_json({"run": paths[-1], **bundle.metrics})
        return
    console.result(
        f"Best dev perplexity {dev_figures['perplexity']}, {dev_figures['bits_per_character']} "
        "bits per character "
        f"(epoch {bundle.metrics['best_epoch']}). The model is in {paths[-1]}."
    )
