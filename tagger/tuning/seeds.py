"""The same training with several seeds: how far chance alone moves the score, and a model that is
not a lucky one.
"""

from __future__ import annotations

import csv
import shutil
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from statistics import mean, median_low, stdev

from tagger.bundles import tagger_files as bundle
from tagger.bundles.tagger import Bundle
from tagger.config import tagger as config
from tagger.config.tagger import Config
from tagger.errors import BundleError, TaggerError
from tagger.files import atomic_write
from tagger.training.inputs import soft_labels as labelling
from tagger.training.observer import Observer
from tagger.tuning import subprocess_trainer as apart
from tagger.tuning import tables

__all__ = ["Result", "SeedResults", "train"]


@dataclass(frozen=True)
class Result:
    """What one seed came to."""

    seed: int
    dev_score: float
    best_epoch: int
    epochs: int
    minutes: float


@dataclass(frozen=True)
class SeedResults:
    """The results of all seeds, in order."""

    results: tuple[Result, ...]

    @property
    def kept(self) -> Result:
        """That of the median score: of two in the middle the lower, of equal ones the first."""
        middle = median_low(result.dev_score for result in self.results)
        return next(result for result in self.results if result.dev_score == middle)

    def table(self) -> str:
        """Markdown: a row a seed, then the means ± sample standard deviations."""
        head = [field.name.replace("_", " ") for field in fields(Result)] + ["kept"]
        rows: list[Sequence[object]] = [
            [
                result.seed,
                f"{result.dev_score:.2f}",
                result.best_epoch,
                result.epochs,
                f"{result.minutes:.1f}",
                mark,
            ]
            for result in self.results
            for mark in ["median" if result is self.kept else ""]
        ]
        columns = list(zip(*map(astuple, self.results), strict=True))[1:]
        digits = (2, 1, 1, 1)
        means = [_mean(column, places) for column, places in zip(columns, digits, strict=True)]
        return tables.markdown(head, [*rows, ["mean", *means, ""]])


def _mean(values: Sequence[float], digits: int) -> str:
    deviation = f" ± {stdev(values):.{digits}f}" if len(values) > 1 else ""
    return f"{mean(values):.{digits}f}{deviation}"


def train(
    settings: Config | str | Path,
    run: str | Path,
    count: int,
    *,
    resume: bool = False,
    observer: Observer | None = None,
) -> SeedResults:
    """Train `count` times with the seeds ``training.seed``, the next higher, and so on; all else is
    the same.

    Each training has its run folder, ``run/seed-<seed>``. `run` itself becomes a copy of the bundle
    whose dev score is the median, when all have ended; ``seeds.csv`` and ``seeds.md`` in it are
    written anew after each.

    Args: settings: a `Config`, or the path of a TOML file. resume: go on with a series that was
        stopped: what has ended is kept, what was interrupted goes on at its checkpoint.
            The count may be another one now.

    Raises:
        TaggerError: those of `trainer.train`, of any of the trainings; or `run` is in use.
    """
    settings = settings if isinstance(settings, Config) else config.load(settings)
    run, observer = Path(run), observer or Observer()
    settings = labelling.shared(settings, run)
    first = settings.training.seed
    plans = [
        config.assign(settings, {"training.seed": first + number}, "the last seed")
        for number in range(count)
    ]
    folders = [run / f"seed-{plan.training.seed}" for plan in plans]
    tables.begin(run, folders[0], resume)

    # One after the other: a single training already uses all cores.
    results: list[Result] = []
    for number, (plan, folder) in enumerate(zip(plans, folders, strict=True), 1):
        observer.run_started(number, count, f"seed {plan.training.seed}")
        result = _result(_trained(plan, folder, observer), folder)
        better = all(result.dev_score > other.dev_score for other in results)
        results.append(result)
        _write(run, SeedResults(tuple(results)))
        observer.run_ended(
            number, count, f"dev score {result.dev_score:.2f} in epoch {result.best_epoch}", better
        )
    whole = SeedResults(tuple(results))
    bundle.save(run, bundle.load(run / f"seed-{whole.kept.seed}"))
    return whole


def _trained(plan: Config, folder: Path, observer: Observer) -> Bundle:
    """The bundle of one seed: as it is if it has ended, else from its checkpoint, or anew."""
    try:
        found = bundle.load(folder)
        if found.config == plan:
            return found
    except BundleError:
        # not ended, or damaged: the checkpoint decides, and says if it is one of other settings
        pass
    begun = (folder / "checkpoint" / "last.npz").exists()
    if not begun and (folder / "config.toml").exists():
        shutil.rmtree(
            folder
        )  # stopped before its first epoch ended: the trainer's folder, but nothing to go on from
    return apart.train(plan, folder, resume=begun, observer=observer)


def _result(trained: Bundle, folder: Path) -> Result:
    history = folder / "history.csv"
    try:
        with open(history, encoding="utf-8", newline="") as stream:
            seconds = sum(float(row["seconds"]) for row in csv.DictReader(stream))
    except (OSError, ValueError, KeyError) as error:
        raise TaggerError(
            f"{history}: cannot be read ({error}); remove {folder}, and its seed is trained anew"
        ) from error
    metrics = trained.metrics
    return Result(
        seed=trained.config.training.seed,
        dev_score=metrics["dev"]["score"],
        best_epoch=metrics["best_epoch"],
        epochs=metrics["epochs"],
        minutes=round(seconds / 60, 2),
    )


def _write(run: Path, whole: SeedResults) -> None:
    tables.write_table(
        run / "seeds.csv",
        [field.name for field in fields(Result)],
        [astuple(row) for row in whole.results],
    )
    with atomic_write(run / "seeds.md") as stream:
        stream.write(whole.table() + "\n")
