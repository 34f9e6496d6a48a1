"""Hyperparameter search with Optuna, which maximizes the dev score.

Dev scores are noisy and the best of many is partly luck: train the best settings again with several
seeds (`tuning.seeds`) before relying on their score.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tagger import corpora
from tagger.bundles import tagger_files as bundle
from tagger.bundles.folder import MANIFEST, remove
from tagger.bundles.tagger import Bundle
from tagger.config import tagger as config
from tagger.config.reference import commented_toml
from tagger.config.tagger import Config
from tagger.errors import TaggerError, not_installed
from tagger.files import atomic_write
from tagger.training.inputs import soft_labels
from tagger.training.observer import Observer
from tagger.tuning import report as search_report
from tagger.tuning import subprocess_trainer as apart
from tagger.tuning import tables
from tagger.tuning.report import Row
from tagger.tuning.space import Choice, Range

if TYPE_CHECKING:
    import optuna

__all__ = ["SearchResult", "search"]

Space = Mapping[str, Choice | Range]
"""The settings to vary, by dotted key."""

STORAGE = "search.db"
# A trial is pruned if its best score so far is below the median of the others at that epoch.
# Successive halving would end three of four at each of its rungs, which suits thousands of trials:
# with a few dozen, and early stopping ending bad ones anyway, it discards those that learn slowly,
# that is, deep networks and small learning rates. Even so the first scores mean little: a tagger
# that does not predict any span yet scores 0.
TRIALS_BEFORE_PRUNING = 5
EPOCHS_BEFORE_PRUNING = 2


@dataclass(frozen=True)
class SearchResult:
    """The result of a search.

    Attributes:
        rows: All finished trials in order.
        best: Complete trial with the highest dev score.
        bundle: Model of the best trial.
        plot: PNG file; None without Matplotlib.
    """

    rows: tuple[Row, ...]
    best: Row
    bundle: Bundle
    plot: Path | None

    def table(self) -> str:
        """Return a Markdown table with one row per trial, the best first."""
        return search_report.table(self.rows)


def search(
    settings: Config,
    space: Space,
    run: str | Path,
    *,
    trials: int = 30,
    resume: bool = False,
    observer: Observer | None = None,
) -> SearchResult:
    """Search for settings of a tagger and write the bundle of the best trial to a folder.

    The folder also contains ``search.csv`` and ``search.md`` (rewritten after each trial),
    ``best.toml``, ``search.png``, Optuna's records in ``search.db``, and one folder per trial with
    its settings, history and TensorBoard logs; only the best trial's folder keeps its model.
    Proposals depend on ``training.seed``, the space and the scores only. Trials run one after the
    other, each in its own process.

    Args:
        settings: Settings that all trials share.
        space: Settings to vary, by dotted key.
        run: Folder to write to.
        trials: Number of trials, including finished ones if the search is resumed.
        resume: Whether to resume a search that was stopped. An interrupted trial is repeated.
        observer: Receiver of events.

    Returns:
        All trials, the best one and its bundle.

    Raises:
        TaggerError: Errors of settings, data or disk; Optuna is not installed; `run` is in use, or
            contains nothing to resume; or every trial failed. A single failed trial is recorded,
            and the search continues.
    """
    settings.data.require_dev("a search")
    run, observer = Path(run), observer or Observer()
    settings = soft_labels.shared(settings, run)
    _optuna()
    with tables.claimed(run, run / STORAGE, resume):
        corpora.splits(settings.data)  # invalid data would otherwise fail every trial
        with _study(run, settings, space) as study:
            # The search may have been stopped between the end of a trial and this step.
            _prune_files(study, run)
            for number in range(len(_finished_trials(study)) + 1, trials + 1):
                _run_trial(study, settings, space, run, number, trials, observer)
                _prune_files(study, run)
            rows = _rows(study)
        return _publish(run, rows, space)


def _publish(run: Path, rows: tuple[Row, ...], space: Space) -> SearchResult:
    """Write the best trial's settings, the plot and, last, its bundle to `run`."""
    best = _best(rows)
    if best is None:
        raise TaggerError(
            f"{run}: all {len(rows)} trials failed; error of the last one: {rows[-1].error}"
        )
    model = bundle.load(_folder(run, best.number))
    with atomic_write(run / "best.toml") as stream:
        stream.write(commented_toml(model.config))
    plot = search_report.plot(run / "search.png", rows, space)
    bundle.save(run, model)
    return SearchResult(rows, best, model, plot)


