"""What `tagger train` and `tagger distill` do once their options are read: settings, one training
or several, the last line.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from tagger import corpora
from tagger.cli import console
from tagger.cli.backend import backend_name, quiet_stderr
from tagger.cli.options import print_json
from tagger.cli.settings import check_not_finished, run_and_settings
from tagger.training import require_packages

if TYPE_CHECKING:
    from tagger.bundles.tagger import Bundle
    from tagger.config.tagger import Config

__all__ = ["train"]

_FINDS_NOTHING = (
    "The model finds nothing on dev: train longer (--epochs), and check that the labels of train "
    "and dev are the same."
)


def train(
    paths: Sequence[str],
    *,
    assignments: Sequence[str],
    resume: bool,
    seed: int | None,
    seeds: int,
    epochs: int | None,
    units: int | None,
    batch_tokens: int | None,
    as_json: bool,
    distills: bool = False,
    more: Mapping[str, Any] | None = None,
    **data: Any,
) -> None:
    """Train as ``[CONFIG.toml] RUN`` and the options say; `more` are settings by dotted key, None
    where not given.
    """
    require_packages()
    from tagger.config.tagger import Config

    given = {
        **{f"data.{name}": value for name, value in data.items()},
        "training.seed": seed,
        "training.epochs": epochs,
        "model.units": units,
        "training.batch_tokens": batch_tokens,
        **(more or {}),
    }
    run, settings = run_and_settings(Config, paths, given, assignments)
    if distills:
        _check_distillation(settings)
    if seeds > 1:
        _several(settings, run, seeds, resume, as_json)
    else:
        _one(settings, run, resume, as_json)


def _check_distillation(settings: Config) -> None:
    """Check that there are teachers and text, in terms of the options of `tagger distill`."""
    if not settings.distillation.teachers:
        raise click.UsageError("there is no teacher; give --teacher DIR")
    if not settings.distillation.text:
        raise click.UsageError("there is no text for the teachers to label; give --text FILE")


def _one(settings: Config, run: str, resume: bool, as_json: bool) -> None:
    """Train once. Errors of the corpus come first, before the backend is loaded."""
    check_not_finished(run, resume)
    dev = settings.data.dev if settings.data.has_dev else ()
    names = [*settings.data.train, *dev] or [settings.data.hub]
    if any(names):
        console.note(f"Reading {', '.join(names)}")
    splits = corpora.splits(settings.data)
    console.note(f"Loading {backend_name()}")
    with quiet_stderr():
        from tagger.cli.progress import TrainingProgress
        from tagger.training import trainer
    observer = TrainingProgress()
    bundle = trainer.train(settings, run, resume=resume, observer=observer, splits=splits)
    if as_json:
        print_json(
            {
                "run": run,
                **bundle.metrics,
                "stopped": observer.reason,
                "seconds": round(observer.seconds, 1),
                "warnings": observer.warnings,
            }
        )
    else:
        _report(bundle, run, observer.warnings)


def _report(bundle: Bundle, run: str, warnings: Sequence[str]) -> None:
    """Print the dev score, the warnings again, and the next commands."""
    metrics = bundle.metrics
    better = metrics["agreement"]["score"] if metrics.get("agreement", {}).get("weight") else None
    helped = "" if better is None else f", {better} when sentences of a document help each other"
    if not metrics["dev"]:
        best = f"There is no dev score: these are the weights after epoch {metrics['epochs']}"
    else:
        best = f"Best dev score {metrics['dev']['score']} (epoch {metrics['best_epoch']}){helped}"
    console.repeat_warnings(warnings)
    console.result(f"{best}. The model is in {run}.")
    if metrics["dev"] and not metrics["dev"]["score"]:
        console.result(_FINDS_NOTHING)
        return
    folder = shlex.quote(run)
    console.note(f"Next: tagger evaluate {folder} test.conll")
    console.note(f"      tagger predict {folder} article.txt")


def _several(settings: Config, run: str, count: int, resume: bool, as_json: bool) -> None:
    """Train with several seeds."""
    console.note(f"Loading {backend_name()}, for each seed in a process of its own")
    with quiet_stderr():
        from tagger.cli.progress import TrainingProgress
        from tagger.tuning import seeds
    observer = TrainingProgress()
    trained = seeds.train(settings, run, count, resume=resume, observer=observer)
    kept = trained.kept
    if as_json:
        print_json(
            {"run": run, "kept": kept.seed, "seeds": [asdict(each) for each in trained.results]}
        )
        return
    which = "of the median dev score"
    if len(trained.results) % 2 == 0:
        which = "of the lower of the two dev scores in the middle"
    console.repeat_warnings(observer.warnings)
    console.result(f"{trained.table()}\n\nThe model of seed {kept.seed}, {which}, is in {run}.")
    if not kept.dev_score:
        console.result(_FINDS_NOTHING)
