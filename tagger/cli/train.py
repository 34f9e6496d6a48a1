"""`tagger train`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from tagger.cli.options import SCHEME, quiet_stderr, reading_options
from tagger.errors import ConfigError

if TYPE_CHECKING:
    from tagger.training.config import Config


@click.command(no_args_is_help=True)
@click.argument("paths", nargs=-1, required=True, metavar="[CONFIG.toml] RUN")
@click.option("--train", metavar="FILE", help="Annotated training sentences: CoNLL columns or .jsonl.")
@click.option("--dev", metavar="FILE", help="Annotated sentences that decide when to stop and which epoch to keep.")
@click.option(
    "--vectors", multiple=True, metavar="FILE", help="Pretrained word vectors; several files stand side by side. See README."
)
@click.option(
    "--language-model", "language_models", multiple=True, metavar="DIR",
    help="A language model whose states are read beside the words; several stand side by side.",
)  # fmt: skip
@click.option("--scheme", type=SCHEME, help="Of the tags; detected by default.")
@click.option("--tag-column", type=int, metavar="N", help="CoNLL column of the tag, from 0; -1, the default, is the last.")
@reading_options
@click.option("--seed", type=int, metavar="N", help="The same seed gives the same model.")
@click.option(
    "--seeds",
    type=click.IntRange(min=1),
    default=1,
    metavar="N",
    help="Train N times, with N seeds; RUN is the median model, RUN/seed-* are all of them. 1 is one training, in RUN.",
)
@click.option("--set", "assignments", multiple=True, metavar="KEY=VALUE", help="Change a setting, as in model.units=200.")
@click.option("--resume", is_flag=True, help="Go on with a training in RUN that was stopped.")
def command(
    paths: tuple[str, ...], assignments: tuple[str, ...], resume: bool, seed: int | None, seeds: int, **data: Any
) -> None:
    """Train a tagger and write it to the folder RUN.

    \b
    tagger train --train train.conll --dev dev.conll runs/mine
    tagger train --train train.conll --dev dev.conll --vectors glove.6B.100d.txt runs/mine
    tagger train experiments/conll2003.toml runs/conll2003 --set model.units=200
    tagger train experiments/conll2003.toml runs/conll2003 --seeds 5

    All settings with their defaults are in RUN/config.toml afterwards. The same settings, data and seed give the same model.
    """
    if len(paths) > 2:
        raise click.UsageError(f"expected [CONFIG.toml] RUN, found {' '.join(paths)}")
    from tagger.training import config, see_installed

    see_installed()
    data = {name: value or None for name, value in data.items()}
    settings = config.load(paths[0]) if len(paths) == 2 else config.Config()
    given = {f"data.{name}": value for name, value in data.items()} | {"training.seed": seed}
    try:
        settings = config.assign(settings, {key: value for key, value in given.items() if value is not None}, "command line")
        settings = config.override(settings, assignments)
    except ConfigError as error:
        raise click.UsageError(str(error)) from error
    if seeds > 1:
        _several(settings, paths[-1], seeds, resume)
        return
    with quiet_stderr():
        from tagger.cli.progress import TrainingProgress
        from tagger.training import trainer
    bundle = trainer.train(settings, paths[-1], resume=resume, observer=TrainingProgress())
    metrics = bundle.metrics
    better = metrics["agreement"]["score"] if metrics.get("agreement", {}).get("weight") else None
    helped = "" if better is None else f", {better} when sentences of a document help each other"
    click.echo(f"Best dev score {metrics['dev']['score']} (epoch {metrics['best_epoch']}){helped}. The model is in {paths[-1]}.")


def _several(settings: Config, run: str, count: int, resume: bool) -> None:
    with quiet_stderr():
        from tagger.cli.progress import TrainingProgress
        from tagger.training import seeds
    trained = seeds.train(settings, run, count, resume=resume, observer=TrainingProgress())
    click.echo(f"{trained.table()}\n\nThe model of seed {trained.kept.seed}, of the median dev score, is in {run}.")