def _optuna() -> Any:
    """Import Optuna and silence it."""
    try:
        import optuna
    except ImportError as error:
        raise not_installed("a search needs Optuna", "search") from error
    optuna.logging.set_verbosity(optuna.logging.ERROR)  # a library does not print
    return optuna


@contextmanager
def _study(run: Path, settings: Config, space: Space) -> Iterator[optuna.Study]:
    """Open the records of a search, creating them if it is new.

    They are in SQLite, which survives a kill at any moment; Optuna's journal file would remain
    locked, and a partial line would damage it.
    """
    optuna = _optuna()
    from sqlalchemy.exc import SQLAlchemyError

    path = run / STORAGE
    storage = None
    try:
        # The path is passed to SQLite directly: in a URL, ? and % would have a special meaning.
        engine = {"creator": lambda: sqlite3.connect(path)}
        storage = optuna.storages.RDBStorage(f"sqlite:///{STORAGE}", engine_kwargs=engine)
        pruner = optuna.pruners.MedianPruner(
            TRIALS_BEFORE_PRUNING, n_warmup_steps=EPOCHS_BEFORE_PRUNING + 1
        )
        study = optuna.create_study(
            storage=storage,
            study_name="search",
            direction="maximize",
            pruner=pruner,
            load_if_exists=True,
        )
        _check_settings(study, settings, space, run)
        for trial in study.get_trials(states=[optuna.trial.TrialState.RUNNING]):
            # Interrupted; without the attribute "error" it does not count as a trial.
            study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
        yield study
    except (optuna.exceptions.OptunaError, SQLAlchemyError, sqlite3.Error) as error:
        reason = str(error).splitlines()[0]
        raise TaggerError(
            f"{path}: the records of the search cannot be used: {reason}; if they are damaged, "
            "start a new search in another folder"
        ) from error
    finally:
        if storage is not None:
            storage.engine.dispose()


def _check_settings(study: optuna.Study, settings: Config, space: Space, run: Path) -> None:
    """Check that a resumed search has the same settings and space; other scores do not compare."""
    text = config.to_toml(settings) + "".join(
        f"search.space.{key} = {dimension}\n" for key, dimension in space.items()
    )
    before = study.user_attrs.get("settings")
    if before is None:
        study.set_user_attr("settings", text)
    elif before != text:
        changed = sorted({*text.splitlines()} ^ {*before.splitlines()})
        raise TaggerError(
            f"{run}: was started with other settings; they differ in: {'; '.join(changed)}. Only "
            "trials may change"
        )


