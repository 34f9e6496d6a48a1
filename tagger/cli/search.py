"""`tagger search`."""

from __future__ import annotations

from dataclasses import asdict

import click

from tagger.cli import console
from tagger.cli.backend import backend_name, quiet_stderr
from tagger.cli.command import Command
from tagger.cli.options import encoding_option, json_option, print_json
from tagger.cli.paths import FILE, FOLDER
from tagger.errors import ConfigError, installation


@click.command(cls=Command, no_args_is_help=True)
@click.argument("configuration", type=FILE, metavar="CONFIG.toml")
@click.argument("run", type=FOLDER)
@click.option(
    "--trials",
    type=click.IntRange(min=1),
    metavar="N",
    help="Number of trials in all.  [default: that of CONFIG.toml, else 30]",
)
@encoding_option
@click.option(
    "--set",
    "assignments",
    multiple=True,
    metavar="KEY=VALUE",
    help="Change a setting that all trials share. May be repeated; the last value of a "
    "setting counts.",
)
@click.option(
    "--resume", is_flag=True, help="Continue an interrupted search in RUN, or add trials."
)
@json_option
def command(
    configuration: str,
    run: str,
    trials: int | None,
    encoding: str | None,
    assignments: tuple[str, ...],
    resume: bool,
    as_json: bool,
) -> None:
    """Search for settings with a better dev score, and write the best model to the folder RUN.

    CONFIG.toml is one for `tagger train` with two more tables, which define the search space:

    \b
      [search]
      trials = 30
      [search.space]
      "model.units" = [100, 200, 300]
      "training.learning_rate" = { low = 1e-4, high = 1e-2, log = true }

    RUN/search.md ranks the trials, RUN/search.png plots them, RUN/best.toml contains the best
    settings.

    \b
    Examples:
      tagger search experiments/search.toml runs/search
      tagger search experiments/search.toml runs/search --trials 60 --resume
    """
    from tagger.config import tagger as config
    from tagger.training import require_packages
    from tagger.tuning import space

    require_packages()
    settings, wanted = space.load(configuration)
    try:
        if encoding is not None:
            settings = config.assign(settings, {"data.encoding": encoding}, "command line")
        settings = config.override(settings, assignments)
    except ConfigError as error:
        raise click.UsageError(str(error)) from error
    console.note(f"Reading {configuration}\nLoading {backend_name()}")
    with quiet_stderr():
        from tagger.cli.progress import SearchProgress
        from tagger.tuning.search import search
    observer = SearchProgress()
    found = search(
        settings,
        wanted.space,
        run,
        trials=trials or wanted.trials,
        resume=resume,
        observer=observer,
    )
    if found.plot is None:
        console.note(f"No plot: Matplotlib is not installed; {installation('search')}")
    if as_json:
        best = {"trial": found.best.number, "dev_score": found.best.score, "run": run}
        print_json(best | {"rows": [asdict(row) for row in found.rows]})
        return
    console.repeat_warnings(observer.warnings)
    console.result(
        f"{found.table()}\n\nBest dev score {found.best.score:.2f} (trial {found.best.number}). "
        f"The model is in {run}."
    )
