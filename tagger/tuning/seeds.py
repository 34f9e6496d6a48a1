"""Training with several seeds: the spread of the dev score, and the model with the median score."""

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
from tagger.training.inputs import soft_labels
from tagger.training.observer import Observer
from tagger.tuning import subprocess_trainer as apart
from tagger.tuning import tables

__all__ = ["Result", "SeedResults", "train"]


@dataclass(frozen=True)
class Result:
    """The result of the training with one seed.

    Attributes:
        seed: ``training.seed``.
        dev_score: Dev score of the best epoch in percent.
        best_epoch: Best epoch, from 1.
        epochs: Number of epochs trained.
        minutes: Training time.
    """

    seed: int
    dev_score: float
    best_epoch: int
    epochs: int
    minutes: float


@dataclass(frozen=True)
class SeedResults:
    """The results of all seeds.

    Attributes:
        results: One per seed, in the order of the seeds; at least one.
    """

    results: tuple[Result, ...]

    @property
    def kept(self) -> Result:
        """Result with the median dev score: the lower of two in the middle, the first of equals."""
        middle = median_low(result.dev_score for result in self.results)
        return next(result for result in self.results if result.dev_score == middle)

    def table(self) -> str:
        """Return a Markdown table: one row per seed, then means ± sample standard deviations."""
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
    """Format the mean ± the sample standard deviation; the mean only of a single value."""
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
    """Train a tagger with consecutive seeds, starting at ``training.seed``.

    Each training has its own folder, ``run/seed-<seed>``, and its own process. After each,
    ``seeds.csv`` and ``seeds.md`` in `run` are rewritten; at the end, the bundle with the median
    dev score is copied to `run`.

    Args:
        settings: Settings, or the path of a TOML file.
        run: Folder of the series.
        count: Number of seeds.
        resume: Whether to resume a series that was stopped: finished trainings are kept, an
            interrupted one continues from its checkpoint. `count` may differ from before.
        observer: Receiver of events.

    Returns:
        The results of all seeds.

    Raises:
        TaggerError: Errors of `trainer.train` in any of the trainings; or `run` is in use, or
            contains nothing to resume.
    """
    settings = settings if isinstance(settings, Config) else config.load(settings)
    settings.data.require_dev("a training with several seeds")
    run, observer = Path(run), observer or Observer()
    settings = soft_labels.shared(settings, run)
    first = settings.training.seed
    plans = [
        config.assign(settings, {"training.seed": first + number}, "the last seed")
        for number in range(count)
    ]
    folders = [run / f"seed-{plan.training.seed}" for plan in plans]
    with tables.claimed(run, folders[0], resume):
        # Sequentially: a single training already uses all cores.
        results: list[Result] = []
        for number, (plan, folder) in enumerate(zip(plans, folders, strict=True), 1):
            observer.run_started(number, count, f"seed {plan.training.seed}")
            result = _result(_trained(plan, folder, observer), folder)
            is_best = all(result.dev_score > other.dev_score for other in results)
            results.append(result)
            _write(run, SeedResults(tuple(results)))
            observer.run_ended(
                number,
                count,
                f"dev score {result.dev_score:.2f} in epoch {result.best_epoch}",
                is_best,
            )
        whole = SeedResults(tuple(results))
        bundle.save(run, bundle.load(run / f"seed-{whole.kept.seed}"))
        return whole


def _trained(plan: Config, folder: Path, observer: Observer) -> Bundle:
    """Return the finished bundle of one seed, or train it from its checkpoint or from scratch."""
    try:
        finished = bundle.load(folder)
        if finished.config == plan:
            return finished
    except BundleError:
        # Not finished, or damaged: the checkpoint is tried, which reports different settings.
        pass
    has_checkpoint = (folder / "checkpoint" / "last.npz").exists()
    if not has_checkpoint and (folder / "config.toml").exists():
        # The training was stopped before the end of its first epoch: nothing to continue from.
        shutil.rmtree(folder)
    return apart.train(plan, folder, resume=has_checkpoint, observer=observer)


def _result(trained: Bundle, folder: Path) -> Result:
    """Return the result of a finished training from its bundle and history."""
    history = folder / "history.csv"
    try:
        with open(history, encoding="utf-8", newline="") as stream:
            seconds = sum(float(row["seconds"]) for row in csv.DictReader(stream))
    except (OSError, ValueError, KeyError) as error:
        raise TaggerError(
            f"{history}: cannot be read ({error}); remove {folder} to train this seed again"
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
    """Write ``seeds.csv`` and ``seeds.md``."""
    tables.write_table(
        run / "seeds.csv",
        [field.name for field in fields(Result)],
        [astuple(row) for row in whole.results],
    )
    with atomic_write(run / "seeds.md") as stream:
        stream.write(whole.table() + "\n")