def _finished_trials(study: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    """Return the finished trials in order, whose number is their position, from 1.

    Interrupted trials are left out: they are repeated.
    """
    return [
        trial
        for trial in study.trials
        if trial.state.is_finished() and (trial.state.name != "FAIL" or trial.user_attrs)
    ]


def _rows(study: optuna.Study) -> tuple[Row, ...]:
    """Return the results of the finished trials in order."""
    states = {"COMPLETE": "complete", "PRUNED": "pruned", "FAIL": "failed"}
    rows = []
    for number, trial in enumerate(_finished_trials(study), 1):
        assert trial.datetime_start is not None
        assert trial.datetime_complete is not None
        scores = trial.intermediate_values
        row = Row(
            number=number,
            state=states[trial.state.name],
            score=max(scores.values(), default=None),
            epochs=len(scores),
            minutes=(trial.datetime_complete - trial.datetime_start).total_seconds() / 60,
            parameters=trial.params,
            error=trial.user_attrs.get("error", ""),
        )
        rows.append(row)
    return tuple(rows)


def _best(rows: tuple[Row, ...]) -> Row | None:
    """Return the first of the complete trials with the highest score; None without any."""
    return max(
        (row for row in rows if row.state == "complete"),
        key=lambda row: row.score or 0.0,
        default=None,
    )


def _folder(run: Path, number: int) -> Path:
    """Return the folder of a trial."""
    return run / f"trial-{number:04d}"


class _PrunedError(Exception):
    """The exception with which the watcher ends the training of a pruned trial."""


class _Watcher(Observer):
    """The observer of a trial: forwards events, reports scores to Optuna, and prunes the trial."""

    def __init__(self, trial: optuna.Trial, observer: Observer) -> None:
        self.trial = trial
        self.observer = observer
        self.score = -1.0

    def receive(self, event: str, *arguments: Any) -> None:
        """Forward an event to the search's observer."""
        getattr(self.observer, event)(*arguments)

    def epoch_ended(self, row: dict[str, float], is_best: bool) -> None:
        """Forward the event, report the score, and end the training if Optuna prunes the trial."""
        super().epoch_ended(row, is_best)
        self.score = max(self.score, row["dev_score"])
        self.trial.report(row["dev_score"], int(row["epoch"]))
        if self.trial.should_prune():
            raise _PrunedError


def _run_trial(
    study: optuna.Study,
    settings: Config,
    space: Space,
    run: Path,
    number: int,
    count: int,
    observer: Observer,
) -> None:
    """Run one trial and record its outcome in the study."""
    optuna = _optuna()
    # Seeding every trial makes a resumed search propose the same settings as an uninterrupted one.
    seed = int(np.random.SeedSequence((settings.training.seed, number)).generate_state(1)[0])
    study.sampler = optuna.samplers.TPESampler(seed=seed)
    trial = study.ask({key: _distribution(dimension) for key, dimension in space.items()})
    observer.run_started(number, count, search_report.shown(trial.params))
    before, watcher, folder = _best(_rows(study)), _Watcher(trial, observer), _folder(run, number)
    shutil.rmtree(folder, ignore_errors=True)  # remains of this trial if it was interrupted
    is_best = False
    try:
        chosen = config.assign(settings, _chosen(space, trial.params), f"trial {number}")
        apart.train(chosen, folder, observer=watcher)
    except _PrunedError:
        study.tell(trial, state=optuna.trial.TrialState.PRUNED)
        outcome = f"pruned at {watcher.score:.2f}"
    except TaggerError as error:
        trial.set_user_attr("error", str(error))
        study.tell(trial, state=optuna.trial.TrialState.FAIL)
        outcome = f"failed: {error}"
    else:
        study.tell(trial, watcher.score)
        outcome = f"dev score {watcher.score:.2f}"
        is_best = before is None or watcher.score > (before.score or 0.0)
    observer.run_ended(number, count, outcome, is_best)


def _chosen(space: Space, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that a trial's parameters stand for, by dotted key."""
    return {
        key: dimension.named()[parameters[key]]
        if isinstance(dimension, Choice)
        else parameters[key]
        for key, dimension in space.items()
    }


def _distribution(dimension: Choice | Range) -> optuna.distributions.BaseDistribution:
    """Return Optuna's distribution for the values of a setting."""
    from optuna import distributions

    if isinstance(dimension, Choice):
        return distributions.CategoricalDistribution(tuple(dimension.named()))
    if isinstance(dimension.low, int):
        return distributions.IntDistribution(
            dimension.low, int(dimension.high), dimension.log, int(dimension.step or 1)
        )
    return distributions.FloatDistribution(
        dimension.low, dimension.high, dimension.log, dimension.step
    )


def _prune_files(study: optuna.Study, run: Path) -> None:
    """Write the tables, and remove checkpoints and all models but the best to save disk space."""
    rows = _rows(study)
    best = _best(rows)
    for row in rows:
        folder = _folder(run, row.number)
        shutil.rmtree(folder / "checkpoint", ignore_errors=True)
        if row is not best and (folder / MANIFEST).exists():
            remove(folder, keep=["config.toml"])
    search_report.write(run, rows, list(rows[0].parameters) if rows else [])
