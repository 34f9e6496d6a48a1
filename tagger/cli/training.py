"""What `tagger train` and `tagger distill` do once their options are read: settings, one training
or several, the last line.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from tagger.cli.options import quiet_stderr
from tagger.errors import ConfigError
from tagger.training import require_packages

if TYPE_CHECKING:
    from tagger.config.tagger import Config

__all__ = ["train"]


def train(
    paths: Sequence[str],
    *,
    assignments: Sequence[str],
    resume: bool,
    seed: int | None,
    seeds: int,
    more: Mapping[str, Any] | None = None,
    **data: Any,
) -> None:
    """Train as ``[CONFIG.toml] RUN`` and the options say; `more` are settings by dotted key, None
    where not given.
    """
    if len(paths) > 2:
        raise click.UsageError(f"expected [CONFIG.toml] RUN, found {' '.join(paths)}")
    require_packages()
    given = {
        f"data.{name}": None if value == () else value for name, value in data.items()
    }  # what may be repeated, and was not
    given |= {"training.seed": seed, **(more or {})}
    settings = _settings(paths[:-1], given, assignments)
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
    click.echo(
        f"Best dev score {metrics['dev']['score']} (epoch {metrics['best_epoch']}){helped}. The "
        f"model is in {paths[-1]}."
    )


def _settings(files: Sequence[str], given: Mapping[str, Any], assignments: Sequence[str]) -> Config:
    from tagger.config import tagger as config

    settings = config.load(files[0]) if files else config.Config()
    try:
        settings = config.assign(
            settings,
            {key: value for key, value in given.items() if value is not None},
            "command line",
        )
        return config.override(settings, assignments)
    except ConfigError as error:
        raise click.UsageError(str(error)) from error


def _several(settings: Config, run: str, count: int, resume: bool) -> None:
    with quiet_stderr():
        from tagger.cli.progress import TrainingProgress
        from tagger.tuning import seeds
    trained = seeds.train(settings, run, count, resume=resume, observer=TrainingProgress())
    click.echo(
        f"{trained.table()}\n\nThe model of seed {trained.kept.seed}, of the median dev score, is "
        f"in {run}."
    )
